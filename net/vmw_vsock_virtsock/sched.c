// SPDX-License-Identifier: GPL-2.0-only
/*
 * The flush scheduler: how long may what was queued wait for company?
 *
 * A hypercall costs as much as many messages, a timer as much as several
 * hypercalls; a message that waits for a timer costs its reader the most. So
 * the adaptive policy
 *
 * - flushes at once where somebody waits for it: control packets, credit that
 *   the peer is blocked on, the answer to something received, and whatever is
 *   queued when the program is about to sleep. Answers on several sockets are
 *   one program's, or share its CPU: the next one is company for the first as
 *   long as a batch is;
 * - lets the sender flush in passing when a batch is worth it: batch_msgs of
 *   them and older than the deadline (or than what keeps flushes at a ninth of
 *   the time, if the mechanism tells what they cost), or batch_bytes;
 * - has one lazy timer for all else: armed for the deadline by the first
 *   message that finds none, never cancelled by a flush. If the batch is
 *   younger than the deadline when it fires, it comes back for the rest. If the
 *   sender was quiet for four times its own pace, it flushes. Otherwise it
 *   waits as long again, so that a burst of n us is out after some 2 n us;
 * - is more patient in a stream, that is after a batch filled up and until a
 *   pause: then the timer comes back only after the time that four batches
 *   take to fill. On a fast machine that is less than the deadline, which then
 *   is the bound for a stream's tail, too. On a slow one (nested, emulated) the
 *   tail waits longer, because a timer per deadline would cost more than the
 *   stream itself. Nothing waits much longer than the cap.
 *
 * The deadline is what the administrator asks for, and more only on machines
 * where a flush costs a good part of it, see deadline().
 *
 * Whether the sender is quiet is judged at the time the timer was due, not
 * when it ran: a late interrupt is time that the sender did not have.
 */
#include <linux/math64.h>
#include <linux/minmax.h>
#include <virtsock/sched.h>

#define BATCH_MSGS		32U
#define CAP_DEADLINES		40	/* no batch gets older, adaptive */
#define FULL_DEADLINES		20	/* no batch gets older, full */
#define QUIET_PACES		4	/* this long without a message is an end */
#define STREAM_BATCHES		4	/* a stream has a timer per so many batches */
#define PAUSE_DEADLINES		4	/* this long is a new beginning */
#define INLINE_COSTS		8	/* time between flushes, in their cost */
#define TIMER_COSTS		16	/* time between timers, in flushes' cost */
#define DEADLINE_COSTS		2	/* a wait, in flushes' cost */
#define DEADLINE_MAX		10	/* and at most, in deadlines */
#define COST_WEIGHT		8	/* a flush's cost is smoothed by this */

/* Clocks read before a lock was taken may be out of order: no time passed */
static u64 since(u64 now, u64 then)
{
	return now > then ? now - then : 0;
}

static u64 arm(struct virtsock_sched *s, u64 now, u64 ns)
{
	if (!ns)
		return VIRTSOCK_SCHED_FLUSH;
	s->timer = true;
	s->due_ns = now + ns;
	return ns;
}

static u64 cap(const struct virtsock_sched *s)
{
	return CAP_DEADLINES * s->deadline_ns;
}

/*
 * Company is worth waiting for as long as two flushes take, where that is more
 * than was asked for: a machine on which a flush costs 300 us gets nowhere near
 * 50 us anyway, and would make one hypercall and one timer for each message.
 */
static u64 deadline(const struct virtsock_sched *s)
{
	return clamp(DEADLINE_COSTS * s->cost_ns, s->deadline_ns,
		     DEADLINE_MAX * s->deadline_ns);
}

/* Full, or many enough and old enough for a hypercall of their own */
static bool worth_it(const struct virtsock_sched *s, u64 now)
{
	u64 age = since(now, s->first_ns);

	return s->bytes >= s->batch_bytes || age >= cap(s) ||
	       (s->msgs >= s->batch_msgs &&
		age >= max(s->deadline_ns, INLINE_COSTS * s->cost_ns));
}

