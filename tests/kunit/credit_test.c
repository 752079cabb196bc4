// SPDX-License-Identifier: GPL-2.0-only
/* Credit in records and bytes: late, repeated, merged, around the wrap */
#include <kunit/test.h>
#include <linux/prandom.h>
#include <virtsock/credit.h>

#define QUEUE_MAX	455	/* entries in a queue of 256 KiB, as kernels count */

static struct virtsock_credit credit_new(void)
{
	struct virtsock_credit c;

	memset(&c, 0xa5, sizeof(c));
	virtsock_credit_init(&c);
	return c;
}

static void credit_starts_with_one(struct kunit *test)
{
	struct virtsock_credit c = credit_new();

	KUNIT_EXPECT_TRUE(test, virtsock_credit_may_send(&c));
	c.tx_recs++;
	KUNIT_EXPECT_FALSE(test, virtsock_credit_may_send(&c));
	KUNIT_EXPECT_EQ(test, c.rx_limit, 1);
	KUNIT_EXPECT_FALSE(test, c.seen);
}

static void credit_limit_forward_only(struct kunit *test)
{
	struct virtsock_credit c = credit_new();

	KUNIT_EXPECT_FALSE(test, virtsock_credit_update_limit(&c, 10));
	KUNIT_EXPECT_EQ(test, c.tx_limit, 10);
	KUNIT_EXPECT_FALSE(test, virtsock_credit_update_limit(&c, 9));
	KUNIT_EXPECT_FALSE(test, virtsock_credit_update_limit(&c, 0));
	KUNIT_EXPECT_FALSE(test, virtsock_credit_update_limit(&c, 10));
	KUNIT_EXPECT_FALSE(test, virtsock_credit_update_limit(&c, 10 + (1U << 31)));
	KUNIT_EXPECT_EQ(test, c.tx_limit, 10);
}

/* True is said once, when a closed window opens */
static void credit_opening_is_told_once(struct kunit *test)
{
	struct virtsock_credit c = credit_new();

	c.tx_recs = 1;
	KUNIT_EXPECT_FALSE(test, virtsock_credit_update_limit(&c, 1));
	KUNIT_EXPECT_TRUE(test, virtsock_credit_update_limit(&c, 2));
	KUNIT_EXPECT_FALSE(test, virtsock_credit_update_limit(&c, 3));
	/* a message took more records than the limit: closed until past it */
	c.tx_recs = 6;
	KUNIT_EXPECT_FALSE(test, virtsock_credit_update_limit(&c, 5));
	KUNIT_EXPECT_FALSE(test, virtsock_credit_may_send(&c));
	KUNIT_EXPECT_FALSE(test, virtsock_credit_update_limit(&c, 6));
	KUNIT_EXPECT_TRUE(test, virtsock_credit_update_limit(&c, 7));
	KUNIT_EXPECT_TRUE(test, virtsock_credit_may_send(&c));
}

static void credit_limit_wraps(struct kunit *test)
{
	struct virtsock_credit c = credit_new();
	u32 i;

	c.tx_recs = U32_MAX - 2;
	c.tx_limit = U32_MAX - 2;
	for (i = 0; i < 6; i++) {
		KUNIT_EXPECT_FALSE(test, virtsock_credit_may_send(&c));
		KUNIT_EXPECT_TRUE(test,
				  virtsock_credit_update_limit(&c,
							       c.tx_limit + 1));
		KUNIT_EXPECT_TRUE(test, virtsock_credit_may_send(&c));
		c.tx_recs++;
	}
	KUNIT_EXPECT_EQ(test, c.tx_limit, 3);
	KUNIT_EXPECT_FALSE(test, virtsock_credit_update_limit(&c, U32_MAX));
	KUNIT_EXPECT_EQ(test, c.tx_limit, 3);
}

static void credit_rx_limit(struct kunit *test)
{
	struct virtsock_credit c = credit_new();

	KUNIT_EXPECT_EQ(test, virtsock_credit_rx_limit(&c, QUEUE_MAX, 0, 0), QUEUE_MAX);
	c.rx_recs = 100;
	KUNIT_EXPECT_EQ(test, virtsock_credit_rx_limit(&c, QUEUE_MAX, 100, 0), QUEUE_MAX);
	/* merged into fewer entries, or read: more are admitted */
	KUNIT_EXPECT_EQ(test, virtsock_credit_rx_limit(&c, QUEUE_MAX, 40, 0),
			QUEUE_MAX + 60);
	/* slack is room for the rest of the last message */
	c = credit_new();
	KUNIT_EXPECT_EQ(test, virtsock_credit_rx_limit(&c, QUEUE_MAX, 0, 4), QUEUE_MAX - 4);
}

