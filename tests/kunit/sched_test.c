// SPDX-License-Identifier: GPL-2.0-only
/* The adaptive flush scheduler: each promise of the design a case */
#include "sched_fixture.h"

/* The first message goes out when its sender waits, all others by themselves */
static void sched_ping_pong_client(struct kunit *test)
{
	static const u64 rtts[] = { 5 * US, 20 * US, 200 * US, 5 * MS };
	u32 i, n;

	for (i = 0; i < ARRAY_SIZE(rtts); i++) {
		struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);

		sim_send(&sim, 56);
		for (n = 0; n < 1000; n++) {
			sim_event(&sim, VIRTSOCK_SCHED_BLOCK, 0, KEY(0));
			sim_event(&sim, VIRTSOCK_SCHED_CREDIT, 0, KEY(0));
			sim_pass(&sim, rtts[i]);
			sim_event(&sim, VIRTSOCK_SCHED_REPLY, 56, KEY(0));
		}
		KUNIT_EXPECT_EQ(test, sim.sent, 1001);
		KUNIT_EXPECT_EQ(test, sim.flushes, 1001);
		KUNIT_EXPECT_EQ(test, sim.timer_flushes, 0);
		KUNIT_EXPECT_EQ(test, sim.worst, 0);
		KUNIT_EXPECT_LE(test, sim.fires, 1);
	}
}

static void sched_ping_pong_server(struct kunit *test)
{
	struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);
	u32 n;

	for (n = 0; n < 1000; n++) {
		sim_event(&sim, VIRTSOCK_SCHED_BLOCK, 0, KEY(0));
		sim_pass(&sim, 7 * US);
		sim_event(&sim, VIRTSOCK_SCHED_REPLY, 56, KEY(0));
	}
	KUNIT_EXPECT_EQ(test, sim.flushes, 1000);
	KUNIT_EXPECT_EQ(test, sim.worst, 0);
	KUNIT_EXPECT_EQ(test, sim.fires, 0);
}

/* A request in two parts (header, body) costs no timer either */
static void sched_split_request(struct kunit *test)
{
	struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);
	u32 n;

	for (n = 0; n < 100; n++) {
		sim_event(&sim, VIRTSOCK_SCHED_REPLY, 16, KEY(0));
		sim_pass(&sim, 2 * US);
		sim_send(&sim, 200);
		sim_event(&sim, VIRTSOCK_SCHED_BLOCK, 0, KEY(0));
		sim_pass(&sim, 100 * US);
	}
	KUNIT_EXPECT_EQ(test, sim.flushes, 200);
	KUNIT_EXPECT_EQ(test, sim.timer_flushes, 0);
	KUNIT_EXPECT_EQ(test, sim.worst, 0);
}

struct pace {
	const char *name;
	u64 ns;
};

static const struct pace paces[] = {
	{ "0.3 us", 300 }, { "1 us", 1000 }, { "3.5 us", 3500 },
	{ "8 us", 8 * US }, { "20 us", 20 * US }, { "40 us", 40 * US },
};

static void pace_desc(const struct pace *p, char *desc)
{
	strscpy(desc, p->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(pace, paces, pace_desc);

/* At least 32 messages of a one-way stream share a flush, from the first on */
static void sched_stream_batches(struct kunit *test)
{
	const struct pace *p = test->param_value;
	struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);

	sim_stream(&sim, 20000, p->ns, 56);
	KUNIT_EXPECT_GE(test, sim.smallest, BATCH);
	KUNIT_EXPECT_GE(test, sim.left, 19000);
	KUNIT_EXPECT_LE(test, sim.worst, CAP);
	/* and the timer is no storm: one per deadline, or fewer than flushes */
	KUNIT_EXPECT_LE(test, sim.fires, sim.flushes + 4);
	KUNIT_EXPECT_LE(test, sim.fires, (sim.now - START) / DEADLINE + 1);
	sim_end(&sim);
	KUNIT_EXPECT_EQ(test, sim.left, sim.sent);
}

/* A batch of a fast stream is no older than the deadline */
static void sched_fast_stream_is_prompt(struct kunit *test)
{
	struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);

	sim_stream(&sim, 100000, 300, 56);
	KUNIT_EXPECT_LE(test, sim.worst, DEADLINE + 300);
	KUNIT_EXPECT_LE(test, sim.flushes, 100000 * 300 / DEADLINE + 1);
}

