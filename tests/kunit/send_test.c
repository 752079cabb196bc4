// SPDX-License-Identifier: GPL-2.0-only
/* What a send, a receive and a close hand to the side's module */
#include <linux/uio.h>
#include "pack_fixture.h"

#define MANY	16

/* What it was given last, in this order */
static struct {
	enum virtsock_tx_class class;
	u16 op;
	u32 len;
} given[MANY];

static u32 nr_given;

static int take(struct sk_buff *skb)
{
	int len = skb->len;

	if (nr_given < MANY) {
		given[nr_given].op = virtsock_skb_op(skb);
		given[nr_given].len = len;
		given[nr_given].class = virtsock_sock_tx(skb);
	}
	nr_given++;
	/* Credit waits, and data leaves. */
	if (virtsock_skb_op(skb) == RW)
		virtsock_sock_stamp(skb);
	consume_skb(skb);
	return len;
}

static bool take_none(struct vsock_sock *vsk, struct msghdr *msg, u32 len)
{
	return false;
}

static const struct virtsock_side_ops take_ops = {
	.owner = THIS_MODULE,
	.tx = take,
	.append = take_none,
};

static void take_no_more(void *unused)
{
	WRITE_ONCE(virtsock_host_side.ops, NULL);
	virtsock_side_wait();
}

/* A socket of a stream whose packets are taken */
static struct virtsock_sock *send_sock(struct kunit *test)
{
	struct vsock_sock *vsk = pack_sock(test, SOCK_STREAM, PORT);

	nr_given = 0;
	KUNIT_ASSERT_NULL(test, virtsock_host_side.ops);
	WRITE_ONCE(virtsock_host_side.ops, &take_ops);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, take_no_more, NULL));
	return virtsock_sk(vsk);
}

/* As the core: piece by piece until all of it is sent, or there is no room. */
static void send_message(struct kunit *test, struct virtsock_sock *vs, u32 len, int flags)
{
	struct msghdr msg = { .msg_flags = flags };
	struct kvec vec = { .iov_len = len };
	u32 sent = 0;
	ssize_t ret;

	vec.iov_base = kunit_kzalloc(test, len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, vec.iov_base);
	iov_iter_kvec(&msg.msg_iter, ITER_SOURCE, &vec, 1, len);
	do {
		ret = virtsock_stream_enqueue(vs->vvs.vsk, &msg, len - sent);
		KUNIT_ASSERT_GE(test, ret, 0);
		sent += ret;
	} while (ret && sent < len);
}

/* Somebody waits for all of a long answer, not for its first piece. */
static void send_long_reply(struct kunit *test)
{
	struct virtsock_sock *vs = send_sock(test);
	u32 i;

	vs->answered = false;
	send_message(test, vs, 200000, 0);
	KUNIT_ASSERT_GT(test, nr_given, 1);
	KUNIT_ASSERT_LE(test, nr_given, MANY);
	for (i = 0; i < nr_given - 1; i++)
		KUNIT_EXPECT_EQ(test, given[i].class, VIRTSOCK_TX_MORE);
	KUNIT_EXPECT_EQ(test, given[i].class, VIRTSOCK_TX_REPLY);
	/* The next one answers nothing. */
	send_message(test, vs, 9000, 0);
	KUNIT_EXPECT_EQ(test, given[++i].class, VIRTSOCK_TX_DATA);
}

/* The same where a small buffer makes pieces of what is no long message */
static void send_reply_to_small_buffer(struct kunit *test)
{
	struct virtsock_sock *vs = send_sock(test);

	vs->answered = false;
	vs->vvs.peer_buf_alloc = 16384;
	send_message(test, vs, 8000, 0);
	KUNIT_ASSERT_EQ(test, nr_given, 2);
	KUNIT_EXPECT_EQ(test, given[0].class, VIRTSOCK_TX_MORE);
	KUNIT_EXPECT_EQ(test, given[1].class, VIRTSOCK_TX_REPLY);
}

