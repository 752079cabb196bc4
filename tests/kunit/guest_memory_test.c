// SPDX-License-Identifier: GPL-2.0-only
/* The memory of the guest's ring: how it is laid out, and where it is short */
#include "guest_fixture.h"

#define SIZE	VIRTSOCK_RING_SIZE

/* Pages, the list of them, their mapping, the receive buffer */
#define ALLOCS	(VIRTSOCK_RING_PAGES + 3)

/* A record runs on from the last page to the first; nothing is left from others. */
static void memory_is_mapped_twice(struct kunit *test)
{
	struct guest *g = test->priv;
	u8 *ring = g->l.ring;
	u32 i;

	KUNIT_EXPECT_NULL(test, memchr_inv(ring, 0, 2 * SIZE));
	for (i = 0; i < VIRTSOCK_RING_PAGES; i++) {
		u8 *page = page_address(g->l.pages[i]);

		ring[i * PAGE_SIZE] = 1 + i;
		ring[SIZE + (i + 1) * PAGE_SIZE - 1] = 101 + i;
		KUNIT_EXPECT_EQ(test, page[0], 1 + i);
		KUNIT_EXPECT_EQ(test, page[PAGE_SIZE - 1], 101 + i);
		KUNIT_EXPECT_EQ(test, ring[SIZE + i * PAGE_SIZE], 1 + i);
	}
	KUNIT_EXPECT_NULL(test, memchr_inv(g->l.rx_own, 0, g->l.rx_size));
	/* The list of pages was needed for the mapping only. */
	KUNIT_EXPECT_EQ(test, guest_world.held, ALLOCS - 1);
}

/* A link of its own, whose memory comes from @world */
static struct virtsock_link *memory_link(struct kunit *test, struct guest_world world)
{
	struct virtsock_link *l = kunit_kzalloc(test, sizeof(*l), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, l);
	world.held = guest_world.held;
	guest_world = world;
	return l;
}

/* Each allocation fails once: what there was before is free again. */
static void memory_that_ends(struct kunit *test)
{
	int held = guest_world.held;
	u32 i;

	for (i = 0; i <= ALLOCS; i++) {
		struct guest_world world = GUEST_WORLD;
		struct virtsock_link *l;

		world.allocs = i;
		l = memory_link(test, world);
		KUNIT_EXPECT_EQ_MSG(test, virtsock_ring_alloc(l), i < ALLOCS ? -ENOMEM : 0,
				    "after %u", i);
		if (i == ALLOCS)
			virtsock_ring_free(l);
		KUNIT_EXPECT_EQ_MSG(test, guest_world.held, held, "after %u", i);
	}
}

/* A smaller buffer does where there is no more in a row, down to one record. */
static void memory_in_pieces(struct kunit *test)
{
	int held = guest_world.held;
	u32 order;

	for (order = 0; order < GUEST_ORDERS; order++) {
		u32 got = min_t(u32, order, VIRTSOCK_RX_ORDER);
		struct guest_world world = GUEST_WORLD;
		struct virtsock_link *l;
		u32 i;

		world.order = order;
		l = memory_link(test, world);
		if (order < VIRTSOCK_RX_ORDER_MIN) {
			KUNIT_EXPECT_EQ(test, virtsock_ring_alloc(l), -ENOMEM);
			KUNIT_EXPECT_EQ(test, guest_world.held, held);
			continue;
		}
		KUNIT_ASSERT_EQ(test, virtsock_ring_alloc(l), 0);
		KUNIT_EXPECT_EQ(test, l->rx_size, PAGE_SIZE << got);
		KUNIT_EXPECT_GE(test, l->rx_size, VIRTSOCK_RX_BUF_MIN);
		KUNIT_EXPECT_NULL(test, memchr_inv(l->rx_own, 0, l->rx_size));
		virtsock_ring_free(l);
		KUNIT_EXPECT_EQ(test, guest_world.held, held);
		/* None is asked for that is larger than needed. */
		for (i = VIRTSOCK_RX_ORDER + 1; i < GUEST_ORDERS; i++)
			KUNIT_EXPECT_EQ(test, guest_world.gfp[i], 0);
	}
}

/* Nobody else is to suffer for what is only better to have. */
static void memory_is_asked_for_gently(struct kunit *test)
{
	struct guest_world world = GUEST_WORLD;
	struct virtsock_link *l;
	u32 i;

	world.order = 0;
	l = memory_link(test, world);
	KUNIT_EXPECT_EQ(test, virtsock_ring_alloc(l), -ENOMEM);
	for (i = VIRTSOCK_RX_ORDER; i > VIRTSOCK_RX_ORDER_MIN; i--) {
		KUNIT_EXPECT_TRUE(test, guest_world.gfp[i] & __GFP_NORETRY);
		KUNIT_EXPECT_TRUE(test, guest_world.gfp[i] & __GFP_NOWARN);
	}
	KUNIT_EXPECT_FALSE(test, guest_world.gfp[i] & __GFP_NORETRY);
	KUNIT_EXPECT_TRUE(test, guest_world.gfp[i] & __GFP_RETRY_MAYFAIL);
	KUNIT_EXPECT_EQ(test, guest_world.gfp[i - 1], 0);
}

/* What a packet refers to outlives the link, which keeps nothing of it. */
static void memory_in_packets(struct kunit *test)
{
	struct virtsock_link *l = memory_link(test, GUEST_WORLD);
	struct page *pages[2];
	u32 i;

	KUNIT_ASSERT_EQ(test, virtsock_ring_alloc(l), 0);
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = virtsock_arena_page(&l->arena, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, pages[i]);
		get_page(pages[i]);
	}
	virtsock_ring_free(l);
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		KUNIT_EXPECT_EQ(test, page_ref_count(pages[i]), 1);
		put_page(pages[i]);
	}
}

static struct kunit_case guest_memory_cases[] = {
	KUNIT_CASE(memory_is_mapped_twice),
	KUNIT_CASE(memory_that_ends),
	KUNIT_CASE(memory_in_pieces),
	KUNIT_CASE(memory_is_asked_for_gently),
	KUNIT_CASE(memory_in_packets),
	{}
};

static struct kunit_suite guest_memory_suite = {
	.name = "virtsock_guest_memory",
	.init = guest_init,
	.exit = guest_exit,
	.test_cases = guest_memory_cases,
};

kunit_test_suite(guest_memory_suite);