/* Neither a smaller buffer nor a fuller queue takes back what was announced */
static void credit_rx_limit_keeps_word(struct kunit *test)
{
	struct virtsock_credit c = credit_new();

	KUNIT_EXPECT_EQ(test, virtsock_credit_rx_limit(&c, QUEUE_MAX, 0, 0), QUEUE_MAX);
	KUNIT_EXPECT_EQ(test, virtsock_credit_rx_limit(&c, 1, 0, 0), QUEUE_MAX);
	KUNIT_EXPECT_EQ(test, virtsock_credit_rx_limit(&c, QUEUE_MAX, QUEUE_MAX, 0), QUEUE_MAX);
	KUNIT_EXPECT_EQ(test, virtsock_credit_rx_limit(&c, 0, U32_MAX, U32_MAX),
			QUEUE_MAX);
	c.rx_recs = QUEUE_MAX;
	KUNIT_EXPECT_EQ(test, virtsock_credit_rx_limit(&c, 1, 0, 0), QUEUE_MAX + 1);
}

/* A buffer too small for anything admits one record whenever it is empty */
static void credit_tiny_buffer(struct kunit *test)
{
	struct virtsock_credit rx = credit_new(), tx = credit_new();
	u32 i;

	for (i = 0; i < 1000; i++) {
		KUNIT_ASSERT_TRUE(test, virtsock_credit_may_send(&tx));
		tx.tx_recs++;
		KUNIT_ASSERT_FALSE(test, virtsock_credit_may_send(&tx));
		rx.rx_recs++;
		virtsock_credit_update_limit(&tx,
					     virtsock_credit_rx_limit(&rx, 0, 1,
								      3));
		KUNIT_ASSERT_FALSE(test, virtsock_credit_may_send(&tx));
		KUNIT_ASSERT_TRUE(test,
				  virtsock_credit_update_limit(&tx,
							       virtsock_credit_rx_limit(&rx, 0,
											0, 3)));
	}
}

/* Full, slack larger than the queue, and sums beyond 32 bits: no room */
static void credit_rx_limit_extremes(struct kunit *test)
{
	struct virtsock_credit c = credit_new();

	KUNIT_EXPECT_EQ(test, virtsock_credit_rx_limit(&c, QUEUE_MAX, QUEUE_MAX, 0), 1);
	KUNIT_EXPECT_EQ(test, virtsock_credit_rx_limit(&c, QUEUE_MAX, QUEUE_MAX + 9, 0), 1);
	KUNIT_EXPECT_EQ(test, virtsock_credit_rx_limit(&c, 2, 1, 9), 1);
	KUNIT_EXPECT_EQ(test, virtsock_credit_rx_limit(&c, 2, 0, U32_MAX), 1);
	KUNIT_EXPECT_EQ(test,
			virtsock_credit_rx_limit(&c, QUEUE_MAX, U32_MAX, U32_MAX), 1);
	KUNIT_EXPECT_EQ(test, virtsock_credit_rx_limit(&c, QUEUE_MAX, 1, U32_MAX), 1);
}

/* No rule: far ahead, yet always "after" for signed comparison */
static void credit_no_rule(struct kunit *test)
{
	struct virtsock_credit rx = credit_new(), tx = credit_new();
	u32 i, step = 0x10000001, limit;

	for (i = 0; i < 64; i++) {
		limit = virtsock_credit_rx_limit(&rx, VIRTSOCK_CREDIT_NO_RULE,
						 0, 0);
		KUNIT_EXPECT_EQ(test, limit, rx.rx_recs + (1U << 30));
		virtsock_credit_update_limit(&tx, limit);
		KUNIT_EXPECT_EQ(test, tx.tx_limit, limit);
		KUNIT_EXPECT_TRUE(test, virtsock_credit_may_send(&tx));
		rx.rx_recs += step;
		tx.tx_recs += step;
	}
	rx = credit_new();
	KUNIT_EXPECT_EQ(test, virtsock_credit_rx_limit(&rx, U32_MAX, 0, 0),
			VIRTSOCK_CREDIT_NO_RULE);
}

static void expect_bytes(struct kunit *test, struct virtsock_credit *c,
			 u32 fwd, u32 alloc, u32 want_fwd, u32 want_alloc)
{
	virtsock_credit_bytes(c, &fwd, &alloc);
	KUNIT_EXPECT_EQ(test, fwd, want_fwd);
	KUNIT_EXPECT_EQ(test, alloc, want_alloc);
}

static void credit_bytes_late(struct kunit *test)
{
	struct virtsock_credit c = credit_new();

	expect_bytes(test, &c, 100, 4096, 100, 4096);
	expect_bytes(test, &c, 300, 8192, 300, 8192);
	expect_bytes(test, &c, 200, 4096, 300, 8192);	/* overtaken */
	expect_bytes(test, &c, 300, 2048, 300, 2048);	/* buffer was set */
	expect_bytes(test, &c, 100, 4096, 300, 2048);
	expect_bytes(test, &c, 301, 2048, 301, 2048);
}

