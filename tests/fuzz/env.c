// SPDX-License-Identifier: GPL-2.0-only
/* The guest's memory, packets, and what the host's other files are for pull.c */
#include "fuzz.h"

struct fuzz_env fuzz_env;
unsigned long fuzz_jiffies;
struct fuzz_log fuzz_log;
struct virtsock_vm fuzz_vm;
u32 fuzz_skb_max;

static u8 mem[FUZZ_MEM_PAGES][4096];
static bool dirty[FUZZ_MEM_PAGES];

/*
 * Two slots that lie in a row, a hole, one that the largest payload just fits
 * into, and the last page that there can be: a sum that wraps reads nothing.
 */
static const struct {
	u64 gfn;
	u32 pages;
	u32 first;
} slots[] = {
	{ 0x100, 64, 0 },
	{ 0x140, 16, 64 },
	{ 0x200, 16, 80 },
	{ ~0ULL >> 12, 1, 96 },
};

u64 fuzz_mem_gpa(u32 page)
{
	u32 i = 0;

	page %= FUZZ_MEM_PAGES;
	while (page >= slots[i].first + slots[i].pages)
		i++;
	return (slots[i].gfn + page - slots[i].first) << 12;
}

/* A byte of guest memory, with the rest of its page; NULL: there is none. */
u8 *fuzz_mem(u64 gpa)
{
	u64 gfn = gpa >> 12;
	size_t i;

	for (i = 0; i < sizeof(slots) / sizeof(*slots); i++) {
		u64 page = gfn - slots[i].gfn;

		if (gfn < slots[i].gfn || page >= slots[i].pages)
			continue;
		page += slots[i].first;
		dirty[page] = true;
		return &mem[page][gpa & 4095];
	}
	return NULL;
}

void fuzz_env_reset(void)
{
	static bool begun;
	u32 page, i;

	for (page = 0; page < FUZZ_MEM_PAGES; page++) {
		if (begun && !dirty[page])
			continue;
		for (i = 0; i < 4096; i++)
			mem[page][i] = page * 31 + i * 7 + (i >> 8);
		dirty[page] = false;
	}
	begun = true;
	fuzz_env = (struct fuzz_env){
		.fail_alloc = ~0U, .fail_len = ~0U, .fail_read = ~0U,
	};
}

void fuzz_log_begin(u32 head)
{
	u32 span = head - fuzz_vm.tail, i;

	fuzz_log.tail = fuzz_vm.tail;
	fuzz_log.head = head;
	fuzz_log.span = span > fuzz_vm.nr_pages * 4096 || head % 8 ? 0 : span;
	fuzz_log.ring_read = 0;
	fuzz_log.at_once = 0;
	fuzz_log.ring_failed = false;
	fuzz_log.read_failed = false;
	fuzz_log.nr_reads = 0;
	fuzz_log.nr_served = 0;
	fuzz_log.nr_taps = 0;
	fuzz_log.nr_drops = 0;
	fuzz_log.nr_resets = 0;
	fuzz_log.nr_kicks = 0;
	fuzz_log.failed_allocs = 0;
	fuzz_log.fast = 0;
	fuzz_jiffies = 0;
	fuzz_log.tx_answers = fuzz_vm.tx_answers;
	fuzz_log.rxq_bytes = fuzz_vm.rxq.bytes.v;
	for (i = 0; i < 2; i++) {
		fuzz_log.left[i] = fuzz_env.limited ? fuzz_env.left[i] : ~0U;
		fuzz_log.nr_over[i] = 0;
	}
	fuzz_log.took = 0;
	fuzz_log.nr_asked = 0;
	FUZZ_CHECK(!fuzz_log.held && !fuzz_log.held_packets);
	FUZZ_CHECK(!fuzz_log.delivered.qlen);
}

/* The batch is read from its beginning to its end, nothing of it twice. */
static void saw_ring(u64 gpa, u32 to, u32 len)
{
	u32 pos = fuzz_log.tail + to, n;

	FUZZ_CHECK(to == fuzz_log.ring_read);
	FUZZ_CHECK(len <= fuzz_log.span - to);
	for (; len; len -= n, gpa += n, pos += n) {
		FUZZ_CHECK(fuzz_vm.ring[pos / 4096 % fuzz_vm.nr_pages] + pos % 4096 == gpa);
		n = min(len, 4096 - pos % 4096);
	}
}

