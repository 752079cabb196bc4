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
#include <linux/sched.h>
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
	rcu_read_lock();
	virtsock_rxq_uncharge(q, charge);
	if (!atomic_dec_return_release(&q->waiting))
		wake_up(&q->idle);
	rcu_read_unlock();
}

/**
 * virtsock_rxq_forget() - drop a packet that waits
 * @q: the queue; the packet keeps it, and nothing may after this
 * @skb: the packet, taken off its list
 * @why: the reason
 *
 * Context: any but hard irq.
 */
void virtsock_rxq_forget(struct virtsock_rxq *q, struct sk_buff *skb,
			 enum virtsock_drop_reason why)
{
	u32 charge = virtsock_skb_cb(skb)->charge;

	virtsock_drop(skb, why);
	virtsock_rxq_less(q, charge);
}

/* So long a lane comes before programs: it is as long busy as they make it. */
#define VIRTSOCK_LANE_QUICK	max(HZ / 100, 1)
/* Packets that its worker delivers, or looks for, before others have a turn */
#define VIRTSOCK_LANE_BUDGET	64

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

/*
 * Workers come before programs, as who waits for an answer waits for them. But to
 * wake a crowd, or to answer thousands of connects, is for its share of the CPU,
 * as it would be for the program that caused it. Another workqueue would run the
 * lane beside itself.
 */
static void virtsock_lane_yield(struct virtsock_lane *lane, struct sk_buff *skb)
{
	if (task_nice(current) < 0 &&
	    (virtsock_skb_cb(skb)->slow ||
	     time_after(jiffies, lane->since + VIRTSOCK_LANE_QUICK)))
		set_user_nice(current, 0);
}

/*
 * Who had no time to look for their sockets has charged the queue with all of
 * these: each is looked for before long, whatever those before it wait for. What
 * came behind them has been looked for.
 */
static void virtsock_lane_look(struct virtsock_lane *lane)
{
	struct virtsock_rxq *q = lane->rxq;
	int budget = VIRTSOCK_LANE_BUDGET;
	struct sk_buff *skb;

	while (atomic_read(&lane->nr_unseen) && budget-- &&
	       (skb = skb_dequeue(&lane->unseen))) {
		struct virtsock_skb_cb *cb = virtsock_skb_cb(skb);
		u32 charge = cb->charge;

		virtsock_lane_yield(lane, skb);
		if (cb->unseen && cb->gen == READ_ONCE(q->gen))
			cb->charge = virtsock_deliver_later(q->t, skb);
		charge -= cb->charge;
		skb_queue_tail(&lane->skbs, skb);
		/* Pairs with the acquire in virtsock_rxq_add(). */
		atomic_dec_return_release(&lane->nr_unseen);
		virtsock_rxq_uncharge(q, charge);
		cond_resched();
	}
}

static void virtsock_lane_work(struct work_struct *work)
{
	struct virtsock_lane *lane = container_of(work, struct virtsock_lane, work);
	struct virtsock_rxq *q = lane->rxq;
	int budget = VIRTSOCK_LANE_BUDGET, nice = task_nice(current);
	struct sk_buff *skb;

	if (!lane->busy)
		lane->since = jiffies;
	while (budget--) {
		bool done = true;
		u32 charge;

		virtsock_lane_look(lane);
		virtsock_unpark(lane);
		virtsock_late_back(lane);
		skb = skb_dequeue(&lane->skbs);
		if (!skb)
			break;
		virtsock_lane_yield(lane, skb);
		cond_resched();
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
	/* The worker is not ours to keep, and who flushes must not be preempted. */
	if (task_nice(current) != nice)
		set_user_nice(current, nice);
	if (q->end)
		q->end(q);
	/* Others share the workqueue: go behind them. */
	lane->busy = !skb_queue_empty(&lane->skbs) || !skb_queue_empty(&lane->unseen);
	if (lane->busy || !list_empty_careful(&lane->rung) || READ_ONCE(lane->late_rung))
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
		skb_queue_head_init(&lane->unseen);
		INIT_LIST_HEAD(&lane->rung);
		INIT_LIST_HEAD(&lane->late);
		INIT_WORK(&lane->work, virtsock_lane_work);
		atomic_set(&lane->pending, 0);
		atomic_set(&lane->nr_unseen, 0);
	}
}
EXPORT_SYMBOL_GPL(virtsock_rxq_init);

