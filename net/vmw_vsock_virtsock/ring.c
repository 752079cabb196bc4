// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring and the receive buffer, as their one owner uses them: packets into
 * the ring, the hypercall, what came back to its sockets, and what the host
 * has consumed freed. Nothing here takes a lock; flush.c says who owns them.
 */
#include <linux/mm.h>
#include <linux/vmalloc.h>
#include <trace/events/virtsock.h>
#include "guest.h"
#include "hypercall.h"

/*
 * Large payload stays where the host has written it, if the packet may have it
 * there. NULL: the caller copies it.
 */
static struct sk_buff *virtsock_ring_large(struct virtsock_link *l, gfp_t gfp,
					   const struct virtsock_rec_info *info)
{
	if (!l->rx_page || l->rx_done || info->len < VIRTSOCK_POOL_MIN ||
	    l->rx_len < VIRTSOCK_RX_REFER_MIN ||
	    !virtsock_reader_seen(l->rxq.t, info))
		return NULL;
	return virtsock_unpack_page(info, l->rx_page, l->rx_off + info->payload,
				    gfp | __GFP_NOWARN);
}

/*
 * Where the next batch goes. One that packets may have takes memory, so it is
 * for who receives large payload. The last one is free for the host to write
 * to: all of it was delivered or copied.
 */
static void virtsock_ring_room(struct virtsock_link *l)
{
	l->rx_page = l->rx_large ?
		virtsock_arena_page(&l->arena, GFP_NOWAIT | __GFP_ZERO) : NULL;
	l->rx_buf = l->rx_page ? page_address(l->rx_page) : l->rx_own;
}

/*
 * Whoever speaks for the host says so, or a program would believe that its
 * peer is on this machine. A reset also comes in the name of whom the host does
 * not reach.
 */
static bool virtsock_ring_honest(const struct virtsock_link *l,
				 const struct virtsock_rec_info *info)
{
	return info->dst_cid == l->cid &&
	       (info->src_cid == VMADDR_CID_HOST ||
		info->op == VIRTIO_VSOCK_OP_RST);
}

/**
 * virtsock_ring_receive() - deliver what is in the receive buffer
 * @l: the link
 * @f: who flushes
 *
 * Context: owner of the flush.
 * Return: 0; -ENOMEM: what is left stays for the next call; -EPROTO.
 */
int virtsock_ring_receive(struct virtsock_link *l,
			  const struct virtsock_flusher *f)
{
	u32 bytes = 0, messages = 0, records = 0, packets = 0, fast = 0;
	bool large = false;
	int err = 0;

	while (l->rx_off < l->rx_len) {
		void *rec = l->rx_buf + l->rx_off;
		struct virtsock_rec_info info;

		err = virtsock_rec_parse(rec, l->rx_len - l->rx_off, false, &info);
		if (err < 0)
			break;
		if (!virtsock_ring_honest(l, &info)) {
			err = -EPROTO;
			break;
		}
		do {
			struct sk_buff *skb = virtsock_ring_large(l, f->gfp, &info);

			if (!skb) {
				skb = virtsock_unpack(&info, l->rx_done,
						      f->gfp | __GFP_NOWARN);
				if (!skb) {
					err = -ENOMEM;
					goto out;
				}
				skb_store_bits(skb, 0, rec + info.payload +
					       l->rx_done, skb->len);
			}
			/* Not before: without memory it is looked at once more. */
			if (!l->rx_done)
				virtsock_tap(rec, NULL, info.len);
			l->rx_done += skb->len;
			fast += virtsock_rxq_add(&l->rxq, skb, f->locked);
			packets++;
		} while (l->rx_done < info.len);
		err = 0;
		large |= info.len >= VIRTSOCK_POOL_MIN;
		l->rx_done = 0;
		l->rx_off += info.size;
		bytes += info.len;
		messages += info.nr_msgs;
		records++;
	}
out:
	/* Credit and the like say nothing of what comes next. */
	if (bytes)
		l->rx_large = large;
	virtsock_stat_add(&l->stats, VIRTSOCK_STATS_A_RX_BYTES, bytes);
	virtsock_stat_add(&l->stats, VIRTSOCK_STATS_A_RX_MESSAGES, messages);
	virtsock_stat_add(&l->stats, VIRTSOCK_STATS_A_RX_RECORDS, records);
	virtsock_stat_add(&l->stats, VIRTSOCK_STATS_A_FAST, fast);
	virtsock_stat_add(&l->stats, VIRTSOCK_STATS_A_DEFERRED, packets - fast);
	return err;
}