/* What there is no room for does not follow at once. */
static void send_what_fits(struct kunit *test)
{
	struct virtsock_sock *vs = send_sock(test);

	vs->answered = false;
	vs->vvs.peer_buf_alloc = 100000;
	send_message(test, vs, 150000, 0);
	KUNIT_ASSERT_GT(test, nr_given, 1);
	KUNIT_ASSERT_LE(test, nr_given, MANY);
	KUNIT_EXPECT_EQ(test, given[nr_given - 2].class, VIRTSOCK_TX_MORE);
	KUNIT_EXPECT_EQ(test, given[nr_given - 1].class, VIRTSOCK_TX_REPLY);
}

static void send_with_more(struct kunit *test)
{
	struct virtsock_sock *vs = send_sock(test);

	vs->answered = false;
	send_message(test, vs, 9000, MSG_MORE);
	send_message(test, vs, 9000, 0);
	KUNIT_EXPECT_EQ(test, nr_given, 2);
	KUNIT_EXPECT_EQ(test, given[0].class, VIRTSOCK_TX_MORE);
	KUNIT_EXPECT_EQ(test, given[1].class, VIRTSOCK_TX_REPLY);
}

/* Without SO_ZEROCOPY the flag means nothing, and that includes the pieces. */
static void send_flag_without_option(struct kunit *test)
{
	struct virtsock_sock *vs = send_sock(test);
	u32 plain[MANY], nr, i;

	/* The pieces of a small buffer are not those of the common code. */
	vs->buf_size = 65536;
	send_message(test, vs, 40000, 0);
	nr = nr_given;
	KUNIT_ASSERT_LE(test, nr, MANY);
	for (i = 0; i < nr; i++)
		plain[i] = given[i].len;
	nr_given = 0;
	vs->vvs.peer_fwd_cnt = 40000;
	send_message(test, vs, 40000, MSG_ZEROCOPY);
	KUNIT_ASSERT_EQ(test, nr_given, nr);
	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_EQ(test, given[i].len, plain[i]);
}

/* However much the peer grants, what waits for it has a bound in memory. */
static void send_bounds_memory(struct kunit *test)
{
	struct virtsock_sock *vs = send_sock(test);
	struct vsock_sock *vsk = vs->vvs.vsk;
	refcount_t *mem = &sk_vsock(vsk)->sk_wmem_alloc;

	sk_vsock(vsk)->sk_state = TCP_ESTABLISHED;
	vs->credit.tx_limit = 0x40000000;
	vs->vvs.peer_buf_alloc = U32_MAX;
	refcount_add(3 * 1024 * 1024 - 1, mem);
	KUNIT_EXPECT_EQ(test, virtsock_stream_has_space(vsk), 1024 * 1024);
	KUNIT_EXPECT_FALSE(test, vs->full);
	refcount_add(1, mem);
	KUNIT_EXPECT_EQ(test, virtsock_stream_has_space(vsk), 0);
	/* So it is told when there is some, by this side: the peer is not asked. */
	KUNIT_EXPECT_TRUE(test, vs->full);
	KUNIT_EXPECT_EQ(test, nr_given, 0);
	/* Nor is it bytes that are short. */
	KUNIT_EXPECT_FALSE(test, vs->buf_grown);
	/* A message that has begun is not left in the middle. */
	vs->begun = true;
	KUNIT_EXPECT_EQ(test, virtsock_stream_has_space(vsk), 1024 * 1024);
	vs->begun = false;
	/* A buffer can be larger than that count. */
	vs->buf_size = U32_MAX;
	KUNIT_EXPECT_EQ(test, virtsock_stream_has_space(vsk), 512 * 1024 * 1024);
	refcount_add(509 * 1024 * 1024, mem);
	KUNIT_EXPECT_EQ(test, virtsock_stream_has_space(vsk), 0);
	KUNIT_EXPECT_FALSE(test, refcount_sub_and_test(512 * 1024 * 1024, mem));
	KUNIT_EXPECT_GT(test, virtsock_stream_has_space(vsk), 0);
	/* Where bytes are short the peer is asked. */
	vs->vvs.tx_cnt = U32_MAX;
	KUNIT_EXPECT_EQ(test, virtsock_stream_has_space(vsk), 0);
	KUNIT_ASSERT_EQ(test, nr_given, 1);
	KUNIT_EXPECT_EQ(test, given[0].op, VIRTIO_VSOCK_OP_CREDIT_REQUEST);
	sk_vsock(vsk)->sk_state = TCP_CLOSE;
}

