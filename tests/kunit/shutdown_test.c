// SPDX-License-Identifier: GPL-2.0-only
/* shutdown(): the peer learns of it, but not for each call of a program's */
#include <net/sock.h>
#include "pack_fixture.h"

/**
 * struct closing - a socket that its program shuts down
 * @vsk: the socket, locked
 * @said: SHUTDOWN packets that the transport was given
 * @last: the flags of the last of them
 * @no_link: it takes none
 */
struct closing {
	struct vsock_sock *vsk;
	u32 said;
	u32 last;
	bool no_link;
};

static struct closing *closing;

static int closing_tx(struct sk_buff *skb)
{
	bool down = closing->no_link;

	if (virtsock_skb_op(skb) == VIRTIO_VSOCK_OP_SHUTDOWN && !down) {
		closing->said++;
		closing->last = le32_to_cpu(virtio_vsock_hdr(skb)->flags);
	}
	consume_skb(skb);
	return down ? -ENODEV : 0;
}

static void closing_forget(struct vsock_sock *vsk, bool sync)
{
}

static const struct virtsock_side_ops closing_ops = {
	.owner = THIS_MODULE,
	.tx = closing_tx,
	.forget = closing_forget,
};

static void closing_end(void *unused)
{
	spin_lock_bh(&virtsock_host_side.lock);
	virtsock_sock_unhold(&virtsock_host_side, virtsock_sk(closing->vsk));
	spin_unlock_bh(&virtsock_host_side.lock);
	WRITE_ONCE(virtsock_host_side.ops, NULL);
	virtsock_side_wait();
	release_sock(sk_vsock(closing->vsk));
}

static int closing_init(struct kunit *test)
{
	closing = kunit_kzalloc(test, sizeof(*closing), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, closing);
	KUNIT_ASSERT_NULL(test, virtsock_host_side.ops);
	closing->vsk = pack_sock(test, SOCK_STREAM, PORT);
	WRITE_ONCE(virtsock_host_side.ops, &closing_ops);
	lock_sock(sk_vsock(closing->vsk));
	return kunit_add_action_or_reset(test, closing_end, NULL);
}

static int say(int mode)
{
	return virtsock_host_side.t.transport.shutdown(closing->vsk, mode);
}

static void shutdown_is_said_once(struct kunit *test)
{
	u32 i;

	for (i = 0; i < 1000; i++)
		KUNIT_ASSERT_GE(test, say(RCV_SHUTDOWN), 0);
	KUNIT_EXPECT_EQ(test, closing->said, 1);
	KUNIT_EXPECT_EQ(test, closing->last, VIRTIO_VSOCK_SHUTDOWN_RCV);

	for (i = 0; i < 1000; i++)
		KUNIT_ASSERT_GE(test, say(SHUTDOWN_MASK), 0);
	KUNIT_EXPECT_EQ(test, closing->said, 2);
	KUNIT_EXPECT_TRUE(test, closing->last & VIRTIO_VSOCK_SHUTDOWN_SEND);
	KUNIT_EXPECT_GE(test, say(SEND_SHUTDOWN), 0);
	KUNIT_EXPECT_EQ(test, closing->said, 2);
}

static void shutdown_that_failed_is_said_again(struct kunit *test)
{
	closing->no_link = true;
	KUNIT_EXPECT_EQ(test, say(SEND_SHUTDOWN), -ENODEV);
	closing->no_link = false;
	KUNIT_EXPECT_GE(test, say(SEND_SHUTDOWN), 0);
	KUNIT_EXPECT_EQ(test, closing->said, 1);
	KUNIT_EXPECT_EQ(test, closing->last, VIRTIO_VSOCK_SHUTDOWN_SEND);
}

/* A socket may be connected anew, where the first time was in vain. */
static void shutdown_of_next_connection(struct kunit *test)
{
	KUNIT_EXPECT_GE(test, say(SHUTDOWN_MASK), 0);
	KUNIT_EXPECT_EQ(test, closing->said, 1);
	KUNIT_ASSERT_GE(test, virtsock_host_side.t.transport.connect(closing->vsk), 0);
	KUNIT_EXPECT_GE(test, say(SHUTDOWN_MASK), 0);
	KUNIT_EXPECT_EQ(test, closing->said, 2);
}

/* The core takes the mark off that lets a reader see the end, and nothing answers. */
static void shutdown_leaves_the_end_visible(struct kunit *test)
{
	struct sock *sk = sk_vsock(closing->vsk);

	KUNIT_ASSERT_GE(test, say(SHUTDOWN_MASK), 0);
	sock_reset_flag(sk, SOCK_DONE);
	KUNIT_ASSERT_EQ(test, say(SHUTDOWN_MASK), 0);
	KUNIT_EXPECT_FALSE(test, sock_flag(sk, SOCK_DONE));

	closing->vsk->peer_shutdown = SHUTDOWN_MASK;
	KUNIT_ASSERT_EQ(test, say(SEND_SHUTDOWN), 0);
	KUNIT_EXPECT_TRUE(test, sock_flag(sk, SOCK_DONE));
	KUNIT_EXPECT_EQ(test, closing->said, 1);
}

static struct kunit_case shutdown_cases[] = {
	KUNIT_CASE(shutdown_is_said_once),
	KUNIT_CASE(shutdown_that_failed_is_said_again),
	KUNIT_CASE(shutdown_of_next_connection),
	KUNIT_CASE(shutdown_leaves_the_end_visible),
	{}
};

static struct kunit_suite shutdown_suite = {
	.name = "virtsock_shutdown",
	.init = closing_init,
	.test_cases = shutdown_cases,
};

kunit_test_suite(shutdown_suite);
