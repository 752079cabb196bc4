// SPDX-License-Identifier: GPL-2.0-only
/* Ring positions: full, empty, one over, hostile, around both wraps */
#include <linux/prandom.h>
#include "rec_fixture.h"

#define MIN_SIZE	(VIRTSOCK_RING_PAGES_MIN * VIRTSOCK_PAGE_SIZE)
#define MAX_SIZE	(VIRTSOCK_RING_PAGES_MAX * VIRTSOCK_PAGE_SIZE)

/* Tails worth trying: start, middle, both wraps and their neighbours */
static const u32 tails[] = {
	0, 8, MIN_SIZE / 2, MIN_SIZE - 8, MIN_SIZE, MIN_SIZE + 8,
	MAX_SIZE - 8, MAX_SIZE, MAX_SIZE + 8, 0x7ffffff8, 0x80000000,
	0x80000008, 0U - MAX_SIZE, 0U - MIN_SIZE, 0U - 16, 0U - 8,
};

static void ring_each(struct kunit *test,
		      void (*fn)(struct kunit *test, u32 tail, u32 size))
{
	u32 size, i;

	for (size = MIN_SIZE; size <= MAX_SIZE; size *= 2)
		for (i = 0; i < ARRAY_SIZE(tails); i++)
			fn(test, tails[i], size);
}

static void good(struct kunit *test, u32 tail, u32 size)
{
	static const u32 spans[] = { 0, 8, 48, 4096, MIN_SIZE / 2 };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(spans); i++)
		KUNIT_EXPECT_EQ(test, (int)spans[i],
				virtsock_ring_span(tail, tail + spans[i], size));
	KUNIT_EXPECT_EQ(test, (int)size - 8,
			virtsock_ring_span(tail, tail + size - 8, size));
	KUNIT_EXPECT_EQ(test, (int)size,
			virtsock_ring_span(tail, tail + size, size));
}

static void ring_empty_to_full(struct kunit *test)
{
	ring_each(test, good);
}

static void over(struct kunit *test, u32 tail, u32 size)
{
	static const u32 more[] = { 8, 16, 4096, 0x7ffff000, 0x80000000 };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(more); i++)
		KUNIT_EXPECT_EQ(test, -EPROTO,
				virtsock_ring_span(tail, tail + size + more[i],
						   size));
}

static void ring_over_full(struct kunit *test)
{
	ring_each(test, over);
}

/* A head that goes back is a span of nearly 2^32 */
static void back(struct kunit *test, u32 tail, u32 size)
{
	KUNIT_EXPECT_EQ(test, -EPROTO, virtsock_ring_span(tail, tail - 8, size));
	KUNIT_EXPECT_EQ(test, -EPROTO,
			virtsock_ring_span(tail, tail - size, size));
	KUNIT_EXPECT_EQ(test, -EPROTO,
			virtsock_ring_span(tail, tail + 0x80000000, size));
}

static void ring_backwards(struct kunit *test)
{
	ring_each(test, back);
}

static void unaligned(struct kunit *test, u32 tail, u32 size)
{
	u32 off;

	for (off = 1; off < 8; off++) {
		KUNIT_EXPECT_EQ(test, -EPROTO,
				virtsock_ring_span(tail, tail + off, size));
		KUNIT_EXPECT_EQ(test, -EPROTO,
				virtsock_ring_span(tail, tail + 48 + off, size));
		KUNIT_EXPECT_EQ(test, -EPROTO,
				virtsock_ring_span(tail, tail + size - off,
						   size));
	}
}

static void ring_unaligned(struct kunit *test)
{
	ring_each(test, unaligned);
}

/* Any head that a guest may send: accepted means aligned and within */
static void ring_hostile_heads(struct kunit *test)
{
	struct rnd_state rnd;
	u32 i, accepted = 0;

	prandom_seed_state(&rnd, 42);
	for (i = 0; i < 1000000; i++) {
		u32 size = MIN_SIZE << prandom_u32_state(&rnd) % 4;
		u32 tail = prandom_u32_state(&rnd) & ~7U;
		u32 head = prandom_u32_state(&rnd);
		int span;

		if (i & 1)	/* near enough to be right now and then */
			head = tail + head % (2 * size);
		span = virtsock_ring_span(tail, head, size);
		if (span < 0) {
			KUNIT_ASSERT_EQ(test, span, -EPROTO);
			KUNIT_ASSERT_TRUE(test, head % 8 ||
					  (u64)(u32)(head - tail) > size);
			continue;
		}
		accepted++;
		KUNIT_ASSERT_EQ(test, span % 8, 0);
		KUNIT_ASSERT_LE(test, span, size);
		KUNIT_ASSERT_EQ(test, tail + span, head);
	}
	KUNIT_EXPECT_GT(test, accepted, 10000);
}

