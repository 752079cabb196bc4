// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mechanism behind the scheduler: packets gather in a queue; the owner of
 * the flush packs them into the ring, makes the hypercall, delivers what came
 * back and frees what the host consumed.
 *
 * There is one owner at a time. Who finds the flush owned leaves its wish in
 * link->again and goes on, so nobody spins while the host works.
 */
#include <linux/sched/stat.h>
#include <trace/events/virtsock.h>
#include "guest.h"

/* Hypercalls in a row before the flush moves to a worker */
#define VIRTSOCK_FLUSH_LOOPS	8

const char * const virtsock_policy_names[VIRTSOCK_POLICY_NR] = {
	[VIRTSOCK_POLICY_IMMEDIATE]	= "immediate",
	[VIRTSOCK_POLICY_FULL]		= "full",
	[VIRTSOCK_POLICY_ADAPTIVE]	= "adaptive",
};

static const enum virtsock_sched_event virtsock_class_event[] = {
	[VIRTSOCK_TX_DATA]	= VIRTSOCK_SCHED_DATA,
	[VIRTSOCK_TX_REPLY]	= VIRTSOCK_SCHED_REPLY,
	[VIRTSOCK_TX_MORE]	= VIRTSOCK_SCHED_MORE,
	[VIRTSOCK_TX_CONTROL]	= VIRTSOCK_SCHED_CONTROL,
	[VIRTSOCK_TX_CREDIT]	= VIRTSOCK_SCHED_CREDIT,
	[VIRTSOCK_TX_SOON]	= VIRTSOCK_SCHED_CREDIT,
	[VIRTSOCK_TX_URGENT]	= VIRTSOCK_SCHED_URGENT,
};

/* Credit that nobody waits for is none. */
static const enum virtsock_flush_reason virtsock_class_reason[] = {
	[VIRTSOCK_TX_DATA]	= VIRTSOCK_FLUSH_DATA,
	[VIRTSOCK_TX_REPLY]	= VIRTSOCK_FLUSH_REPLY,
	[VIRTSOCK_TX_MORE]	= VIRTSOCK_FLUSH_MORE,
	[VIRTSOCK_TX_CONTROL]	= VIRTSOCK_FLUSH_CONTROL,
	[VIRTSOCK_TX_URGENT]	= VIRTSOCK_FLUSH_URGENT,
};

/* Context: any but hard irq. */
static void __virtsock_flush(struct virtsock_link *l,
			     const struct virtsock_flusher *f)
{
	int loops = VIRTSOCK_FLUSH_LOOPS;
	bool again, all, held, later = false, waits = f->waits, lost = false;
	enum virtsock_flush_reason why = f->why;
	struct virtsock_packer p;
	unsigned long delay = 0;
	u64 start, cost, first = 0;
	long ret = 0;

	spin_lock_bh(&l->lock);
	if (l->flushing || !l->up) {
		l->again = true;
		spin_unlock_bh(&l->lock);
		return;
	}
	l->flushing = true;
	do {
		cost = 0;
		l->again = false;
		WRITE_ONCE(l->soon, false);
		l->batch_seq++;
		if (trace_virtsock_link_flush_enabled())
			first = l->sched.msgs ? l->sched.first_ns : 0;
		virtsock_sched_flushed(&l->sched);
		skb_queue_splice_tail_init(&l->txq, &l->batch);
		spin_unlock_bh(&l->lock);

		/* Left over from a call that ran out of memory */
		if (l->rx_off < l->rx_len) {
			ret = virtsock_ring_receive(l, f);
			if (ret == -EPROTO)
				ret = -VIRTSOCK_EPROTO;
			if (ret)
				goto locked;
		}
		/* What a flush costs, which waiting for an answer is not */
		start = waits && !trace_virtsock_link_flush_enabled() ?
			0 : ktime_get_ns();
		all = virtsock_ring_fill(l, &p);
		trace_virtsock_link_flush(l->cid, why, &p, waits, start, first);
		ret = virtsock_ring_call(l, waits);
		cost = waits ? 0 : ktime_get_ns() - start;
		waits = false;
		why = VIRTSOCK_FLUSH_AGAIN;
		if (ret >= 0) {
			int err = virtsock_ring_receive(l, f);

			virtsock_ring_reap(l);
			if (err == -ENOMEM)
				later = true;
			else if (err)
				ret = -VIRTSOCK_EPROTO;
		}
locked:
		if (ret == -ENOMEM) {
			later = true;
			ret = 0;
		}
		spin_lock_bh(&l->lock);
		if (cost)
			virtsock_sched_cost(&l->sched, cost);
		if (ret < 0 || !l->up || later)
			break;
		/* Held back by virtsock_obey() since this round began */
		held = l->stopped && !skb_queue_empty(&l->txq);
		WRITE_ONCE(l->stopped, ret & VIRTSOCK_FR_TX_STOP);
		virtsock_stat_add(&l->stats, VIRTSOCK_STATS_A_STOPS, l->stopped);
		again = l->again || (ret & (VIRTSOCK_FR_RX_MORE |
					    VIRTSOCK_FR_TX_MORE)) ||
			(!l->stopped && (!all || held));
		if (again && !--loops)
			later = true;
	} while (again && !later);
	if (l->rx_off < l->rx_len)
		delay = 1;
	/* With the owner's last breath: a later one may have a new link. */
	if (ret < 0 && l->up) {
		l->up = false;
		l->ending = true;
		l->lost = ret;
		lost = true;
	}
	l->flushing = false;
	spin_unlock_bh(&l->lock);
	wake_up(&l->idle);

	if (lost)
		virtsock_link_lost(l, ret);
	else if (later)
		queue_delayed_work(l->wq, &l->flush_work, delay);
}