/* How long a batch takes to fill at the pace of this one */
static u64 fill_time(const struct virtsock_sched *s)
{
	u64 span = min(since(s->last_ns, s->first_ns), cap(s)), ns;

	ns = div_u64(span, max(s->msgs, 2U) - 1) * s->batch_msgs;
	if (s->bytes)
		ns = min(ns, div_u64(span * s->batch_bytes, s->bytes));
	return ns;
}

/* A batch goes for its size: more of its kind are expected */
static u64 flush_stream(struct virtsock_sched *s)
{
	u64 ns = max(STREAM_BATCHES * fill_time(s), TIMER_COSTS * s->cost_ns);

	s->patience_ns = clamp(ns, deadline(s), cap(s));
	return VIRTSOCK_SCHED_FLUSH;
}

static bool quiet(const struct virtsock_sched *s, u64 now)
{
	u64 span = since(s->last_ns, s->first_ns);

	return s->msgs < 2 || since(min(now, s->due_ns), s->last_ns) >=
	       QUIET_PACES * div_u64(span, s->msgs - 1);
}

static u64 timer_adaptive(struct virtsock_sched *s, u64 now)
{
	u64 age = since(now, s->first_ns), wait;

	if (worth_it(s, now))
		return flush_stream(s);
	if (s->patience_ns > deadline(s) && !quiet(s, now)) {
		wait = s->patience_ns;
	} else if (age < deadline(s)) {
		wait = deadline(s) - age;
	} else {
		s->patience_ns = 0;
		if (quiet(s, now))
			return VIRTSOCK_SCHED_FLUSH;
		wait = age;
	}
	return arm(s, now, min(wait, cap(s) - age));
}

/*
 * Answers on other sockets wait so long for company. Programs that are told of
 * data once only (EPOLLET, io_uring) do not say when they wait, so this is
 * more than the deadline only where that is out of reach anyway.
 */
static u64 reply_window(const struct virtsock_sched *s)
{
	if (s->cost_ns <= s->deadline_ns)
		return deadline(s);
	return min(INLINE_COSTS * s->cost_ns, cap(s));
}

static u64 queue_adaptive(struct virtsock_sched *s, u64 now,
			  enum virtsock_sched_event ev, const void *key)
{
	u64 pause = PAUSE_DEADLINES * deadline(s);
	bool paused = since(now, s->seen_ns) >= pause;

	s->seen_ns = now;
	if (ev == VIRTSOCK_SCHED_REPLY &&
	    (!s->reply_key || s->reply_key == key ||
	     since(now, s->reply_ns) >= reply_window(s))) {
		s->reply_key = key;
		s->reply_ns = now;
		return VIRTSOCK_SCHED_FLUSH;
	}
	if (paused) {
		s->patience_ns = 0;
		/* The end of what was before has waited long enough */
		if (s->msgs > 1)
			return VIRTSOCK_SCHED_FLUSH;
	}
	if (worth_it(s, now))
		return flush_stream(s);
	/* A new beginning does not wait for the timer of a slow stream */
	if (!s->timer || (paused && s->due_ns > now + deadline(s)))
		return arm(s, now, max(deadline(s), s->patience_ns));
	return VIRTSOCK_SCHED_HOLD;
}

/**
 * virtsock_sched_init() - an empty batch, no timer
 * @s: the scheduler
 * @policy: when to flush
 * @deadline_ns: bound for a message that nobody follows, in ns; 0: do not wait
 * @batch_bytes: bytes at which a batch is full
 *
 * Context: any; nobody else uses @s, and no timer of it is armed.
 */
void virtsock_sched_init(struct virtsock_sched *s, enum virtsock_policy policy,
			 u64 deadline_ns, u32 batch_bytes)
{
	*s = (struct virtsock_sched){
		.policy = policy,
		.deadline_ns = deadline_ns,
		.batch_msgs = BATCH_MSGS,
		.batch_bytes = batch_bytes,
	};
}

