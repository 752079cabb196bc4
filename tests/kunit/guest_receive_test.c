// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the guest's receive buffer to its sockets: what is delivered, in which
 * pieces, what stays for the next time, and what is not the host's to say.
 */
#include "guest_fixture.h"

#define LARGEST	VIRTSOCK_REC_LEN_MAX

/* As who flushes while nobody has a socket locked */
static const struct virtsock_flusher anybody = { .gfp = GFP_ATOMIC };

/* One call, and what it brought */
static int receive(struct kunit *test)
{
	struct guest *g = test->priv;

	KUNIT_ASSERT_EQ(test, virtsock_ring_call(&g->l, false), 0);
	return virtsock_ring_receive(&g->l, &anybody);
}

/* A socket has so many bytes to read, those of the stream from 0 on. */
static void expect_bytes_of(struct kunit *test, struct vsock_sock *vsk, u32 len)
{
	struct virtio_vsock_sock *vvs = &virtsock_sk(vsk)->vvs;
	struct sk_buff *skb;
	u32 pos = 0, i;
	u8 *bytes;

	skb_queue_walk(&vvs->rx_queue, skb) {
		KUNIT_EXPECT_EQ(test, le32_to_cpu(virtio_vsock_hdr(skb)->len), skb->len);
		bytes = kunit_kmalloc(test, skb->len, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, bytes);
		KUNIT_ASSERT_EQ(test, 0, skb_copy_bits(skb, 0, bytes, skb->len));
		for (i = 0; i < skb->len && bytes[i] == pack_byte(pos); i++)
			pos++;
		KUNIT_ASSERT_EQ_MSG(test, i, skb->len, "byte %u", pos);
		kunit_kfree(test, bytes);
	}
	KUNIT_EXPECT_EQ(test, pos, len);
	KUNIT_EXPECT_EQ(test, vvs->rx_bytes, len);
}

static u32 packets_of(struct vsock_sock *vsk)
{
	return skb_queue_len(&virtsock_sk(vsk)->vvs.rx_queue);
}

static void receive_records(struct kunit *test)
{
	struct vsock_sock *stream = guest_sock(test, SOCK_STREAM, PORT);
	struct vsock_sock *seq = guest_sock(test, SOCK_SEQPACKET, PORT + 1);
	struct guest *g = test->priv;
	struct virtsock_rec *rec;

	guest_give(test, STREAM, PORT, RW, 1001, 0)->nr_msgs = cpu_to_le16(5);
	rec = guest_give(test, SEQ, PORT + 1, RW, 3, 0);
	rec->flags = cpu_to_le32(VIRTIO_VSOCK_SEQ_EOM);
	guest_give(test, STREAM, PORT, RW, 500, 1001);
	rec = guest_give(test, SEQ, PORT + 1, UPDATE, 0, 0);
	rec->buf_alloc = cpu_to_le32(54321);
	KUNIT_EXPECT_EQ(test, receive(test), 0);
	KUNIT_EXPECT_EQ(test, g->l.rx_off, g->l.rx_len);
	expect_bytes_of(test, stream, 1501);
	expect_bytes_of(test, seq, 3);
	KUNIT_EXPECT_EQ(test, virtsock_sk(seq)->vvs.msg_count, 1);
	KUNIT_EXPECT_EQ(test, virtsock_sk(seq)->vvs.peer_buf_alloc, 54321);
	KUNIT_EXPECT_EQ(test, virtsock_sk(stream)->credit.rx_recs, 6);
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_RX_BYTES), 1504);
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_RX_MESSAGES), 7);
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_RX_RECORDS), 4);
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_FAST), 4);
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_DEFERRED), 0);
	KUNIT_EXPECT_EQ(test, guest_world.shown, 4);
	KUNIT_EXPECT_EQ(test, guest_world.packet_gfp, GFP_ATOMIC | __GFP_NOWARN);
	/* That was all. */
	KUNIT_EXPECT_EQ(test, virtsock_ring_receive(&g->l, &anybody), 0);
	KUNIT_EXPECT_EQ(test, receive(test), 0);
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_RX_RECORDS), 4);
}

/* Who has its socket locked gets it later, but for who flushes meanwhile. */
static void receive_locked(struct kunit *test)
{
	struct vsock_sock *vsk = guest_sock(test, SOCK_STREAM, PORT);
	struct guest *g = test->priv;
	struct virtsock_flusher f = { .gfp = GFP_ATOMIC, .locked = sk_vsock(vsk) };

	lock_sock(sk_vsock(vsk));
	guest_give(test, STREAM, PORT, RW, 1000, 0);
	KUNIT_EXPECT_EQ(test, virtsock_ring_call(&g->l, false), 0);
	KUNIT_EXPECT_EQ(test, virtsock_ring_receive(&g->l, &f), 0);
	expect_bytes_of(test, vsk, 1000);
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_FAST), 1);

	guest_give(test, STREAM, PORT, RW, 1000, 1000);
	KUNIT_EXPECT_EQ(test, receive(test), 0);
	expect_bytes_of(test, vsk, 1000);
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_FAST), 1);
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_DEFERRED), 1);
	release_sock(sk_vsock(vsk));
	virtsock_rxq_drain(&g->l.rxq);
	expect_bytes_of(test, vsk, 2000);
}

