// SPDX-License-Identifier: GPL-2.0-only
/* What waits with a socket that its program has locked, when that is no more */
#include <linux/prandom.h>
#include <net/sock.h>
#include "pack_fixture.h"

/**
 * struct parking - a socket with something parked
 * @q: where that came from
 * @vsk: the socket, locked
 * @packet: what is parked
 * @resets: what the peer was told: that nobody is there
 * @op: what it sends
 * @buf_alloc: the size of its buffer, as it says
 * @sent: bytes that it has sent
 */
struct parking {
	struct virtsock_rxq q;
	struct vsock_sock *vsk;
	struct sk_buff *packet;
	u32 resets;
	u16 op;
	u32 buf_alloc;
	u32 sent;
};

static struct parking *parking;

static int parking_tx(struct sk_buff *skb)
{
	struct virtio_vsock_hdr *hdr = virtio_vsock_hdr(skb);

	if (virtsock_skb_op(skb) == VIRTIO_VSOCK_OP_RST &&
	    le64_to_cpu(hdr->dst_cid) == PEER_CID &&
	    le32_to_cpu(hdr->dst_port) == PEER_PORT(PORT) &&
	    le32_to_cpu(hdr->src_port) == PORT)
		parking->resets++;
	consume_skb(skb);
	return 0;
}

static const struct virtsock_side_ops parking_ops = {
	.owner = THIS_MODULE,
	.tx = parking_tx,
};

static void parking_end(void *unused)
{
	release_sock(sk_vsock(parking->vsk));
	virtsock_rxq_flush(&parking->q);
	WRITE_ONCE(virtsock_host_side.ops, NULL);
	virtsock_side_wait();
}

static int parking_init(struct kunit *test)
{
	parking = kunit_kzalloc(test, sizeof(*parking), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, parking);
	KUNIT_ASSERT_NULL(test, virtsock_host_side.ops);
	parking->op = RW;
	virtsock_rxq_init(&parking->q, &virtsock_host_side.t, system_wq);
	parking->vsk = pack_sock(test, SOCK_STREAM, PORT);
	WRITE_ONCE(virtsock_host_side.ops, &parking_ops);
	lock_sock(sk_vsock(parking->vsk));
	return kunit_add_action_or_reset(test, parking_end, NULL);
}

/* From its peer, to the socket: it waits. */
static void parking_park(struct kunit *test, u16 op, bool connected)
{
	struct sk_buff *skb = virtsock_alloc_packet(parking->vsk, op, 0, GFP_KERNEL);
	struct virtio_vsock_hdr *hdr;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_orphan(skb);
	hdr = virtio_vsock_hdr(skb);
	hdr->src_cid = cpu_to_le64(PEER_CID);
	hdr->src_port = cpu_to_le32(PEER_PORT(PORT));
	hdr->dst_cid = cpu_to_le64(VMADDR_CID_HOST);
	hdr->dst_port = cpu_to_le32(PORT);
	virtsock_skb_cb(skb)->gen = 0;
	virtsock_skb_cb(skb)->charge = 0;
	virtsock_skb_cb(skb)->paid = 0;
	atomic_inc(&parking->q.waiting);
	KUNIT_ASSERT_TRUE(test, virtsock_park(&parking->q.lanes[0], sk_vsock(parking->vsk),
					      skb, connected));
	parking->packet = skb;
}

/*
 * A connect() is given up, by a close() or another one, as its answer is there: the
 * peer believes in a connection, and learns that there is none.
 */
static void park_answer_for_nobody(struct kunit *test)
{
	sk_vsock(parking->vsk)->sk_state = TCP_SYN_SENT;
	parking_park(test, VIRTIO_VSOCK_OP_RESPONSE, false);
	sk_vsock(parking->vsk)->sk_state = TCP_CLOSE;
	virtsock_park_purge(sk_vsock(parking->vsk), virtsock_sk(parking->vsk));
	virtsock_rxq_flush(&parking->q);
	KUNIT_EXPECT_EQ(test, parking->resets, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&parking->q.waiting), 0);
}

/* Who has closed a connection has said so by itself. */
static void park_data_for_nobody(struct kunit *test)
{
	sk_vsock(parking->vsk)->sk_state = TCP_ESTABLISHED;
	parking_park(test, RW, true);
	sk_vsock(parking->vsk)->sk_state = TCP_CLOSE;
	virtsock_park_purge(sk_vsock(parking->vsk), virtsock_sk(parking->vsk));
	virtsock_rxq_flush(&parking->q);
	KUNIT_EXPECT_EQ(test, parking->resets, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&parking->q.waiting), 0);
}