static struct virtsock_lane *virtsock_lane_of(struct virtsock_rxq *q,
					      struct sk_buff *skb)
{
	struct virtio_vsock_hdr *hdr = virtio_vsock_hdr(skb);
	u32 hash = jhash_3words(le32_to_cpu(hdr->src_port),
				le32_to_cpu(hdr->dst_port),
				le64_to_cpu(hdr->src_cid), q->seed);

	return &q->lanes[hash % VIRTSOCK_RXQ_LANES];
}

/* A packet for the lane's worker, charged to the queue by @charge */
static void virtsock_lane_add(struct virtsock_lane *lane, struct sk_buff_head *list,
			      struct sk_buff *skb, u32 charge)
{
	struct virtsock_rxq *q = lane->rxq;

	virtsock_skb_cb(skb)->charge = charge;
	virtsock_skb_cb(skb)->gen = q->gen;
	atomic_add(charge, &q->bytes);
	atomic_inc(&q->waiting);
	atomic_inc(&lane->pending);
	skb_queue_tail(list, skb);
	queue_work(q->wq, &lane->work);
}

/* The same, behind what nobody has looked at yet */
static void virtsock_lane_add_behind(struct virtsock_lane *lane, struct sk_buff *skb,
				     u32 charge)
{
	atomic_inc(&lane->nr_unseen);
	virtsock_lane_add(lane, &lane->unseen, skb, charge);
}

/**
 * virtsock_rxq_add_later() - have a worker deliver a packet, whatever it is for
 * @q: the queue
 * @skb: the packet, consumed
 *
 * For who has no time: to look for the socket in the kernel's table takes as
 * long as others make that, and so does waking who waits for it.
 *
 * Context: any but hard irq; one caller at a time for a queue.
 */
void virtsock_rxq_add_later(struct virtsock_rxq *q, struct sk_buff *skb)
{
	virtsock_skb_cb(skb)->paid = 0;
	virtsock_skb_cb(skb)->unseen = true;
	virtsock_skb_cb(skb)->slow = true;
	virtsock_lane_add_behind(virtsock_lane_of(q, skb), skb, skb->truesize);
}
EXPORT_SYMBOL_GPL(virtsock_rxq_add_later);

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
	struct virtsock_lane *lane = virtsock_lane_of(q, skb);
	u32 charge;

	if (virtsock_deliver_fast(lane, skb, locked))
		return true;
	charge = virtsock_deliver_later(q->t, skb);
	/* Pairs with the release in virtsock_lane_look(): behind those. */
	if (atomic_read_acquire(&lane->nr_unseen))
		virtsock_lane_add_behind(lane, skb, charge);
	else
		virtsock_lane_add(lane, &lane->skbs, skb, charge);
	return false;
}
EXPORT_SYMBOL_GPL(virtsock_rxq_add);

/* Context: process. Return: how many there were. */
static int virtsock_list_purge(struct virtsock_lane *lane, struct sk_buff_head *list)
{
	struct sk_buff_head forget;
	struct sk_buff *skb;
	int n = 0;

	__skb_queue_head_init(&forget);
	spin_lock_irq(&list->lock);
	skb_queue_splice_init(list, &forget);
	spin_unlock_irq(&list->lock);
	while ((skb = __skb_dequeue(&forget))) {
		atomic_dec(&lane->pending);
		virtsock_rxq_forget(lane->rxq, skb, VIRTSOCK_DROP_LINK_END);
		n++;
	}
	return n;
}

/*
 * Forget what a lane has not begun to deliver: all of it at once, as its worker
 * may go on meanwhile, and must not find what is behind a gap. What it moves from
 * one list to the other just now is stale.
 */
static void virtsock_lane_purge(struct virtsock_lane *lane)
{
	atomic_sub(virtsock_list_purge(lane, &lane->unseen), &lane->nr_unseen);
	virtsock_list_purge(lane, &lane->skbs);
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
