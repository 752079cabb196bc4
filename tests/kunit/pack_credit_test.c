// SPDX-License-Identifier: GPL-2.0-only
/* The packer: whose credit a record has, and when it needs no record at all */
#include "pack_fixture.h"

/* The next packet's credit; where its bytes are older, those stay together. */
static void credit_forward_only(struct kunit *test)
{
	struct vsock_sock *vsk = pack_sock(test, SOCK_STREAM, PORT);
	struct virtsock_sock *vs = virtsock_sk(vsk);
	static const u16 ops[] = { RW, UPDATE };
	u32 i, limit;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		struct batch *b = batch_new(test, 256);
		struct virtsock_rec_info info;

		virtsock_credit_init(&vs->credit);
		vs->vvs.fwd_cnt = 0xfffffff0;	/* and around the wrap */
		vs->buf_size = 500000;
		vs->promised = 0;
		pack(test, b, vsk, RW, 10);
		info = only_rec(test, b);
		expect_credit(test, &info, 0xfffffff0, vs->sent_alloc,
			      vs->sent_limit);

		vs->vvs.fwd_cnt = 16;
		vs->buf_size = 600000;
		vs->credit.rx_recs += 50;
		limit = vs->sent_limit;
		pack(test, b, vsk, ops[i], ops[i] == RW ? 10 : 0);
		KUNIT_ASSERT_GT(test, vs->sent_limit, limit);
		limit = vs->sent_limit;
		KUNIT_ASSERT_EQ(test, vs->sent_alloc, 600000);
		info = only_rec(test, b);
		expect_credit(test, &info, 16, 600000, limit);

		/* The same bytes again: the buffer may be another */
		vs->buf_size = 700000;
		pack(test, b, vsk, ops[i], ops[i] == RW ? 10 : 0);
		info = only_rec(test, b);
		expect_credit(test, &info, 16, 700000, limit);

		/* Older than what the record says, in all three */
		vs->vvs.fwd_cnt = 0xfffffff8;
		vs->buf_size = 400000;
		vs->promised = 0;
		virtsock_credit_init(&vs->credit);
		pack(test, b, vsk, ops[i], ops[i] == RW ? 10 : 0);
		KUNIT_ASSERT_LT(test, vs->sent_limit, limit);
		KUNIT_ASSERT_LT(test, vs->sent_alloc, 700000);
		info = only_rec(test, b);
		expect_credit(test, &info, 16, 700000, limit);
	}
}

/* The record leaves anyway: it takes the credit, and is the same but for that. */
static void credit_joins_data(struct kunit *test)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };
	u32 i, j;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		struct vsock_sock *vsk = pack_sock(test, types[i], PORT + i);
		struct virtsock_sock *vs = virtsock_sk(vsk);
		struct batch *b = batch_new(test, 256);
		struct virtsock_rec_info info;

		pack(test, b, vsk, RW, 10);
		for (j = 0; j < 2; j++) {
			vs->vvs.fwd_cnt += 1000;
			pack(test, b, vsk, UPDATE, 0);
			info = only_rec(test, b);
			KUNIT_EXPECT_EQ(test, info.op, RW);
			KUNIT_EXPECT_EQ(test, info.len, 10);
			KUNIT_EXPECT_EQ(test, info.nr_msgs, 1);
			expect_bytes(test, b, &info, 0, 10);
			expect_credit(test, &info, 1000 * (j + 1), vs->sent_alloc,
				      vs->sent_limit);
		}
		KUNIT_EXPECT_EQ(test, b->p.messages, 1);
		KUNIT_EXPECT_EQ(test, b->p.bytes, 10);
	}
}