/* Nor can one message be longer than that. */
static void send_bounds_messages(struct kunit *test)
{
	struct virtsock_sock *vs = send_sock(test);
	struct msghdr msg = {};

	vs->vvs.peer_buf_alloc = U32_MAX;
	vs->buf_size = U32_MAX;
	KUNIT_EXPECT_EQ(test, virtsock_seqpacket_enqueue(vs->vvs.vsk, &msg,
							 600UL << 20), -EMSGSIZE);
}

/* A reader that takes a little and then does something else says so. */
static void receive_a_little(struct kunit *test)
{
	struct virtsock_sock *vs = send_sock(test);
	struct vsock_sock *vsk = vs->vvs.vsk;

	send_message(test, vs, 9000, 0);
	vs->vvs.rx_bytes = 500000;
	vs->vvs.fwd_cnt += 10;
	nr_given = 0;
	virtsock_credit_check(vsk);
	KUNIT_EXPECT_EQ(test, nr_given, 0);
	vs->peer_blocked = true;
	virtsock_credit_check(vsk);
	KUNIT_ASSERT_EQ(test, nr_given, 1);
	KUNIT_EXPECT_EQ(test, given[0].op, UPDATE);
	KUNIT_EXPECT_EQ(test, given[0].class, VIRTSOCK_TX_SOON);
	/* That one takes what follows along. */
	vs->vvs.fwd_cnt += 10;
	virtsock_credit_check(vsk);
	KUNIT_EXPECT_EQ(test, nr_given, 1);
}

static void queue_data(struct kunit *test, struct virtsock_sock *vs, u32 len)
{
	struct sk_buff *skb = alloc_skb(len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_put(skb, len);
	KUNIT_ASSERT_TRUE(test, virtsock_compat_rx_charge(&vs->vvs, len));
	__skb_queue_tail(&vs->vvs.rx_queue, skb);
}

/*
 * What was not read is forgotten, and not there for the common code either, which
 * answers a peer's goodbye only where nothing is left to read.
 */
static void close_unread(struct kunit *test)
{
	struct virtsock_sock *vs = send_sock(test);
	struct sock *sk = sk_vsock(vs->vvs.vsk);

	queue_data(test, vs, 1000);
	queue_data(test, vs, 2000);
	vs->vvs.msg_count = 2;
	KUNIT_EXPECT_EQ(test, virtio_transport_stream_has_data(vs->vvs.vsk), 3000);
	lock_sock(sk);
	sock_set_flag(sk, SOCK_DEAD);
	virtsock_sock_release(vs->vvs.vsk);
	sock_reset_flag(sk, SOCK_DEAD);
	release_sock(sk);
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&vs->vvs.rx_queue));
	KUNIT_EXPECT_EQ(test, virtio_transport_stream_has_data(vs->vvs.vsk), 0);
	KUNIT_EXPECT_EQ(test, virtio_transport_seqpacket_has_data(vs->vvs.vsk), 0);
	KUNIT_EXPECT_EQ(test, virtsock_compat_rx_used(&vs->vvs), 0);
}

static struct kunit_case send_cases[] = {
	KUNIT_CASE(send_long_reply),
	KUNIT_CASE(send_reply_to_small_buffer),
	KUNIT_CASE(send_what_fits),
	KUNIT_CASE(send_with_more),
	KUNIT_CASE(send_flag_without_option),
	KUNIT_CASE(send_bounds_memory),
	KUNIT_CASE(send_bounds_messages),
	KUNIT_CASE(receive_a_little),
	KUNIT_CASE(close_unread),
	{}
};

static struct kunit_suite send_suite = {
	.name = "virtsock_send",
	.test_cases = send_cases,
};

kunit_test_suite(send_suite);
