// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's flush: one owner at a time, which goes on for as long as there is
 * reason to, and no longer; what ends the link; and a goodbye, before which
 * everything leaves.
 */
#include "guest_fixture.h"

/* As many calls in a row as the owner makes before a worker goes on */
#define LOOPS		8U

void virtsock_link_lost(struct virtsock_link *l, long err)
{
	struct guest *g = container_of(l, struct guest, l);

	g->lost++;
	g->why = err;
}

static int flush_init(struct kunit *test)
{
	struct guest *g = guest_new(test);
	struct virtsock_link *l = &g->l;
	int err;

	virtsock_sched_init(&l->sched, VIRTSOCK_POLICY_ADAPTIVE, 50000,
			    VIRTSOCK_BATCH_BYTES);
	err = virtsock_flush_init(l);
	if (err)
		return err;
	l->up = true;
	test->priv = g;
	return 0;
}

/* Before its sockets, which packets refer to */
static void flush_exit(struct kunit *test)
{
	struct guest *g = test->priv;

	if (!g)
		return;
	guest_world.packets = U32_MAX;
	guest_world.no_atomic = false;
	g->l.up = false;
	virtsock_tx_purge(&g->l);
	virtsock_rxq_drain(&g->l.rxq);
	virtsock_flush_exit(&g->l);
	KUNIT_EXPECT_EQ(test, guest_world.held, 0);
}

static u64 calls(struct guest *g)
{
	return guest_stat(g, VIRTSOCK_STATS_A_HYPERCALLS);
}

static u32 unread(struct vsock_sock *vsk)
{
	return virtsock_sk(vsk)->vvs.rx_bytes;
}

/* A worker goes on: now. */
static void flush_later(struct guest *g)
{
	flush_delayed_work(&g->l.flush_work);
}

/* The host takes nothing in its first call. */
static void first_call_takes_nothing(struct guest *g, struct virtsock_hc *hc)
{
	if (calls(g) == 0)
		hc->rbx = g->l.tail;
}

static void flush_sends(struct kunit *test)
{
	struct vsock_sock *vsk = guest_sock(test, SOCK_STREAM, PORT);
	struct guest *g = test->priv;

	guest_send(test, vsk, VIRTIO_VSOCK_OP_RW, 100);
	guest_give(test, VIRTIO_VSOCK_TYPE_STREAM, PORT, VIRTIO_VSOCK_OP_RW, 50, 0);
	virtsock_flush(&g->l, VIRTSOCK_FLUSH_DATA);
	virtsock_rxq_flush(&g->l.rxq);

	KUNIT_EXPECT_EQ(test, calls(g), 1);
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_TX_BYTES), 100);
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&g->l.inflight));
	KUNIT_EXPECT_EQ(test, unread(vsk), 50);
	KUNIT_EXPECT_FALSE(test, g->l.flushing);
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_STOPS), 0);
}

/* Who finds it owned leaves a wish, and makes no call. */
static void flush_has_one_owner(struct kunit *test)
{
	struct vsock_sock *vsk = guest_sock(test, SOCK_STREAM, PORT);
	struct guest *g = test->priv;

	g->l.flushing = true;
	guest_send(test, vsk, VIRTIO_VSOCK_OP_RW, 100);
	virtsock_flush(&g->l, VIRTSOCK_FLUSH_DATA);
	KUNIT_EXPECT_EQ(test, calls(g), 0);
	KUNIT_EXPECT_TRUE(test, g->l.again);
	KUNIT_EXPECT_TRUE(test, g->l.flushing);

	g->l.flushing = false;
	virtsock_flush(&g->l, VIRTSOCK_FLUSH_DATA);
	KUNIT_EXPECT_EQ(test, calls(g), 1);
	KUNIT_EXPECT_FALSE(test, g->l.again);
	KUNIT_EXPECT_FALSE(test, g->l.flushing);
}

static void flush_without_link(struct kunit *test)
{
	struct vsock_sock *vsk = guest_sock(test, SOCK_STREAM, PORT);
	struct guest *g = test->priv;

	g->l.up = false;
	guest_send(test, vsk, VIRTIO_VSOCK_OP_RW, 100);
	virtsock_flush(&g->l, VIRTSOCK_FLUSH_DATA);
	virtsock_flush_sync(&g->l);
	KUNIT_EXPECT_EQ(test, calls(g), 0);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&g->l.batch), 1);
}

