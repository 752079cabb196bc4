// SPDX-License-Identifier: GPL-2.0-only
/*
 * The token bucket with a fake clock: a burst, then the rate, for large pieces
 * and small ones, at the lowest rate and the highest.
 */
#include <kunit/test.h>
#include <linux/ktime.h>
#include <virtsock/bucket.h>

#define BURST	VIRTSOCK_BUCKET_BURST
#define SEC	NSEC_PER_SEC
#define MS	NSEC_PER_MSEC

static void bucket_no_limit(struct kunit *test)
{
	struct virtsock_bucket b = {};

	virtsock_bucket_take(&b, 0, U32_MAX);
	virtsock_bucket_take(&b, 0, U32_MAX);
	KUNIT_EXPECT_EQ(test, virtsock_bucket_left(&b, 0), U32_MAX);
	KUNIT_EXPECT_EQ(test, virtsock_bucket_wait(&b, 0), 0);
	KUNIT_EXPECT_EQ(test, b.due_ns, 0);
}

/* A burst at once, however long nothing was taken before, and no more. */
static void bucket_burst(struct kunit *test)
{
	struct virtsock_bucket b = { .rate = 1000000 };
	u64 now = 3600 * SEC;

	KUNIT_EXPECT_EQ(test, virtsock_bucket_left(&b, now), 100000);
	virtsock_bucket_take(&b, now, 60000);
	KUNIT_EXPECT_EQ(test, virtsock_bucket_left(&b, now), 40000);
	virtsock_bucket_take(&b, now, 40000);
	KUNIT_EXPECT_EQ(test, virtsock_bucket_left(&b, now), 0);
	/* It comes back at the rate, and ends at a burst. */
	KUNIT_EXPECT_EQ(test, virtsock_bucket_left(&b, now + 10 * MS), 10000);
	KUNIT_EXPECT_EQ(test, virtsock_bucket_left(&b, now + 100 * MS), 100000);
	KUNIT_EXPECT_EQ(test, virtsock_bucket_left(&b, now + 100 * SEC), 100000);
}

/* More than a burst in one piece is owed: nothing until it is paid. */
static void bucket_large_piece(struct kunit *test)
{
	struct virtsock_bucket b = { .rate = 65536 };
	u64 now = 5 * SEC, wait;

	KUNIT_EXPECT_GT(test, virtsock_bucket_left(&b, now), 0);
	virtsock_bucket_take(&b, now, 65536);
	KUNIT_EXPECT_EQ(test, virtsock_bucket_left(&b, now), 0);
	KUNIT_EXPECT_EQ(test, virtsock_bucket_left(&b, now + SEC - BURST), 0);
	KUNIT_EXPECT_GT(test, virtsock_bucket_left(&b, now + SEC - BURST / 2), 0);
	wait = virtsock_bucket_wait(&b, now);
	KUNIT_EXPECT_GT(test, wait, SEC - BURST);
	KUNIT_EXPECT_LT(test, wait, SEC);
	KUNIT_EXPECT_EQ(test, virtsock_bucket_wait(&b, now + wait), 0);
}

/* Who waits as long as it is told finds something, worth the trouble. */
static void bucket_wait_is_enough(struct kunit *test)
{
	static const u64 rates[] = {
		1, 100, 65536, 1000000, 1ULL << 32, VIRTSOCK_BUCKET_MAX,
	};
	u32 i, n;

	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		struct virtsock_bucket b = { .rate = rates[i] };
		u64 now = SEC, wait;

		for (n = 0; n < 1000 && virtsock_bucket_left(&b, now); n++)
			virtsock_bucket_take(&b, now, virtsock_bucket_left(&b, now));
		wait = virtsock_bucket_wait(&b, now);
		KUNIT_EXPECT_GE(test, wait, BURST / 4);
		KUNIT_EXPECT_GT(test, virtsock_bucket_left(&b, now + wait), 0);
		KUNIT_EXPECT_EQ(test, virtsock_bucket_wait(&b, now + wait), 0);
		KUNIT_EXPECT_GE_MSG(test, virtsock_bucket_left(&b, now + wait),
				    min(rates[i] / 50, (u64)U32_MAX), "rate %llu",
				    rates[i]);
	}
}

/*
 * For a minute somebody takes all that is left, in pieces of so much, and waits
 * as long as it is told: neither more than the rate nor much less.
 */
static u64 greedy(u64 rate, u32 piece, u64 secs)
{
	struct virtsock_bucket b = { .rate = rate };
	u64 now = 77 * SEC, end = now + secs * SEC, taken = 0;

	while (now < end) {
		/* A bucket without a bottom is found out by its caller. */
		while (virtsock_bucket_left(&b, now) && taken <= 2 * secs * rate) {
			virtsock_bucket_take(&b, now, piece);
			taken += piece;
		}
		now += max(virtsock_bucket_wait(&b, now), 1ULL);
	}
	return taken;
}

static void bucket_keeps_the_rate(struct kunit *test)
{
	static const struct { u64 rate; u32 piece; } all[] = {
		{ 65536, 65584 }, { 65536, 104 }, { 1000000, 48 },
		{ 10000000, 65536 }, { 1ULL << 30, 1 << 20 },
		{ VIRTSOCK_BUCKET_MAX, 1 << 20 }, { 100, 1 }, { 12345, 1 },
	};
	u64 secs = 20;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		u64 rate = all[i].rate, piece = all[i].piece;
		u64 taken = greedy(rate, piece, secs);

		/* A burst and the last piece are on top. */
		KUNIT_EXPECT_LE_MSG(test, taken, secs * rate + rate / 10 + piece,
				    "rate %llu, pieces of %llu", rate, piece);
		KUNIT_EXPECT_GE_MSG(test, taken + piece, secs * rate * 99 / 100,
				    "rate %llu, pieces of %llu", rate, piece);
	}
}

/* However small a piece and however large the rate, it is not for nothing. */
static void bucket_small_pieces(struct kunit *test)
{
	struct virtsock_bucket b = { .rate = VIRTSOCK_BUCKET_MAX };
	u32 i;

	for (i = 0; i < 1000; i++)
		virtsock_bucket_take(&b, SEC, 1);
	KUNIT_EXPECT_GE(test, b.due_ns, SEC + 1000);
}

/* A clock that stands still, and one that was read before another thread's */
static void bucket_strange_clocks(struct kunit *test)
{
	struct virtsock_bucket b = { .rate = 1000 };
	u32 i, n = 0;

	for (i = 0; i < 1000 && virtsock_bucket_left(&b, SEC); i++, n++)
		virtsock_bucket_take(&b, SEC, 1);
	KUNIT_EXPECT_EQ(test, n, 100);
	KUNIT_EXPECT_EQ(test, virtsock_bucket_left(&b, SEC - 10 * MS), 0);
	virtsock_bucket_take(&b, SEC - 10 * MS, 1);
	KUNIT_EXPECT_EQ(test, b.due_ns, SEC + 101 * MS);
}

static struct kunit_case bucket_cases[] = {
	KUNIT_CASE(bucket_no_limit),
	KUNIT_CASE(bucket_burst),
	KUNIT_CASE(bucket_large_piece),
	KUNIT_CASE(bucket_wait_is_enough),
	KUNIT_CASE(bucket_keeps_the_rate),
	KUNIT_CASE(bucket_small_pieces),
	KUNIT_CASE(bucket_strange_clocks),
	{}
};

static struct kunit_suite bucket_suite = {
	.name = "virtsock_bucket",
	.test_cases = bucket_cases,
};

kunit_test_suite(bucket_suite);