/*
 * KVM goes page by page, and what it has read when it finds none is there. Where
 * the guest means harm, another of its CPUs writes as soon as that was done.
 */
int kvm_vcpu_read_guest(struct kvm_vcpu *vcpu, u64 gpa, void *data,
			unsigned long len)
{
	u8 *to = data, *buf = fuzz_vm.pull_buf;
	bool ring = to >= buf && to < buf + fuzz_log.span;
	struct fuzz_read *read = NULL;
	u32 n, i;

	FUZZ_CHECK(len);
	fuzz_log.at_once += len;
	FUZZ_CHECK(fuzz_log.at_once <= FUZZ_AT_ONCE);
	if (ring) {
		saw_ring(gpa, to - buf, len);
	} else {
		FUZZ_CHECK(fuzz_log.ring_read == fuzz_log.span);
		if (!fuzz_env.fail_read--) {
			fuzz_log.read_failed = true;
			return -EFAULT;
		}
		FUZZ_CHECK(fuzz_log.nr_reads < FUZZ_READS_MAX);
		FUZZ_CHECK(len <= FUZZ_SERVED_MAX - fuzz_log.nr_served);
		read = &fuzz_log.reads[fuzz_log.nr_reads++];
		*read = (struct fuzz_read){
			.gpa = gpa, .len = len, .at = fuzz_log.nr_served,
		};
	}
	for (; len; len -= n, gpa += n, to += n) {
		u8 *from = fuzz_mem(gpa);

		n = min_t(u32, len, 4096 - gpa % 4096);
		if (!from) {
			fuzz_log.ring_failed = fuzz_log.ring_failed || ring;
			fuzz_log.read_failed = fuzz_log.read_failed || !ring;
			return -EFAULT;
		}
		memcpy(to, from, n);
		if (ring) {
			memcpy(fuzz_log.snap + fuzz_log.ring_read, from, n);
			fuzz_log.ring_read += n;
		} else {
			memcpy(fuzz_log.served + fuzz_log.nr_served, from, n);
			fuzz_log.nr_served += n;
		}
		for (i = 0; fuzz_env.change && i < n; i++)
			from[i] = from[i] * 5 + 17;
	}
	return 0;
}

/* Packets */

static u8 *arena_left;

struct sk_buff *virtio_vsock_alloc_skb(u32 size, gfp_t gfp)
{
	u32 len = size - VIRTIO_VSOCK_SKB_HEADROOM, head, n;
	struct sk_buff *skb;

	/* What is not to be gathered is not asked for. */
	FUZZ_CHECK(fuzz_log.ring_read == fuzz_log.span);
	FUZZ_CHECK(fuzz_env.drain_at_mb || fuzz_vm.rxq.bytes.v < (int)fuzz_vm.backlog);
	FUZZ_CHECK(len <= fuzz_skb_max);
	if (!fuzz_env.fail_alloc-- || len >= fuzz_env.fail_len) {
		fuzz_log.failed_allocs++;
		return NULL;
	}
	skb = calloc(1, sizeof(*skb));
	head = min(len, fuzz_env.head_len);
	skb->head = malloc(VIRTIO_VSOCK_SKB_HEADROOM + head);
	memset(skb->head, 0xa5, VIRTIO_VSOCK_SKB_HEADROOM + head);
	skb->data = skb->head + VIRTIO_VSOCK_SKB_HEADROOM;
	skb->data_len = len - head;
	for (len -= head; len; len -= n) {
		FUZZ_CHECK(skb->shared.nr_frags < MAX_SKB_FRAGS);
		n = min(len, fuzz_env.frag_len);
		skb->shared.frags[skb->shared.nr_frags++] = (skb_frag_t){
			.at = malloc(n), .size = n,
		};
	}
	fuzz_log.held += size - VIRTIO_VSOCK_SKB_HEADROOM;
	fuzz_log.held_packets++;
	FUZZ_CHECK(fuzz_log.held < max(fuzz_vm.backlog / 2, 1U) + VIRTSOCK_REC_LEN_MAX);
	FUZZ_CHECK(fuzz_log.held_packets < fuzz_pull_packets +
		   VIRTSOCK_REC_LEN_MAX / FUZZ_SKB_MIN + 1);
	return skb;
}

bool virtsock_reader_seen(struct virtio_transport *t,
			  const struct virtsock_rec_info *info)
{
	FUZZ_CHECK(t == fuzz_vm.rxq.t && info->len >= VIRTSOCK_POOL_MIN);
	return !(info->dst_port & 1);
}

