// SPDX-License-Identifier: GPL-2.0-only
/*
 * Received packets on their way to their sockets. A packet goes straight into
 * a free socket's queue where that is possible; the rest, and everything
 * behind it on the same lane, goes to the lane's worker, which may sleep. What
 * is for a socket that its program has locked is parked with it.
 */
#include <linux/export.h>
#include <linux/jhash.h>
#include <linux/random.h>
#include <virtsock/core.h>

/**
 * virtsock_rxq_uncharge() - memory of packets is not held any more
 * @q: the queue
 * @bytes: what they were charged
 *
 * Context: any but hard irq.
 */
void virtsock_rxq_uncharge(struct virtsock_rxq *q, u32 bytes)
{
	int left = atomic_sub_return(bytes, &q->bytes);
	int low = READ_ONCE(q->low);

	if (q->drained && left <= low && left + (int)bytes > low)
		q->drained(q);
}

/*
 * A packet waits no more. Whoever has room again hears of it first: after the
 * last packet nothing but RCU may keep the queue.
 */
static void virtsock_rxq_less(struct virtsock_rxq *q, u32 charge)
{
	virtsock_rxq_uncharge(q, charge);
	if (!atomic_dec_return_release(&q->waiting))
		wake_up(&q->idle);
}

/**
 * virtsock_rxq_forget() - drop a packet that waits
 * @q: the queue
 * @skb: the packet, taken off its list
 * @why: the reason
 *
 * Context: any but hard irq; the caller keeps the queue, if by RCU only (a
 * spinlock will do).
 */
void virtsock_rxq_forget(struct virtsock_rxq *q, struct sk_buff *skb,
			 enum virtsock_drop_reason why)
{
	u32 charge = virtsock_skb_cb(skb)->charge;

	virtsock_drop(skb, why);
	virtsock_rxq_less(q, charge);
}

static void virtsock_lane_work(struct work_struct *work);

/**
 * virtsock_rxq_stale() - is what is being delivered from a link that has ended?
 *
 * Then no connection is made of it, and nothing is answered: on the next link
 * the ports may be another connection's. The answer may be old when it is used,
 * but not for who holds the side's lock, and virtsock_reset() waits for who is
 * in the side's functions.
 *
 * Context: below virtio_transport_recv_pkt(), or after it in the lane's worker.
 * Return: true if virtsock_rxq_drain() has not waited for the caller.
 */
bool virtsock_rxq_stale(void)
{
	struct work_struct *work = current_work();
	struct virtsock_lane *lane;

	/* A work that delivers packets is there for as long as it does. */
	if (!work || work->func != virtsock_lane_work)
		return false;
	lane = container_of(work, struct virtsock_lane, work);
	return lane->gen != READ_ONCE(lane->rxq->gen);
}

static void virtsock_lane_work(struct work_struct *work)
{
	struct virtsock_lane *lane = container_of(work, struct virtsock_lane, work);
	struct virtsock_rxq *q = lane->rxq;
	struct sk_buff *skb;
	int budget = 64;

	while (budget--) {
		bool done = true;
		u32 charge;

		virtsock_unpark(lane);
		virtsock_late_back(lane);
		skb = skb_dequeue(&lane->skbs);
		if (!skb)
			break;
		charge = virtsock_skb_cb(skb)->charge;
		lane->gen = virtsock_skb_cb(skb)->gen;
		if (virtsock_rxq_stale())
			virtsock_drop(skb, VIRTSOCK_DROP_STALE);
		else
			done = virtsock_deliver_slow(lane, skb);
		/* Pairs with the acquire in virtsock_deliver_fast(). */
		atomic_dec_return_release(&lane->pending);
		if (done)
			virtsock_rxq_less(q, charge);
	}
	if (q->end)
		q->end(q);
	/* Others share the workqueue: go behind them. */
	if (!skb_queue_empty(&lane->skbs) || !list_empty_careful(&lane->rung) ||
	    READ_ONCE(lane->late_rung))
		queue_work(q->wq, &lane->work);
}

/**
 * virtsock_rxq_init() - make a queue ready
 * @q: the queue; @low and the callbacks are the caller's to set
 * @t: the transport that packets come by
 * @wq: where the lanes run
 *
 * Context: any.
 */
void virtsock_rxq_init(struct virtsock_rxq *q, struct virtio_transport *t,
		       struct workqueue_struct *wq)
{
	int i;

	q->t = t;
	q->wq = wq;
	q->seed = get_random_u32();
	init_waitqueue_head(&q->idle);
	atomic_set(&q->bytes, 0);
	atomic_set(&q->waiting, 0);
	for (i = 0; i < VIRTSOCK_RXQ_LANES; i++) {
		struct virtsock_lane *lane = &q->lanes[i];

		lane->rxq = q;
		skb_queue_head_init(&lane->skbs);
		INIT_LIST_HEAD(&lane->rung);
		INIT_LIST_HEAD(&lane->late);
		INIT_WORK(&lane->work, virtsock_lane_work);
		atomic_set(&lane->pending, 0);
	}
}
EXPORT_SYMBOL_GPL(virtsock_rxq_init);