static void flush_asks_again(struct guest *g, struct virtsock_hc *hc)
{
	if (calls(g) == 0)
		virtsock_flush(&g->l, VIRTSOCK_FLUSH_DATA);
}

/* A wish that comes while the host is at work */
static void flush_grants_wish(struct kunit *test)
{
	struct guest *g = test->priv;

	g->lie = flush_asks_again;
	virtsock_flush(&g->l, VIRTSOCK_FLUSH_DATA);
	KUNIT_EXPECT_EQ(test, calls(g), 2);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&g->l.flush_work));
}

/* A host that always has more keeps nobody: a worker goes on. */
static void flush_moves_to_worker(struct kunit *test)
{
	struct guest *g = test->priv;
	u32 flag;

	for (flag = VIRTSOCK_FR_RX_MORE; flag; flag = flag == VIRTSOCK_FR_RX_MORE ?
						     VIRTSOCK_FR_TX_MORE : 0) {
		u64 before = calls(g);

		g->results = flag;
		local_bh_disable();
		virtsock_flush(&g->l, VIRTSOCK_FLUSH_DATA);
		KUNIT_EXPECT_EQ(test, calls(g), before + LOOPS);
		g->results = 0;
		local_bh_enable();
		flush_later(g);
		KUNIT_EXPECT_EQ(test, calls(g), before + LOOPS + 1);
		KUNIT_EXPECT_FALSE(test, delayed_work_pending(&g->l.flush_work));
	}
}

/* More than the ring holds takes as many calls as it takes, of one flush. */
static void flush_more_than_ring(struct kunit *test)
{
	struct vsock_sock *vsk = guest_sock(test, SOCK_STREAM, PORT);
	struct guest *g = test->priv;
	u32 sent = 0;

	while (sent <= VIRTSOCK_RING_SIZE) {
		guest_send(test, vsk, VIRTIO_VSOCK_OP_RW, VIRTSOCK_SEG_MIN - 1);
		sent += VIRTSOCK_SEG_MIN - 1;
	}
	virtsock_flush(&g->l, VIRTSOCK_FLUSH_DATA);
	KUNIT_EXPECT_EQ(test, calls(g), 2);
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_TX_BYTES), sent);
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&g->l.batch));
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&g->l.inflight));
}

/* A host that is full rings when it is not: not to ask until then. */
static void flush_stops(struct kunit *test)
{
	struct vsock_sock *vsk = guest_sock(test, SOCK_STREAM, PORT);
	struct guest *g = test->priv;

	guest_send(test, vsk, VIRTIO_VSOCK_OP_RW, 100);
	g->results = VIRTSOCK_FR_TX_STOP;
	g->takes = 0;
	virtsock_flush(&g->l, VIRTSOCK_FLUSH_DATA);
	KUNIT_EXPECT_EQ(test, calls(g), 1);
	KUNIT_EXPECT_TRUE(test, g->l.stopped);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&g->l.inflight), 1);
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_STOPS), 1);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&g->l.flush_work));

	/* Its doorbell */
	g->results = 0;
	g->takes = U32_MAX;
	virtsock_flush(&g->l, VIRTSOCK_FLUSH_DOORBELL);
	KUNIT_EXPECT_EQ(test, calls(g), 2);
	KUNIT_EXPECT_FALSE(test, g->l.stopped);
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&g->l.inflight));
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_STOPS), 1);
}

static void flush_host_refuses(struct kunit *test)
{
	struct guest *g = test->priv;

	g->error = -VIRTSOCK_ESTALE;
	virtsock_flush(&g->l, VIRTSOCK_FLUSH_DATA);
	virtsock_flush(&g->l, VIRTSOCK_FLUSH_DATA);
	KUNIT_EXPECT_EQ(test, calls(g), 1);
	KUNIT_EXPECT_EQ(test, g->lost, 1);
	KUNIT_EXPECT_EQ(test, g->why, -VIRTSOCK_ESTALE);
	KUNIT_EXPECT_FALSE(test, g->l.up);
	KUNIT_EXPECT_TRUE(test, g->l.ending);
	KUNIT_EXPECT_FALSE(test, g->l.flushing);
}