static void lie_src_cid(struct guest *g, struct virtsock_rec *rec)
{
	rec->src_cid = rec->dst_cid;
}

static void lie_src_stranger(struct guest *g, struct virtsock_rec *rec)
{
	rec->src_cid = cpu_to_le32(GUEST_CID + 1);
}

static void lie_dst_cid(struct guest *g, struct virtsock_rec *rec)
{
	rec->dst_cid = rec->src_cid;
}

static void lie_reserved(struct guest *g, struct virtsock_rec *rec)
{
	rec->reserved = 1;
}

static void lie_segments(struct guest *g, struct virtsock_rec *rec)
{
	struct virtsock_seg *seg = rec_segs(rec);

	/* Well formed, but for who says it */
	rec->nr_segs = 1;
	rec->size = cpu_to_le32(REC_HDR + REC_SEG);
	seg->addr = cpu_to_le64(virt_to_phys(g->gives));
	seg->len = rec->len;
	seg->reserved = 0;
	g->given = (u8 *)rec + REC_HDR + REC_SEG - g->gives;
}

static void lie_cut_short(struct guest *g, struct virtsock_rec *rec)
{
	g->given -= VIRTSOCK_REC_ALIGN;
}

static void lie_cut_header(struct guest *g, struct virtsock_rec *rec)
{
	g->given = (u8 *)rec - g->gives + REC_HDR - VIRTSOCK_REC_ALIGN;
}

static void lie_size(struct guest *g, struct virtsock_rec *rec)
{
	rec->size = 0;
}

static void lie_len(struct guest *g, struct virtsock_rec *rec)
{
	rec->len = cpu_to_le32(le32_to_cpu(rec->len) + VIRTSOCK_REC_ALIGN);
}

static void lie_op(struct guest *g, struct virtsock_rec *rec)
{
	rec->op = cpu_to_le16(VIRTIO_VSOCK_OP_CREDIT_REQUEST + 1);
}

static void (*const lies[])(struct guest *g, struct virtsock_rec *rec) = {
	lie_src_cid, lie_src_stranger, lie_dst_cid, lie_reserved, lie_segments,
	lie_cut_short, lie_cut_header, lie_size, lie_len, lie_op,
};

/* What came before a lie is delivered. */
static void receive_lies(struct kunit *test)
{
	struct guest *g = test->priv;
	u32 i, before;

	for (i = 0; i < ARRAY_SIZE(lies); i++) {
		for (before = 0; before < 3; before++) {
			u32 port = PORT + 3 * i + before, k;
			struct vsock_sock *vsk = guest_sock(test, SOCK_STREAM, port);

			for (k = 0; k < before; k++)
				guest_give(test, STREAM, port, RW, 1000, 1000 * k);
			lies[i](g, guest_give(test, STREAM, port, RW, 1000, 1000 * k));
			KUNIT_EXPECT_EQ_MSG(test, receive(test), -EPROTO, "lie %u", i);
			KUNIT_EXPECT_EQ(test, g->l.rx_off, before * REC_SIZE(1000));
			expect_bytes_of(test, vsk, 1000 * before);
		}
	}
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_RX_RECORDS), 3 * i);
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_RX_BYTES), 3000 * i);
	/* No listener is shown a lie. */
	KUNIT_EXPECT_EQ(test, guest_world.shown, 3 * i);
}

/* The host answers for whom it does not reach, but only so, and only to us. */
static void receive_from_strangers(struct kunit *test)
{
	struct guest *g = test->priv;
	struct virtsock_rec *rec;
	u16 op;

	for (op = VIRTIO_VSOCK_OP_REQUEST; op <= VIRTIO_VSOCK_OP_CREDIT_REQUEST; op++) {
		rec = guest_give(test, STREAM, PORT, op, op == RW, 0);
		rec->src_cid = cpu_to_le32(GUEST_CID + 1);
		KUNIT_EXPECT_EQ(test, receive(test),
				op == VIRTIO_VSOCK_OP_RST ? 0 : -EPROTO);
	}
	rec = guest_give(test, STREAM, PORT, VIRTIO_VSOCK_OP_RST, 0, 0);
	rec->dst_cid = cpu_to_le32(GUEST_CID + 1);
	KUNIT_EXPECT_EQ(test, receive(test), -EPROTO);
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_RX_RECORDS), 1);
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_DEFERRED), 1);
}