static void credit_joins_credit(struct kunit *test)
{
	struct vsock_sock *vsk = pack_sock(test, SOCK_STREAM, PORT);
	struct virtsock_sock *vs = virtsock_sk(vsk);
	struct batch *b = batch_new(test, 256);
	struct virtsock_rec_info info;
	u32 i;

	for (i = 1; i <= 3; i++) {
		vs->vvs.fwd_cnt = 100 * i;
		pack(test, b, vsk, UPDATE, 0);
		info = only_rec(test, b);
		KUNIT_EXPECT_EQ(test, info.op, UPDATE);
		expect_credit(test, &info, 100 * i, vs->sent_alloc, vs->sent_limit);
	}
	vs->vvs.fwd_cnt = 250;
	pack(test, b, vsk, UPDATE, 0);
	KUNIT_EXPECT_EQ(test, only_rec(test, b).fwd_cnt, 300);
}

/* Only data and credit take more: what else goes means something by itself. */
static void credit_behind_control(struct kunit *test)
{
	static const u16 ops[] = { VIRTIO_VSOCK_OP_REQUEST, VIRTIO_VSOCK_OP_RESPONSE,
				   VIRTIO_VSOCK_OP_SHUTDOWN, VIRTIO_VSOCK_OP_RST,
				   VIRTIO_VSOCK_OP_CREDIT_REQUEST };
	struct vsock_sock *vsk = pack_sock(test, SOCK_STREAM, PORT);
	struct virtsock_sock *vs = virtsock_sk(vsk);
	struct virtsock_rec_info info;
	u32 i, pos, old;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		struct batch *b = batch_new(test, 256);

		old = vs->vvs.fwd_cnt;
		pos = 0;
		pack(test, b, vsk, ops[i], 0);
		vs->vvs.fwd_cnt += 5;
		pack(test, b, vsk, UPDATE, 0);
		KUNIT_ASSERT_EQ(test, b->p.records, 2);
		info = next_rec(test, b, &pos);
		KUNIT_EXPECT_EQ(test, info.op, ops[i]);
		KUNIT_EXPECT_EQ(test, info.fwd_cnt, old);
		info = next_rec(test, b, &pos);
		KUNIT_EXPECT_EQ(test, info.op, UPDATE);
		KUNIT_EXPECT_EQ(test, info.fwd_cnt, old + 5);
	}
}

/* Whatever follows on its connection says the same, in its place. */
static void credit_is_replaced(struct kunit *test)
{
	static const u16 ops[] = { VIRTIO_VSOCK_OP_SHUTDOWN, VIRTIO_VSOCK_OP_RST, RW,
				   VIRTIO_VSOCK_OP_CREDIT_REQUEST, RW };
	struct vsock_sock *other = pack_sock(test, SOCK_STREAM, PORT + 1);
	struct vsock_sock *vsk = pack_sock(test, SOCK_STREAM, PORT);
	struct virtsock_sock *vs = virtsock_sk(vsk);
	struct virtsock_rec_info info;
	u32 i, pos, len;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		struct batch *b = batch_new(test, 4096);

		/* The last one by segments */
		len = ops[i] == RW ? 20 : 0;
		if (i == ARRAY_SIZE(ops) - 1) {
			b->p.seg_min = 1000;
			len = 1000;
		}
		pos = 0;
		pack(test, b, other, RW, 30);
		vs->vvs.fwd_cnt += 5;
		pack(test, b, vsk, UPDATE, 0);
		KUNIT_EXPECT_EQ(test, b->p.records, 2);
		KUNIT_EXPECT_EQ(test, b->p.used, REC_SIZE(30) + REC_SIZE(0));
		vs->vvs.fwd_cnt += 5;
		pack(test, b, vsk, ops[i], len);

		KUNIT_ASSERT_EQ(test, b->p.records, 2);
		info = next_rec(test, b, &pos);
		KUNIT_EXPECT_EQ(test, info.src_port, PORT + 1);
		expect_bytes(test, b, &info, 0, 30);
		info = next_rec(test, b, &pos);
		KUNIT_EXPECT_EQ(test, pos, b->p.used);
		KUNIT_EXPECT_EQ(test, info.op, ops[i]);
		KUNIT_EXPECT_EQ(test, info.len, len);
		KUNIT_EXPECT_EQ(test, info.nr_segs, len == 1000);
		expect_bytes(test, b, &info, 0, len);
		expect_credit(test, &info, vs->vvs.fwd_cnt, vs->sent_alloc,
			      vs->sent_limit);
		/* It is a record like any: of its data there may be more. */
		if (ops[i] == RW) {
			pack(test, b, vsk, RW, len);
			KUNIT_EXPECT_EQ(test, b->p.records, 2);
		}
	}
}

