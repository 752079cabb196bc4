// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's FLUSH: what it asks for, and what it takes for an answer. One that
 * no honest host gives costs the link: it changes nothing before that.
 */
#include "guest_fixture.h"

/* Bytes of records that are in the ring */
#define IN_RING		480U

/* What the last answer left of the receive buffer: none of it may change */
#define OLD_LEN		96U
#define OLD_OFF		48U
#define OLD_DONE	8U

static const u32 starts[] = {
	0, 8, VIRTSOCK_RING_SIZE - 8, 0x80000000 - 8, 0U - IN_RING, 0U - 8,
};

/* The ring has records from @tail on. */
static void call_ready(struct guest *g, u32 tail, u32 len)
{
	g->l.tail = tail;
	g->l.head = tail + len;
	g->l.rx_len = OLD_LEN;
	g->l.rx_off = OLD_OFF;
	g->l.rx_done = OLD_DONE;
}

static void expect_refused(struct kunit *test, u32 tail, long error)
{
	struct guest *g = test->priv;
	u32 head = g->l.head;

	KUNIT_EXPECT_EQ(test, virtsock_ring_call(&g->l, false), error);
	KUNIT_EXPECT_EQ(test, g->l.tail, tail);
	KUNIT_EXPECT_EQ(test, g->l.head, head);
	KUNIT_EXPECT_EQ(test, g->l.rx_len, OLD_LEN);
	KUNIT_EXPECT_EQ(test, g->l.rx_off, OLD_OFF);
	KUNIT_EXPECT_EQ(test, g->l.rx_done, OLD_DONE);
}

static void expect_taken(struct kunit *test, u32 tail, u32 len)
{
	struct guest *g = test->priv;

	KUNIT_EXPECT_EQ(test, virtsock_ring_call(&g->l, false), 0);
	KUNIT_EXPECT_EQ(test, g->l.tail, tail);
	KUNIT_EXPECT_EQ(test, g->l.rx_len, len);
	KUNIT_EXPECT_EQ(test, g->l.rx_off, 0);
	KUNIT_EXPECT_EQ(test, g->l.rx_done, 0);
}

static void call_asks(struct kunit *test)
{
	struct guest *g = test->priv;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		u64 head = starts[i] + IN_RING;

		head &= U32_MAX;
		call_ready(g, starts[i], IN_RING);
		g->l.last_call = jiffies - 1000;
		KUNIT_EXPECT_EQ(test, virtsock_ring_call(&g->l, i & 1), 0);
		KUNIT_EXPECT_EQ(test, g->op, VIRTSOCK_HC_FLUSH);
		KUNIT_EXPECT_EQ(test, g->asked.rbx, GUEST_EPOCH);
		KUNIT_EXPECT_EQ(test, (u32)g->asked.rcx, head);
		KUNIT_EXPECT_EQ(test, g->asked.rcx >> 32,
				i & 1 ? VIRTSOCK_FF_ARM | VIRTSOCK_FF_WAIT : VIRTSOCK_FF_ARM);
		KUNIT_EXPECT_EQ(test, g->asked.rdx, virt_to_phys(g->l.rx_own));
		KUNIT_EXPECT_EQ(test, g->asked.rsi, g->l.rx_size);
		KUNIT_EXPECT_LE(test, jiffies - g->l.last_call, 500);
		KUNIT_EXPECT_EQ(test, g->l.tail, head);
	}
}

/* Which calls had something for the host, and which only looked */
static void call_counts(struct kunit *test)
{
	struct guest *g = test->priv;
	struct virtsock_hc hc = {};

	call_ready(g, 0, IN_RING);
	virtsock_ring_call(&g->l, false);
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_FLUSHES), 1);
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_POLLS), 0);
	virtsock_ring_call(&g->l, false);
	virtsock_ring_call(&g->l, false);
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_FLUSHES), 1);
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_POLLS), 2);
	/* Those that are none of these, too */
	g->error = -VIRTSOCK_ESTALE;
	hc.rcx = 5;
	KUNIT_EXPECT_EQ(test, virtsock_call(&g->l, VIRTSOCK_HC_DOORBELL, &hc),
			-VIRTSOCK_ESTALE);
	KUNIT_EXPECT_EQ(test, g->op, VIRTSOCK_HC_DOORBELL);
	KUNIT_EXPECT_EQ(test, g->asked.rcx, 5);
	KUNIT_EXPECT_EQ(test, guest_stat(g, VIRTSOCK_STATS_A_HYPERCALLS), 4);
}