/**
 * virtsock_flush() - flush now, or have the owner of the flush do it again
 * @l: the link
 * @why: for those who trace it
 *
 * Context: any but hard irq. Makes hypercalls: no lock a host could wait for.
 */
void virtsock_flush(struct virtsock_link *l, enum virtsock_flush_reason why)
{
	struct virtsock_flusher anybody = { .gfp = GFP_ATOMIC, .why = why };

	__virtsock_flush(l, &anybody);
}

/**
 * virtsock_flush_sync() - flush until the host has taken everything
 * @l: the link
 *
 * For an announced end of the link. Gives up where the host is full, not where
 * memory is short: what the host has for us makes room for what it takes.
 *
 * Context: process, may sleep.
 */
void virtsock_flush_sync(struct virtsock_link *l)
{
	static const struct virtsock_flusher patient = {
		.gfp = GFP_NOIO,
		.why = VIRTSOCK_FLUSH_DOWN,
	};
	int tries = 64;
	bool left;

	do {
		__virtsock_flush(l, &patient);
		virtsock_tx_wait(l);
		spin_lock_bh(&l->lock);
		left = l->up && !l->stopped &&
		       (!skb_queue_empty(&l->txq) || !skb_queue_empty(&l->batch) ||
			!skb_queue_empty(&l->inflight));
		spin_unlock_bh(&l->lock);
	} while (left && --tries);
}

static void virtsock_flush_worker(struct work_struct *work)
{
	/* NOIO: a block device may depend on what we receive. */
	static const struct virtsock_flusher worker = {
		.gfp = GFP_NOIO,
		.why = VIRTSOCK_FLUSH_WORKER,
	};
	struct virtsock_link *l = container_of(to_delayed_work(work),
					       struct virtsock_link, flush_work);

	__virtsock_flush(l, &worker);
}

static void virtsock_poll(struct tasklet_struct *t)
{
	virtsock_flush(container_of(t, struct virtsock_link, poll),
		       VIRTSOCK_FLUSH_DOORBELL);
}

/* Have the scheduler asked again, in @ns. l->lock held. */
static void virtsock_timer_start(struct virtsock_link *l, u64 ns)
{
	hrtimer_start(&l->timer, ns_to_ktime(ns), HRTIMER_MODE_REL_SOFT);
}

static enum hrtimer_restart virtsock_timer(struct hrtimer *timer)
{
	struct virtsock_link *l = container_of(timer, struct virtsock_link, timer);
	u64 next;

	spin_lock_bh(&l->lock);
	next = virtsock_sched_timer(&l->sched, ktime_get_ns());
	if (next != VIRTSOCK_SCHED_HOLD && next != VIRTSOCK_SCHED_FLUSH)
		virtsock_timer_start(l, next);
	spin_unlock_bh(&l->lock);