/* A receiver that wants packets in one piece gets a large record in several. */
static void receive_pieces(struct kunit *test)
{
	static const u32 lens[] = { 1, 16000, 20000, LARGEST - 1, LARGEST };
	u32 max = linear_skb_max(), all = 0, i;
	struct guest *g = test->priv;

	guest_world.linear = true;
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		struct vsock_sock *vsk = guest_sock(test, SOCK_STREAM, PORT + i);

		guest_give(test, STREAM, PORT + i, RW, lens[i], 0);
		guest_give(test, STREAM, PORT + i, RW, 200, lens[i]);
		KUNIT_EXPECT_EQ(test, receive(test), 0);
		expect_bytes_of(test, vsk, lens[i] + 200);
		KUNIT_EXPECT_EQ(test, packets_of(vsk), DIV_ROUND_UP(lens[i], max) + 1);
		KUNIT_EXPECT_EQ(test, virtsock_sk(vsk)->credit.rx_recs, 2);
		all += packets_of(vsk);
	}
	/* Packets are more than records; those who listen see records. */
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_FAST), all);
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_RX_RECORDS), 2 * i);
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_RX_MESSAGES), 2 * i);
	KUNIT_EXPECT_EQ(test, guest_world.shown, 2 * i);
}

/* Wherever memory ends, the next time goes on there. */
static void receive_without_memory(struct kunit *test)
{
	u32 max = linear_skb_max(), pieces = DIV_ROUND_UP(LARGEST, max), i;
	struct guest *g = test->priv;

	guest_world.linear = true;
	for (i = 0; i < pieces + 2; i++) {
		struct vsock_sock *vsk = guest_sock(test, SOCK_STREAM, PORT + i);

		guest_give(test, STREAM, PORT + i, RW, 1000, 0);
		guest_give(test, STREAM, PORT + i, RW, LARGEST, 1000);
		guest_world.packets = i;
		KUNIT_EXPECT_EQ(test, receive(test), i <= pieces ? -ENOMEM : 0);
		KUNIT_EXPECT_EQ(test, packets_of(vsk), i);
		KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_RX_RECORDS),
				2 * i + !!i + (i > pieces));
		KUNIT_EXPECT_EQ(test, g->l.rx_done, i && i <= pieces ? (i - 1) * max : 0);
		guest_world.packets = U32_MAX;
		KUNIT_EXPECT_EQ(test, virtsock_ring_receive(&g->l, &anybody), 0);
		KUNIT_EXPECT_EQ(test, g->l.rx_off, g->l.rx_len);
		expect_bytes_of(test, vsk, 1000 + LARGEST);
		KUNIT_EXPECT_EQ(test, packets_of(vsk), 1 + pieces);
		KUNIT_EXPECT_EQ(test, virtsock_sk(vsk)->credit.rx_recs, 2);
	}
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_RX_RECORDS), 2 * i);
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_RX_BYTES), (1000 + LARGEST) * i);
	/* However often it took, it was one record for those who listen. */
	KUNIT_EXPECT_EQ(test, guest_world.shown, 2 * i);
}

/* What the last batch was says where the next one goes. */
static void receive_size_matters(struct kunit *test)
{
	static const struct {
		u32 first, second;
		bool large;
	} batches[] = {
		{ VIRTSOCK_POOL_MIN, 1, true }, { 0, 0, true }, { 1, VIRTSOCK_POOL_MIN, true },
		{ VIRTSOCK_POOL_MIN - 1, 1, false }, { 0, 0, false }, { LARGEST, 0, true },
		{ 0, 1, false },
	};
	struct guest *g = test->priv;
	u32 i;

	guest_sock(test, SOCK_SEQPACKET, PORT);
	for (i = 0; i < ARRAY_SIZE(batches); i++) {
		guest_give(test, SEQ, PORT, batches[i].first ? RW : UPDATE,
			   batches[i].first, 0);
		guest_give(test, SEQ, PORT, batches[i].second ? RW : UPDATE,
			   batches[i].second, 0);
		KUNIT_EXPECT_EQ(test, receive(test), 0);
		KUNIT_EXPECT_EQ_MSG(test, g->l.rx_large, batches[i].large, "batch %u", i);
	}
}

/* Of which two records there are: together they fill as much as is needed. */
#define REFERRED	VIRTSOCK_POOL_MIN
#define OTHER		(VIRTSOCK_RX_REFER_MIN - REC_SIZE(REFERRED) - REC_HDR)

