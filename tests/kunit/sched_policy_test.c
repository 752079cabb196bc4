// SPDX-License-Identifier: GPL-2.0-only
/* The other policies, changing them at run time, and odd clocks and callers */
#include <linux/prandom.h>
#include "sched_fixture.h"

static void policy_immediate(struct kunit *test)
{
	static const enum virtsock_sched_event evs[] = {
		VIRTSOCK_SCHED_DATA, VIRTSOCK_SCHED_REPLY, VIRTSOCK_SCHED_MORE,
		VIRTSOCK_SCHED_CONTROL, VIRTSOCK_SCHED_URGENT,
	};
	struct sim sim = sim_new(VIRTSOCK_POLICY_IMMEDIATE);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(evs); i++) {
		sim_event(&sim, evs[i], 0, KEY(i));
		KUNIT_EXPECT_EQ(test, sim.flushes, i + 1);
	}
	sim_event(&sim, VIRTSOCK_SCHED_CREDIT, 0, KEY(0));
	sim_event(&sim, VIRTSOCK_SCHED_BLOCK, 0, KEY(0));
	sim_end(&sim);
	KUNIT_EXPECT_EQ(test, sim.flushes, i);
	KUNIT_EXPECT_EQ(test, sim.fires, 0);
}

static void policy_full(struct kunit *test)
{
	struct sim sim = sim_new(VIRTSOCK_POLICY_FULL);
	u32 each = BATCH_BYTES / 64;

	sim_stream(&sim, 63, 3500, each);
	KUNIT_EXPECT_EQ(test, sim.flushes, 0);
	sim_event(&sim, VIRTSOCK_SCHED_REPLY, each, KEY(0));
	KUNIT_EXPECT_EQ(test, sim.flushes, 1);
	KUNIT_EXPECT_EQ(test, sim.smallest, 64);

	sim_send(&sim, 56);
	sim_event(&sim, VIRTSOCK_SCHED_CREDIT, 0, KEY(0));
	KUNIT_EXPECT_EQ(test, sim.flushes, 1);
	sim_event(&sim, VIRTSOCK_SCHED_CONTROL, 0, KEY(0));
	KUNIT_EXPECT_EQ(test, sim.flushes, 2);
	sim_event(&sim, VIRTSOCK_SCHED_BLOCK, 0, KEY(0));
	KUNIT_EXPECT_EQ(test, sim.flushes, 2);
	sim_send(&sim, 56);
	sim_event(&sim, VIRTSOCK_SCHED_BLOCK, 0, KEY(0));
	KUNIT_EXPECT_EQ(test, sim.flushes, 3);
	sim_event(&sim, VIRTSOCK_SCHED_URGENT, 0, KEY(0));
	KUNIT_EXPECT_EQ(test, sim.flushes, 4);
}

/* What nothing follows leaves after 20 deadlines, whenever it came */
static void policy_full_safety_net(struct kunit *test)
{
	struct sim sim = sim_new(VIRTSOCK_POLICY_FULL);
	u32 n;

	sim_send(&sim, 56);
	sim_pass(&sim, 20 * DEADLINE - 1);
	KUNIT_EXPECT_EQ(test, sim.flushes, 0);
	sim_pass(&sim, 1);
	KUNIT_EXPECT_EQ(test, sim.flushes, 1);
	for (n = 0; n < 100; n++) {
		sim_send(&sim, 56);
		sim_pass(&sim, n * 7 * US);
		sim_event(&sim, VIRTSOCK_SCHED_BLOCK, 0, KEY(0));
		sim_send(&sim, 56);
		sim_pass(&sim, 20 * DEADLINE);
		KUNIT_ASSERT_EQ(test, sim.left, sim.sent);
	}
	KUNIT_EXPECT_EQ(test, sim.worst, 20 * DEADLINE);
}