	/* A lane's worker that keeps answers may wait for a socket by now. */
	if (atomic_xchg(&l->reply_waits, 0) || next == VIRTSOCK_SCHED_FLUSH) {
		virtsock_stat_inc(&l->stats, VIRTSOCK_STATS_A_TIMER_FLUSHES);
		virtsock_flush(l, VIRTSOCK_FLUSH_TIMER);
	}
	return HRTIMER_NORESTART;
}

/*
 * What the scheduler said, as far as it is said under the lock: the timer.
 * Return: true if the caller shall flush. l->lock held.
 */
static bool virtsock_obey(struct virtsock_link *l, u64 verdict)
{
	if (verdict == VIRTSOCK_SCHED_HOLD)
		return false;
	if (verdict != VIRTSOCK_SCHED_FLUSH) {
		virtsock_timer_start(l, verdict);
		return false;
	}
	/* The host is full and will ring: a call now would only tell us again. */
	if (l->stopped)
		return false;
	if (!virtsock_rxq_in_worker(&l->rxq))
		return true;
	/*
	 * Answers given by a lane's worker leave together when it is done; but
	 * it may have to wait for its next socket.
	 */
	if (!atomic_xchg(&l->reply_waits, 1) && !l->sched.timer)
		virtsock_timer_start(l, l->sched.deadline_ns);
	return false;
}

/* Flush for a program. Context: process, @locked is locked by it. */
static void virtsock_flush_for(struct virtsock_link *l, struct sock *locked,
			       bool waits, enum virtsock_flush_reason why)
{
	struct virtsock_flusher f = {
		.gfp = GFP_ATOMIC,
		.locked = locked,
		/* Who waits in the host must not keep others from this CPU. */
		.waits = waits && single_task_running(),
		.why = why,
	};

	/* Everybody's traffic waits for the owner: it must not be preempted. */
	local_bh_disable();
	__virtsock_flush(l, &f);
	local_bh_enable();
}

static void virtsock_lane_end(struct virtsock_rxq *q)
{
	struct virtsock_link *l = container_of(q, struct virtsock_link, rxq);

	if (atomic_xchg(&l->reply_waits, 0))
		virtsock_flush(l, VIRTSOCK_FLUSH_LANE);
}

/*
 * Something was queued for @sk, or for nobody: shall it leave? Context: process,
 * l->lock held; released here.
 */
static void virtsock_tx_queued(struct virtsock_link *l, struct sock *sk,
			       enum virtsock_tx_class class, u32 len)
	__releases(&l->lock)
{
	struct virtsock_sock *vs = sk ? virtsock_sk(vsock_sk(sk)) : NULL;
	struct sock *locked = NULL;
	bool waits = false, flush;

	if (vs && class < VIRTSOCK_TX_CONTROL) {
		vs->batch_seq = l->batch_seq;
		vs->polled = false;
		locked = sk;
		/* It read in recv() what this answers: there it goes again. */
		waits = class == VIRTSOCK_TX_REPLY && vs->blocks;
	}
	flush = virtsock_obey(l, virtsock_sched_queue(&l->sched, ktime_get_ns(),
						      virtsock_class_event[class],
						      len, sk));
	spin_unlock_bh(&l->lock);

	if (flush)
		virtsock_flush_for(l, locked, waits, virtsock_class_reason[class]);
}

/**
 * virtsock_tx_append() - more of a stream for the host, to what waits last
 * @l: the link
 * @vsk: the socket
 * @msg: the program's message
 * @len: bytes of it to send
 *
 * Context: process, socket locked.
 * Return: true if all of it was taken; false if nothing was.
 */
bool virtsock_tx_append(struct virtsock_link *l, struct vsock_sock *vsk,
			struct msghdr *msg, u32 len)
{
	enum virtsock_tx_class class;

	spin_lock_bh(&l->lock);
	if (!l->up ||
	    !virtsock_append(skb_peek_tail(&l->txq), vsk, msg, len, &class)) {
		spin_unlock_bh(&l->lock);
		return false;
	}
	virtsock_tx_queued(l, sk_vsock(vsk), class, len);
	return true;
}

/**
 * virtsock_tx() - a packet for the host
 * @l: the link
 * @skb: the packet, consumed
 *
 * Context: process (the common code calls with the socket locked, or from a
 * lane's worker).
 * Return: bytes of payload taken, -ENODEV without a link.
 */