/* The peer has another link by then, and perhaps another connection. */
static void park_answer_of_old_link(struct kunit *test)
{
	struct sk_buff_head list;

	__skb_queue_head_init(&list);
	sk_vsock(parking->vsk)->sk_state = TCP_SYN_SENT;
	parking_park(test, VIRTIO_VSOCK_OP_RESPONSE, false);
	sk_vsock(parking->vsk)->sk_state = TCP_CLOSE;
	KUNIT_EXPECT_PTR_EQ(test, virtsock_park_take(sk_vsock(parking->vsk),
						     virtsock_sk(parking->vsk),
						     VIRTSOCK_DROP_LINK_END, &list),
			    &parking->q);
	KUNIT_ASSERT_PTR_EQ(test, __skb_dequeue(&list), parking->packet);
	virtsock_rxq_forget(&parking->q, parking->packet, VIRTSOCK_DROP_LINK_END);
	KUNIT_EXPECT_EQ(test, parking->resets, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&parking->q.waiting), 0);
}

/* What the socket has promised to take */
#define WINDOW		0x40000U

/* The next bytes of what the peer sends */
static void parking_fill(struct sk_buff *skb)
{
	u32 off, i, n;

	for (off = 0; off < skb->len; off += n) {
		u8 *room = virtsock_skb_room(skb, off, &n);

		for (i = 0; i < n; i++)
			room[i] = pack_byte(parking->sent++);
	}
}

/* A record of the peer's, @paid for by the socket or not, in as many packets as it is */
static void parking_data(struct kunit *test, u16 type, u32 len, bool paid)
{
	struct virtsock_rec_info info = {
		.type = type,
		.op = parking->op,
		.len = len,
		.buf_alloc = parking->buf_alloc,
		.src_cid = PEER_CID,
		.src_port = PEER_PORT(PORT),
		.dst_cid = VMADDR_CID_HOST,
		.dst_port = PORT,
		.nr_msgs = 1,
	};
	struct sk_buff *skb;
	u32 done = 0;

	do {
		skb = virtsock_unpack(&info, done, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		parking_fill(skb);
		done += skb->len;
		virtsock_skb_cb(skb)->gen = 0;
		virtsock_skb_cb(skb)->paid = paid ? skb->len : 0;
		virtsock_skb_cb(skb)->charge = skb->truesize;
		atomic_add(skb->truesize, &parking->q.bytes);
		atomic_inc(&parking->q.waiting);
		KUNIT_ASSERT_TRUE(test, virtsock_park(&parking->q.lanes[0],
						      sk_vsock(parking->vsk), skb, true));
	} while (done < len);
}

static struct virtsock_sock *parking_opened(void)
{
	struct virtsock_sock *vs = virtsock_sk(parking->vsk);

	sk_vsock(parking->vsk)->sk_state = TCP_ESTABLISHED;
	vs->buf_size = WINDOW;
	vs->vvs.buf_alloc = WINDOW;
	vs->promised = WINDOW;
	return vs;
}

/* Nothing is parked any more, nor charged. */
static void parking_purged(struct kunit *test, struct virtsock_sock *vs)
{
	virtsock_park_purge(sk_vsock(parking->vsk), vs);
	KUNIT_EXPECT_EQ(test, vs->parked_size, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&parking->q.bytes), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&parking->q.waiting), 0);
	parking->sent = 0;
}

static void expect_stream(struct kunit *test, struct virtsock_sock *vs)
{
	u32 pos = 0, wrong = 0, off, i, n;
	struct sk_buff *skb;
	u64 size = 0;

	skb_queue_walk(&vs->parked, skb) {
		KUNIT_EXPECT_EQ(test, le32_to_cpu(virtio_vsock_hdr(skb)->len), skb->len);
		size += skb->truesize;
		for (off = 0; off < skb->len; off += n) {
			u8 *room = virtsock_skb_room(skb, off, &n);

			for (i = 0; i < n; i++)
				wrong += room[i] != pack_byte(pos++);
		}
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, pos, parking->sent);
	KUNIT_EXPECT_EQ(test, size, vs->parked_size);
}

