// SPDX-License-Identifier: GPL-2.0-only
/* A packet that the other side has taken: who is woken, and who is not */
#include "pack_fixture.h"

#define LEN	1000

static u32 woken;

static void count_wakes(struct sock *sk)
{
	woken++;
}

/* A packet on its way, of a socket whose writer found it @full */
static struct sk_buff *on_its_way(struct kunit *test, struct vsock_sock *vsk, bool full)
{
	struct virtsock_sock *vs = virtsock_sk(vsk);
	struct sk_buff *skb = virtsock_alloc_packet(vsk, RW, LEN, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_put(skb, LEN);
	vs->vvs.bytes_unsent += LEN;
	vs->full = full;
	sk_vsock(vsk)->sk_write_space = count_wakes;
	woken = 0;
	return skb;
}

static void sent_wakes_who_waits(struct kunit *test)
{
	struct vsock_sock *vsk = pack_sock(test, SOCK_STREAM, PORT);
	struct virtsock_sock *vs = virtsock_sk(vsk);
	int refs = refcount_read(&sk_vsock(vsk)->sk_refcnt);

	virtsock_sock_sent(on_its_way(test, vsk, true));
	KUNIT_EXPECT_EQ(test, woken, 1);
	KUNIT_EXPECT_FALSE(test, vs->full);
	KUNIT_EXPECT_EQ(test, vs->vvs.bytes_unsent, 0);
	KUNIT_EXPECT_EQ(test, refcount_read(&sk_vsock(vsk)->sk_refcnt), refs);
}

/* Each message would wake who waits for its answer. */
static void sent_wakes_nobody_else(struct kunit *test)
{
	struct vsock_sock *vsk = pack_sock(test, SOCK_STREAM, PORT);
	struct virtsock_sock *vs = virtsock_sk(vsk);

	virtsock_sock_sent(on_its_way(test, vsk, false));
	KUNIT_EXPECT_EQ(test, woken, 0);
	KUNIT_EXPECT_EQ(test, vs->vvs.bytes_unsent, 0);
}

/* The last packet wakes: until then much of the memory is in use. */
static void sent_wakes_once_there_is_memory(struct kunit *test)
{
	struct vsock_sock *vsk = pack_sock(test, SOCK_STREAM, PORT);
	struct sk_buff *first = on_its_way(test, vsk, true);
	struct sk_buff *second = on_its_way(test, vsk, true);

	sk_vsock(vsk)->sk_sndbuf = 2 * second->truesize;
	virtsock_sock_sent(first);
	KUNIT_EXPECT_EQ(test, woken, 0);
	KUNIT_EXPECT_TRUE(test, virtsock_sk(vsk)->full);
	virtsock_sock_sent(second);
	KUNIT_EXPECT_EQ(test, woken, 1);
	KUNIT_EXPECT_FALSE(test, virtsock_sk(vsk)->full);
}

/* As those that reset a connection which has no socket */
static void sent_without_socket(struct kunit *test)
{
	struct vsock_sock *vsk = pack_sock(test, SOCK_STREAM, PORT);
	struct sk_buff *skb = on_its_way(test, vsk, true);

	skb_orphan(skb);
	virtsock_sock_sent(skb);
	KUNIT_EXPECT_EQ(test, woken, 0);
	KUNIT_EXPECT_TRUE(test, virtsock_sk(vsk)->full);
}

static struct kunit_case sent_cases[] = {
	KUNIT_CASE(sent_wakes_who_waits),
	KUNIT_CASE(sent_wakes_nobody_else),
	KUNIT_CASE(sent_wakes_once_there_is_memory),
	KUNIT_CASE(sent_without_socket),
	{}
};

static struct kunit_suite sent_suite = {
	.name = "virtsock_sent",
	.test_cases = sent_cases,
};

kunit_test_suite(sent_suite);