int virtsock_tx(struct virtsock_link *l, struct sk_buff *skb)
{
	enum virtsock_tx_class class = virtsock_sock_tx(skb);
	int len = skb->len;

	if (class == VIRTSOCK_TX_DROP) {
		consume_skb(skb);
		return len;
	}

	spin_lock_bh(&l->lock);
	if (!l->up) {
		spin_unlock_bh(&l->lock);
		virtsock_sock_untx(skb);
		virtsock_drop(skb, VIRTSOCK_DROP_NO_LINK);
		return -ENODEV;
	}
	__skb_queue_tail(&l->txq, skb);
	if (class == VIRTSOCK_TX_SOON)
		WRITE_ONCE(l->soon, true);
	virtsock_tx_queued(l, skb->sk, class, len);
	if (class == VIRTSOCK_TX_SOON)
		virtsock_alive_soon(l);
	return len;
}

/**
 * virtsock_about_to_wait() - a program is about to wait on a socket
 * @l: the link
 * @vsk: the socket; what it sent leaves now
 * @wait: in what
 *
 * Context: process, socket locked; perhaps after prepare_to_wait(), so it
 * never sleeps.
 */
void virtsock_about_to_wait(struct virtsock_link *l, struct vsock_sock *vsk,
			    enum virtsock_wait wait)
{
	bool sleeps = wait == VIRTSOCK_WAIT_RECV;
	struct virtsock_sock *vs = virtsock_sk(vsk);
	bool flush = false;

	if (!vs)
		return;
	vs->blocks = sleeps;
	spin_lock_bh(&l->lock);
	if (vs->batch_seq == l->batch_seq &&
	    (wait != VIRTSOCK_WAIT_POLL || virtsock_poll_waits(l, vs)))
		flush = virtsock_obey(l, virtsock_sched_queue(&l->sched, ktime_get_ns(),
							      VIRTSOCK_SCHED_BLOCK,
							      0, vsk));
	spin_unlock_bh(&l->lock);
	if (flush)
		virtsock_flush_for(l, sk_vsock(vsk), sleeps, VIRTSOCK_FLUSH_BLOCK);
}

/**
 * virtsock_tx_cancel() - forget what a socket wanted to send
 * @l: the link
 * @vsk: the socket
 *
 * Context: process.
 */
void virtsock_tx_cancel(struct virtsock_link *l, struct vsock_sock *vsk)
{
	struct sk_buff_head freeme;
	struct sk_buff *skb, *next;

	__skb_queue_head_init(&freeme);
	spin_lock_bh(&l->lock);
	skb_queue_walk_safe(&l->txq, skb, next) {
		if (skb->sk == sk_vsock(vsk)) {
			virtsock_sock_untx(skb);
			__skb_unlink(skb, &l->txq);
			__skb_queue_tail(&freeme, skb);
		}
	}
	spin_unlock_bh(&l->lock);
	virtsock_drop_all(&freeme, VIRTSOCK_DROP_SOCKET_END);
}

/**
 * virtsock_tx_forget() - no packet refers to a socket's state any more
 * @l: the link
 * @vsk: the socket, about to be given to another transport
 *
 * What is in the ring already stays there until the host has consumed it, but
 * on nobody's account.
 *
 * Context: process.
 */
void virtsock_tx_forget(struct virtsock_link *l, struct vsock_sock *vsk)
{
	struct sk_buff *skb, *next;
	bool mine = false, again;

	virtsock_tx_cancel(l, vsk);
	do {
		virtsock_tx_wait(l);
		spin_lock_bh(&l->lock);
		if (!l->flushing) {
			l->flushing = true;
			mine = true;
		}
		spin_unlock_bh(&l->lock);
	} while (!mine);

	/* Everybody's traffic waits for the owner: it must not be preempted. */
	local_bh_disable();
	skb_queue_walk_safe(&l->batch, skb, next) {
		if (skb->sk == sk_vsock(vsk)) {
			__skb_unlink(skb, &l->batch);
			virtsock_drop(skb, VIRTSOCK_DROP_SOCKET_END);
		}
	}
	skb_queue_walk(&l->inflight, skb)
		if (skb->sk == sk_vsock(vsk))
			skb_orphan(skb);

	spin_lock_bh(&l->lock);
	again = l->again;
	l->flushing = false;
	spin_unlock_bh(&l->lock);
	wake_up(&l->idle);
	if (again)
		virtsock_flush(l, VIRTSOCK_FLUSH_AGAIN);
	local_bh_enable();
}