/*
 * A slow machine: the timer's interrupt comes late and takes as long as 50
 * messages, a hypercall as long as 14. The batch is still no smaller, and
 * there is about one timer per three batches.
 */
static void sched_slow_machine(struct kunit *test)
{
	struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);

	sim.timer_late = 90 * US;
	sim.timer_cost = 100 * US;
	sim.flush_cost = 50 * US;
	sim_stream(&sim, 50000, 3500, 56);
	KUNIT_EXPECT_GE(test, sim.left / sim.flushes, BATCH);
	KUNIT_EXPECT_LE(test, sim.fires, sim.flushes * 2 / 5);
	KUNIT_EXPECT_LE(test, sim.timer_flushes, sim.flushes / 100 + 1);
}

/* Told what a flush costs, the sender spends a ninth of its time on it */
static void sched_flush_cost(struct kunit *test)
{
	struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);

	sim.timer_late = 90 * US;
	sim.timer_cost = 100 * US;
	sim.flush_cost = 50 * US;
	sim.tell_cost = true;
	sim_stream(&sim, 50000, 3500, 56);
	KUNIT_EXPECT_LE(test, sim.flushes * 8 * sim.flush_cost,
			sim.now - START);
	KUNIT_EXPECT_LE(test, sim.fires * 800 * US, sim.now - START);
	KUNIT_EXPECT_LE(test, sim.worst, CAP);

	/* cheap hypercalls change nothing */
	sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);
	sim.flush_cost = 2 * US;
	sim.tell_cost = true;
	sim_stream(&sim, 50000, 300, 56);
	KUNIT_EXPECT_LE(test, sim.worst, DEADLINE + 300);
}

/*
 * A machine on which a send takes longer than the deadline: 32 sockets still
 * share a flush, as company is worth two flushes; and a lone message leaves
 */
static void sched_deadline_by_cost(struct kunit *test)
{
	struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);
	u32 n;

	sim.flush_cost = 200 * US;
	sim.tell_cost = true;
	sim_event(&sim, VIRTSOCK_SCHED_CONTROL, 0, KEY(0));
	sim_pass(&sim, 10 * MS);
	sim.flushes = 0;
	for (n = 0; n < 32; n++) {
		sim_event(&sim, VIRTSOCK_SCHED_DATA, 56, KEY(n));
		sim_pass(&sim, 60 * US);
	}
	sim_end(&sim);
	KUNIT_EXPECT_EQ(test, sim.left, sim.sent);
	KUNIT_EXPECT_LE(test, sim.flushes, 2);

	sim.worst = 0;
	sim_send(&sim, 56);
	sim_end(&sim);
	KUNIT_EXPECT_EQ(test, sim.left, sim.sent);
	KUNIT_EXPECT_LE(test, sim.worst, 2 * sim.flush_cost);

	/* a flush that takes for ever does not make a message wait for ever */
	sim.flush_cost = 100 * MS;
	for (n = 0; n < 20; n++) {
		sim_event(&sim, VIRTSOCK_SCHED_CONTROL, 0, KEY(0));
		sim_pass(&sim, 10 * MS);
	}
	sim.worst = 0;
	sim_send(&sim, 56);
	sim_end(&sim);
	KUNIT_EXPECT_LE(test, sim.worst, 10 * DEADLINE);
}

/* One message and no further call, ever */
static void sched_single_message(struct kunit *test)
{
	struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);
	u32 n;

	for (n = 1; n <= 10; n++) {
		sim_send(&sim, 56);
		sim_pass(&sim, DEADLINE - 1);
		KUNIT_EXPECT_EQ(test, sim.flushes, n - 1);
		sim_pass(&sim, 1);
		KUNIT_EXPECT_EQ(test, sim.flushes, n);
		KUNIT_EXPECT_EQ(test, sim.left, sim.sent);
		sim_pass(&sim, n * 37 * US);
	}
	KUNIT_EXPECT_EQ(test, sim.fires, 10);
}

