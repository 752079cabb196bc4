// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt moderation with a fake clock: what has the doorbell wait, for how
 * long, and what does not.
 */
#include <kunit/test.h>
#include <linux/ktime.h>
#include <virtsock/moderate.h>

#define US		NSEC_PER_USEC
#define LEAST		(50 * US)
#define MOST		(40 * LEAST)
#define RING		VIRTSOCK_MODERATE_RING
#define LIMIT		(64U * 1024)

/* A stream of small messages, from the guest's last call on */
static struct virtsock_moderation stream(void)
{
	struct virtsock_moderation m = { .min_ns = LEAST };

	virtsock_moderate_taken(&m, 0, 32, 32 * 56);
	return m;
}

/* It rings at @now and is answered @ns later */
static void answered(struct virtsock_moderation *m, u64 now, u64 ns)
{
	virtsock_moderate_rung(m, now);
	virtsock_moderate_called(m, now + ns);
}

/* Nothing is known yet: the first message of all is not kept waiting. */
static void moderate_rings_at_first(struct kunit *test)
{
	struct virtsock_moderation m = { .min_ns = LEAST };

	KUNIT_EXPECT_EQ(test, virtsock_moderate(&m, 0, 56), RING);
	KUNIT_EXPECT_FALSE(test, m.held);
}

static void moderate_holds_a_stream(struct kunit *test)
{
	struct virtsock_moderation m = stream();

	KUNIT_EXPECT_EQ(test, virtsock_moderate(&m, 0, 56), LEAST);
	KUNIT_EXPECT_TRUE(test, m.held);
}

/* Messages and bytes of what was fetched last say whether it is one. */
static void moderate_knows_a_stream(struct kunit *test)
{
	static const struct { u32 messages, bytes; bool stream; } fetched[] = {
		{ 1, 56, false }, { 31, 31 * 56, false }, { 32, 32 * 56, true },
		{ 1000, LIMIT, true }, { 1000, 2 * LIMIT - 1, true },
		{ 1000, 2 * LIMIT, false }, { 8, 2 * LIMIT - 1, false },
	};
	struct virtsock_moderation m = stream();
	u32 i;

	for (i = 0; i < ARRAY_SIZE(fetched); i++) {
		virtsock_moderate_taken(&m, 0, fetched[i].messages, fetched[i].bytes);
		KUNIT_EXPECT_EQ_MSG(test, virtsock_moderate(&m, 0, 56) != RING,
				    fetched[i].stream, "%u messages, %u bytes",
				    fetched[i].messages, fetched[i].bytes);
		virtsock_moderate_rung(&m, 0);
	}
}

static void moderate_rings_when_full(struct kunit *test)
{
	struct virtsock_moderation m = stream();
	u32 bytes;

	for (bytes = 1024; bytes < LIMIT; bytes += 1024)
		KUNIT_ASSERT_NE(test, virtsock_moderate(&m, 0, 1024), RING);
	KUNIT_EXPECT_EQ(test, virtsock_moderate(&m, 0, 1024), RING);
	/* What comes after it has rung is counted anew. */
	virtsock_moderate_rung(&m, 1000 * US);
	KUNIT_EXPECT_NE(test, virtsock_moderate(&m, 0, LIMIT - 1), RING);

	/* One that is enough by itself */
	m = stream();
	KUNIT_EXPECT_EQ(test, virtsock_moderate(&m, 0, LIMIT), RING);
}

/* The guest came by itself: what is queued then begins anew, too. */
static void moderate_counts_from_a_call(struct kunit *test)
{
	struct virtsock_moderation m = stream();

	KUNIT_ASSERT_NE(test, virtsock_moderate(&m, 0, LIMIT - 1), RING);
	virtsock_moderate_called(&m, 0);
	KUNIT_EXPECT_FALSE(test, m.held);
	KUNIT_EXPECT_NE(test, virtsock_moderate(&m, 0, LIMIT - 1), RING);
}

