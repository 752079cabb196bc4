// SPDX-License-Identifier: GPL-2.0-only
/* Which lane a connection has: always the same, and none that a peer can choose */
#include <linux/bitops.h>
#include <linux/completion.h>
#include <linux/workqueue.h>
#include "pack_fixture.h"

/* Connections that are all on one lane, by their ports */
#define CHOSEN	64

/**
 * struct lanes - a queue whose workers stand still
 * @q: the queue
 * @wq: runs one work at a time
 * @held: the one that it runs
 * @go: ends that
 */
struct lanes {
	struct virtsock_rxq q;
	struct workqueue_struct *wq;
	struct work_struct held;
	struct completion go;
};

static void lanes_hold(struct work_struct *work)
{
	wait_for_completion(&container_of(work, struct lanes, held)->go);
}

static void lanes_free(void *l)
{
	struct lanes *lanes = l;

	complete(&lanes->go);
	virtsock_rxq_drain(&lanes->q);
	destroy_workqueue(lanes->wq);
}

static struct lanes *lanes_new(struct kunit *test)
{
	struct lanes *lanes = kunit_kzalloc(test, sizeof(*lanes), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, lanes);
	lanes->wq = alloc_ordered_workqueue("virtsock-lanes", 0);
	KUNIT_ASSERT_NOT_NULL(test, lanes->wq);
	init_completion(&lanes->go);
	INIT_WORK(&lanes->held, lanes_hold);
	virtsock_rxq_init(&lanes->q, &virtsock_host_side.t, lanes->wq);
	queue_work(lanes->wq, &lanes->held);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, lanes_free, lanes));
	return lanes;
}

/* The lane of a peer's packet from @port: a reset, which nobody answers */
static int lanes_add(struct kunit *test, struct lanes *lanes, struct vsock_sock *vsk,
		     u32 port)
{
	struct sk_buff *skb = virtsock_alloc_packet(vsk, VIRTIO_VSOCK_OP_RST, 0, GFP_KERNEL);
	struct virtio_vsock_hdr *hdr;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_orphan(skb);
	hdr = virtio_vsock_hdr(skb);
	hdr->src_cid = cpu_to_le64(PEER_CID);
	hdr->dst_cid = cpu_to_le64(VMADDR_CID_HOST);
	hdr->src_port = cpu_to_le32(port);
	hdr->dst_port = cpu_to_le32(PORT);
	virtsock_rxq_add_later(&lanes->q, skb);
	for (i = 0; i < VIRTSOCK_RXQ_LANES; i++)
		if (skb_peek_tail(&lanes->q.lanes[i].unseen) == skb)
			return i;
	KUNIT_FAIL(test, "on no lane");
	return -1;
}

static void lane_of_a_connection(struct kunit *test)
{
	struct vsock_sock *vsk = pack_sock(test, SOCK_STREAM, PORT);
	struct lanes *lanes = lanes_new(test);
	u32 port;

	for (port = 0; port < CHOSEN; port++)
		KUNIT_EXPECT_EQ(test, lanes_add(test, lanes, vsk, port),
				lanes_add(test, lanes, vsk, port));
}

/* Ports that are on one lane here are all over the lanes of any other queue. */
static void lane_cannot_be_chosen(struct kunit *test)
{
	struct vsock_sock *vsk = pack_sock(test, SOCK_STREAM, PORT);
	struct lanes *here = lanes_new(test), *there = lanes_new(test);
	unsigned long used = 0;
	u32 port, chosen;

	for (port = 0, chosen = 0; chosen < CHOSEN; port++) {
		KUNIT_ASSERT_LT(test, port, 100 * CHOSEN);
		if (lanes_add(test, here, vsk, port))
			continue;
		chosen++;
		used |= BIT(lanes_add(test, there, vsk, port));
	}
	KUNIT_EXPECT_GE(test, hweight_long(used), VIRTSOCK_RXQ_LANES / 2);
}

static struct kunit_case lane_cases[] = {
	KUNIT_CASE(lane_of_a_connection),
	KUNIT_CASE(lane_cannot_be_chosen),
	{}
};

static struct kunit_suite lane_suite = {
	.name = "virtsock_lane",
	.test_cases = lane_cases,
};

kunit_test_suite(lane_suite);