/* In whatever pieces it comes, a whole window costs those nothing who share the queue. */
static void park_window_is_paid(struct kunit *test)
{
	static const u32 sizes[][2] = {
		{ 1, 1 }, { 128, 128 }, { 129, 129 }, { 148, 149 }, { 149, 149 },
		{ 200, 200 }, { 426, 427 }, { 427, 427 }, { 640, 641 }, { 661, 661 },
		{ 1151, 1152 }, { 1684, 1685 }, { 1867, 1867 }, { 1888, 1889 },
		{ 2175, 2176 }, { 3700, 3800 }, { 3733, 3733 }, { 4223, 4224 },
		{ 4096, 1 }, { 4097, 1 }, { 8192, 1 }, { 1, 500 }, { 2000, 129 },
		{ 65536, 1 }, { 16000, 17000 }, { 640, 385 }, { 660, 1 }, { 1, 642 },
		{ 149, 3733 },
	};
	struct virtsock_sock *vs = parking_opened();
	u32 i, j;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (j = 0; parking->sent + sizes[i][j % 2] <= WINDOW; j++)
			parking_data(test, STREAM, sizes[i][j % 2], true);
		KUNIT_EXPECT_EQ_MSG(test, atomic_read(&parking->q.bytes), 0,
				    "%u and %u bytes", sizes[i][0], sizes[i][1]);
		KUNIT_EXPECT_LE_MSG(test, vs->parked_size, 3ULL * WINDOW,
				    "%u and %u bytes", sizes[i][0], sizes[i][1]);
		expect_stream(test, vs);
		parking_purged(test, vs);
	}
}

/* The same in threes, of lengths that slabs have least room for, and of any */
static void park_mixture_is_paid(struct kunit *test)
{
	static const u32 sizes[] = {
		1, 3, 128, 148, 149, 385, 533, 640, 642, 660, 661, 1025, 1152, 1684,
		1685, 2176, 2707, 3732, 3733,
	};
	struct virtsock_sock *vs = parking_opened();
	struct rnd_state rnd;
	u32 i, j, three[3];

	prandom_seed_state(&rnd, 5);
	for (i = 0; i < 300; i++) {
		for (j = 0; j < ARRAY_SIZE(three); j++) {
			three[j] = prandom_u32_state(&rnd);
			three[j] = i % 2 ? 1 + three[j] % 3800 :
					   sizes[three[j] % ARRAY_SIZE(sizes)];
		}
		for (j = 0; parking->sent + three[j % 3] <= WINDOW; j++)
			parking_data(test, STREAM, three[j % 3], true);
		KUNIT_EXPECT_EQ_MSG(test, atomic_read(&parking->q.bytes), 0,
				    "%u, %u and %u bytes", three[0], three[1], three[2]);
		expect_stream(test, vs);
		parking_purged(test, vs);
	}
}

/* What it has not promised to take is charged: all that it takes. */
static void park_rest_is_charged(struct kunit *test)
{
	static const u32 sizes[] = { 1, 200, 1000, 4000, 65536 };
	struct virtsock_sock *vs = parking_opened();
	u32 i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		while (parking->sent < WINDOW)
			parking_data(test, STREAM, sizes[i], false);
		KUNIT_EXPECT_EQ_MSG(test, atomic_read(&parking->q.bytes), vs->parked_size,
				    "%u bytes", sizes[i]);
		expect_stream(test, vs);
		parking_purged(test, vs);
	}
}

/* Nor does it pay for more than thrice what it has promised. */
static void park_window_shrinks(struct kunit *test)
{
	struct virtsock_sock *vs = parking_opened();
	u64 paid;

	parking_data(test, STREAM, 4000, true);
	parking_data(test, STREAM, 4000, true);
	KUNIT_EXPECT_EQ(test, atomic_read(&parking->q.bytes), 0);
	vs->promised = 2000;
	paid = vs->parked_size;
	parking_data(test, STREAM, 3000, true);
	KUNIT_EXPECT_EQ(test, atomic_read(&parking->q.bytes), vs->parked_size - paid);
	expect_stream(test, vs);
	parking_purged(test, vs);
}