/**
 * virtsock_sched_queue() - something was queued, or is about to happen
 * @s: the scheduler
 * @now: in ns, monotonic
 * @ev: what it is
 * @bytes: payload of the message, 0 for events without
 * @key: whose it is (the socket), compared only
 *
 * Where the answer is to flush and the caller cannot, what is queued stays
 * queued here, and the next message asks again.
 *
 * Context: any; the caller serialises.
 * Return: VIRTSOCK_SCHED_FLUSH, VIRTSOCK_SCHED_HOLD, or ns until
 * virtsock_sched_timer() shall be called.
 */
u64 virtsock_sched_queue(struct virtsock_sched *s, u64 now,
			 enum virtsock_sched_event ev, u32 bytes,
			 const void *key)
{
	switch (ev) {
	case VIRTSOCK_SCHED_CREDIT:
		return VIRTSOCK_SCHED_HOLD;
	case VIRTSOCK_SCHED_BLOCK:
		return s->msgs ? VIRTSOCK_SCHED_FLUSH : VIRTSOCK_SCHED_HOLD;
	case VIRTSOCK_SCHED_URGENT:
		return VIRTSOCK_SCHED_FLUSH;
	default:
		break;
	}

	if (!s->msgs++)
		s->first_ns = now;
	s->last_ns = now;
	s->bytes += bytes;

	if (ev == VIRTSOCK_SCHED_CONTROL)
		return VIRTSOCK_SCHED_FLUSH;
	switch (s->policy) {
	case VIRTSOCK_POLICY_FULL:
		if (s->bytes >= s->batch_bytes)
			return VIRTSOCK_SCHED_FLUSH;
		if (s->timer)
			return VIRTSOCK_SCHED_HOLD;
		return arm(s, now, FULL_DEADLINES * s->deadline_ns);
	case VIRTSOCK_POLICY_ADAPTIVE:
		return queue_adaptive(s, now, ev, key);
	default:
		return VIRTSOCK_SCHED_FLUSH;
	}
}

/**
 * virtsock_sched_timer() - the time that was asked for has passed
 * @s: the scheduler
 * @now: in ns, monotonic
 *
 * A call too many does no harm.
 *
 * Context: any; the caller serialises.
 * Return: VIRTSOCK_SCHED_FLUSH, VIRTSOCK_SCHED_HOLD, or ns until the next call.
 */
u64 virtsock_sched_timer(struct virtsock_sched *s, u64 now)
{
	u64 age = since(now, s->first_ns);

	s->timer = false;
	s->seen_ns = now;
	if (!s->msgs)
		return VIRTSOCK_SCHED_HOLD;

	switch (s->policy) {
	case VIRTSOCK_POLICY_FULL:
		if (age >= FULL_DEADLINES * s->deadline_ns)
			return VIRTSOCK_SCHED_FLUSH;
		return arm(s, now, FULL_DEADLINES * s->deadline_ns - age);
	case VIRTSOCK_POLICY_ADAPTIVE:
		return timer_adaptive(s, now);
	default:
		return VIRTSOCK_SCHED_FLUSH;
	}
}

/**
 * virtsock_sched_flushed() - the batch is on its way
 * @s: the scheduler
 *
 * Context: any; the caller serialises.
 */
void virtsock_sched_flushed(struct virtsock_sched *s)
{
	s->msgs = 0;
	s->bytes = 0;
}

/**
 * virtsock_sched_cost() - what a flush cost the sender
 * @s: the scheduler
 * @ns: how long its hypercall took, without waiting for an answer
 *
 * Context: any; the caller serialises.
 */
void virtsock_sched_cost(struct virtsock_sched *s, u64 ns)
{
	if (s->cost_ns)
		ns = s->cost_ns - s->cost_ns / COST_WEIGHT + ns / COST_WEIGHT;
	s->cost_ns = ns;
}
