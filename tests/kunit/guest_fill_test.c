// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's packets into its ring, and out of it once the host has consumed
 * them. The host's view is that of the pages, which are in the ring once.
 */
#include <linux/prandom.h>
#include "guest_fixture.h"

#define SIZE	VIRTSOCK_RING_SIZE

/* Sockets of the random run: streams, and one of messages */
#define SOCKS	4

/* Where a ring may begin: its end is somewhere in the first records, or 2^32 is */
static const u32 starts[] = {
	0, 8, SIZE - 8, SIZE - 48, SIZE - 56, SIZE - 2000, 0x80000000 - 8,
	0U - 8, 0U - 48, 0U - 2000,
};

/**
 * struct view - a part of the ring as the host has it
 * @buf: a copy, in memory of just that size
 * @len: bytes of it
 * @off: those that were looked at
 */
struct view {
	u8 *buf;
	u32 len;
	u32 off;
};

static struct view view_new(struct kunit *test, u32 from, u32 to)
{
	struct guest *g = test->priv;
	struct view v = { .len = to - from };
	u32 i;

	KUNIT_ASSERT_LE(test, v.len, SIZE);
	v.buf = kunit_kmalloc(test, v.len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, v.buf);
	for (i = 0; i < v.len; i++) {
		u32 at = (from + i) % SIZE;
		u8 *page = page_address(g->l.pages[at / PAGE_SIZE]);

		v.buf[i] = page[at % PAGE_SIZE];
	}
	return v;
}

/* The next record, which must be one that a host takes */
static struct virtsock_rec_info view_next(struct kunit *test, struct view *v)
{
	struct virtsock_rec_info info = {};
	int ret;

	ret = virtsock_rec_parse(v->buf + v->off, v->len - v->off, true, &info);
	KUNIT_ASSERT_GT(test, ret, 0);
	if (info.payload)
		info.payload += v->off;
	v->off += ret;
	return info;
}

static u8 view_byte(struct view *v, const struct virtsock_rec_info *info, u32 i)
{
	const struct virtsock_seg *seg = info->segs;

	if (!seg)
		return v->buf[info->payload + i];
	while (i >= le32_to_cpu(seg->len))
		i -= le32_to_cpu(seg++->len);
	return ((u8 *)phys_to_virt(le64_to_cpu(seg->addr)))[i];
}

/* @len bytes of a record from @from on are the stream's from @pos on. */
static void view_expect(struct kunit *test, struct view *v,
			const struct virtsock_rec_info *info, u32 from, u32 len, u32 pos)
{
	u32 i = 0;

	KUNIT_ASSERT_LE(test, from + len, info->len);
	while (i < len && view_byte(v, info, from + i) == pack_byte(pos + i))
		i++;
	KUNIT_ASSERT_EQ_MSG(test, i, len, "byte %u of %u", from + i, info->len);
}

static struct virtsock_packer fill(struct kunit *test, bool all)
{
	struct guest *g = test->priv;
	struct virtsock_packer p;

	KUNIT_EXPECT_EQ(test, virtsock_ring_fill(&g->l, &p), all);
	KUNIT_EXPECT_EQ(test, skb_queue_empty(&g->l.batch), all);
	KUNIT_ASSERT_LE(test, g->l.head - g->l.tail, SIZE);
	/* Those who listen on vsockmon see the last record, too. */
	KUNIT_EXPECT_PTR_EQ(test, p.last, NULL);
	return p;
}

/* The host has consumed up to @tail. */
static void reap(struct kunit *test, u32 tail, u32 left)
{
	struct guest *g = test->priv;

	g->l.tail = tail;
	virtsock_ring_reap(&g->l);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&g->l.inflight), left);
}

static void fill_nothing(struct kunit *test)
{
	struct guest *g = test->priv;
	struct virtsock_packer p = fill(test, true);

	KUNIT_EXPECT_EQ(test, p.records + p.used, 0);
	KUNIT_EXPECT_EQ(test, g->l.head, 0);
	reap(test, 0, 0);
}