/* Wherever a fast stream stops, its tail is out within the deadline */
static void sched_tail_of_fast_stream(struct kunit *test)
{
	u32 n;

	for (n = 1; n <= 1200; n++) {
		struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);
		u64 last;

		sim_stream(&sim, n - 1, 300, 56);
		last = sim.now;
		sim_send(&sim, 56);
		sim_until(&sim, last + DEADLINE);
		KUNIT_ASSERT_EQ_MSG(test, sim.left, n, "stopped after %u", n);
		KUNIT_ASSERT_LE(test, sim.worst, DEADLINE + 300);
	}
}

/* A few messages in a row leave soon after the last, at whatever pace */
static void sched_burst(struct kunit *test)
{
	static const u64 gaps[] = { 0, 300, 1000, 4000, 10 * US, 20 * US,
				    49 * US, 51 * US };
	u32 i, n;

	for (i = 0; i < ARRAY_SIZE(gaps); i++) {
		for (n = 2; n < BATCH; n++) {
			struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);
			u64 bound = DEADLINE;

			/* still sending at the deadline, as far as one sees? */
			if ((n + 3) * gaps[i] > DEADLINE)
				bound = 2 * (n + 3) * gaps[i];
			sim_stream(&sim, n, gaps[i], 56);
			sim_end(&sim);
			KUNIT_ASSERT_EQ(test, sim.left, n);
			KUNIT_ASSERT_LE_MSG(test, sim.worst, bound,
					    "%u messages, one each %llu ns",
					    n, gaps[i]);
		}
	}
}

/* The tail of a slow stream waits for its lazy timer, but for no longer */
static void sched_tail_of_slow_stream(struct kunit *test)
{
	u32 n;

	for (n = 100; n < 400; n++) {
		struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);

		sim_stream(&sim, n, 20 * US, 56);
		sim_end(&sim);
		KUNIT_ASSERT_EQ(test, sim.left, n);
		KUNIT_ASSERT_LE(test, sim.worst, CAP);
	}
}

/* The lazy timer of a slow stream does not bind who comes after a pause */
static void sched_new_beginning(struct kunit *test)
{
	u32 n;

	for (n = 100; n < 200; n++) {
		struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);

		sim_stream(&sim, n, 20 * US, 56);
		sim_pass(&sim, 6 * DEADLINE);
		sim_send(&sim, 56);
		sim_pass(&sim, DEADLINE);
		KUNIT_ASSERT_EQ_MSG(test, sim.left, sim.sent, "after %u", n);
	}
}

/* 64 KiB messages: the batch is full by bytes; the tail leaves soon, too */
static void sched_bulk(struct kunit *test)
{
	struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);
	u64 end;

	sim_stream(&sim, 1001, 30 * US, 65536);
	KUNIT_EXPECT_EQ(test, sim.flushes, 500);
	KUNIT_EXPECT_EQ(test, sim.smallest, 2);
	end = sim.now;
	sim_until(&sim, end + 500 * US);
	KUNIT_EXPECT_EQ(test, sim.left, sim.sent);
}

static void sched_credit_costs_nothing(struct kunit *test)
{
	struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);
	u32 i;

	for (i = 0; i < 1000; i++) {
		sim_event(&sim, VIRTSOCK_SCHED_CREDIT, 0, KEY(0));
		sim_pass(&sim, i * US);
	}
	KUNIT_EXPECT_EQ(test, sim.flushes, 0);
	KUNIT_EXPECT_EQ(test, sim.fires, 0);
	KUNIT_EXPECT_EQ(test, sim.timer_at, NEVER);

	/* nor does it hurry what waits, or hold it back */
	sim_send(&sim, 56);
	for (i = 0; i < 49; i++) {
		sim_pass(&sim, US);
		sim_event(&sim, VIRTSOCK_SCHED_CREDIT, 0, KEY(0));
	}
	KUNIT_EXPECT_EQ(test, sim.flushes, 0);
	sim_pass(&sim, US);
	KUNIT_EXPECT_EQ(test, sim.flushes, 1);
}

/* The peer is blocked on it: now, even if nothing else is queued */
static void sched_urgent_credit(struct kunit *test)
{
	struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);

	sim_event(&sim, VIRTSOCK_SCHED_URGENT, 0, KEY(0));
	KUNIT_EXPECT_EQ(test, sim.flushes, 1);
	sim_send(&sim, 56);
	sim_event(&sim, VIRTSOCK_SCHED_URGENT, 0, KEY(0));
	KUNIT_EXPECT_EQ(test, sim.flushes, 2);
	KUNIT_EXPECT_EQ(test, sim.left, 1);
}