static void call_results(struct kunit *test)
{
	struct guest *g = test->priv;

	for (g->results = 0; g->results < 2 * VIRTSOCK_FR_ARMED; g->results++) {
		call_ready(g, 0, IN_RING);
		KUNIT_EXPECT_EQ(test, virtsock_ring_call(&g->l, false), g->results);
	}
}

/* Refused, or by whoever took the call in the host's place */
static void call_refused(struct kunit *test)
{
	static const long errors[] = { -1, -1000, (s32)0xfffffc18, -VIRTSOCK_EUNBOUND,
				       -VIRTSOCK_ESTALE, -VIRTSOCK_EINVAL,
				       -VIRTSOCK_EFAULT, -VIRTSOCK_EPROTO,
				       -VIRTSOCK_EHYPERV };
	struct guest *g = test->priv;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		call_ready(g, 0, IN_RING);
		g->error = errors[i];
		expect_refused(test, 0, errors[i]);
	}
}

static void tell_tail(struct guest *g, struct virtsock_hc *hc)
{
	hc->rbx = (u32)g->value;
}

/* From where it was to the head, in steps of a record's alignment */
static void call_tail(struct kunit *test)
{
	static const u32 right[] = { 0, 8, 48, IN_RING - 8, IN_RING };
	static const u32 wrong[] = { -1, -8, 1, 4, 7, IN_RING - 1, IN_RING + 1, IN_RING + 8,
				     VIRTSOCK_RING_SIZE, VIRTSOCK_RING_SIZE + 8,
				     0x7ffffff8, 0x80000000 };
	struct guest *g = test->priv;
	u32 i, k;

	g->lie = tell_tail;
	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		for (k = 0; k < ARRAY_SIZE(right); k++) {
			call_ready(g, starts[i], IN_RING);
			g->value = starts[i] + right[k];
			expect_taken(test, starts[i] + right[k], 0);
		}
		for (k = 0; k < ARRAY_SIZE(wrong); k++) {
			call_ready(g, starts[i], IN_RING);
			g->value = starts[i] + wrong[k];
			expect_refused(test, starts[i], -VIRTSOCK_EPROTO);
			/* Nothing is in the ring: then there is one answer. */
			call_ready(g, starts[i], 0);
			expect_refused(test, starts[i], -VIRTSOCK_EPROTO);
		}
		call_ready(g, starts[i], VIRTSOCK_RING_SIZE);
		g->value = starts[i] + VIRTSOCK_RING_SIZE;
		expect_taken(test, g->value, 0);
	}
}

static void tell_tail_of_64_bits(struct guest *g, struct virtsock_hc *hc)
{
	hc->rbx |= g->value;
}

static void tell_results(struct guest *g, struct virtsock_hc *hc)
{
	hc->rdx = g->value;
}

/* Neither a tail nor results with more to it, nor an error of this kernel's */
static void call_beyond_32_bits(struct kunit *test)
{
	static const unsigned long wrong[] = { BIT(32), BIT(63), -1UL << 32 };
	static const long errors[] = { -1, -ENOMEM, -EPROTO, -VIRTSOCK_ESTALE };
	struct guest *g = test->priv;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		g->value = wrong[i];
		g->lie = tell_tail_of_64_bits;
		call_ready(g, 0, IN_RING);
		expect_refused(test, 0, -VIRTSOCK_EPROTO);
		g->lie = tell_results;
		expect_refused(test, 0, -VIRTSOCK_EPROTO);
	}
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		g->value = errors[i];
		call_ready(g, 0, IN_RING);
		expect_refused(test, 0, -VIRTSOCK_EPROTO);
	}
}

static void tell_length(struct guest *g, struct virtsock_hc *hc)
{
	hc->rcx = g->value;
}

/* More than there is room for has gone, or goes, to somebody else's memory. */
static void expect_lengths(struct kunit *test, u32 room, bool large)
{
	unsigned long wrong[] = { room + 1UL, room + 8UL, 2UL * room, BIT(32), BIT(32) + 8,
				  ULONG_MAX, ULONG_MAX - 7 };
	u32 right[] = { 0, 48, room - 8, room };
	struct guest *g = test->priv;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(right); i++) {
		call_ready(g, 0, IN_RING);
		g->l.rx_large = large;
		g->value = right[i];
		expect_taken(test, IN_RING, right[i]);
		KUNIT_EXPECT_EQ(test, g->asked.rsi, room);
	}
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		call_ready(g, 0, IN_RING);
		g->l.rx_large = large;
		g->value = wrong[i];
		expect_refused(test, 0, -VIRTSOCK_EPROTO);
	}
}