/* One record's room at a time; what was not taken is given to the next. */
struct page *virtsock_arena_room(struct virtsock_arena *a, u32 len, gfp_t gfp, u32 *off)
{
	static struct page page;

	FUZZ_CHECK(a == &fuzz_vm.arena && len && len <= VIRTSOCK_REC_LEN_MAX);
	if (!fuzz_env.arena)
		return NULL;
	free(arena_left);
	arena_left = malloc(len);
	memset(arena_left, 0xa5, len);
	page = (struct page){ .at = arena_left, .len = len };
	*off = 0;
	return &page;
}

void skb_add_rx_frag(struct sk_buff *skb, int i, struct page *page, int off,
		     int size, unsigned int truesize)
{
	FUZZ_CHECK(!i && !off && !skb->len && (u32)size == page->len);
	FUZZ_CHECK(truesize >= (unsigned int)size && page->at == arena_left);
	arena_left = NULL;
	skb->shared.frags[skb->shared.nr_frags++] = (skb_frag_t){
		.at = page->at, .size = size,
	};
	skb->len = size;
	skb->data_len = size;
	fuzz_log.held += size;
}

void virtio_vsock_skb_put(struct sk_buff *skb, u32 len)
{
	FUZZ_CHECK(!skb->len);
	skb->len = len;
}

static u32 skb_room(const struct sk_buff *skb)
{
	u32 room = skb->len, i;

	for (i = 0; !room && i < skb->shared.nr_frags; i++)
		room += skb->shared.frags[i].size;
	return room;
}

void consume_skb(struct sk_buff *skb)
{
	u32 i;

	fuzz_log.held -= skb_room(skb);
	fuzz_log.held_packets--;
	for (i = 0; i < skb->shared.nr_frags; i++)
		free(skb->shared.frags[i].at);
	free(skb->head);
	free(skb);
}

void kfree_skb_list(struct sk_buff *skb)
{
	struct sk_buff *next;

	for (; skb; skb = next) {
		next = skb->next;
		consume_skb(skb);
	}
}

/* Either way between a buffer and a packet's payload, from its beginning */
static void skb_copy(const struct sk_buff *skb, u8 *buf, u32 len, bool store)
{
	u32 n = min(len, skb_headlen(skb)), i;

	FUZZ_CHECK(len <= skb->len);
	memcpy(store ? skb->data : buf, store ? buf : skb->data, n);
	for (i = 0, buf += n, len -= n; len; i++, buf += n, len -= n) {
		u8 *at = skb->shared.frags[i].at;

		n = min(len, skb->shared.frags[i].size);
		memcpy(store ? at : buf, store ? buf : at, n);
	}
}

int skb_store_bits(struct sk_buff *skb, int off, const void *from, int len)
{
	FUZZ_CHECK(!off);
	skb_copy(skb, (u8 *)from, len, true);
	return 0;
}

int skb_copy_bits(const struct sk_buff *skb, int off, void *to, int len)
{
	FUZZ_CHECK(!off);
	skb_copy(skb, to, len, false);
	return 0;
}

/* The host's other files */

void fuzz_smp_mb(void)
{
	FUZZ_CHECK(fuzz_vm.stopped);
	if (fuzz_env.drain_at_mb)
		fuzz_vm.rxq.bytes.v = min_t(int, fuzz_vm.rxq.bytes.v, fuzz_vm.rxq.low);
}

void fuzz_cond_resched(void)
{
	fuzz_log.at_once = 0;
}

bool fuzz_signal_pending(void)
{
	return fuzz_env.signal;
}

static void take(struct virtsock_rxq *q, struct sk_buff *skb, u32 waits)
{
	FUZZ_CHECK(q == &fuzz_vm.rxq && !skb->next);
	fuzz_log.held -= skb->len;
	fuzz_log.held_packets--;
	__skb_queue_tail(&fuzz_log.delivered, skb);
	q->bytes.v += waits;
}

bool virtsock_rxq_add(struct virtsock_rxq *q, struct sk_buff *skb, struct sock *locked)
{
	u32 waits = (u64)skb->len * fuzz_env.charge / 100;

	FUZZ_CHECK(fuzz_jiffies < VIRTSOCK_CALL_TIME);
	fuzz_jiffies += fuzz_env.slow;
	take(q, skb, waits);
	fuzz_log.fast += !waits;
	return !waits;
}

