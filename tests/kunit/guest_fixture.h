/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest's link with sockets, and a host that is honest unless a test says else */
#ifndef _VIRTSOCK_GUEST_FIXTURE_H
#define _VIRTSOCK_GUEST_FIXTURE_H

#include <linux/workqueue.h>
#include <net/sock.h>
#include "guest_ring.h"
#include "net/vmw_vsock_virtsock/guest.h"
#include "pack_fixture.h"
#include "pack_linear.h"

#define GUEST_CID	77U
#define GUEST_EPOCH	0x123456789abcdef0UL

/* What the host can have for the guest at one time, and more */
#define GUEST_GIVES	(2 * VIRTSOCK_ARENA_BYTES)

/**
 * struct guest - a link and its host
 * @l: the link
 * @made: where packets are made
 * @gives: records that the host has for the guest, written with the next call
 * @given: bytes there
 * @error: what it answers, or 0
 * @results: what it says besides
 * @takes: so much of the ring it consumes, at most
 * @lie: what is not true of its answer, or NULL
 * @value: for that
 * @op: the operation it was asked for last
 * @asked: with these arguments
 * @lost: its links that ended without a goodbye
 * @why: of the last of them, the host's answer
 */
struct guest {
	struct virtsock_link l;
	struct batch *made;
	u8 *gives;
	u32 given;
	long error;
	unsigned long results;
	u32 takes;
	void (*lie)(struct guest *g, struct virtsock_hc *hc);
	unsigned long value;
	enum virtsock_hc_op op;
	struct virtsock_hc asked;
	u32 lost;
	long why;
};

static inline long guest_host(void *host, enum virtsock_hc_op op, struct virtsock_hc *hc)
{
	struct guest *g = host;

	g->op = op;
	g->asked = *hc;
	if (g->error)
		return g->error;
	hc->rbx = g->l.tail + min(g->takes, (u32)hc->rcx - g->l.tail);
	memcpy(phys_to_virt(hc->rdx), g->gives, min_t(u32, g->given, hc->rsi));
	hc->rcx = g->given;
	hc->rdx = g->results;
	g->given = 0;
	if (g->lie)
		g->lie(g, hc);
	return 0;
}

/* A host, and a link to it that has no ring yet */
static inline struct guest *guest_new(struct kunit *test)
{
	struct guest *g = kunit_kzalloc(test, sizeof(*g), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, g);
	g->takes = U32_MAX;
	g->gives = kunit_kzalloc(test, GUEST_GIVES, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, g->gives);
	g->made = batch_new(test, 8);
	g->l.cid = GUEST_CID;
	g->l.epoch = GUEST_EPOCH;

	guest_world = GUEST_WORLD;
	guest_world.hypercall = guest_host;
	guest_world.host = g;
	return g;
}

static inline int guest_init(struct kunit *test)
{
	struct guest *g = guest_new(test);
	struct virtsock_link *l = &g->l;

	skb_queue_head_init(&l->batch);
	skb_queue_head_init(&l->inflight);
	l->wq = alloc_workqueue("virtsock-guest", WQ_UNBOUND, 0);
	KUNIT_ASSERT_NOT_NULL(test, l->wq);
	virtsock_rxq_init(&l->rxq, &virtsock_guest_side.t, l->wq);
	test->priv = g;
	return virtsock_ring_alloc(l);
}

/* Before its sockets, which packets refer to */
static inline void guest_exit(struct kunit *test)
{
	struct guest *g = test->priv;

	if (!g)
		return;
	__skb_queue_purge(&g->l.batch);
	__skb_queue_purge(&g->l.inflight);
	virtsock_rxq_drain(&g->l.rxq);
	virtsock_rxq_flush(&g->l.rxq);
	destroy_workqueue(g->l.wq);
	virtsock_ring_free(&g->l);
	KUNIT_EXPECT_EQ(test, guest_world.held, 0);
	linear_memory = U32_MAX;
}

static inline void guest_sock_end(void *sk)
{
	struct vsock_sock *vsk = vsock_sk(sk);

	vsock_remove_connected(vsk);
	skb_queue_purge(&virtsock_sk(vsk)->vvs.rx_queue);
	((struct sock *)sk)->sk_state = TCP_CLOSE;
}

/* A socket that is connected to a program of the host */
static inline struct vsock_sock *guest_sock(struct kunit *test, int type, u32 port)
{
	struct vsock_sock *vsk = pack_sock(test, type, port);
	struct sock *sk = sk_vsock(vsk);

	vsk->transport = &virtsock_guest_side.t.transport;
	vsock_addr_init(&vsk->local_addr, GUEST_CID, port);
	vsock_addr_init(&vsk->remote_addr, VMADDR_CID_HOST, PEER_PORT(port));
	sk->sk_state = TCP_ESTABLISHED;
	vsock_insert_connected(vsk);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, guest_sock_end, sk));
	return vsk;
}

/* A packet that was just made is the next of the flush. */
static inline struct sk_buff *guest_queue(struct guest *g, struct sk_buff *skb)
{
	struct sock *sk = skb->sk;

	__skb_unlink(skb, &g->made->skbs);
	__skb_queue_tail(&g->l.batch, skb);
	virtsock_sk(vsock_sk(sk))->vvs.bytes_unsent += skb->len;
	return skb;
}

static inline struct sk_buff *guest_send(struct kunit *test, struct vsock_sock *vsk,
					 u16 op, u32 len)
{
	struct guest *g = test->priv;

	return guest_queue(g, packet(test, g->made, vsk, op, len));
}

static inline u64 guest_stat(struct guest *g, enum virtsock_stats_attr a)
{
	return atomic64_read(&g->l.stats.v[a]);
}

/* The host has a record for a socket: @len bytes of the stream, from @pos on */
static inline struct virtsock_rec *guest_give(struct kunit *test, u16 type, u32 port,
					      u16 op, u32 len, u32 pos)
{
	struct guest *g = test->priv;
	struct virtsock_rec *rec = (void *)(g->gives + g->given);
	u8 *payload = (u8 *)(rec + 1);
	u32 i;

	KUNIT_ASSERT_LE(test, g->given + REC_SIZE(len), GUEST_GIVES);
	memset(rec, 0, REC_SIZE(len));
	rec_fill(rec, type, op, len);
	rec->src_cid = cpu_to_le32(VMADDR_CID_HOST);
	rec->dst_cid = cpu_to_le32(GUEST_CID);
	rec->src_port = cpu_to_le32(PEER_PORT(port));
	rec->dst_port = cpu_to_le32(port);
	rec->buf_alloc = cpu_to_le32(1024 * 1024);
	rec->fwd_cnt = 0;
	for (i = 0; i < len; i++)
		payload[i] = pack_byte(pos + i);
	g->given += REC_SIZE(len);
	return rec;
}

#endif
