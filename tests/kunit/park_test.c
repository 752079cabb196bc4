// SPDX-License-Identifier: GPL-2.0-only
/* What waits with a socket that its program has locked, when that is no more */
#include <net/sock.h>
#include "pack_fixture.h"

/**
 * struct parking - a socket with something parked
 * @q: where that came from
 * @vsk: the socket, locked
 * @packet: what is parked
 * @resets: what the peer was told: that nobody is there
 */
struct parking {
	struct virtsock_rxq q;
	struct vsock_sock *vsk;
	struct sk_buff *packet;
	u32 resets;
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

static struct kunit_case park_cases[] = {
	KUNIT_CASE(park_answer_for_nobody),
	KUNIT_CASE(park_data_for_nobody),
	KUNIT_CASE(park_answer_of_old_link),
	{}
};

static struct kunit_suite park_suite = {
	.name = "virtsock_park",
	.init = parking_init,
	.test_cases = park_cases,
};

kunit_test_suite(park_suite);