/*
 * A producer fills a ring with records of random length, a consumer takes
 * them in spans of its own choice, as the host does: copy, then parse. The
 * positions pass 2^32 once and the ring's end many times; every record comes
 * out once, in order, with its payload.
 */
struct model {
	u8 *ring, *copy;
	u32 size, head, tail, put, got;
	struct rnd_state rnd;
};

static void ring_copy(struct model *m, u32 pos, void *p, u32 n, bool in)
{
	u32 at = pos & (m->size - 1), first = min(n, m->size - at);

	if (in) {
		memcpy(m->ring + at, p, first);
		memcpy(m->ring, p + first, n - first);
	} else {
		memcpy(p, m->ring + at, first);
		memcpy(p + first, m->ring, n - first);
	}
}

static bool produce(struct model *m)
{
	static const u32 lens[] = { 1, 56, 300, 4096, VIRTSOCK_REC_LEN_MAX };
	u32 r = prandom_u32_state(&m->rnd);
	u32 len = 1 + (r >> 8) % lens[r % ARRAY_SIZE(lens)];
	u32 room = m->size - virtsock_ring_span(m->tail, m->head, m->size);
	struct virtsock_rec *rec = (void *)m->copy;

	if (REC_SIZE(len) > room)
		return false;
	memset(rec, 0, REC_SIZE(len));
	rec_fill(rec, VIRTIO_VSOCK_TYPE_STREAM, VIRTIO_VSOCK_OP_RW, len);
	rec->src_port = cpu_to_le32(m->put++);
	memset(rec + 1, (u8)m->put, len);
	ring_copy(m, m->head, rec, REC_SIZE(len), true);
	m->head += REC_SIZE(len);
	return true;
}

static void consume(struct kunit *test, struct model *m)
{
	int span = virtsock_ring_span(m->tail, m->head, m->size), size;
	struct virtsock_rec_info info;
	u32 done = 0;

	KUNIT_ASSERT_GE(test, span, 0);
	ring_copy(m, m->tail, m->copy, span, false);
	while (done < span) {
		size = virtsock_rec_parse(m->copy + done, span - done, false,
					  &info);
		KUNIT_ASSERT_GT(test, size, 0);
		KUNIT_ASSERT_EQ(test, info.src_port, m->got++);
		KUNIT_ASSERT_EQ(test, m->copy[done + info.payload],
				(u8)m->got);
		KUNIT_ASSERT_EQ(test,
				m->copy[done + info.payload + info.len - 1],
				(u8)m->got);
		done += size;
		if (prandom_u32_state(&m->rnd) % 16 == 0)
			break;
	}
	m->tail += done;
}

static void ring_records_pass_both_wraps(struct kunit *test)
{
	struct model m = {
		.size = MIN_SIZE,
		.head = 0U - 20 * MIN_SIZE,
		.tail = 0U - 20 * MIN_SIZE,
	};
	u32 turns;

	m.ring = kunit_kzalloc(test, m.size, GFP_KERNEL);
	m.copy = kunit_kzalloc(test, m.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m.ring);
	KUNIT_ASSERT_NOT_NULL(test, m.copy);
	prandom_seed_state(&m.rnd, 7);
	for (turns = 0; turns < 2000; turns++) {
		while (produce(&m) && prandom_u32_state(&m.rnd) % 8)
			;
		consume(test, &m);
	}
	while (m.tail != m.head)
		consume(test, &m);
	KUNIT_EXPECT_EQ(test, m.put, m.got);
	KUNIT_EXPECT_GT(test, m.put, 2000);
	KUNIT_EXPECT_LT(test, m.head, 0U - 20 * MIN_SIZE);
}

static struct kunit_case ring_cases[] = {
	KUNIT_CASE(ring_empty_to_full),
	KUNIT_CASE(ring_over_full),
	KUNIT_CASE(ring_backwards),
	KUNIT_CASE(ring_unaligned),
	KUNIT_CASE(ring_hostile_heads),
	KUNIT_CASE(ring_records_pass_both_wraps),
	{}
};

static struct kunit_suite ring_suite = {
	.name = "virtsock_ring",
	.test_cases = ring_cases,
};

kunit_test_suite(ring_suite);
