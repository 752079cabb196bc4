// SPDX-License-Identifier: GPL-2.0-only
/* The end of a link: what it does to sockets, and what not while it has the locks */
#include <linux/interrupt.h>
#include <linux/preempt.h>
#include <net/sock.h>
#include "pack_fixture.h"

#define PACKETS	3

/**
 * struct ending - sockets whose link ends
 * @q: the queue that parked packets come by
 * @parked: a socket with such, which its program has locked
 * @asks: one that is connecting
 * @leaves: one that goes while others are ended
 * @late: one that is made meanwhile
 * @freed: packets that were
 * @told: how often somebody who waits for @asks was
 * @atomic: with how many of both the bottom halves were off, so with a spinlock
 */
struct ending {
	struct virtsock_rxq q;
	struct vsock_sock *parked;
	struct vsock_sock *asks;
	struct vsock_sock *leaves;
	struct vsock_sock *late;
	u32 freed;
	u32 told;
	u32 atomic;
};

static struct ending *ending;

static void ending_add(struct vsock_sock *vsk)
{
	spin_lock_bh(&virtsock_host_side.lock);
	list_add_tail(&virtsock_sk(vsk)->side_link, &virtsock_host_side.socks);
	virtsock_sk(vsk)->tx_cid = PEER_CID;
	spin_unlock_bh(&virtsock_host_side.lock);
}

static void ending_freed(struct sk_buff *skb)
{
	ending->freed++;
	ending->atomic += !!softirq_count();
}

static void ending_told(struct sock *sk)
{
	ending->told++;
	ending->atomic += !!softirq_count();
	ending_add(ending->late);
	spin_lock_bh(&virtsock_host_side.lock);
	list_del(&virtsock_sk(ending->leaves)->side_link);
	spin_unlock_bh(&virtsock_host_side.lock);
}

static void ending_park(struct kunit *test)
{
	struct sock *sk = sk_vsock(ending->parked);
	struct sk_buff *skb;
	int i;

	for (i = 0; i < PACKETS; i++) {
		skb = virtsock_alloc_packet(ending->parked, RW, 0, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		skb_orphan(skb);
		skb->destructor = ending_freed;
		/* What follows is not to be folded into it. */
		virtsock_skb_cb(skb)->gen = i;
		virtsock_skb_cb(skb)->charge = 0;
		virtsock_skb_cb(skb)->paid = 0;
		atomic_inc(&ending->q.waiting);
		KUNIT_ASSERT_TRUE(test, virtsock_park(&ending->q.lanes[0], sk, skb, true));
	}
}

static void ending_end(void *sk)
{
	struct virtsock_sock *vs, *next;

	list_for_each_entry_safe(vs, next, &virtsock_host_side.socks, side_link)
		list_del(&vs->side_link);
	release_sock(sk);
}

static bool of_that_peer(u32 cid)
{
	return cid == PEER_CID;
}

static bool of_another_peer(u32 cid)
{
	return cid == PEER_CID + 1;
}

static int ending_init(struct kunit *test)
{
	ending = kunit_kzalloc(test, sizeof(*ending), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ending);
	KUNIT_ASSERT_TRUE(test, list_empty(&virtsock_host_side.socks));
	virtsock_rxq_init(&ending->q, &virtsock_host_side.t, system_wq);
	ending->parked = pack_sock(test, SOCK_STREAM, PORT);
	ending->asks = pack_sock(test, SOCK_STREAM, PORT + 1);
	ending->leaves = pack_sock(test, SOCK_STREAM, PORT + 2);
	ending->late = pack_sock(test, SOCK_STREAM, PORT + 3);
	ending_add(ending->parked);
	ending_add(ending->asks);
	ending_add(ending->leaves);
	sk_vsock(ending->asks)->sk_state = TCP_SYN_SENT;
	sk_vsock(ending->asks)->sk_error_report = ending_told;
	lock_sock(sk_vsock(ending->parked));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, ending_end,
							   sk_vsock(ending->parked)));
	ending_park(test);
	return 0;
}