/**
 * virtsock_rxq_add() - deliver a packet, now or soon
 * @q: the queue
 * @skb: the packet, consumed
 * @locked: a socket that the caller has locked, or NULL
 *
 * Context: any but hard irq; one caller at a time for a queue.
 * Return: true if it went straight into its socket.
 */
bool virtsock_rxq_add(struct virtsock_rxq *q, struct sk_buff *skb,
		      struct sock *locked)
{
	struct virtio_vsock_hdr *hdr = virtio_vsock_hdr(skb);
	struct virtsock_lane *lane;
	u32 hash, charge;

	hash = jhash_3words(le32_to_cpu(hdr->src_port), le32_to_cpu(hdr->dst_port),
			    le64_to_cpu(hdr->src_cid), q->seed);
	lane = &q->lanes[hash % VIRTSOCK_RXQ_LANES];
	if (virtsock_deliver_fast(lane, skb, locked))
		return true;

	charge = virtsock_deliver_later(q->t, skb);
	virtsock_skb_cb(skb)->charge = charge;
	virtsock_skb_cb(skb)->gen = q->gen;
	atomic_add(charge, &q->bytes);
	atomic_inc(&q->waiting);
	atomic_inc(&lane->pending);
	skb_queue_tail(&lane->skbs, skb);
	queue_work(q->wq, &lane->work);
	return false;
}
EXPORT_SYMBOL_GPL(virtsock_rxq_add);

/*
 * Forget what a lane has not begun to deliver: all of it at once, as its worker
 * may go on meanwhile, and must not find what is behind a gap.
 */
static void virtsock_lane_purge(struct virtsock_lane *lane)
{
	struct sk_buff_head forget;
	struct sk_buff *skb;

	__skb_queue_head_init(&forget);
	spin_lock_irq(&lane->skbs.lock);
	skb_queue_splice_init(&lane->skbs, &forget);
	spin_unlock_irq(&lane->skbs.lock);
	while ((skb = __skb_dequeue(&forget))) {
		atomic_dec(&lane->pending);
		virtsock_rxq_forget(lane->rxq, skb, VIRTSOCK_DROP_LINK_END);
	}
}

/**
 * virtsock_rxq_drain() - wait until everything queued is delivered
 * @q: the queue, with no producer left
 *
 * What makes no progress for a second waits for programs that hold their
 * sockets, perhaps for ever: what the lanes keep is forgotten here, what is
 * parked when its socket's link is cut, and what a worker has in its hands is
 * stale from now on. So whoever ends a link never hangs; virtsock_rxq_flush()
 * comes before the queue's memory goes.
 *
 * Context: process, not in a lane's worker.
 */
void virtsock_rxq_drain(struct virtsock_rxq *q)
{
	int rounds = 5, before, i;

	do {
		before = atomic_read(&q->waiting);
		if (wait_event_timeout(q->idle, !atomic_read_acquire(&q->waiting), HZ))
			break;
	} while (atomic_read(&q->waiting) != before && --rounds);

	/* Whatever follows is another link's. */
	WRITE_ONCE(q->gen, q->gen + 1);
	for (i = 0; i < VIRTSOCK_RXQ_LANES; i++) {
		virtsock_lane_purge(&q->lanes[i]);
		virtsock_late_purge(&q->lanes[i]);
	}
}
EXPORT_SYMBOL_GPL(virtsock_rxq_drain);

/**
 * virtsock_rxq_flush() - wait until nobody uses the queue any more
 * @q: the queue, with no producer left
 *
 * That is, no worker, and no socket with something parked: one that has gone
 * to another link, or is at its end, may not have been cut with this one.
 *
 * Context: process, not in a lane's worker.
 */
void virtsock_rxq_flush(struct virtsock_rxq *q)
{
	int i;

	for (i = 0; i < VIRTSOCK_RXQ_LANES; i++) {
		struct virtsock_lane *lane = &q->lanes[i];

		do {
			virtsock_late_purge(lane);
			flush_work(&lane->work);
		} while (atomic_read(&lane->pending) || !list_empty_careful(&lane->late));
	}
	wait_event(q->idle, !atomic_read_acquire(&q->waiting));
	/* Nothing queues them any more, but they may have been meanwhile. */
	for (i = 0; i < VIRTSOCK_RXQ_LANES; i++)
		flush_work(&q->lanes[i].work);
}
EXPORT_SYMBOL_GPL(virtsock_rxq_flush);

/**
 * virtsock_rxq_in_worker() - is the caller delivering for this queue?
 * @q: the queue
 *
 * What it sends are answers, and more may follow: they leave together when
 * the queue's @end is called.
 *
 * Context: any.
 * Return: true in a lane's worker.
 */
bool virtsock_rxq_in_worker(struct virtsock_rxq *q)
{
	struct work_struct *work = current_work();
	int i;

	/* It may be anybody's, and gone: only its address is looked at. */
	for (i = 0; work && i < VIRTSOCK_RXQ_LANES; i++)
		if (work == &q->lanes[i].work)
			return true;
	return false;
}
EXPORT_SYMBOL_GPL(virtsock_rxq_in_worker);