static void sched_more_waits_for_deadline(struct kunit *test)
{
	struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);
	u32 i;

	sim_event(&sim, VIRTSOCK_SCHED_MORE, 56, KEY(0));
	sim_pass(&sim, DEADLINE - 1);
	KUNIT_EXPECT_EQ(test, sim.flushes, 0);
	sim_pass(&sim, 1);
	KUNIT_EXPECT_EQ(test, sim.flushes, 1);

	/* many are no reason, many bytes are */
	for (i = 0; i < 100; i++)
		sim_event(&sim, VIRTSOCK_SCHED_MORE, 56, KEY(0));
	KUNIT_EXPECT_EQ(test, sim.flushes, 1);
	sim_pass(&sim, DEADLINE);
	KUNIT_EXPECT_EQ(test, sim.flushes, 2);
	sim_event(&sim, VIRTSOCK_SCHED_MORE, BATCH_BYTES - 1, KEY(0));
	KUNIT_EXPECT_EQ(test, sim.flushes, 2);
	sim_event(&sim, VIRTSOCK_SCHED_MORE, 1, KEY(0));
	KUNIT_EXPECT_EQ(test, sim.flushes, 3);

	/* whoever then waits gets it out */
	sim_event(&sim, VIRTSOCK_SCHED_MORE, 56, KEY(0));
	sim_event(&sim, VIRTSOCK_SCHED_BLOCK, 0, KEY(0));
	KUNIT_EXPECT_EQ(test, sim.flushes, 4);
}

static void sched_control_takes_all_along(struct kunit *test)
{
	struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);

	sim_send(&sim, 56);
	sim_event(&sim, VIRTSOCK_SCHED_MORE, 56, KEY(1));
	sim_event(&sim, VIRTSOCK_SCHED_CONTROL, 0, KEY(2));
	KUNIT_EXPECT_EQ(test, sim.flushes, 1);
	KUNIT_EXPECT_EQ(test, sim.left, 3);
	sim_end(&sim);
	KUNIT_EXPECT_EQ(test, sim.flushes, 1);
	KUNIT_EXPECT_EQ(test, sim.fires, 1);
}

static void sched_block(struct kunit *test)
{
	struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);

	sim_event(&sim, VIRTSOCK_SCHED_BLOCK, 0, KEY(0));
	KUNIT_EXPECT_EQ(test, sim.flushes, 0);
	sim_send(&sim, 56);
	sim_event(&sim, VIRTSOCK_SCHED_BLOCK, 0, KEY(1));
	KUNIT_EXPECT_EQ(test, sim.flushes, 1);
	sim_event(&sim, VIRTSOCK_SCHED_BLOCK, 0, KEY(0));
	KUNIT_EXPECT_EQ(test, sim.flushes, 1);
}

/* 32 sockets with one message each within a window share its flush */
static void sched_many_senders(struct kunit *test)
{
	static const u64 gaps[] = { 0, 300, US, 5 * US, 20 * US };
	u32 i, n;

	for (i = 0; i < ARRAY_SIZE(gaps); i++) {
		struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);

		for (n = 0; n < 32; n++) {
			sim_event(&sim, VIRTSOCK_SCHED_DATA, 56, KEY(n));
			sim_pass(&sim, gaps[i]);
		}
		sim_end(&sim);
		KUNIT_EXPECT_EQ(test, sim.left, 32);
		KUNIT_EXPECT_LE_MSG(test, sim.flushes, 2, "gap %llu", gaps[i]);
	}
}

static void sched_many_answers(struct kunit *test)
{
	static const u64 gaps[] = { 0, 300, US };
	u32 i, n;

	for (i = 0; i < ARRAY_SIZE(gaps); i++) {
		struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);

		for (n = 0; n < 32; n++) {
			sim_event(&sim, VIRTSOCK_SCHED_REPLY, 56, KEY(n));
			KUNIT_EXPECT_EQ(test, sim.flushes, 1);
			sim_pass(&sim, gaps[i]);
		}
		sim_end(&sim);
		KUNIT_EXPECT_EQ(test, sim.left, 32);
		KUNIT_EXPECT_EQ(test, sim.flushes, 2);
		KUNIT_EXPECT_LE(test, sim.worst, DEADLINE);
	}
}

