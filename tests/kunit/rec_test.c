// SPDX-License-Identifier: GPL-2.0-only
/* The record parser: each field out of range, each length cut short */
#include "rec_fixture.h"

#define STREAM	VIRTIO_VSOCK_TYPE_STREAM
#define SEQ	VIRTIO_VSOCK_TYPE_SEQPACKET
#define RW	VIRTIO_VSOCK_OP_RW

static int parse(const void *buf, u32 avail, bool segs_ok)
{
	struct virtsock_rec_info info;

	return virtsock_rec_parse(buf, avail, segs_ok, &info);
}

/* What the common code sends is accepted, for both types */
static void rec_accepts_each_op(struct kunit *test)
{
	u16 type, op;

	for (type = STREAM; type <= SEQ; type++) {
		for (op = VIRTIO_VSOCK_OP_REQUEST;
		     op <= VIRTIO_VSOCK_OP_CREDIT_REQUEST; op++) {
			u32 len = op == RW ? 56 : 0;
			struct virtsock_rec *rec = rec_new(test, type, op, len);

			KUNIT_EXPECT_EQ_MSG(test, (int)REC_SIZE(len),
					    parse(rec, REC_SIZE(len), false),
					    "type %u op %u", type, op);
		}
	}
}

static void rec_reports_fields(struct kunit *test)
{
	struct virtsock_rec *rec = rec_new(test, SEQ, RW, 100);
	struct virtsock_rec_info info;

	rec->flags = cpu_to_le32(VIRTIO_VSOCK_SEQ_EOM | VIRTIO_VSOCK_SEQ_EOR);
	rec->nr_msgs = cpu_to_le16(7);
	KUNIT_ASSERT_EQ(test, 152, virtsock_rec_parse(rec, 152, false, &info));
	KUNIT_EXPECT_EQ(test, info.size, 152);
	KUNIT_EXPECT_EQ(test, info.len, 100);
	KUNIT_EXPECT_EQ(test, info.type, SEQ);
	KUNIT_EXPECT_EQ(test, info.op, RW);
	KUNIT_EXPECT_EQ(test, info.flags, 3);
	KUNIT_EXPECT_EQ(test, info.src_port, 1234);
	KUNIT_EXPECT_EQ(test, info.dst_port, 5678);
	KUNIT_EXPECT_EQ(test, info.src_cid, 42);
	KUNIT_EXPECT_EQ(test, info.dst_cid, 2);
	KUNIT_EXPECT_EQ(test, info.buf_alloc, 262144);
	KUNIT_EXPECT_EQ(test, info.fwd_cnt, 0xfffffff0);
	KUNIT_EXPECT_EQ(test, info.msg_limit, 450);
	KUNIT_EXPECT_EQ(test, info.nr_msgs, 7);
	KUNIT_EXPECT_EQ(test, info.nr_segs, 0);
	KUNIT_EXPECT_EQ(test, info.payload, REC_HDR);
	KUNIT_EXPECT_NULL(test, info.segs);
}

struct field {
	const char *name;
	u32 offset;
	u32 bytes;
	u64 value;
};

#define FIELD(f, v) {							\
	.name = #f " = " #v,						\
	.offset = offsetof(struct virtsock_rec, f),			\
	.bytes = sizeof_field(struct virtsock_rec, f),			\
	.value = (v),							\
}