/* A change of policy leaves the batch and its timer as they are */
static void policy_change_keeps_batch(struct kunit *test)
{
	enum virtsock_policy from, to;

	for (from = 0; from < VIRTSOCK_POLICY_NR; from++) {
		for (to = 0; to < VIRTSOCK_POLICY_NR; to++) {
			struct sim sim = sim_new(from);

			sim_stream(&sim, 5, US, 56);
			sim.s.policy = to;
			sim_end(&sim);
			KUNIT_EXPECT_EQ_MSG(test, sim.left, 5, "%d to %d",
					    from, to);
			KUNIT_EXPECT_LE(test, sim.worst, 20 * DEADLINE);

			/* and the next message goes by the new one */
			sim = sim_new(from);
			sim_stream(&sim, 5, US, 56);
			sim.s.policy = to;
			sim_send(&sim, 56);
			if (to == VIRTSOCK_POLICY_IMMEDIATE)
				KUNIT_EXPECT_EQ(test, sim.left, 6);
			sim_end(&sim);
			KUNIT_EXPECT_EQ(test, sim.left, 6);
		}
	}
}

/*
 * Anything at any time, under changing policies and deadlines: what is queued
 * has a timer to fetch it, nothing waits longer than any policy allows, and
 * nothing is lost.
 */
static void policy_random(struct kunit *test)
{
	struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);
	struct rnd_state rnd;
	u32 i;

	prandom_seed_state(&rnd, 11);
	for (i = 0; i < 300000; i++) {
		u32 r = prandom_u32_state(&rnd);
		u64 gap = (u64)(r >> 8) % (1U << r % 20);
		enum virtsock_sched_event ev = VIRTSOCK_SCHED_DATA;

		if (r % 3 == 0)
			ev = prandom_u32_state(&rnd) %
			     (VIRTSOCK_SCHED_BLOCK + 1);
		if (r % 512 == 1)
			sim.s.policy = (r >> 10) % VIRTSOCK_POLICY_NR;
		if (r % 512 == 2)
			virtsock_sched_cost(&sim.s, (r >> 10) % (100 * US));
		sim_event(&sim, ev, (r >> 16) % 512, KEY((r >> 16) % 64));
		KUNIT_ASSERT_EQ(test, sim.s.msgs, sim.sent - sim.left);
		KUNIT_ASSERT_TRUE(test, !sim.s.msgs || sim.timer_at != NEVER);
		sim_pass(&sim, gap);
		KUNIT_ASSERT_TRUE(test, !sim.s.msgs || sim.timer_at != NEVER);
	}
	sim_end(&sim);
	KUNIT_EXPECT_EQ(test, sim.left, sim.sent);
	KUNIT_EXPECT_LE(test, sim.worst, CAP);
	KUNIT_EXPECT_FALSE(test, sim.s.timer);
}

/* Messages at one and the same time: no division by nothing, no flush lost */
static void policy_clock_stands_still(struct kunit *test)
{
	struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);
	u32 i;

	for (i = 0; i < 1000; i++)
		sim_send(&sim, 56);
	sim_do(&sim, virtsock_sched_timer(&sim.s, sim.now));
	KUNIT_EXPECT_EQ(test, sim.flushes, 0);
	sim_end(&sim);
	KUNIT_EXPECT_EQ(test, sim.left, 1000);
	KUNIT_EXPECT_EQ(test, sim.worst, DEADLINE);

	sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);
	sim.now = 0;
	sim_send(&sim, 56);
	sim_end(&sim);
	KUNIT_EXPECT_EQ(test, sim.left, 1);
}

/* Clocks read before the lock was taken: a little out of order */
static void policy_clock_out_of_order(struct kunit *test)
{
	struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);
	u32 i;

	for (i = 0; i < 20; i++) {
		sim_send(&sim, 56);
		sim.now -= 200;
	}
	sim_event(&sim, VIRTSOCK_SCHED_REPLY, 56, KEY(1));
	sim.now -= 200;
	sim_event(&sim, VIRTSOCK_SCHED_REPLY, 56, KEY(2));
	sim_do(&sim, virtsock_sched_timer(&sim.s, sim.now - 1000));
	KUNIT_EXPECT_EQ(test, sim.flushes, 1);
	sim_end(&sim);
	KUNIT_EXPECT_EQ(test, sim.left, sim.sent);
	KUNIT_EXPECT_LE(test, sim.worst, 2 * DEADLINE);
}