/* The peer says how many messages it has sent, and that need not be true. */
static void park_messages_are_bounded(struct kunit *test)
{
	struct virtsock_sock *vs = parking_opened();
	u32 most = virtsock_compat_rx_entries(WINDOW, SOCK_SEQPACKET), i;
	struct sk_buff *skb;

	sk_vsock(parking->vsk)->sk_type = SOCK_SEQPACKET;
	vs->credit.rx_recs = 1000;
	vs->credit.rx_limit = vs->credit.rx_recs + S32_MAX;
	for (i = 0; i < most; i++)
		parking_data(test, SEQ, 1, true);
	KUNIT_EXPECT_EQ(test, atomic_read(&parking->q.bytes), 0);
	parking_data(test, SEQ, 1, true);
	skb = skb_peek_tail(&vs->parked);
	KUNIT_EXPECT_EQ(test, atomic_read(&parking->q.bytes), skb->truesize);
	parking_purged(test, vs);

	/* As many as it was told */
	vs->credit.rx_limit = vs->credit.rx_recs + 3;
	for (i = 0; i < 3; i++)
		parking_data(test, SEQ, 1, true);
	KUNIT_EXPECT_EQ(test, atomic_read(&parking->q.bytes), 0);
	parking_data(test, SEQ, 1, true);
	KUNIT_EXPECT_GT(test, atomic_read(&parking->q.bytes), 0);
	parking_purged(test, vs);
}

/* What is no message was promised to nobody, nor is one for a stream. */
static void park_rest_is_no_message(struct kunit *test)
{
	struct virtsock_sock *vs = parking_opened();

	vs->credit.rx_limit = vs->credit.rx_recs + S32_MAX;
	parking_data(test, SEQ, 1, true);
	KUNIT_EXPECT_EQ(test, atomic_read(&parking->q.bytes), vs->parked_size);
	parking_purged(test, vs);

	sk_vsock(parking->vsk)->sk_type = SOCK_SEQPACKET;
	parking->op = VIRTIO_VSOCK_OP_CREDIT_REQUEST;
	parking_data(test, SEQ, 0, true);
	KUNIT_EXPECT_EQ(test, atomic_read(&parking->q.bytes), vs->parked_size);
	parking_purged(test, vs);
}

static void parking_remove(void *sk)
{
	vsock_remove_sock(vsock_sk(sk));
}

/* Its program lets the socket go: it has everything, in order, and the newest credit. */
static void park_bell_rings(struct kunit *test)
{
	static const u32 sizes[] = { 1, 5000, 3, 200, 660, 65536, 1 };
	struct virtsock_sock *vs = parking_opened();
	struct sock *sk = sk_vsock(parking->vsk);
	u32 i, parked, pos = 0, wrong = 0;
	struct sk_buff *skb;

	vsock_insert_connected(parking->vsk);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, parking_remove, sk));
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		parking_data(test, STREAM, sizes[i], true);
	parked = skb_queue_len(&vs->parked);
	parking->op = UPDATE;
	parking->buf_alloc = 77777;
	parking_data(test, STREAM, 0, true);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&vs->parked), parked);

	release_sock(sk);
	virtsock_rxq_flush(&parking->q);
	lock_sock(sk);
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&vs->parked));
	KUNIT_EXPECT_TRUE(test, list_empty(&vs->rung));
	KUNIT_EXPECT_EQ(test, atomic_read(&parking->q.waiting), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&parking->q.bytes), 0);
	KUNIT_EXPECT_EQ(test, vs->vvs.peer_buf_alloc, 77777);
	skb_queue_walk(&vs->vvs.rx_queue, skb) {
		for (i = 0; i < skb->len; i++, pos++) {
			u8 byte;

			KUNIT_ASSERT_EQ(test, 0, skb_copy_bits(skb, i, &byte, 1));
			wrong += byte != pack_byte(pos);
		}
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, pos, parking->sent);
}

static struct kunit_case park_cases[] = {
	KUNIT_CASE(park_answer_for_nobody),
	KUNIT_CASE(park_data_for_nobody),
	KUNIT_CASE(park_answer_of_old_link),
	KUNIT_CASE(park_bell_rings),
	KUNIT_CASE(park_window_is_paid),
	KUNIT_CASE(park_mixture_is_paid),
	KUNIT_CASE(park_rest_is_charged),
	KUNIT_CASE(park_window_shrinks),
	KUNIT_CASE(park_messages_are_bounded),
	KUNIT_CASE(park_rest_is_no_message),
	{}
};

static struct kunit_suite park_suite = {
	.name = "virtsock_park",
	.init = parking_init,
	.test_cases = park_cases,
};

kunit_test_suite(park_suite);
