// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory for payload that comes back when its packet is freed: a packet of
 * 64 KiB is gone within a batch, and to allocate, zero (init_on_alloc) and free
 * its pages costs as much as to copy what is in them. The kernel's page pools
 * do that for network cards; here is one for each CPU, so that nobody contends.
 *
 * A pool holds what was in use at one time, up to a bound, until the module
 * goes. What lies in such a page is of any connection, and overwritten before
 * a packet shows it: a packet's length is that of what was copied.
 */
#include <linux/export.h>
#include <linux/percpu.h>
#include <net/page_pool/helpers.h>
#include <virtsock/core.h>

/* Pages of VIRTSOCK_POOL_BYTES: with as many in the pool's cache, 2 MiB */
#define VIRTSOCK_POOL_PAGES	64

static DEFINE_PER_CPU(struct page_pool *, virtsock_page_pool);

/* The pools need BH off to mean one user at a time. */
#define VIRTSOCK_POOLS (IS_ENABLED(CONFIG_PAGE_POOL) && !IS_ENABLED(CONFIG_PREEMPT_RT))

/**
 * virtsock_pool_init() - make the pools
 *
 * Where there is no memory for one, or the kernel has none, packets do without.
 *
 * Context: process, module init.
 */
void virtsock_pool_init(void)
{
	struct page_pool_params params = {
		.order = VIRTSOCK_POOL_ORDER,
		.pool_size = VIRTSOCK_POOL_PAGES,
		/* That of the CPU, or the nearest that has memory */
		.nid = NUMA_NO_NODE,
	};
	struct page_pool *pool;
	int cpu;

	if (!VIRTSOCK_POOLS)
		return;
	for_each_possible_cpu(cpu) {
		pool = page_pool_create(&params);
		per_cpu(virtsock_page_pool, cpu) = IS_ERR(pool) ? NULL : pool;
	}
}

/**
 * virtsock_pool_exit() - the module goes
 *
 * A page in a packet that lives on, in another protocol's queue perhaps, keeps
 * its pool until it is freed; none of our text is needed for that.
 *
 * Context: process; nobody allocates any more.
 */
void virtsock_pool_exit(void)
{
	int cpu;

	if (!VIRTSOCK_POOLS)
		return;
	for_each_possible_cpu(cpu)
		page_pool_destroy(per_cpu(virtsock_page_pool, cpu));
}

/* VIRTSOCK_POOL_BYTES in a row, or NULL. Any context but hard irq. */
static struct page *virtsock_pool_page(void)
{
	struct page *page = NULL;
	struct page_pool *pool;

	if (!VIRTSOCK_POOLS)
		return NULL;
	/* One user at a time is the pool's rule. */
	local_bh_disable();
	pool = this_cpu_read(virtsock_page_pool);
	if (pool)
		page = page_pool_alloc_pages(pool, __GFP_NOWARN);
	local_bh_enable();
	return page;
}

/**
 * virtsock_pool_alloc() - a packet with payload in pages of a pool
 * @len: bytes of payload, 1 to VIRTSOCK_REC_LEN_MAX
 * @gfp: how to allocate the packet itself
 *
 * Context: as @gfp says.
 * Return: the packet, header and payload not filled in, or NULL: another kind
 * of packet will do.
 */
struct sk_buff *virtsock_pool_alloc(u32 len, gfp_t gfp)
{
	struct sk_buff *skb;
	u32 done, n;

	if (!VIRTSOCK_POOLS)
		return NULL;
	skb = virtsock_compat_alloc_skb(0, gfp | __GFP_NOWARN);
	if (!skb)
		return NULL;
	skb_mark_for_recycle(skb);
	for (done = 0; done < len; done += n) {
		struct page *page = virtsock_pool_page();

		if (!page) {
			consume_skb(skb);
			return NULL;
		}
		n = min_t(u32, len - done, VIRTSOCK_POOL_BYTES);
		skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, page, 0, n,
				VIRTSOCK_POOL_BYTES);
	}
	return skb;
}
EXPORT_SYMBOL_GPL(virtsock_pool_alloc);

/**
 * virtsock_pool_append() - more payload for a packet that waits to be sent
 * @skb: the packet, of virtsock_pool_alloc(), with an owner
 * @from: where it comes from
 * @len: bytes, at most VIRTSOCK_POOL_BYTES
 *
 * They are put in one piece: where the last page has no room for them, there
 * is another.
 *
 * Context: softirqs and page faults off; the caller owns @skb.
 * Return: true if all of it was taken; false if nothing was.
 */
bool virtsock_pool_append(struct sk_buff *skb, struct iov_iter *from, u32 len)
{
	struct skb_shared_info *info = skb_shinfo(skb);
	skb_frag_t *frag = &info->frags[info->nr_frags - 1];
	u32 off = skb_frag_size(frag);
	bool another = len > VIRTSOCK_POOL_BYTES - off;
	struct page *page;
	size_t copied;

	page = another ? NULL : skb_frag_page(frag);
	if (another && info->nr_frags < MAX_SKB_FRAGS)
		page = virtsock_pool_page();
	if (!page)
		return false;

	copied = copy_from_iter(page_address(page) + (another ? 0 : off), len, from);
	if (copied < len) {
		iov_iter_revert(from, copied);
		if (another)
			page_pool_put_full_page(this_cpu_read(virtsock_page_pool),
						page, false);
		return false;
	}
	if (another) {
		skb_add_rx_frag(skb, info->nr_frags, page, 0, len, VIRTSOCK_POOL_BYTES);
		refcount_add(VIRTSOCK_POOL_BYTES, &skb->sk->sk_wmem_alloc);
		return true;
	}
	skb_frag_size_add(frag, len);
	skb->len += len;
	skb->data_len += len;
	return true;
}