/* A timer that fires for nothing, or twice */
static void policy_timer_too_often(struct kunit *test)
{
	struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);
	u32 i;

	KUNIT_EXPECT_EQ(test, virtsock_sched_timer(&sim.s, sim.now),
			VIRTSOCK_SCHED_HOLD);
	sim_send(&sim, 56);
	for (i = 0; i < 49; i++) {
		sim_pass(&sim, US);
		sim_do(&sim, virtsock_sched_timer(&sim.s, sim.now));
		KUNIT_EXPECT_EQ(test, sim.timer_at, START + DEADLINE);
	}
	KUNIT_EXPECT_EQ(test, sim.flushes, 0);
	sim_pass(&sim, US);
	KUNIT_EXPECT_EQ(test, sim.flushes, 1);
}

/* A timer that never comes: who sends meanwhile flushes at the cap */
static void policy_timer_lost(struct kunit *test)
{
	struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);
	u32 i;

	for (i = 0; i < 1000; i++) {
		sim_send(&sim, 56);
		sim.timer_at = NEVER;
		sim_pass(&sim, 100 * US);
	}
	KUNIT_EXPECT_GE(test, sim.left, 1000 - CAP / (100 * US));
	KUNIT_EXPECT_LE(test, sim.worst, CAP);
}

/* The caller could not flush (the host is full): the next event asks again */
static void policy_flush_refused(struct kunit *test)
{
	struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);
	u64 now = START, what = VIRTSOCK_SCHED_HOLD;
	u32 i;

	for (i = 0; i < BATCH; i++, now += 3 * US)
		what = virtsock_sched_queue(&sim.s, now, VIRTSOCK_SCHED_DATA,
					    56, KEY(0));
	KUNIT_EXPECT_EQ(test, what, VIRTSOCK_SCHED_FLUSH);
	for (i = 0; i < 100; i++, now += 3 * US)
		KUNIT_EXPECT_EQ(test, VIRTSOCK_SCHED_FLUSH,
				virtsock_sched_queue(&sim.s, now,
						     VIRTSOCK_SCHED_DATA, 56,
						     KEY(0)));
	KUNIT_EXPECT_EQ(test, VIRTSOCK_SCHED_FLUSH,
			virtsock_sched_timer(&sim.s, now));
	KUNIT_EXPECT_EQ(test, VIRTSOCK_SCHED_FLUSH,
			virtsock_sched_queue(&sim.s, now, VIRTSOCK_SCHED_BLOCK,
					     0, KEY(0)));
	KUNIT_EXPECT_EQ(test, sim.s.msgs, BATCH + 100);
}

/* A deadline of 0 is "do not wait", not "never" */
static void policy_no_deadline(struct kunit *test)
{
	enum virtsock_policy policy;

	for (policy = 0; policy < VIRTSOCK_POLICY_NR; policy++) {
		struct sim sim = sim_new(policy);

		sim.s.deadline_ns = 0;
		sim_stream(&sim, 100, US, 56);
		KUNIT_EXPECT_EQ(test, sim.flushes, 100);
		KUNIT_EXPECT_EQ(test, sim.fires, 0);
	}
}

static struct kunit_case policy_cases[] = {
	KUNIT_CASE(policy_immediate),
	KUNIT_CASE(policy_full),
	KUNIT_CASE(policy_full_safety_net),
	KUNIT_CASE(policy_change_keeps_batch),
	KUNIT_CASE(policy_random),
	KUNIT_CASE(policy_clock_stands_still),
	KUNIT_CASE(policy_clock_out_of_order),
	KUNIT_CASE(policy_timer_too_often),
	KUNIT_CASE(policy_timer_lost),
	KUNIT_CASE(policy_flush_refused),
	KUNIT_CASE(policy_no_deadline),
	{}
};

static struct kunit_suite policy_suite = {
	.name = "virtsock_sched_policy",
	.test_cases = policy_cases,
};

kunit_test_suite(policy_suite);
