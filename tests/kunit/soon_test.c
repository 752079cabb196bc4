// SPDX-License-Identifier: GPL-2.0-only
/* A credit update: at once, soon, some time, or not at all? */
#include "pack_fixture.h"

static enum virtsock_tx_class soon_class(struct kunit *test, struct vsock_sock *vsk)
{
	struct sk_buff *skb = virtsock_alloc_packet(vsk, UPDATE, 0, GFP_KERNEL);
	enum virtsock_tx_class class;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	class = virtsock_sock_tx(skb);
	consume_skb(skb);
	return class;
}

/* A packet of it leaves, with the newest credit */
static void soon_leaves(struct kunit *test, struct vsock_sock *vsk, u16 op)
{
	struct sk_buff *skb = virtsock_alloc_packet(vsk, op, 0, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	virtsock_sock_stamp(skb);
	consume_skb(skb);
}

/* A socket that has something to read, and whose peer has no room left */
static struct virtsock_sock *soon_sock(struct kunit *test, int type)
{
	struct vsock_sock *vsk = pack_sock(test, type, PORT);
	struct virtsock_sock *vs = virtsock_sk(vsk);

	soon_leaves(test, vsk, RW);
	vs->vvs.rx_bytes = 500000;
	vs->vvs.msg_count = 5;
	vs->peer_blocked = true;
	return vs;
}

static struct vsock_sock *soon_vsk(struct virtsock_sock *vs)
{
	return vs->vvs.vsk;
}

static void soon_little(struct kunit *test)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };
	int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		struct virtsock_sock *vs = soon_sock(test, types[i]);
		struct vsock_sock *vsk = soon_vsk(vs);

		vs->vvs.fwd_cnt += 1000;
		KUNIT_EXPECT_EQ(test, soon_class(test, vsk), VIRTSOCK_TX_SOON);
		/* One is enough: it is stamped when it leaves. */
		vs->vvs.fwd_cnt += 1000;
		KUNIT_EXPECT_EQ(test, soon_class(test, vsk), VIRTSOCK_TX_DROP);
		soon_leaves(test, vsk, UPDATE);
		KUNIT_EXPECT_TRUE(test, vs->peer_blocked);
		/* That was all of the news. */
		KUNIT_EXPECT_EQ(test, soon_class(test, vsk), VIRTSOCK_TX_CREDIT);
	}
}

/* One without news waits already, for as long as it likes. */
static void soon_behind_none(struct kunit *test)
{
	struct virtsock_sock *vs = soon_sock(test, SOCK_STREAM);
	struct vsock_sock *vsk = soon_vsk(vs);

	KUNIT_EXPECT_EQ(test, soon_class(test, vsk), VIRTSOCK_TX_CREDIT);
	KUNIT_EXPECT_EQ(test, soon_class(test, vsk), VIRTSOCK_TX_DROP);
	vs->vvs.fwd_cnt += 1000;
	KUNIT_EXPECT_EQ(test, soon_class(test, vsk), VIRTSOCK_TX_SOON);
}

/* Only where a peer may be short of records is it news that it may send some. */
static void soon_records(struct kunit *test)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };
	int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		struct virtsock_sock *vs = soon_sock(test, types[i]);
		bool limit = virtsock_compat_rx_entries(vs->buf_size, types[i]) !=
			     VIRTSOCK_CREDIT_NO_RULE;

		vs->credit.rx_recs += 3;
		KUNIT_EXPECT_EQ(test, soon_class(test, soon_vsk(vs)),
				limit ? VIRTSOCK_TX_SOON : VIRTSOCK_TX_CREDIT);
	}
}

static void soon_much_is_urgent(struct kunit *test)
{
	struct virtsock_sock *vs = soon_sock(test, SOCK_STREAM);
	struct vsock_sock *vsk = soon_vsk(vs);

	vs->vvs.fwd_cnt += 1000;
	KUNIT_EXPECT_EQ(test, soon_class(test, vsk), VIRTSOCK_TX_SOON);
	vs->vvs.fwd_cnt += vs->buf_size / 2;
	KUNIT_EXPECT_EQ(test, soon_class(test, vsk), VIRTSOCK_TX_URGENT);
	/* No more than that can be said. */
	KUNIT_EXPECT_EQ(test, soon_class(test, vsk), VIRTSOCK_TX_DROP);
	soon_leaves(test, vsk, UPDATE);
	KUNIT_EXPECT_FALSE(test, vs->peer_blocked);
}

static void soon_for_nobody(struct kunit *test)
{
	struct virtsock_sock *vs = soon_sock(test, SOCK_STREAM);
	struct vsock_sock *vsk = soon_vsk(vs);

	vs->peer_blocked = false;
	vs->vvs.fwd_cnt += 1000;
	KUNIT_EXPECT_EQ(test, soon_class(test, vsk), VIRTSOCK_TX_CREDIT);
	KUNIT_EXPECT_EQ(test, soon_class(test, vsk), VIRTSOCK_TX_DROP);
}

/* The queue is emptied with the packet in it: the next one counts again. */
static void soon_forgotten(struct kunit *test)
{
	struct virtsock_sock *vs = soon_sock(test, SOCK_STREAM);
	struct vsock_sock *vsk = soon_vsk(vs);
	struct sk_buff *skb;

	vs->vvs.fwd_cnt += 1000;
	skb = virtsock_alloc_packet(vsk, UPDATE, 0, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, virtsock_sock_tx(skb), VIRTSOCK_TX_SOON);
	virtsock_sock_untx(skb);
	consume_skb(skb);
	KUNIT_EXPECT_EQ(test, soon_class(test, vsk), VIRTSOCK_TX_SOON);
}

static struct kunit_case soon_cases[] = {
	KUNIT_CASE(soon_little),
	KUNIT_CASE(soon_behind_none),
	KUNIT_CASE(soon_records),
	KUNIT_CASE(soon_much_is_urgent),
	KUNIT_CASE(soon_for_nobody),
	KUNIT_CASE(soon_forgotten),
	{}
};

static struct kunit_suite soon_suite = {
	.name = "virtsock_soon",
	.test_cases = soon_cases,
};

kunit_test_suite(soon_suite);