/**
 * virtsock_tx_wait() - wait until nobody owns the flush
 * @l: the link
 *
 * Context: process.
 */
void virtsock_tx_wait(struct virtsock_link *l)
{
	wait_event(l->idle, !READ_ONCE(l->flushing));
}

/**
 * virtsock_tx_purge() - forget everything that was not consumed
 * @l: the link, down, so that no hypercall is made
 *
 * Context: process.
 */
void virtsock_tx_purge(struct virtsock_link *l)
{
	struct sk_buff_head freeme;

	__skb_queue_head_init(&freeme);
	spin_lock_bh(&l->lock);
	/* virtsock_tx_forget() owns the flush without a link, too. */
	while (l->flushing) {
		spin_unlock_bh(&l->lock);
		virtsock_tx_wait(l);
		spin_lock_bh(&l->lock);
	}
	skb_queue_splice_init(&l->txq, &freeme);
	skb_queue_splice_init(&l->batch, &freeme);
	skb_queue_splice_init(&l->inflight, &freeme);
	virtsock_sched_flushed(&l->sched);
	l->batch_seq++;
	l->again = false;
	WRITE_ONCE(l->stopped, false);
	l->head = 0;
	l->tail = 0;
	l->rx_off = 0;
	l->rx_len = 0;
	l->rx_done = 0;
	spin_unlock_bh(&l->lock);
	virtsock_drop_all(&freeme, VIRTSOCK_DROP_LINK_END);
}

/**
 * virtsock_flush_param() - change policy or deadline while traffic runs
 * @l: the link
 * @policy: the new policy
 * @deadline_ns: the new deadline
 *
 * Context: process.
 */
void virtsock_flush_param(struct virtsock_link *l, enum virtsock_policy policy,
			  u64 deadline_ns)
{
	spin_lock_bh(&l->lock);
	l->sched.policy = policy;
	l->sched.deadline_ns = deadline_ns;
	spin_unlock_bh(&l->lock);
	/* What waited by the old rule leaves now. */
	virtsock_flush(l, VIRTSOCK_FLUSH_PARAM);
}

/**
 * virtsock_flush_init() - make ready what flushes, and the ring
 * @l: the link
 *
 * Context: process, module init.
 * Return: 0 or -ENOMEM.
 */
int virtsock_flush_init(struct virtsock_link *l)
{
	int err;

	spin_lock_init(&l->lock);
	skb_queue_head_init(&l->txq);
	skb_queue_head_init(&l->batch);
	skb_queue_head_init(&l->inflight);
	init_waitqueue_head(&l->idle);
	virtsock_compat_hrtimer_setup(&l->timer, virtsock_timer);
	tasklet_setup(&l->poll, virtsock_poll);
	INIT_DELAYED_WORK(&l->flush_work, virtsock_flush_worker);
	virtsock_alive_init(l);
	l->batch_seq = 1;

	l->wq = alloc_workqueue("virtsock", WQ_UNBOUND | WQ_HIGHPRI |
				WQ_MEM_RECLAIM, 0);
	if (!l->wq)
		return -ENOMEM;
	virtsock_rxq_init(&l->rxq, &virtsock_guest_side.t, l->wq);
	l->rxq.end = virtsock_lane_end;
	err = virtsock_ring_alloc(l);
	if (err)
		destroy_workqueue(l->wq);
	return err;
}

/**
 * virtsock_flush_exit() - free what virtsock_flush_init() allocated
 * @l: the link, down for good: no interrupt, no socket, no owner of the flush
 *
 * Context: process.
 */
void virtsock_flush_exit(struct virtsock_link *l)
{
	hrtimer_cancel(&l->timer);
	tasklet_kill(&l->poll);
	virtsock_alive_exit(l);
	cancel_delayed_work_sync(&l->flush_work);
	virtsock_rxq_flush(&l->rxq);
	destroy_workqueue(l->wq);
	virtsock_ring_free(l);
}
