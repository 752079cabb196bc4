/* SPDX-License-Identifier: GPL-2.0-only */
/* Records for the tests, well formed until a test spoils them */
#ifndef _VIRTSOCK_REC_FIXTURE_H
#define _VIRTSOCK_REC_FIXTURE_H

#include <kunit/test.h>
#include <linux/align.h>
#include <linux/string.h>
#include <uapi/linux/virtio_vsock.h>
#include <virtsock/rec.h>

#define REC_HDR		((u32)sizeof(struct virtsock_rec))
#define REC_SEG		((u32)sizeof(struct virtsock_seg))
#define REC_SIZE(len)	(REC_HDR + ALIGN((u32)(len), VIRTSOCK_REC_ALIGN))

/* The header of a record whose payload of @len bytes follows */
static inline void rec_fill(struct virtsock_rec *rec, u16 type, u16 op, u32 len)
{
	*rec = (struct virtsock_rec){
		.size = cpu_to_le32(REC_SIZE(len)),
		.len = cpu_to_le32(len),
		.type = cpu_to_le16(type),
		.op = cpu_to_le16(op),
		.src_port = cpu_to_le32(1234),
		.dst_port = cpu_to_le32(5678),
		.src_cid = cpu_to_le32(42),
		.dst_cid = cpu_to_le32(2),
		.buf_alloc = cpu_to_le32(262144),
		.fwd_cnt = cpu_to_le32(0xfffffff0),
		.msg_limit = cpu_to_le32(450),
		.nr_msgs = cpu_to_le16(len ? 1 : 0),
	};
}

/* A record in a buffer of exactly its size, so that KASAN sees the end */
static inline struct virtsock_rec *rec_new(struct kunit *test, u16 type, u16 op,
					   u32 len)
{
	struct virtsock_rec *rec = kunit_kzalloc(test, REC_SIZE(len),
						 GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, rec);
	rec_fill(rec, type, op, len);
	return rec;
}

/* A record that lists @nr segments of @each bytes */
static inline struct virtsock_rec *rec_new_segs(struct kunit *test, u32 nr,
						u32 each)
{
	u32 size = REC_HDR + nr * REC_SEG, i;
	struct virtsock_rec *rec = kunit_kzalloc(test, size, GFP_KERNEL);
	struct virtsock_seg *seg;

	KUNIT_ASSERT_NOT_NULL(test, rec);
	rec_fill(rec, VIRTIO_VSOCK_TYPE_STREAM, VIRTIO_VSOCK_OP_RW, nr * each);
	rec->size = cpu_to_le32(size);
	rec->nr_segs = nr;
	seg = (struct virtsock_seg *)(rec + 1);
	for (i = 0; i < nr; i++) {
		seg[i].addr = cpu_to_le64(0x100000 + (u64)i * 4096);
		seg[i].len = cpu_to_le32(each);
	}
	return rec;
}

static inline struct virtsock_seg *rec_segs(struct virtsock_rec *rec)
{
	return (struct virtsock_seg *)(rec + 1);
}

#endif