/* Packets of several sockets follow each other, and nobody speaks for another. */
static void fill_batch(struct kunit *test)
{
	static const u32 lens[] = { 100, 1, 4000 };
	struct guest *g = test->priv;
	struct sk_buff *skbs[ARRAY_SIZE(lens)];
	struct virtsock_packer p;
	struct view v;
	u32 i, k, pos;

	for (k = 0; k < ARRAY_SIZE(starts); k++) {
		g->l.head = starts[k];
		g->l.tail = starts[k];
		memset(g->l.ring, UNTOUCHED, SIZE);
		for (i = 0; i < ARRAY_SIZE(lens); i++)
			skbs[i] = guest_send(test, guest_sock(test, SOCK_STREAM,
							      PORT + 10 * k + i),
					     RW, lens[i]);
		p = fill(test, true);
		KUNIT_EXPECT_EQ(test, p.records, ARRAY_SIZE(lens));

		v = view_new(test, starts[k], g->l.head);
		pos = starts[k];
		for (i = 0; i < ARRAY_SIZE(lens); i++) {
			struct virtsock_rec_info info = view_next(test, &v);

			KUNIT_EXPECT_EQ(test, info.src_cid, GUEST_CID);
			KUNIT_EXPECT_EQ(test, info.dst_cid, VMADDR_CID_HOST);
			KUNIT_EXPECT_EQ(test, info.src_port, PORT + 10 * k + i);
			KUNIT_EXPECT_EQ(test, info.nr_msgs, 1);
			KUNIT_ASSERT_EQ(test, info.len, lens[i]);
			view_expect(test, &v, &info, 0, lens[i], 0);
			pos += REC_SIZE(lens[i]);
			KUNIT_EXPECT_EQ(test, virtsock_skb_cb(skbs[i])->pos, pos);
		}
		KUNIT_EXPECT_EQ(test, v.off, v.len);
		KUNIT_EXPECT_EQ(test, g->l.head, pos);
		KUNIT_EXPECT_EQ(test, g->l.tail, starts[k]);
		reap(test, pos, 0);
	}
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_TX_BYTES), 4101 * k);
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_TX_MESSAGES), 3 * k);
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_TX_RECORDS), 3 * k);
}

/* Messages of a stream share a record. Their packets leave together. */
static void fill_merges(struct kunit *test)
{
	struct vsock_sock *vsk = guest_sock(test, SOCK_STREAM, PORT);
	struct guest *g = test->priv;
	struct virtsock_rec_info info;
	struct virtsock_packer p;
	struct view v;
	u32 i;

	for (i = 0; i < 3; i++)
		guest_send(test, vsk, RW, 101);
	guest_send(test, vsk, UPDATE, 0);
	p = fill(test, true);
	KUNIT_EXPECT_EQ(test, p.records, 1);
	KUNIT_EXPECT_EQ(test, p.messages, 3);
	v = view_new(test, 0, g->l.head);
	info = view_next(test, &v);
	KUNIT_EXPECT_EQ(test, v.off, v.len);
	KUNIT_ASSERT_EQ(test, info.len, 303);
	KUNIT_EXPECT_EQ(test, info.nr_msgs, 3);
	for (i = 0; i < 3; i++)
		view_expect(test, &v, &info, 101 * i, 101, 0);
	reap(test, 0, 4);
	reap(test, g->l.head, 0);
	/* What comes next is another record: this one may have been read. */
	guest_send(test, vsk, RW, 101);
	fill(test, true);
	v = view_new(test, g->l.tail, g->l.head);
	KUNIT_EXPECT_EQ(test, view_next(test, &v).len, 101);
}