/* The first header counts, whatever it says */
static void credit_bytes_first(struct kunit *test)
{
	struct virtsock_credit c = credit_new();

	expect_bytes(test, &c, 0xffffff00, 0, 0xffffff00, 0);
	KUNIT_EXPECT_TRUE(test, c.seen);
	expect_bytes(test, &c, 0x10, 5, 0x10, 5);
	c = credit_new();
	expect_bytes(test, &c, 0, 262144, 0, 262144);
	expect_bytes(test, &c, 0, 262144, 0, 262144);
}

static void credit_bytes_wrap(struct kunit *test)
{
	struct virtsock_credit c = credit_new();

	expect_bytes(test, &c, 0xfffffff0, 1000, 0xfffffff0, 1000);
	expect_bytes(test, &c, 0x00000010, 1001, 0x00000010, 1001);
	expect_bytes(test, &c, 0xfffffff8, 1000, 0x00000010, 1001);
	expect_bytes(test, &c, 0x7fffffff, 1002, 0x7fffffff, 1002);
	expect_bytes(test, &c, 0x00000011, 1003, 0x7fffffff, 1002);
}

/*
 * A receiver with a queue by the kernel's rule and a sender, and between them
 * a wire that delays, repeats and drops credit: the queue never overflows,
 * nobody is stuck, and what both believe never goes back. A message takes one
 * to @SLACK + 1 records. Counters start before the wrap.
 */
#define SLACK	3
#define WIRE	8
#define TURNS	100000

struct header {
	u32 limit, fwd, alloc;
};

static void credit_random_wire(struct kunit *test)
{
	struct virtsock_credit rx = credit_new(), tx = credit_new();
	u32 queued = 0, sent = 0, read = 0, alloc = 4096, turn, i;
	u32 start = U32_MAX - TURNS / 8, max = 64;
	struct header wire[WIRE] = {}, h;
	struct rnd_state rnd;
	u32 seen_fwd = start;

	prandom_seed_state(&rnd, 20130917);
	rx.rx_recs = start;
	tx.tx_recs = start;
	rx.rx_limit = start + 1;
	tx.tx_limit = start + 1;
	h = (struct header){ .limit = start + 1, .fwd = start, .alloc = alloc };
	for (i = 0; i < WIRE; i++)
		wire[i] = h;

	for (turn = 0; turn < TURNS; turn++) {
		u32 r = prandom_u32_state(&rnd), old = tx.tx_limit;

		switch (r % 4) {
		case 0:		/* send a message */
			if (!virtsock_credit_may_send(&tx))
				break;
			i = 1 + (r >> 8) % (SLACK + 1);
			tx.tx_recs += i;
			rx.rx_recs += i;
			queued += i;
			sent++;
			KUNIT_ASSERT_LE(test, queued, max);
			break;
		case 1:		/* read some */
			i = min((r >> 8) % 8, queued);
			queued -= i;
			read += i;
			break;
		case 2:		/* send a header, into any place of the wire */
			if ((r >> 16) % 64 == 0)
				alloc = r >> 16;
			h = (struct header){
				.limit = virtsock_credit_rx_limit(&rx, max,
								  queued,
								  SLACK),
				.fwd = start + read, .alloc = alloc,
			};
			wire[(r >> 8) % WIRE] = h;
			break;
		default:	/* one arrives, perhaps for the second time */
			h = wire[(r >> 8) % WIRE];
			virtsock_credit_update_limit(&tx, h.limit);
			KUNIT_ASSERT_GE(test, (s32)(tx.tx_limit - old), 0);
			virtsock_credit_bytes(&tx, &h.fwd, &h.alloc);
			KUNIT_ASSERT_GE(test, (s32)(h.fwd - seen_fwd), 0);
			seen_fwd = h.fwd;
		}
	}
	KUNIT_EXPECT_GT(test, sent, TURNS / 8 / 4);
	KUNIT_EXPECT_LT(test, tx.tx_recs, start);	/* went past the wrap */

	/* everything read and told: the sender has the whole queue */
	virtsock_credit_update_limit(&tx, virtsock_credit_rx_limit(&rx, max, 0,
								   SLACK));
	KUNIT_EXPECT_GE(test, tx.tx_limit - tx.tx_recs, max - SLACK);
}

static struct kunit_case credit_cases[] = {
	KUNIT_CASE(credit_starts_with_one),
	KUNIT_CASE(credit_limit_forward_only),
	KUNIT_CASE(credit_opening_is_told_once),
	KUNIT_CASE(credit_limit_wraps),
	KUNIT_CASE(credit_rx_limit),
	KUNIT_CASE(credit_rx_limit_keeps_word),
	KUNIT_CASE(credit_tiny_buffer),
	KUNIT_CASE(credit_rx_limit_extremes),
	KUNIT_CASE(credit_no_rule),
	KUNIT_CASE(credit_bytes_late),
	KUNIT_CASE(credit_bytes_first),
	KUNIT_CASE(credit_bytes_wrap),
	KUNIT_CASE(credit_random_wire),
	{}
};

static struct kunit_suite credit_suite = {
	.name = "virtsock_credit",
	.test_cases = credit_cases,
};

kunit_test_suite(credit_suite);
