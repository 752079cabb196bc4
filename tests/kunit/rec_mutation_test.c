// SPDX-License-Identifier: GPL-2.0-only
/*
 * The record parser against an oracle: well-formed records of all kinds are
 * damaged at random (a fixed seed, so a failure repeats) and the parser must
 * accept exactly what a second reading of the ABI, written byte by byte from
 * the description, calls consistent.
 */
#include <linux/prandom.h>
#include <linux/unaligned.h>
#include "rec_fixture.h"

#define ROUNDS		200000
#define SEED		0x76736f636bULL
#define BUF		(REC_HDR + 21 * REC_SEG)	/* the largest template */

/* Fields, and values that parsers fall over; ~0 stands for "random" */
static const struct {
	u8 offset, bytes;
} fields[] = {
	{ 0, 4 }, { 4, 4 }, { 8, 2 }, { 10, 2 }, { 12, 4 }, { 16, 4 },
	{ 20, 4 }, { 24, 4 }, { 28, 4 }, { 32, 4 }, { 36, 4 }, { 40, 4 },
	{ 44, 2 }, { 46, 1 }, { 47, 1 },
	{ 48, 8 }, { 56, 4 }, { 60, 4 }, { 64, 8 }, { 72, 4 }, { 76, 4 },
};

static const u64 values[] = {
	0, 1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 20, 21, 47, 48, 49, 55, 56, 64, 72,
	80, 4095, 4096, 65535, 65536, 65537, 0x7fffffff, 0x80000000,
	0xfffffff8, 0xffffffff, 0xffffffffffff0000, 0xfffffffffffff000,
	0xffffffffffffffff,
};

/* include/uapi/linux/virtsock.h once more, in other words */
static bool consistent(const u8 *p, u64 avail, bool segs_ok)
{
	u64 size, len, flags, body, sum = 0, i;
	u16 type, op, msgs;
	u8 segs;

	if (avail < 48)
		return false;
	size = get_unaligned_le32(p);
	len = get_unaligned_le32(p + 4);
	type = get_unaligned_le16(p + 8);
	op = get_unaligned_le16(p + 10);
	flags = get_unaligned_le32(p + 12);
	msgs = get_unaligned_le16(p + 44);
	segs = p[46];

	if (size < 48 || size % 8 || size > avail || len > 65536 || p[47])
		return false;
	if (type < 1 || type > 2 || op < 1 || op > 7)
		return false;
	if (op == 5) {
		if (!len || !msgs || flags > (type == 2 ? 3 : 0))
			return false;
	} else {
		if (len || msgs || segs || flags > (op == 4 ? 3 : 0))
			return false;
	}
	body = segs ? 16 * segs : (len + 7) / 8 * 8;
	if (size - 48 != body)
		return false;
	if (segs > (segs_ok ? 20 : 0))
		return false;
	for (i = 0; i < segs; i++) {
		u64 addr = get_unaligned_le64(p + 48 + 16 * i);
		u64 part = get_unaligned_le32(p + 56 + 16 * i);

		if (!part || get_unaligned_le32(p + 60 + 16 * i) ||
		    addr > U64_MAX - part)
			return false;
		sum += part;
	}
	return !segs || sum == len;
}

/* A well-formed record of a random kind; what it is allowed to have */
static u32 template(struct rnd_state *rnd, u8 *buf)
{
	struct virtsock_rec *rec = (void *)buf;
	u32 kind = prandom_u32_state(rnd), len, i;
	u16 type = 1 + (kind & 1), op = 1 + (kind >> 8) % 7;
	u32 nr = 1 + (kind >> 16) % VIRTSOCK_REC_SEGS_MAX;

	memset(buf, 0, BUF);
	if (kind & 2) {
		rec_fill(rec, type, op, op == VIRTIO_VSOCK_OP_RW ? nr : 0);
		return le32_to_cpu(rec->size);
	}
	for (len = 0, i = 0; i < nr; i++) {
		u32 part = 1 + prandom_u32_state(rnd) % 3000;

		rec_segs(rec)[i] = (struct virtsock_seg){
			.addr = cpu_to_le64(prandom_u32_state(rnd)),
			.len = cpu_to_le32(part),
		};
		len += part;
	}
	rec_fill(rec, type, VIRTIO_VSOCK_OP_RW, len);
	rec->size = cpu_to_le32(REC_HDR + nr * REC_SEG);
	rec->nr_segs = nr;
	return REC_HDR + nr * REC_SEG;
}