static void moderate_waits_by_answers(struct kunit *test)
{
	struct virtsock_moderation m = stream();
	u32 i;

	answered(&m, 1000 * US, 100 * US);
	KUNIT_EXPECT_EQ(test, virtsock_moderate(&m, 0, 1), 400 * US);
	/* Slowly, as one late answer says little ... */
	answered(&m, 2000 * US, 500 * US);
	KUNIT_EXPECT_EQ(test, virtsock_moderate(&m, 0, 1), 600 * US);
	/* ... and within what the administrator allows for. */
	for (i = 0; i < 100; i++)
		answered(&m, 10000 * US, 1);
	KUNIT_EXPECT_EQ(test, virtsock_moderate(&m, 0, 1), LEAST);
	for (i = 0; i < 100; i++)
		answered(&m, 10000 * US, NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, virtsock_moderate(&m, 0, 1), MOST);
}

/* What comes after a pause is no stream, whatever was before. */
static void moderate_ends_with_a_pause(struct kunit *test)
{
	struct virtsock_moderation m = stream();

	KUNIT_EXPECT_NE(test, virtsock_moderate(&m, MOST, 56), RING);
	virtsock_moderate_called(&m, 0);
	KUNIT_EXPECT_EQ(test, virtsock_moderate(&m, MOST + 1, 56), RING);
	/* It does not come back with the clock. */
	KUNIT_EXPECT_EQ(test, virtsock_moderate(&m, 0, 56), RING);

	/* A wait that has begun ends by its timer, not by this. */
	m = stream();
	KUNIT_EXPECT_NE(test, virtsock_moderate(&m, 0, 56), RING);
	KUNIT_EXPECT_NE(test, virtsock_moderate(&m, MOST + 1, 56), RING);
}

/* Only the call that it asked for is an answer. */
static void moderate_other_calls_are_none(struct kunit *test)
{
	struct virtsock_moderation m = stream();

	answered(&m, 1000 * US, 100 * US);
	virtsock_moderate_called(&m, 900000 * US);
	KUNIT_EXPECT_EQ(test, virtsock_moderate(&m, 0, 1), 400 * US);
}

/* Nobody rings for what is gone: what comes next waits as long as the first. */
static void moderate_released_is_forgotten(struct kunit *test)
{
	struct virtsock_moderation m = stream();

	KUNIT_EXPECT_EQ(test, virtsock_moderate(&m, 0, LIMIT - 1), LEAST);
	virtsock_moderate_release(&m);
	KUNIT_EXPECT_FALSE(test, m.held);
	KUNIT_EXPECT_EQ(test, virtsock_moderate(&m, 0, LIMIT - 1), LEAST);
	KUNIT_EXPECT_TRUE(test, m.held);
	/* It was no doorbell, so this call is no answer. */
	virtsock_moderate_release(&m);
	virtsock_moderate_called(&m, 900 * US);
	KUNIT_EXPECT_EQ(test, virtsock_moderate(&m, 0, 1), LEAST);
}

static void moderate_off(struct kunit *test)
{
	struct virtsock_moderation m = stream();

	m.min_ns = 0;
	KUNIT_EXPECT_EQ(test, virtsock_moderate(&m, 0, 56), RING);
	KUNIT_EXPECT_FALSE(test, m.held);
	answered(&m, 1000 * US, 100 * US);
	KUNIT_EXPECT_EQ(test, virtsock_moderate(&m, 0, 56), RING);
}

static struct kunit_case moderate_cases[] = {
	KUNIT_CASE(moderate_rings_at_first),
	KUNIT_CASE(moderate_holds_a_stream),
	KUNIT_CASE(moderate_knows_a_stream),
	KUNIT_CASE(moderate_rings_when_full),
	KUNIT_CASE(moderate_counts_from_a_call),
	KUNIT_CASE(moderate_waits_by_answers),
	KUNIT_CASE(moderate_ends_with_a_pause),
	KUNIT_CASE(moderate_other_calls_are_none),
	KUNIT_CASE(moderate_released_is_forgotten),
	KUNIT_CASE(moderate_off),
	{}
};

static struct kunit_suite moderate_suite = {
	.name = "virtsock_moderate",
	.test_cases = moderate_cases,
};

kunit_test_suite(moderate_suite);