/**
 * struct refers - when packets refer to the receive buffer, and when they do not
 * @first: bytes of the first record
 * @second: of the one behind it
 * @unread: the program has not read yet
 * @own: it is the link's own buffer
 * @no_memory: for packets that refer
 * @packets: those that do
 */
static const struct refers {
	u32 first;
	u32 second;
	bool unread;
	bool own;
	bool no_memory;
	u32 packets;
} refers[] = {
	{ .first = REFERRED, .second = OTHER, .packets = 2 },
	{ .first = OTHER, .second = REFERRED, .packets = 2 },
	{ .first = REFERRED - 1, .second = LARGEST, .packets = 1 },
	{ .first = LARGEST, .second = REFERRED - 1, .packets = 1 },
	{ .first = REFERRED, .second = OTHER - 8 },
	{ .first = LARGEST, .second = LARGEST, .unread = true },
	{ .first = LARGEST, .second = LARGEST, .own = true },
	{ .first = LARGEST, .second = LARGEST, .no_memory = true },
};

static void receive_refers(struct kunit *test)
{
	struct guest *g = test->priv;
	u32 i;

	if (!VIRTSOCK_COMPAT_RX_FRAGS)
		kunit_skip(test, "packets are in one piece");
	for (i = 0; i < ARRAY_SIZE(refers); i++) {
		struct vsock_sock *vsk = guest_sock(test, SOCK_STREAM, PORT + i);
		const struct refers *r = &refers[i];
		struct page *page;

		virtsock_sk(vsk)->vvs.fwd_cnt = !r->unread;
		g->l.rx_large = !r->own;
		guest_world.no_refer = r->no_memory;
		guest_give(test, STREAM, PORT + i, RW, r->first, 0);
		guest_give(test, STREAM, PORT + i, RW, r->second, r->first);
		KUNIT_EXPECT_EQ(test, receive(test), 0);
		expect_bytes_of(test, vsk, r->first + r->second);
		KUNIT_EXPECT_EQ(test, packets_of(vsk), 2);
		page = g->l.rx_page;
		KUNIT_EXPECT_EQ(test, !page, r->own);
		if (!page)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, page_ref_count(page), 1 + r->packets,
				    "refers %u", i);
		/* What they refer to is not written to before they are read. */
		g->l.rx_large = true;
		KUNIT_EXPECT_EQ(test, receive(test), 0);
		KUNIT_EXPECT_EQ(test, g->l.rx_page == page, !r->packets);
		memset(g->l.rx_buf, UNTOUCHED, VIRTSOCK_ARENA_BYTES);
		expect_bytes_of(test, vsk, r->first + r->second);
		skb_queue_purge(&virtsock_sk(vsk)->vvs.rx_queue);
		KUNIT_EXPECT_EQ(test, page_ref_count(page), 1);
	}
}

/* Of a record that was begun in pieces the rest follows, not all of it again. */
static void receive_refers_to_no_rest(struct kunit *test)
{
	struct vsock_sock *vsk = guest_sock(test, SOCK_STREAM, PORT);
	struct guest *g = test->priv;

	if (!VIRTSOCK_COMPAT_RX_FRAGS)
		kunit_skip(test, "packets are in one piece");
	virtsock_sk(vsk)->vvs.fwd_cnt = 1;
	g->l.rx_large = true;
	guest_world.linear = true;
	guest_world.no_refer = true;
	guest_world.packets = 2;
	guest_give(test, STREAM, PORT, RW, LARGEST, 0);
	KUNIT_EXPECT_EQ(test, receive(test), -ENOMEM);
	KUNIT_EXPECT_EQ(test, packets_of(vsk), 2);
	guest_world.no_refer = false;
	guest_world.packets = U32_MAX;
	KUNIT_EXPECT_EQ(test, virtsock_ring_receive(&g->l, &anybody), 0);
	expect_bytes_of(test, vsk, LARGEST);
	KUNIT_EXPECT_EQ(test, page_ref_count(g->l.rx_page), 1);
}

static struct kunit_case guest_receive_cases[] = {
	KUNIT_CASE(receive_records),
	KUNIT_CASE(receive_locked),
	KUNIT_CASE(receive_lies),
	KUNIT_CASE(receive_from_strangers),
	KUNIT_CASE(receive_pieces),
	KUNIT_CASE(receive_without_memory),
	KUNIT_CASE(receive_size_matters),
	KUNIT_CASE(receive_refers),
	KUNIT_CASE(receive_refers_to_no_rest),
	{}
};

static struct kunit_suite guest_receive_suite = {
	.name = "virtsock_guest_receive",
	.init = guest_init,
	.exit = guest_exit,
	.test_cases = guest_receive_cases,
};

kunit_test_suite(guest_receive_suite);