/* Each spoils a seqpacket OP_RW record with 100 bytes of payload, size 152 */
static const struct field bad_fields[] = {
	FIELD(size, 0), FIELD(size, 8), FIELD(size, 47), FIELD(size, 48),
	FIELD(size, 144), FIELD(size, 148), FIELD(size, 151), FIELD(size, 153),
	FIELD(size, 160), FIELD(size, 0x7ffffff8), FIELD(size, 0xffffffff),
	FIELD(size, 0xfffffff8), FIELD(size, 152 + 0x80000000ULL),
	FIELD(len, 0), FIELD(len, 96), FIELD(len, 105), FIELD(len, 65537),
	FIELD(len, 0x80000000 + 100), FIELD(len, 0xffffffff),
	FIELD(len, 0xfffffff9),
	FIELD(type, 0), FIELD(type, 3), FIELD(type, 0x101), FIELD(type, 0x8002),
	FIELD(type, 0xffff),
	FIELD(op, 0), FIELD(op, 8), FIELD(op, 0x105), FIELD(op, 0x8005),
	FIELD(op, 0xffff), FIELD(op, VIRTIO_VSOCK_OP_REQUEST),
	FIELD(op, VIRTIO_VSOCK_OP_RST), FIELD(op, VIRTIO_VSOCK_OP_SHUTDOWN),
	FIELD(op, VIRTIO_VSOCK_OP_CREDIT_UPDATE),
	FIELD(flags, 4), FIELD(flags, 0x10003), FIELD(flags, 0x80000000),
	FIELD(flags, 0xffffffff),
	FIELD(nr_msgs, 0),
	FIELD(nr_segs, 1), FIELD(nr_segs, 6), FIELD(nr_segs, 21),
	FIELD(nr_segs, 255),
	FIELD(reserved, 1), FIELD(reserved, 0x80), FIELD(reserved, 0xff),
};

/* These any value may have: the caller judges them, or nobody can */
static const struct field free_fields[] = {
	FIELD(src_port, 0), FIELD(src_port, 0xffffffff),
	FIELD(dst_port, 0), FIELD(dst_port, 0xffffffff),
	FIELD(src_cid, 0), FIELD(src_cid, 0xffffffff),
	FIELD(dst_cid, 0), FIELD(dst_cid, 0xffffffff),
	FIELD(buf_alloc, 0), FIELD(buf_alloc, 0xffffffff),
	FIELD(fwd_cnt, 0), FIELD(fwd_cnt, 0xffffffff),
	FIELD(msg_limit, 0), FIELD(msg_limit, 0xffffffff),
	FIELD(nr_msgs, 1), FIELD(nr_msgs, 0xffff),
	FIELD(flags, 0), FIELD(flags, 1), FIELD(flags, 2), FIELD(flags, 3),
};