/* A second socket waits for the window's end; the first never does */
static void sched_reply_window(struct kunit *test)
{
	struct sim sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);
	u32 n;

	sim_event(&sim, VIRTSOCK_SCHED_REPLY, 56, KEY(0));
	sim_pass(&sim, 10 * US);
	sim_event(&sim, VIRTSOCK_SCHED_REPLY, 56, KEY(1));
	KUNIT_EXPECT_EQ(test, sim.flushes, 1);
	sim_pass(&sim, 10 * US);
	sim_event(&sim, VIRTSOCK_SCHED_REPLY, 56, KEY(0));
	KUNIT_EXPECT_EQ(test, sim.flushes, 2);
	KUNIT_EXPECT_EQ(test, sim.left, 3);
	sim_pass(&sim, DEADLINE);
	sim_event(&sim, VIRTSOCK_SCHED_REPLY, 56, KEY(1));
	KUNIT_EXPECT_EQ(test, sim.flushes, 3);

	/* where a flush costs much, company is worth more than to be early */
	sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);
	sim.flush_cost = 100 * US;
	sim.tell_cost = true;
	sim_event(&sim, VIRTSOCK_SCHED_CONTROL, 0, KEY(0));
	sim_event(&sim, VIRTSOCK_SCHED_REPLY, 56, KEY(0));
	sim.flushes = 0;
	for (n = 0; n < 7; n++) {
		sim_pass(&sim, 100 * US);
		sim_event(&sim, VIRTSOCK_SCHED_REPLY, 56, KEY(1 + n));
	}
	KUNIT_EXPECT_LE(test, sim.flushes, 2);

	/* where it does not, nobody is late for the company */
	sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);
	sim.flush_cost = 20 * US;
	sim.tell_cost = true;
	sim_event(&sim, VIRTSOCK_SCHED_CONTROL, 0, KEY(0));
	sim_pass(&sim, 10 * MS);
	for (n = 0; n < 8; n++) {
		sim_event(&sim, VIRTSOCK_SCHED_REPLY, 56, KEY(n % 2));
		KUNIT_EXPECT_EQ(test, sim.left, sim.sent);
		sim_pass(&sim, 60 * US);
	}
	KUNIT_EXPECT_EQ(test, sim.timer_flushes, 0);

	/* the very first one too, on a clock that starts at zero */
	sim = sim_new(VIRTSOCK_POLICY_ADAPTIVE);
	sim.now = 0;
	sim_event(&sim, VIRTSOCK_SCHED_REPLY, 56, KEY(1));
	KUNIT_EXPECT_EQ(test, sim.flushes, 1);
}

static struct kunit_case sched_cases[] = {
	KUNIT_CASE(sched_ping_pong_client),
	KUNIT_CASE(sched_ping_pong_server),
	KUNIT_CASE(sched_split_request),
	KUNIT_CASE_PARAM(sched_stream_batches, pace_gen_params),
	KUNIT_CASE(sched_fast_stream_is_prompt),
	KUNIT_CASE(sched_slow_machine),
	KUNIT_CASE(sched_flush_cost),
	KUNIT_CASE(sched_deadline_by_cost),
	KUNIT_CASE(sched_single_message),
	KUNIT_CASE(sched_tail_of_fast_stream),
	KUNIT_CASE(sched_burst),
	KUNIT_CASE(sched_tail_of_slow_stream),
	KUNIT_CASE(sched_new_beginning),
	KUNIT_CASE(sched_bulk),
	KUNIT_CASE(sched_credit_costs_nothing),
	KUNIT_CASE(sched_urgent_credit),
	KUNIT_CASE(sched_more_waits_for_deadline),
	KUNIT_CASE(sched_control_takes_all_along),
	KUNIT_CASE(sched_block),
	KUNIT_CASE(sched_many_senders),
	KUNIT_CASE(sched_many_answers),
	KUNIT_CASE(sched_reply_window),
	{}
};

static struct kunit_suite sched_suite = {
	.name = "virtsock_sched",
	.test_cases = sched_cases,
};

kunit_test_suite(sched_suite);