/* What comes back is no record. */
static void flush_host_lies(struct kunit *test)
{
	struct vsock_sock *vsk = guest_sock(test, SOCK_STREAM, PORT);
	struct guest *g = test->priv;
	struct virtsock_rec *rec;

	rec = guest_give(test, VIRTIO_VSOCK_TYPE_STREAM, PORT, VIRTIO_VSOCK_OP_RW, 8, 0);
	rec->dst_cid = cpu_to_le32(GUEST_CID + 1);
	virtsock_flush(&g->l, VIRTSOCK_FLUSH_DATA);
	virtsock_rxq_flush(&g->l.rxq);
	KUNIT_EXPECT_EQ(test, g->lost, 1);
	KUNIT_EXPECT_EQ(test, g->why, -VIRTSOCK_EPROTO);
	KUNIT_EXPECT_FALSE(test, g->l.up);
	KUNIT_EXPECT_EQ(test, unread(vsk), 0);
}

/* No call before the receive buffer is empty; a worker, which may sleep, goes on. */
static void flush_short_of_memory(struct kunit *test)
{
	struct vsock_sock *vsk = guest_sock(test, SOCK_STREAM, PORT);
	struct guest *g = test->priv;

	guest_give(test, VIRTIO_VSOCK_TYPE_STREAM, PORT, VIRTIO_VSOCK_OP_RW, 50, 0);
	guest_world.no_atomic = true;
	local_bh_disable();
	virtsock_flush(&g->l, VIRTSOCK_FLUSH_DATA);
	virtsock_flush(&g->l, VIRTSOCK_FLUSH_DATA);
	KUNIT_EXPECT_EQ(test, calls(g), 1);
	KUNIT_EXPECT_EQ(test, g->lost, 0);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&g->l.flush_work));
	local_bh_enable();
	flush_later(g);
	virtsock_rxq_flush(&g->l.rxq);
	KUNIT_EXPECT_EQ(test, calls(g), 2);
	KUNIT_EXPECT_EQ(test, unread(vsk), 50);
}

/* Before a goodbye everything leaves, though it takes what only a sleeper gets. */
static void goodbye_waits_for_memory(struct kunit *test)
{
	struct vsock_sock *vsk = guest_sock(test, SOCK_STREAM, PORT);
	struct guest *g = test->priv;

	guest_send(test, vsk, VIRTIO_VSOCK_OP_RW, 100);
	guest_send(test, vsk, VIRTIO_VSOCK_OP_SHUTDOWN, 0);
	guest_give(test, VIRTIO_VSOCK_TYPE_STREAM, PORT, VIRTIO_VSOCK_OP_RW, 50, 0);
	g->lie = first_call_takes_nothing;
	guest_world.no_atomic = true;
	virtsock_flush_sync(&g->l);
	KUNIT_EXPECT_EQ(test, calls(g), 2);
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&g->l.batch));
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&g->l.inflight));
	virtsock_rxq_flush(&g->l.rxq);
	KUNIT_EXPECT_EQ(test, unread(vsk), 50);
}

/* But it does not wait for a program of the host, nor for ever. */
static void goodbye_gives_up(struct kunit *test)
{
	struct vsock_sock *vsk = guest_sock(test, SOCK_STREAM, PORT);
	struct guest *g = test->priv;
	u64 before;

	guest_send(test, vsk, VIRTIO_VSOCK_OP_RW, 100);
	g->takes = 0;
	g->results = VIRTSOCK_FR_TX_STOP;
	virtsock_flush_sync(&g->l);
	KUNIT_EXPECT_EQ(test, calls(g), 1);

	before = calls(g);
	g->results = 0;
	virtsock_flush_sync(&g->l);
	KUNIT_EXPECT_EQ(test, calls(g), before + 64);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&g->l.inflight), 1);
}

static struct kunit_case flush_cases[] = {
	KUNIT_CASE(flush_sends),
	KUNIT_CASE(flush_has_one_owner),
	KUNIT_CASE(flush_without_link),
	KUNIT_CASE(flush_grants_wish),
	KUNIT_CASE(flush_moves_to_worker),
	KUNIT_CASE(flush_more_than_ring),
	KUNIT_CASE(flush_stops),
	KUNIT_CASE(flush_host_refuses),
	KUNIT_CASE(flush_host_lies),
	KUNIT_CASE(flush_short_of_memory),
	KUNIT_CASE(goodbye_waits_for_memory),
	KUNIT_CASE(goodbye_gives_up),
	{}
};

static struct kunit_suite flush_suite = {
	.name = "virtsock_guest_flush",
	.init = flush_init,
	.exit = flush_exit,
	.test_cases = flush_cases,
};

kunit_test_suite(flush_suite);
MODULE_LICENSE("GPL");