static void field_desc(const struct field *f, char *desc)
{
	strscpy(desc, f->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(bad_field, bad_fields, field_desc);
KUNIT_ARRAY_PARAM(free_field, free_fields, field_desc);

static struct virtsock_rec *with_field(struct kunit *test)
{
	const struct field *f = test->param_value;
	struct virtsock_rec *rec = rec_new(test, SEQ, RW, 100);
	__le64 value = cpu_to_le64(f->value);

	KUNIT_ASSERT_EQ(test, 152, parse(rec, 152, true));
	memcpy((void *)rec + f->offset, &value, f->bytes);
	return rec;
}

static void rec_refuses_bad_field(struct kunit *test)
{
	struct virtsock_rec *rec = with_field(test);

	KUNIT_EXPECT_EQ(test, -EPROTO, parse(rec, 152, true));
	KUNIT_EXPECT_EQ(test, -EPROTO, parse(rec, 152, false));
}

static void rec_accepts_free_field(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 152, parse(with_field(test), 152, false));
}

/* A record that ends early is refused and nothing behind its end is read */
static void rec_cut_short(struct kunit *test)
{
	struct virtsock_rec *rec = rec_new(test, STREAM, RW, 100);
	u32 avail;

	for (avail = 0; avail < 152; avail++) {
		void *cut = kmalloc(max(avail, 1U), GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, cut);
		memcpy(cut, rec, avail);
		KUNIT_EXPECT_EQ_MSG(test, -EPROTO, parse(cut, avail, true),
				    "%u bytes", avail);
		kfree(cut);
	}
	KUNIT_EXPECT_EQ(test, 152, parse(rec, 152, true));
	KUNIT_EXPECT_EQ(test, 152, parse(rec, 160, true));
	KUNIT_EXPECT_EQ(test, 152, parse(rec, U32_MAX, true));
}

/* Every length from nothing to past the largest, by its padded size only */
static void rec_lengths(struct kunit *test)
{
	struct virtsock_rec *rec = rec_new(test, STREAM, RW,
					   VIRTSOCK_REC_LEN_MAX + 8);
	u32 len;

	for (len = 0; len <= VIRTSOCK_REC_LEN_MAX + 8; len++) {
		bool ok = len && len <= VIRTSOCK_REC_LEN_MAX;
		int ret;

		if (len == 100)		/* the rest in larger steps */
			len = VIRTSOCK_REC_LEN_MAX - 100;
		rec_fill(rec, STREAM, RW, len);
		rec->nr_msgs = cpu_to_le16(1);
		ret = parse(rec, REC_SIZE(len), false);
		KUNIT_EXPECT_EQ_MSG(test, ok ? (int)REC_SIZE(len) : -EPROTO,
				    ret, "length %u", len);
	}
}

/* Flags are those of the operation and the type, nothing else */
static void rec_flags(struct kunit *test)
{
	u16 type, op;
	u32 bit;

	for (type = STREAM; type <= SEQ; type++) {
		for (op = VIRTIO_VSOCK_OP_REQUEST;
		     op <= VIRTIO_VSOCK_OP_CREDIT_REQUEST; op++) {
			struct virtsock_rec *rec =
				rec_new(test, type, op, op == RW ? 8 : 0);
			bool two = op == VIRTIO_VSOCK_OP_SHUTDOWN ||
				   (op == RW && type == SEQ);
			u32 size = le32_to_cpu(rec->size);

			for (bit = 0; bit < 32; bit++) {
				bool ok = two && bit < 2;

				rec->flags = cpu_to_le32(1U << bit);
				KUNIT_EXPECT_EQ_MSG(test,
						    ok ? (int)size : -EPROTO,
						    parse(rec, size, false),
						    "type %u op %u bit %u",
						    type, op, bit);
			}
		}
	}
}

/* Only OP_RW has payload or messages, and it has both */
static void rec_payload_only_rw(struct kunit *test)
{
	u16 op;

	for (op = VIRTIO_VSOCK_OP_REQUEST;
	     op <= VIRTIO_VSOCK_OP_CREDIT_REQUEST; op++) {
		struct virtsock_rec *rec = rec_new(test, STREAM, op, 16);
		bool rw = op == RW;

		KUNIT_EXPECT_EQ(test, rw ? 64 : -EPROTO, parse(rec, 64, true));
		rec->nr_msgs = 0;
		KUNIT_EXPECT_EQ(test, -EPROTO, parse(rec, 64, true));
		rec_fill(rec, STREAM, op, 0);
		KUNIT_EXPECT_EQ(test, rw ? -EPROTO : 48, parse(rec, 48, true));
		rec->nr_msgs = cpu_to_le16(1);
		KUNIT_EXPECT_EQ(test, -EPROTO, parse(rec, 48, true));
	}
}

static void rec_segments(struct kunit *test)
{
	u32 nr;

	for (nr = 1; nr <= 22; nr++) {
		struct virtsock_rec *rec = rec_new_segs(test, nr, 2048);
		u32 size = le32_to_cpu(rec->size);
		bool ok = nr <= VIRTSOCK_REC_SEGS_MAX;
		struct virtsock_rec_info info;

		KUNIT_EXPECT_EQ(test, ok ? (int)size : -EPROTO,
				virtsock_rec_parse(rec, size, true, &info));
		KUNIT_EXPECT_EQ(test, -EPROTO, parse(rec, size, false));
		KUNIT_EXPECT_EQ(test, -EPROTO, parse(rec, size - 1, true));
		if (!ok)
			continue;
		KUNIT_EXPECT_EQ(test, info.nr_segs, nr);
		KUNIT_EXPECT_EQ(test, info.payload, 0);
		KUNIT_EXPECT_PTR_EQ(test, info.segs, rec_segs(rec));
	}
}

static void rec_segment_fields(struct kunit *test)
{
	struct virtsock_rec *rec = rec_new_segs(test, 3, 4096);
	struct virtsock_seg *seg = rec_segs(rec);
	u32 size = le32_to_cpu(rec->size), i;

	KUNIT_ASSERT_EQ(test, (int)size, parse(rec, size, true));
	for (i = 0; i < 3; i++) {
		struct virtsock_seg good = seg[i];

		/* empty, though the sum is right */
		seg[i].len = 0;
		rec->len = cpu_to_le32(2 * 4096);
		KUNIT_EXPECT_EQ(test, -EPROTO, parse(rec, size, true));
		rec->len = cpu_to_le32(3 * 4096);

		seg[i].len = cpu_to_le32(4095);
		KUNIT_EXPECT_EQ(test, -EPROTO, parse(rec, size, true));
		seg[i].len = cpu_to_le32(4097);
		KUNIT_EXPECT_EQ(test, -EPROTO, parse(rec, size, true));
		seg[i] = good;

		seg[i].reserved = cpu_to_le32(0x80000000);
		KUNIT_EXPECT_EQ(test, -EPROTO, parse(rec, size, true));
		seg[i] = good;

		seg[i].addr = cpu_to_le64(U64_MAX - 4095);
		KUNIT_EXPECT_EQ(test, -EPROTO, parse(rec, size, true));
		seg[i].addr = cpu_to_le64(U64_MAX);
		KUNIT_EXPECT_EQ(test, -EPROTO, parse(rec, size, true));
		seg[i].addr = cpu_to_le64(U64_MAX - 4096);
		KUNIT_EXPECT_EQ(test, (int)size, parse(rec, size, true));
		seg[i].addr = 0;
		KUNIT_EXPECT_EQ(test, (int)size, parse(rec, size, true));
		seg[i] = good;
	}
}

/* Lengths that add up only modulo 2^32 */
static void rec_segment_sum_wraps(struct kunit *test)
{
	struct virtsock_rec *rec = rec_new_segs(test, 3, 4096);
	struct virtsock_seg *seg = rec_segs(rec);
	u32 size = le32_to_cpu(rec->size);

	seg[0].len = cpu_to_le32(0x80000000);
	seg[1].len = cpu_to_le32(0x80000000);
	seg[2].len = cpu_to_le32(3 * 4096);
	KUNIT_EXPECT_EQ(test, -EPROTO, parse(rec, size, true));
	seg[2].len = cpu_to_le32(4096);
	rec->len = cpu_to_le32(4096);
	KUNIT_EXPECT_EQ(test, -EPROTO, parse(rec, size, true));
}

/* Segments are for payload, and exclude payload that follows */
static void rec_segments_only_rw(struct kunit *test)
{
	struct virtsock_rec *rec = rec_new_segs(test, 2, 4096);
	u32 size = le32_to_cpu(rec->size);

	rec->op = cpu_to_le16(VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	KUNIT_EXPECT_EQ(test, -EPROTO, parse(rec, size, true));
	rec->nr_msgs = 0;
	rec->len = 0;
	KUNIT_EXPECT_EQ(test, -EPROTO, parse(rec, size, true));

	rec = rec_new(test, STREAM, RW, 4096);
	rec->nr_segs = 1;
	rec_segs(rec)->addr = cpu_to_le64(4096);
	rec_segs(rec)->len = cpu_to_le32(4096);
	KUNIT_EXPECT_EQ(test, -EPROTO, parse(rec, REC_SIZE(4096), true));
	rec->size = cpu_to_le32(REC_HDR + REC_SEG);
	KUNIT_EXPECT_EQ(test, (int)(REC_HDR + REC_SEG),
			parse(rec, REC_SIZE(4096), true));
}

static struct kunit_case rec_cases[] = {
	KUNIT_CASE(rec_accepts_each_op),
	KUNIT_CASE(rec_reports_fields),
	KUNIT_CASE_PARAM(rec_refuses_bad_field, bad_field_gen_params),
	KUNIT_CASE_PARAM(rec_accepts_free_field, free_field_gen_params),
	KUNIT_CASE(rec_cut_short),
	KUNIT_CASE(rec_lengths),
	KUNIT_CASE(rec_flags),
	KUNIT_CASE(rec_payload_only_rw),
	KUNIT_CASE(rec_segments),
	KUNIT_CASE(rec_segment_fields),
	KUNIT_CASE(rec_segment_sum_wraps),
	KUNIT_CASE(rec_segments_only_rw),
	{}
};

static struct kunit_suite rec_suite = {
	.name = "virtsock_rec",
	.test_cases = rec_cases,
};

kunit_test_suite(rec_suite);
