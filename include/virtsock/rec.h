/* SPDX-License-Identifier: GPL-2.0-only */
/* Records and ring positions: no memory of its own, no locks, any context */
#ifndef _VIRTSOCK_REC_H
#define _VIRTSOCK_REC_H

#include <linux/errno.h>
#include <linux/types.h>
#include <uapi/linux/virtsock.h>

/**
 * struct virtsock_rec_info - a record as read once, checked, in CPU order
 * @size: bytes the record takes in the ring
 * @len: bytes of payload
 * @type: enum virtio_vsock_type
 * @op: enum virtio_vsock_op
 * @flags: as in struct virtio_vsock_hdr, those that fit @type and @op
 * @src_port: any value
 * @dst_port: any value
 * @src_cid: any value, the caller knows whose this may be
 * @dst_cid: any value, the same
 * @buf_alloc: credit in bytes, with @fwd_cnt
 * @fwd_cnt: bytes that the sender of the record has consumed, cumulative
 * @msg_limit: records that it admits, cumulative
 * @nr_msgs: messages of the program in this record
 * @nr_segs: number of entries of @segs
 * @payload: offset of the payload from the record's start; 0 with segments
 * @segs: where the payload lies, a pointer into the buffer that was parsed
 */
struct virtsock_rec_info {
	u32 size;
	u32 len;
	u16 type;
	u16 op;
	u32 flags;
	u32 src_port;
	u32 dst_port;
	u32 src_cid;
	u32 dst_cid;
	u32 buf_alloc;
	u32 fwd_cnt;
	u32 msg_limit;
	u16 nr_msgs;
	u8 nr_segs;
	u32 payload;
	const struct virtsock_seg *segs;
};

int virtsock_rec_parse(const void *buf, u32 avail, bool segs_ok,
		       struct virtsock_rec_info *info);

/**
 * virtsock_ring_span() - bytes of records between two positions
 * @tail: position up to which the ring was consumed
 * @head: a later position, from the other side
 * @size: how far that may be: bytes of the ring, or of what is in it
 *
 * Context: any.
 * Return: the span, -EPROTO where it exceeds @size or is not aligned.
 */
static inline int virtsock_ring_span(u32 tail, u32 head, u32 size)
{
	u32 span = head - tail;

	if (span > size || (head & (VIRTSOCK_REC_ALIGN - 1)))
		return -EPROTO;
	return span;
}

#endif