/* To the last byte, and no further; what does not fit waits, in order. */
static void fill_full(struct kunit *test)
{
	struct vsock_sock *vsk = guest_sock(test, SOCK_SEQPACKET, PORT);
	u32 len = PAGE_SIZE - REC_HDR, many = SIZE / PAGE_SIZE, i, k;
	struct guest *g = test->priv;
	struct sk_buff *last;

	for (k = 0; k < ARRAY_SIZE(starts); k++) {
		u32 start = starts[k];

		g->l.head = start;
		g->l.tail = start;
		for (i = 0; i < many; i++)
			guest_send(test, vsk, RW, len);
		last = guest_send(test, vsk, RW, 8);
		fill(test, false);
		KUNIT_EXPECT_EQ(test, g->l.head, start + SIZE);
		KUNIT_EXPECT_EQ(test, skb_queue_len(&g->l.inflight), many);
		KUNIT_EXPECT_PTR_EQ(test, skb_peek(&g->l.batch), last);
		/* Again, with nothing consumed */
		KUNIT_EXPECT_EQ(test, fill(test, false).used, 0);
		KUNIT_EXPECT_EQ(test, g->l.head, start + SIZE);

		reap(test, start + PAGE_SIZE, many - 1);
		KUNIT_EXPECT_EQ(test, fill(test, true).used, REC_SIZE(8));
		KUNIT_EXPECT_EQ(test, g->l.head, start + SIZE + REC_SIZE(8));
		KUNIT_EXPECT_PTR_EQ(test, skb_peek_tail(&g->l.inflight), last);
		reap(test, g->l.head, 0);
	}
}

/* One record less 8 bytes of room is none. */
static void fill_nearly_full(struct kunit *test)
{
	struct vsock_sock *vsk = guest_sock(test, SOCK_SEQPACKET, PORT);
	u32 len = PAGE_SIZE - REC_HDR, many = SIZE / PAGE_SIZE, i, k;
	struct guest *g = test->priv;

	for (k = 0; k < ARRAY_SIZE(starts); k++) {
		u32 start = starts[k];

		g->l.head = start;
		g->l.tail = start;
		guest_send(test, vsk, RW, 8);
		for (i = 0; i < many - 1; i++)
			guest_send(test, vsk, RW, len);
		fill(test, true);
		KUNIT_EXPECT_EQ(test, g->l.head - g->l.tail, SIZE - PAGE_SIZE + REC_SIZE(8));
		guest_send(test, vsk, RW, len - REC_SIZE(8) + 1);
		fill(test, false);
		KUNIT_EXPECT_EQ(test, g->l.head - g->l.tail, SIZE - PAGE_SIZE + REC_SIZE(8));
		__skb_queue_purge(&g->l.batch);
		guest_send(test, vsk, RW, len - REC_SIZE(8));
		fill(test, true);
		KUNIT_EXPECT_EQ(test, g->l.head - g->l.tail, SIZE);
		reap(test, g->l.head, 0);
	}
}

/* Large payload stays where it is: its addresses are in the ring, not its bytes. */
static void fill_by_address(struct kunit *test)
{
	static const struct {
		u32 head, frags, each, segs;
	} packets[] = {
		{ .head = VIRTSOCK_SEG_MIN - 1 },
		{ .head = VIRTSOCK_SEG_MIN, .segs = 1 },
		{ .head = VIRTSOCK_SEG_MIN - 1, .frags = 1, .each = 1, .segs = 2 },
		{ .head = VIRTSOCK_SEG_MIN - 2, .frags = 1, .each = 1 },
		{ .frags = 3, .each = 4000, .segs = 3 },
		{ .head = 1, .frags = MAX_SKB_FRAGS, .each = 3000,
		  .segs = MAX_SKB_FRAGS + 1 },
	};
	struct vsock_sock *vsk = guest_sock(test, SOCK_SEQPACKET, PORT);
	struct guest *g = test->priv;
	struct virtsock_rec_info info;
	struct sk_buff *skb;
	struct view v;
	u32 i, len;

	for (i = 0; i < ARRAY_SIZE(packets); i++) {
		skb = packet_frags(test, g->made, vsk, packets[i].head,
				   packets[i].frags, 80, packets[i].each);
		len = guest_queue(g, skb)->len;
		fill(test, true);
		v = view_new(test, g->l.tail, g->l.head);
		KUNIT_EXPECT_EQ(test, v.len, packets[i].segs ?
				REC_HDR + packets[i].segs * REC_SEG : REC_SIZE(len));
		info = view_next(test, &v);
		KUNIT_ASSERT_EQ(test, info.nr_segs, packets[i].segs);
		KUNIT_ASSERT_EQ(test, info.len, len);
		view_expect(test, &v, &info, 0, len, 0);
		/* The packet's own memory, not a copy */
		if (packets[i].segs && packets[i].head)
			KUNIT_EXPECT_EQ(test, le64_to_cpu(info.segs->addr),
					virt_to_phys(skb->data));
		reap(test, g->l.head, 0);
	}
}