/* Only the last record can be, and only by its own connection */
static void credit_of_others_stays(struct kunit *test)
{
	struct vsock_sock *a = pack_sock(test, SOCK_STREAM, PORT);
	struct vsock_sock *twin = pack_sock(test, SOCK_STREAM, PORT);
	struct vsock_sock *other = pack_sock(test, SOCK_STREAM, PORT + 1);
	struct virtsock_rec_info info;
	struct sk_buff *skb;
	struct batch *b;
	u32 i, pos = 0;

	for (i = 0; i < 3; i++) {
		b = batch_new(test, 512);
		pack(test, b, a, UPDATE, 0);
		skb = packet(test, b, i == 1 ? twin : a, RW, 8);
		if (i == 0)	/* it has another peer by now */
			le32_add_cpu(&virtio_vsock_hdr(skb)->dst_port, 1);
		if (i == 2)
			skb_orphan(skb);
		KUNIT_ASSERT_TRUE(test, virtsock_pack(&b->p, skb));
		KUNIT_EXPECT_EQ_MSG(test, b->p.records, 2, "difference %u", i);
	}

	b = batch_new(test, 512);
	pack(test, b, a, UPDATE, 0);
	pack(test, b, other, UPDATE, 0);
	pack(test, b, a, RW, 8);
	KUNIT_ASSERT_EQ(test, b->p.records, 3);
	info = next_rec(test, b, &pos);
	KUNIT_EXPECT_EQ(test, info.op, UPDATE);
	KUNIT_EXPECT_EQ(test, info.src_port, PORT);
	info = next_rec(test, b, &pos);
	KUNIT_EXPECT_EQ(test, info.op, UPDATE);
	KUNIT_EXPECT_EQ(test, info.src_port, PORT + 1);
	info = next_rec(test, b, &pos);
	KUNIT_EXPECT_EQ(test, info.op, RW);
}

/* Who answers in pieces (MSG_MORE) has answered with the last of them. */
static void message_answers(struct kunit *test)
{
	struct vsock_sock *vsk = pack_sock(test, SOCK_STREAM, PORT);
	struct virtsock_sock *vs = virtsock_sk(vsk);

	vs->answered = false;
	vs->more = true;
	KUNIT_EXPECT_EQ(test, virtsock_sock_message(vs), VIRTSOCK_TX_MORE);
	KUNIT_EXPECT_EQ(test, virtsock_sock_message(vs), VIRTSOCK_TX_MORE);
	vs->more = false;
	KUNIT_EXPECT_EQ(test, virtsock_sock_message(vs), VIRTSOCK_TX_REPLY);
	KUNIT_EXPECT_EQ(test, virtsock_sock_message(vs), VIRTSOCK_TX_DATA);
}

static struct kunit_case credit_cases[] = {
	KUNIT_CASE(credit_forward_only),
	KUNIT_CASE(credit_joins_data),
	KUNIT_CASE(credit_joins_credit),
	KUNIT_CASE(credit_behind_control),
	KUNIT_CASE(credit_is_replaced),
	KUNIT_CASE(credit_of_others_stays),
	KUNIT_CASE(message_answers),
	{}
};

static struct kunit_suite credit_suite = {
	.name = "virtsock_pack_credit",
	.test_cases = credit_cases,
};

kunit_test_suite(credit_suite);