void virtsock_rxq_add_later(struct virtsock_rxq *q, struct sk_buff *skb)
{
	FUZZ_CHECK(fuzz_jiffies >= VIRTSOCK_CALL_TIME);
	take(q, skb, skb->len);
}

void virtsock_tap(const struct virtsock_rec *rec, struct sk_buff *skb, u32 len)
{
	static u8 shown[VIRTSOCK_REC_LEN_MAX];
	u32 off = (u8 *)rec - (u8 *)fuzz_vm.pull_buf, sum = 0;

	FUZZ_CHECK(off < fuzz_log.span && fuzz_log.nr_taps < FUZZ_RECS_MAX);
	fuzz_log.taps[fuzz_log.nr_taps++] = off;
	if (!skb) {
		memcpy(shown, rec + 1, len);
		return;
	}
	for (; skb; skb = skb->next) {
		skb_copy_bits(skb, 0, shown + sum, skb->len);
		sum += skb->len;
	}
	FUZZ_CHECK(sum == len);
}

void virtsock_drop_rec(const struct virtsock_rec_info *rec, enum virtsock_drop_reason why)
{
	FUZZ_CHECK(why == VIRTSOCK_DROP_NO_ROUTE);
	FUZZ_CHECK(fuzz_log.nr_drops < FUZZ_RECS_MAX);
	FUZZ_CHECK(fuzz_vm.tx_answers <= fuzz_pull_answers);
	fuzz_log.drops[fuzz_log.nr_drops++] = *rec;
}

void virtsock_push_reset(struct virtsock_vm *vm, const struct virtsock_rec_info *rec)
{
	fuzz_log.nr_resets++;
	FUZZ_CHECK(fuzz_log.nr_resets == fuzz_log.nr_drops);
	vm->tx_answers++;
}

/* What an administrator allows, where there is a policy: nobody asks elsewhere. */

bool fuzz_port_allowed(u32 port)
{
	return !fuzz_vm.policy || fuzz_env.allowed >> (port & 1) & 1;
}

bool __virtsock_policy_allows(struct virtsock_vm *vm, enum virtsock_connects who,
			      u32 port)
{
	FUZZ_CHECK(vm == &fuzz_vm && vm->policy && who == VIRTSOCK_GUEST_CONNECTS);
	fuzz_log.nr_asked++;
	return fuzz_port_allowed(port);
}

u32 __virtsock_policy_left(struct virtsock_vm *vm, enum virtsock_meter meter)
{
	FUZZ_CHECK(vm == &fuzz_vm && vm->policy && meter != VIRTSOCK_METER_CALLS);
	/* Whoever has to wait costs no more than that. */
	FUZZ_CHECK(fuzz_log.span && !fuzz_log.ring_read);
	return fuzz_env.limited ? fuzz_env.left[meter] : ~0U;
}

void __virtsock_policy_took(struct virtsock_vm *vm, enum virtsock_meter meter,
			    u32 units)
{
	FUZZ_CHECK(vm == &fuzz_vm && vm->policy && meter == VIRTSOCK_METER_RX);
	fuzz_log.took += units;
	fuzz_env.left[meter] -= min(units, fuzz_env.left[meter]);
}

void virtsock_policy_over(struct virtsock_vm *vm, enum virtsock_meter meter)
{
	FUZZ_CHECK(vm == &fuzz_vm && vm->policy && meter != VIRTSOCK_METER_CALLS);
	fuzz_log.nr_over[meter]++;
	vm->stopped |= meter != VIRTSOCK_METER_TX;
	vm->paused |= meter != VIRTSOCK_METER_RX;
}

bool virtsock_push_stuck(struct virtsock_vm *vm)
{
	FUZZ_CHECK(vm == &fuzz_vm && fuzz_log.span && !fuzz_log.ring_read);
	vm->paused |= fuzz_env.stuck;
	return fuzz_env.stuck;
}

void virtsock_kick_later(struct virtsock_vm *vm)
{
	fuzz_log.nr_kicks++;
}

/* What the sending half of pack.c refers to */

s64 virtsock_stream_has_space(struct vsock_sock *vsk)
{
	abort();
}

void virtsock_sock_stamp(struct sk_buff *skb)
{
	abort();
}

struct sk_buff *virtsock_pool_alloc(u32 len, gfp_t gfp)
{
	abort();
}
