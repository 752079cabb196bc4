/* SPDX-License-Identifier: GPL-2.0-only */
/* A flush mechanism with a fake clock around the scheduler */
#ifndef _VIRTSOCK_SCHED_FIXTURE_H
#define _VIRTSOCK_SCHED_FIXTURE_H

#include <kunit/test.h>
#include <linux/minmax.h>
#include <virtsock/sched.h>

#define US		1000ULL
#define MS		1000000ULL
#define DEADLINE	(50 * US)
#define CAP		(2 * MS)
#define BATCH		32U
#define BATCH_BYTES	(128U * 1024)
#define NEVER		(~0ULL)
#define START		(10 * MS)	/* a clock that starts at 0 is rare */

/* Sockets: only their addresses matter */
static const char sim_keys[64];
#define KEY(n)		(&sim_keys[n])

/**
 * struct sim - a guest that sends
 * @now: the fake clock, in ns
 * @timer_at: when the hrtimer fires, or NEVER
 * @timer_late: the interrupt runs that much later than it should
 * @timer_cost: and takes that much time from the sender
 * @flush_cost: so long takes the hypercall
 * @tell_cost: and the scheduler is told
 * @sent: messages queued
 * @left: messages flushed
 * @flushes: hypercalls
 * @timer_flushes: of them from the timer
 * @fires: how often the timer fired
 * @smallest: batch
 * @oldest: when the oldest message that waits was queued
 * @worst: longest time that a message waited
 */
struct sim {
	struct virtsock_sched s;
	u64 now;
	u64 timer_at;
	u64 timer_late;
	u64 timer_cost;
	u64 flush_cost;
	bool tell_cost;
	u32 sent;
	u32 left;
	u32 flushes;
	u32 timer_flushes;
	u32 fires;
	u32 smallest;
	u64 oldest;
	u64 worst;
};

static inline struct sim sim_new(enum virtsock_policy policy)
{
	struct sim sim = {
		.now = START,
		.timer_at = NEVER,
		.smallest = U32_MAX,
	};

	virtsock_sched_init(&sim.s, policy, DEADLINE, BATCH_BYTES);
	return sim;
}

static inline void sim_flush(struct sim *sim)
{
	u32 msgs = sim->sent - sim->left;

	if (msgs && sim->now > sim->oldest)
		sim->worst = max(sim->worst, sim->now - sim->oldest);
	sim->smallest = min(sim->smallest, msgs);
	sim->left = sim->sent;
	sim->flushes++;
	virtsock_sched_flushed(&sim->s);
	sim->now += sim->flush_cost;
	if (sim->tell_cost)
		virtsock_sched_cost(&sim->s, sim->flush_cost);
}

static inline void sim_do(struct sim *sim, u64 what)
{
	if (what == VIRTSOCK_SCHED_FLUSH)
		sim_flush(sim);
	else if (what != VIRTSOCK_SCHED_HOLD)
		sim->timer_at = sim->now + what;
}

/* Time passes, and nobody calls but the timer */
static inline void sim_until(struct sim *sim, u64 when)
{
	while (sim->timer_at <= when) {
		u32 flushes = sim->flushes;

		sim->now = max(sim->now, sim->timer_at + sim->timer_late);
		sim->timer_at = NEVER;
		sim->fires++;
		sim_do(sim, virtsock_sched_timer(&sim->s, sim->now));
		sim->timer_flushes += sim->flushes - flushes;
		sim->now += sim->timer_cost;
	}
	sim->now = max(sim->now, when);
}

static inline void sim_pass(struct sim *sim, u64 ns)
{
	sim_until(sim, sim->now + ns);
}

static inline void sim_event(struct sim *sim, enum virtsock_sched_event ev,
			     u32 bytes, const void *key)
{
	if (ev != VIRTSOCK_SCHED_CREDIT && ev != VIRTSOCK_SCHED_URGENT &&
	    ev != VIRTSOCK_SCHED_BLOCK && sim->sent++ == sim->left)
		sim->oldest = sim->now;
	sim_do(sim, virtsock_sched_queue(&sim->s, sim->now, ev, bytes, key));
}

static inline void sim_send(struct sim *sim, u32 bytes)
{
	sim_event(sim, VIRTSOCK_SCHED_DATA, bytes, KEY(0));
}

/* @n messages, each @pace after the one before returned */
static inline void sim_stream(struct sim *sim, u32 n, u64 pace, u32 bytes)
{
	while (n--) {
		sim_send(sim, bytes);
		sim_pass(sim, pace);
	}
}

/* Wait for ever; what is still queued then is lost */
static inline void sim_end(struct sim *sim)
{
	sim_pass(sim, 1000 * MS);
}

#endif