/* A GiB may be parked, and a crowd wait: that takes long. */
static void reset_without_spinlocks(struct kunit *test)
{
	virtsock_reset(&virtsock_host_side, of_that_peer);
	KUNIT_EXPECT_EQ(test, ending->freed, PACKETS);
	KUNIT_EXPECT_EQ(test, ending->told, 1);
	KUNIT_EXPECT_EQ(test, ending->atomic, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&ending->q.waiting), 0);
	KUNIT_EXPECT_EQ(test, sk_vsock(ending->asks)->sk_state, TCP_CLOSE);
	KUNIT_EXPECT_EQ(test, sk_vsock(ending->asks)->sk_err, ECONNRESET);
	KUNIT_EXPECT_TRUE(test, virtsock_sk(ending->parked)->cut);
	KUNIT_EXPECT_TRUE(test, virtsock_sk(ending->asks)->cut);
}

/* What comes meanwhile comes after it, and the list has sockets only. */
static void reset_while_others_come_and_go(struct kunit *test)
{
	virtsock_reset(&virtsock_host_side, of_that_peer);
	KUNIT_EXPECT_FALSE(test, virtsock_sk(ending->late)->cut);
	KUNIT_EXPECT_FALSE(test, virtsock_sk(ending->leaves)->cut);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&virtsock_host_side.socks), 3);
}

static u32 most_at_once, at_once;

/* As soon as bottom halves are on, and so others have the lock */
static void others_look(struct tasklet_struct *unused)
{
	at_once = 0;
}

static DECLARE_TASKLET(others, others_look);

static bool of_nobody(u32 cid)
{
	most_at_once = max(most_at_once, ++at_once);
	tasklet_schedule(&others);
	return false;
}

/* Sockets of other VMs, of which a host may have very many, do not keep the lock. */
static void reset_beside_many(struct kunit *test)
{
	struct virtsock_sock *many = kunit_kcalloc(test, 2000, sizeof(*many), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, many);
	for (i = 0; i < 2000; i++) {
		many[i].tx_cid = PEER_CID + 2;
		list_add_tail(&many[i].side_link, &virtsock_host_side.socks);
	}
	most_at_once = 0;
	at_once = 0;
	virtsock_reset(&virtsock_host_side, of_nobody);
	tasklet_kill(&others);
	KUNIT_EXPECT_GT(test, most_at_once, 0);
	KUNIT_EXPECT_LE(test, most_at_once, 256);
	for (i = 0; i < 2000; i++)
		list_del(&many[i].side_link);
	virtsock_reset(&virtsock_host_side, of_that_peer);
}

static void reset_of_others(struct kunit *test)
{
	virtsock_reset(&virtsock_host_side, of_another_peer);
	KUNIT_EXPECT_EQ(test, ending->freed + ending->told, 0);
	KUNIT_EXPECT_FALSE(test, virtsock_sk(ending->asks)->cut);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&virtsock_host_side.socks), 3);
	virtsock_reset(&virtsock_host_side, of_that_peer);
}

static const struct virtsock_side_ops ending_ops = {
	.owner = THIS_MODULE,
};

/*
 * An answer to a connect() on a link that has ended connects a socket whose program has
 * asked for a connection on the next one: that is over, and does not hold the module.
 */
static void reset_late_lets_go(struct kunit *test)
{
	struct virtsock_sock *vs = virtsock_sk(ending->late);

	KUNIT_ASSERT_NULL(test, virtsock_host_side.ops);
	WRITE_ONCE(virtsock_host_side.ops, &ending_ops);
	spin_lock_bh(&virtsock_host_side.lock);
	vs->held = true;
	vs->cut = true;
	virtsock_host_side.held++;
	spin_unlock_bh(&virtsock_host_side.lock);
	virtsock_reset_late(&virtsock_host_side, vs);
	KUNIT_EXPECT_FALSE(test, vs->held);
	KUNIT_EXPECT_EQ(test, virtsock_host_side.held, 0);
	WRITE_ONCE(virtsock_host_side.ops, NULL);
	virtsock_reset(&virtsock_host_side, of_that_peer);
}

static struct kunit_case reset_cases[] = {
	KUNIT_CASE(reset_without_spinlocks),
	KUNIT_CASE(reset_while_others_come_and_go),
	KUNIT_CASE(reset_beside_many),
	KUNIT_CASE(reset_of_others),
	KUNIT_CASE(reset_late_lets_go),
	{}
};

static struct kunit_suite reset_suite = {
	.name = "virtsock_reset",
	.init = ending_init,
	.test_cases = reset_cases,
};

kunit_test_suite(reset_suite);
