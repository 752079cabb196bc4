// SPDX-License-Identifier: GPL-2.0-only
/* What a side's module is told of a program that may be about to wait */
#include <linux/fs.h>
#include <net/sock.h>
#include "pack_fixture.h"

/* How often it was told that */
static u32 waits[VIRTSOCK_WAIT_POLL + 1];

static void wait_told(struct vsock_sock *vsk, enum virtsock_wait wait)
{
	waits[wait]++;
}

static const struct virtsock_side_ops wait_ops = {
	.owner = THIS_MODULE,
	.about_to_wait = wait_told,
};

static void wait_end(void *sock)
{
	((struct socket *)sock)->file = NULL;
	WRITE_ONCE(virtsock_host_side.ops, NULL);
	virtsock_side_wait();
}

/* A socket of messages with a descriptor, and nothing to read */
static struct vsock_sock *wait_sock(struct kunit *test, unsigned int flags)
{
	struct vsock_sock *vsk = pack_sock(test, SOCK_SEQPACKET, PORT);
	struct file *file = kunit_kzalloc(test, sizeof(*file), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, file);
	file->f_flags = flags;
	memset(waits, 0, sizeof(waits));
	KUNIT_ASSERT_NULL(test, virtsock_host_side.ops);
	WRITE_ONCE(virtsock_host_side.ops, &wait_ops);
	/* Only its flags are looked at, and not by who frees the socket. */
	sk_vsock(vsk)->sk_socket->file = file;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, wait_end,
							   sk_vsock(vsk)->sk_socket));
	return vsk;
}

static void wait_for_message(struct kunit *test)
{
	struct vsock_sock *vsk = wait_sock(test, 0);

	KUNIT_EXPECT_EQ(test, vsk->transport->seqpacket_has_data(vsk), 0);
	KUNIT_EXPECT_EQ(test, waits[VIRTSOCK_WAIT_RECV], 1);
	KUNIT_EXPECT_EQ(test, waits[VIRTSOCK_WAIT_SEND], 0);
}

/*
 * The core asks for messages before it looks whether to wait for one. A hypercall
 * that waited for this program would keep it from what it does instead.
 */
static void wait_for_none(struct kunit *test)
{
	struct vsock_sock *vsk = wait_sock(test, O_NONBLOCK);

	KUNIT_EXPECT_EQ(test, vsk->transport->seqpacket_has_data(vsk), 0);
	KUNIT_EXPECT_EQ(test, waits[VIRTSOCK_WAIT_RECV], 0);
	/* What it has sent leaves. */
	KUNIT_EXPECT_EQ(test, waits[VIRTSOCK_WAIT_SEND], 1);
}

static void wait_not_with_message(struct kunit *test)
{
	struct vsock_sock *vsk = wait_sock(test, 0);

	virtsock_sk(vsk)->vvs.msg_count = 1;
	KUNIT_EXPECT_EQ(test, vsk->transport->seqpacket_has_data(vsk), 1);
	KUNIT_EXPECT_EQ(test, waits[VIRTSOCK_WAIT_RECV], 0);
	KUNIT_EXPECT_EQ(test, waits[VIRTSOCK_WAIT_SEND], 0);
	virtsock_sk(vsk)->vvs.msg_count = 0;
}

static struct kunit_case wait_cases[] = {
	KUNIT_CASE(wait_for_message),
	KUNIT_CASE(wait_for_none),
	KUNIT_CASE(wait_not_with_message),
	{}
};

static struct kunit_suite wait_suite = {
	.name = "virtsock_wait",
	.test_cases = wait_cases,
};

kunit_test_suite(wait_suite);