/* As many segments as a record may have, and not one more */
static void fill_segments(struct kunit *test)
{
	static const struct {
		u32 first, second, records;
	} packets[] = { { 10, 10, 1 }, { 10, 11, 2 }, { 17, 3, 1 }, { 17, 4, 2 } };
	struct vsock_sock *vsk = guest_sock(test, SOCK_STREAM, PORT);
	struct guest *g = test->priv;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(packets); i++) {
		u32 first = packets[i].first, second = packets[i].second;
		struct virtsock_packer p;
		struct view v;

		guest_queue(g, packet_frags(test, g->made, vsk, 0, first, 0, 2000));
		guest_queue(g, packet_frags(test, g->made, vsk, 0, second, 0, 2000));
		p = fill(test, true);
		KUNIT_EXPECT_EQ(test, p.records, packets[i].records);
		v = view_new(test, g->l.tail, g->l.head);
		KUNIT_EXPECT_EQ(test, view_next(test, &v).nr_segs,
				p.records == 1 ? first + second : first);
		if (p.records == 2)
			KUNIT_EXPECT_EQ(test, view_next(test, &v).nr_segs, second);
		KUNIT_EXPECT_EQ(test, v.off, v.len);
		reap(test, g->l.head, 0);
	}
}

static u32 wakes;

static void count_wakes(struct sock *sk)
{
	wakes++;
}

/* In order, and none before the host has all of it, wherever the positions are */
static void reap_in_order(struct kunit *test)
{
	struct vsock_sock *vsk = guest_sock(test, SOCK_SEQPACKET, PORT);
	struct virtsock_sock *vs = virtsock_sk(vsk);
	struct guest *g = test->priv;
	struct sk_buff *skbs[3];
	u32 i, k;

	sk_vsock(vsk)->sk_write_space = count_wakes;
	for (k = 0; k < ARRAY_SIZE(starts); k++) {
		u32 pos = starts[k];

		g->l.head = pos;
		g->l.tail = pos;
		for (i = 0; i < ARRAY_SIZE(skbs); i++)
			skbs[i] = skb_get(guest_send(test, vsk, RW, 1000 * (i + 1)));
		fill(test, true);
		reap(test, pos, 3);
		for (i = 0; i < ARRAY_SIZE(skbs); i++) {
			wakes = 0;
			vs->full = true;
			pos += REC_SIZE(1000 * (i + 1));
			reap(test, pos - VIRTSOCK_REC_ALIGN, 3 - i);
			KUNIT_EXPECT_EQ(test, refcount_read(&skbs[i]->users), 2);
			KUNIT_EXPECT_EQ(test, wakes, 0);
			reap(test, pos, 2 - i);
			/* The ring's own is gone, and nothing else. */
			KUNIT_EXPECT_EQ(test, refcount_read(&skbs[i]->users), 1);
			KUNIT_EXPECT_EQ(test, wakes, 1);
			consume_skb(skbs[i]);
		}
		KUNIT_EXPECT_EQ(test, vs->vvs.bytes_unsent, 0);
		KUNIT_EXPECT_EQ(test, refcount_read(&sk_vsock(vsk)->sk_wmem_alloc), 1);
	}
}

/* The host reads what a record refers to until it says that it has. */
static void reap_keeps_pages(struct kunit *test)
{
	struct vsock_sock *vsk = guest_sock(test, SOCK_STREAM, PORT);
	struct guest *g = test->priv;
	struct sk_buff *skb = packet_frags(test, g->made, vsk, 0, 2, 0, PAGE_SIZE);
	struct page *pages[2];
	u32 i;

	for (i = 0; i < 2; i++) {
		pages[i] = skb_frag_page(&skb_shinfo(skb)->frags[i]);
		get_page(pages[i]);
	}
	guest_queue(g, skb);
	fill(test, true);
	reap(test, g->l.head - VIRTSOCK_REC_ALIGN, 1);
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, page_ref_count(pages[i]), 2);
	reap(test, g->l.head, 0);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, page_ref_count(pages[i]), 1);
		put_page(pages[i]);
	}
}

/**
 * struct stream - one of the random run
 * @vsk: its socket
 * @sent: bytes or messages that were queued
 * @seen: of them, those that the host has consumed
 */
