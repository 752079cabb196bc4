// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers that packets refer to: who may write where, when, and that what is in
 * a packet stays.
 */
#include <linux/mm.h>
#include "pack_fixture.h"

#define SIZE	VIRTSOCK_ARENA_BYTES
#define MANY	(VIRTSOCK_ARENA_PAGES * SIZE / VIRTSOCK_REC_LEN_MAX)

static struct virtsock_rec_info large(u32 len)
{
	return (struct virtsock_rec_info) {
		.len = len, .type = STREAM, .op = RW, .src_port = 1, .dst_port = 2,
		.src_cid = 3, .dst_cid = 4, .buf_alloc = 5, .fwd_cnt = 6,
		.msg_limit = 7, .nr_msgs = 8,
	};
}

/* A packet of @len bytes, all of them @byte, or NULL: the arena has no room */
static struct sk_buff *take(struct kunit *test, struct virtsock_arena *a, u32 len,
			    u8 byte)
{
	struct virtsock_rec_info info = large(len);
	struct sk_buff *skb;
	struct page *page;
	u32 off;

	page = virtsock_arena_room(a, len, GFP_KERNEL, &off);
	if (!page)
		return NULL;
	KUNIT_ASSERT_LE(test, off + len, SIZE);
	skb = virtsock_unpack_page(&info, page, off, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, skb->len, len);
	memset(page_address(page) + off, byte, len);
	return skb;
}

static void expect_filled(struct kunit *test, struct sk_buff *skb, u8 byte)
{
	u32 off, n;

	for (off = 0; off < skb->len; off += n) {
		void *room = virtsock_skb_room(skb, off, &n);

		KUNIT_EXPECT_NULL(test, memchr_inv(room, byte, n));
	}
}

/* As many as the buffers hold, each its own; then none, until one is free. */
static void arena_is_bounded(struct kunit *test)
{
	struct virtsock_arena a = {};
	struct sk_buff **skbs;
	u32 i, k;

	skbs = kunit_kcalloc(test, MANY, sizeof(*skbs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, skbs);
	for (i = 0; i < MANY; i++) {
		skbs[i] = take(test, &a, VIRTSOCK_REC_LEN_MAX, i);
		KUNIT_ASSERT_NOT_NULL(test, skbs[i]);
	}
	KUNIT_EXPECT_EQ(test, a.nr, VIRTSOCK_ARENA_PAGES);
	KUNIT_EXPECT_NULL(test, take(test, &a, VIRTSOCK_REC_LEN_MAX, 0xff));
	KUNIT_EXPECT_NULL(test, virtsock_arena_page(&a, GFP_KERNEL));
	for (i = 0; i < MANY; i++)
		expect_filled(test, skbs[i], i);

	/* All but one packet of each buffer: none is free yet. */
	for (i = 0, k = MANY / VIRTSOCK_ARENA_PAGES; i < MANY; i++)
		if (i % k)
			consume_skb(skbs[i]);
	KUNIT_EXPECT_NULL(test, take(test, &a, VIRTSOCK_REC_LEN_MAX, 0xff));
	for (i = 0; i < MANY; i += k)
		expect_filled(test, skbs[i], i);

	/* The last one of the second buffer */
	consume_skb(skbs[k]);
	skbs[k] = take(test, &a, VIRTSOCK_REC_LEN_MAX, 0xfe);
	KUNIT_ASSERT_NOT_NULL(test, skbs[k]);
	for (i = 0; i < MANY; i += k)
		expect_filled(test, skbs[i], i == k ? 0xfe : i);

	/* The arena goes first; what is in a packet stays. */
	virtsock_arena_free(&a);
	for (i = 0; i < MANY; i += k) {
		expect_filled(test, skbs[i], i == k ? 0xfe : i);
		consume_skb(skbs[i]);
	}
}

/* Where everything is read at once, one buffer does, from its beginning. */
static void arena_uses_one(struct kunit *test)
{
	struct virtsock_arena a = {};
	struct sk_buff *skb, *next;
	u32 i;

	for (i = 0; i < 3 * MANY; i++) {
		skb = take(test, &a, VIRTSOCK_REC_LEN_MAX, 1);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		next = take(test, &a, 9999, 2);
		KUNIT_ASSERT_NOT_NULL(test, next);
		expect_filled(test, skb, 1);
		expect_filled(test, next, 2);
		consume_skb(skb);
		consume_skb(next);
		KUNIT_ASSERT_EQ(test, a.nr, 1);
	}
	virtsock_arena_free(&a);
}

/* One that is as long as a whole buffer, and nothing behind it */
static void arena_takes_all(struct kunit *test)
{
	struct virtsock_arena a = {};
	struct page *first, *page;
	u32 off;

	first = virtsock_arena_room(&a, SIZE - 1, GFP_KERNEL, &off);
	KUNIT_ASSERT_NOT_NULL(test, first);
	KUNIT_EXPECT_EQ(test, off, 0);
	get_page(first);
	page = virtsock_arena_room(&a, 1, GFP_KERNEL, &off);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_PTR_NE(test, page, first);
	KUNIT_EXPECT_EQ(test, off, 0);
	/* Unless it is free again */
	put_page(first);
	KUNIT_EXPECT_PTR_EQ(test, virtsock_arena_room(&a, SIZE, GFP_KERNEL, &off),
			    page);
	KUNIT_EXPECT_EQ(test, off, 0);
	virtsock_arena_free(&a);
	KUNIT_EXPECT_EQ(test, a.nr, 0);
}

/* An attempt costs much where memory is short: not for each packet */
static void arena_waits_after_failure(struct kunit *test)
{
	struct virtsock_arena a = { .failed = true, .retry = jiffies + HZ };

	KUNIT_EXPECT_NULL(test, virtsock_arena_page(&a, GFP_KERNEL));
	a.retry = jiffies;
	KUNIT_EXPECT_NOT_NULL(test, virtsock_arena_page(&a, GFP_KERNEL));
	KUNIT_EXPECT_FALSE(test, a.failed);
	/* What it has may be used meanwhile. */
	a.failed = true;
	a.retry = jiffies + HZ;
	KUNIT_EXPECT_NOT_NULL(test, virtsock_arena_page(&a, GFP_KERNEL));
	virtsock_arena_free(&a);
}

static struct kunit_case arena_cases[] = {
	KUNIT_CASE(arena_is_bounded),
	KUNIT_CASE(arena_uses_one),
	KUNIT_CASE(arena_takes_all),
	KUNIT_CASE(arena_waits_after_failure),
	{}
};

static struct kunit_suite arena_suite = {
	.name = "virtsock_arena",
	.test_cases = arena_cases,
};

kunit_test_suite(arena_suite);