static void damage(struct rnd_state *rnd, u8 *buf)
{
	u32 f = prandom_u32_state(rnd) % ARRAY_SIZE(fields);
	u32 v = prandom_u32_state(rnd) % (2 * ARRAY_SIZE(values));
	u8 *at = buf + fields[f].offset, old[8];
	__le64 value;

	if (v < ARRAY_SIZE(values)) {
		value = cpu_to_le64(values[v]);
		memcpy(at, &value, fields[f].bytes);
	} else if (v & 1) {		/* one bit */
		u32 bit = prandom_u32_state(rnd) % (8 * fields[f].bytes);

		at[bit / 8] ^= 1 << bit % 8;
	} else {			/* a little more or less */
		memcpy(old, at, sizeof(old));
		value = cpu_to_le64(get_unaligned_le64(at) - 9 +
				    prandom_u32_state(rnd) % 19);
		memcpy(old, &value, fields[f].bytes);
		memcpy(at, old, fields[f].bytes);
	}
}

static void rec_mutations(struct kunit *test)
{
	u8 *buf = kunit_kzalloc(test, BUF, GFP_KERNEL);
	u32 accepted = 0, round, n;
	struct rnd_state rnd;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	prandom_seed_state(&rnd, SEED);
	for (round = 0; round < ROUNDS; round++) {
		u32 size = template(&rnd, buf), avail = size;
		bool segs_ok = prandom_u32_state(&rnd) % 8;
		struct virtsock_rec_info info;
		bool ok;
		int ret;

		for (n = prandom_u32_state(&rnd) % 4; n; n--)
			damage(&rnd, buf);
		if (prandom_u32_state(&rnd) % 4 == 0)
			avail = prandom_u32_state(&rnd) % (BUF + 1);

		ok = consistent(buf, avail, segs_ok);
		ret = virtsock_rec_parse(buf, avail, segs_ok, &info);
		if (ok ? ret != get_unaligned_le32(buf) : ret != -EPROTO) {
			print_hex_dump(KERN_INFO, "# ", DUMP_PREFIX_OFFSET, 16,
				       4, buf, BUF, false);
			KUNIT_FAIL(test, "round %u: avail %u segs %d: %d",
				   round, avail, segs_ok, ret);
			return;
		}
		accepted += ok;
	}
	/* a test that refuses or accepts everything shows nothing */
	kunit_info(test, "%u of %u accepted\n", accepted, ROUNDS);
	KUNIT_EXPECT_GT(test, accepted, ROUNDS / 10);
	KUNIT_EXPECT_LT(test, accepted, ROUNDS / 10 * 9);
}

/* Every single bit of a header and a segment, one at a time */
static void rec_bit_flips(struct kunit *test)
{
	u8 *buf = kunit_kzalloc(test, BUF, GFP_KERNEL);
	struct virtsock_rec_info info;
	struct rnd_state rnd;
	u32 bit, i;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	prandom_seed_state(&rnd, SEED);
	for (i = 0; i < 64; i++) {
		u32 size = template(&rnd, buf);

		for (bit = 0; bit < 8 * min(size, 80U); bit++) {
			int ret;

			buf[bit / 8] ^= 1 << bit % 8;
			ret = virtsock_rec_parse(buf, size, true, &info);
			KUNIT_ASSERT_EQ_MSG(test, ret > 0,
					    consistent(buf, size, true),
					    "record %u bit %u", i, bit);
			buf[bit / 8] ^= 1 << bit % 8;
		}
	}
}

static struct kunit_case mutation_cases[] = {
	KUNIT_CASE(rec_mutations),
	KUNIT_CASE(rec_bit_flips),
	{}
};

static struct kunit_suite mutation_suite = {
	.name = "virtsock_rec_mutation",
	.test_cases = mutation_cases,
};

kunit_test_suite(mutation_suite);