struct stream {
	struct vsock_sock *vsk;
	u32 sent;
	u32 seen;
};

/* A packet whose bytes go on where the last one's ended */
static void stream_send(struct kunit *test, struct stream *s, struct rnd_state *rnd)
{
	u32 r = prandom_u32_state(rnd);
	u32 len = 1 + (r >> 8) % (r & 3 ? 300 : 9000);
	struct guest *g = test->priv;
	struct sk_buff *skb;

	skb = r & 4 ? packet(test, g->made, s->vsk, RW, len) :
		      packet_frags(test, g->made, s->vsk, 0, 1 + r % 16, 0, 1 + len / 8);
	pack_fill(test, skb, s->sent);
	s->sent += guest_queue(g, skb)->len;
}

/* The host takes some records, and reads all of them. Return: bytes of the ring */
static u32 stream_take(struct kunit *test, struct stream *s, u32 max)
{
	struct guest *g = test->priv;
	struct view v = view_new(test, g->l.tail, g->l.head);

	while (v.off < v.len && max--) {
		struct virtsock_rec_info info = view_next(test, &v);
		struct stream *of = &s[info.src_port - PORT];

		KUNIT_ASSERT_LT(test, info.src_port - PORT, SOCKS);
		view_expect(test, &v, &info, 0, info.len, of->seen);
		of->seen += info.len;
	}
	kunit_kfree(test, v.buf);
	return v.off;
}

/* Nothing is lost, doubled or exchanged, however the batches and the ends fall. */
static void fill_and_reap_at_random(struct kunit *test)
{
	struct guest *g = test->priv;
	struct stream s[SOCKS] = {};
	struct rnd_state rnd;
	u32 i, k, refused = 0;

	prandom_seed_state(&rnd, 11);
	g->l.head = 0U - 2 * SIZE;
	g->l.tail = g->l.head;
	for (i = 0; i < SOCKS; i++)
		s[i].vsk = guest_sock(test, i ? SOCK_STREAM : SOCK_SEQPACKET, PORT + i);
	for (k = 0; k < 250; k++) {
		struct virtsock_packer p;

		for (i = prandom_u32_state(&rnd) % 24; i; i--)
			stream_send(test, &s[prandom_u32_state(&rnd) % SOCKS], &rnd);
		refused += !virtsock_ring_fill(&g->l, &p);
		g->l.tail += stream_take(test, s, prandom_u32_state(&rnd) % 16);
		virtsock_ring_reap(&g->l);
	}
	while (!skb_queue_empty(&g->l.batch) || g->l.tail != g->l.head) {
		struct virtsock_packer p;

		virtsock_ring_fill(&g->l, &p);
		g->l.tail += stream_take(test, s, U32_MAX);
		virtsock_ring_reap(&g->l);
	}
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&g->l.inflight));
	for (i = 0; i < SOCKS; i++) {
		KUNIT_EXPECT_GT(test, s[i].sent, 30000);
		KUNIT_EXPECT_EQ(test, s[i].seen, s[i].sent);
		KUNIT_EXPECT_EQ(test, refcount_read(&sk_vsock(s[i].vsk)->sk_wmem_alloc), 1);
	}
	/* The ring was full at times, and went beyond both of its ends. */
	KUNIT_EXPECT_GT(test, refused, 10);
	KUNIT_EXPECT_LT(test, g->l.head, 0U - 2 * SIZE);
}

static struct kunit_case guest_fill_cases[] = {
	KUNIT_CASE(fill_nothing),
	KUNIT_CASE(fill_batch),
	KUNIT_CASE(fill_merges),
	KUNIT_CASE(fill_full),
	KUNIT_CASE(fill_nearly_full),
	KUNIT_CASE(fill_by_address),
	KUNIT_CASE(fill_segments),
	KUNIT_CASE(reap_in_order),
	KUNIT_CASE(reap_keeps_pages),
	KUNIT_CASE(fill_and_reap_at_random),
	{}
};

static struct kunit_suite guest_fill_suite = {
	.name = "virtsock_guest_fill",
	.init = guest_init,
	.exit = guest_exit,
	.test_cases = guest_fill_cases,
};

kunit_test_suite(guest_fill_suite);