static void call_length(struct kunit *test)
{
	struct guest *g = test->priv;
	u32 order;

	g->lie = tell_length;
	for (order = VIRTSOCK_RX_ORDER_MIN; order <= VIRTSOCK_RX_ORDER; order++) {
		/* A buffer of the link's own that is smaller than the arena's */
		virtsock_ring_free(&g->l);
		guest_world.order = order;
		KUNIT_ASSERT_EQ(test, virtsock_ring_alloc(&g->l), 0);
		expect_lengths(test, PAGE_SIZE << order, false);
		if (VIRTSOCK_COMPAT_RX_FRAGS)
			expect_lengths(test, VIRTSOCK_ARENA_BYTES, true);
	}
}

/* Who receives large payload gets it into pages that packets may keep. */
static void call_room(struct kunit *test)
{
	struct page *kept[VIRTSOCK_ARENA_PAGES];
	struct guest *g = test->priv;
	u32 i;

	if (!VIRTSOCK_COMPAT_RX_FRAGS)
		kunit_skip(test, "packets are in one piece");
	KUNIT_EXPECT_EQ(test, virtsock_ring_call(&g->l, false), 0);
	KUNIT_EXPECT_PTR_EQ(test, g->l.rx_page, NULL);
	KUNIT_EXPECT_PTR_EQ(test, g->l.rx_buf, g->l.rx_own);
	g->l.rx_large = true;
	for (i = 0; i < VIRTSOCK_ARENA_PAGES; i++) {
		KUNIT_EXPECT_EQ(test, virtsock_ring_call(&g->l, false), 0);
		kept[i] = g->l.rx_page;
		KUNIT_ASSERT_NOT_NULL(test, kept[i]);
		KUNIT_EXPECT_PTR_EQ(test, g->l.rx_buf, page_address(kept[i]));
		KUNIT_EXPECT_EQ(test, g->asked.rdx, page_to_phys(kept[i]));
		KUNIT_EXPECT_EQ(test, g->asked.rsi, VIRTSOCK_ARENA_BYTES);
		KUNIT_EXPECT_NULL(test, memchr_inv(g->l.rx_buf, 0, VIRTSOCK_ARENA_BYTES));
		KUNIT_EXPECT_EQ(test, g->l.arena.nr, i + 1);
		/* The same again, as nobody keeps it */
		KUNIT_EXPECT_EQ(test, virtsock_ring_call(&g->l, false), 0);
		KUNIT_EXPECT_PTR_EQ(test, g->l.rx_page, kept[i]);
		get_page(kept[i]);
	}
	/* All of them are kept: the host writes to none. */
	KUNIT_EXPECT_EQ(test, virtsock_ring_call(&g->l, false), 0);
	KUNIT_EXPECT_PTR_EQ(test, g->l.rx_page, NULL);
	KUNIT_EXPECT_EQ(test, g->asked.rdx, virt_to_phys(g->l.rx_own));
	KUNIT_EXPECT_EQ(test, g->asked.rsi, g->l.rx_size);
	put_page(kept[2]);
	KUNIT_EXPECT_EQ(test, virtsock_ring_call(&g->l, false), 0);
	KUNIT_EXPECT_PTR_EQ(test, g->l.rx_page, kept[2]);
	for (i = 0; i < VIRTSOCK_ARENA_PAGES; i++)
		if (i != 2)
			put_page(kept[i]);
	/* And none where payload is small */
	g->l.rx_large = false;
	KUNIT_EXPECT_EQ(test, virtsock_ring_call(&g->l, false), 0);
	KUNIT_EXPECT_PTR_EQ(test, g->l.rx_page, NULL);
}

static struct kunit_case guest_call_cases[] = {
	KUNIT_CASE(call_asks),
	KUNIT_CASE(call_counts),
	KUNIT_CASE(call_results),
	KUNIT_CASE(call_refused),
	KUNIT_CASE(call_tail),
	KUNIT_CASE(call_beyond_32_bits),
	KUNIT_CASE(call_length),
	KUNIT_CASE(call_room),
	{}
};

static struct kunit_suite guest_call_suite = {
	.name = "virtsock_guest_call",
	.init = guest_init,
	.exit = guest_exit,
	.test_cases = guest_call_cases,
};

kunit_test_suite(guest_call_suite);