/**
 * virtsock_ring_fill() - pack the batch into the ring
 * @l: the link
 * @p: out: what was packed
 *
 * Context: owner of the flush.
 * Return: true if everything fitted.
 */
bool virtsock_ring_fill(struct virtsock_link *l, struct virtsock_packer *p)
{
	u32 mask = VIRTSOCK_RING_SIZE - 1;
	struct sk_buff *skb;

	*p = (struct virtsock_packer){
		.buf = l->ring + (l->head & mask),
		.size = VIRTSOCK_RING_SIZE - (l->head - l->tail),
		.cid = l->cid,
		.seg_min = VIRTSOCK_SEG_MIN,
	};
	while ((skb = skb_peek(&l->batch))) {
		if (!virtsock_pack(p, skb))
			break;
		__skb_unlink(skb, &l->batch);
		virtsock_skb_cb(skb)->pos = l->head + p->used;
		__skb_queue_tail(&l->inflight, skb);
	}
	virtsock_pack_seal(p);
	l->head += p->used;
	virtsock_stat_add(&l->stats, VIRTSOCK_STATS_A_TX_BYTES, p->bytes);
	virtsock_stat_add(&l->stats, VIRTSOCK_STATS_A_TX_MESSAGES, p->messages);
	virtsock_stat_add(&l->stats, VIRTSOCK_STATS_A_TX_RECORDS, p->records);
	return skb_queue_empty(&l->batch);
}

/**
 * virtsock_ring_reap() - free what the host has consumed
 * @l: the link
 *
 * Context: owner of the flush.
 */
void virtsock_ring_reap(struct virtsock_link *l)
{
	struct sk_buff *skb;

	while ((skb = skb_peek(&l->inflight)) &&
	       (s32)(l->tail - virtsock_skb_cb(skb)->pos) >= 0) {
		__skb_unlink(skb, &l->inflight);
		virtsock_sock_sent(skb);
	}
}

/**
 * virtsock_call() - a hypercall
 * @l: the link
 * @op: enum virtsock_hc_op
 * @hc: arguments, results
 *
 * Context: any.
 * Return: as virtsock_hypercall().
 */
long virtsock_call(struct virtsock_link *l, enum virtsock_hc_op op,
		   struct virtsock_hc *hc)
{
	u64 start = trace_virtsock_link_hypercall_enabled() ? ktime_get_ns() : 0;
	long ret = virtsock_hypercall(op, hc);

	virtsock_stat_inc(&l->stats, VIRTSOCK_STATS_A_HYPERCALLS);
	trace_virtsock_link_hypercall(l->cid, op, ret, hc->rdx, start);
	return ret;
}

/**
 * virtsock_ring_call() - one hypercall, with what it brings back
 * @l: the link
 * @waits: the caller is about to wait for an answer
 *
 * Context: owner of the flush.
 * Return: VIRTSOCK_FR_*, or a negative error of the host.
 */
long virtsock_ring_call(struct virtsock_link *l, bool waits)
{
	u32 flags = VIRTSOCK_FF_ARM | (waits ? VIRTSOCK_FF_WAIT : 0);
	bool poll = l->head == l->tail;
	struct virtsock_hc hc;
	long err;

	virtsock_ring_room(l);
	hc = (struct virtsock_hc) {
		.rbx = l->epoch,
		.rcx = virtsock_flush_arg(l->head, flags),
		.rdx = virt_to_phys(l->rx_buf),
		.rsi = l->rx_page ? VIRTSOCK_ARENA_BYTES : l->rx_size,
	};
	err = virtsock_call(l, VIRTSOCK_HC_FLUSH, &hc);
	WRITE_ONCE(l->last_call, jiffies);
	virtsock_stat_inc(&l->stats, poll ? VIRTSOCK_STATS_A_POLLS :
					    VIRTSOCK_STATS_A_FLUSHES);
	if (err)
		return err;
	/* 32 bits each: more of the results would pass for an error. */
	if (upper_32_bits(hc.rbx) || upper_32_bits(hc.rdx))
		return -VIRTSOCK_EPROTO;
	/* From the old tail to the head: never back. */
	if (virtsock_ring_span(l->tail, hc.rbx, l->head - l->tail) < 0 ||
	    hc.rcx > (l->rx_page ? VIRTSOCK_ARENA_BYTES : l->rx_size))
		return -VIRTSOCK_EPROTO;
	l->tail = hc.rbx;
	l->rx_off = 0;
	l->rx_done = 0;
	l->rx_len = hc.rcx;
	return hc.rdx;
}

/*
 * A large buffer saves hypercalls, but a system that has run for long may have
 * no memory in a row: then a smaller one does.
 */
static bool virtsock_rx_alloc(struct virtsock_link *l)
{
	int order = VIRTSOCK_RX_ORDER;

	BUILD_BUG_ON((PAGE_SIZE << VIRTSOCK_RX_ORDER_MIN) < VIRTSOCK_RX_BUF_MIN);
	BUILD_BUG_ON((PAGE_SIZE << VIRTSOCK_RX_ORDER) > VIRTSOCK_RX_BUF_MAX);

	do {
		gfp_t gfp = GFP_KERNEL | __GFP_ZERO;

		gfp |= order > VIRTSOCK_RX_ORDER_MIN ?
		       __GFP_NORETRY | __GFP_NOWARN : __GFP_RETRY_MAYFAIL;
		l->rx_own = (void *)__get_free_pages(gfp, order);
		l->rx_size = PAGE_SIZE << order;
	} while (!l->rx_own && --order >= VIRTSOCK_RX_ORDER_MIN);
	return l->rx_own;
}

/**
 * virtsock_ring_alloc() - allocate the ring and the receive buffer
 * @l: the link
 *
 * Context: process, module init.
 * Return: 0 or -ENOMEM.
 */
int virtsock_ring_alloc(struct virtsock_link *l)
{
	struct page **twice;
	int i;

	for (i = 0; i < VIRTSOCK_RING_PAGES; i++) {
		l->pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!l->pages[i])
			goto err;
	}
	twice = kmalloc_array(2 * VIRTSOCK_RING_PAGES, sizeof(*twice), GFP_KERNEL);
	if (!twice)
		goto err;
	memcpy(twice, l->pages, sizeof(l->pages));
	memcpy(twice + VIRTSOCK_RING_PAGES, l->pages, sizeof(l->pages));
	l->ring = vmap(twice, 2 * VIRTSOCK_RING_PAGES, VM_MAP, PAGE_KERNEL);
	kfree(twice);
	if (!l->ring || !virtsock_rx_alloc(l))
		goto err;
	return 0;
err:
	virtsock_ring_free(l);
	return -ENOMEM;
}

/**
 * virtsock_ring_free() - free what virtsock_ring_alloc() allocated, or a part
 * @l: the link, unregistered
 *
 * Context: process.
 */
void virtsock_ring_free(struct virtsock_link *l)
{
	int i;

	if (l->ring)
		vunmap(l->ring);
	for (i = 0; i < VIRTSOCK_RING_PAGES; i++)
		if (l->pages[i])
			__free_page(l->pages[i]);
	free_pages((unsigned long)l->rx_own, get_order(l->rx_size));
	virtsock_arena_free(&l->arena);
}
