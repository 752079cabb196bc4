// SPDX-License-Identifier: GPL-2.0-only
/*
 * The record parser: the only place that believes what the other side wrote
 * into a record, after it has looked at every field.
 */
#include <linux/align.h>
#include <linux/export.h>
#include <linux/overflow.h>
#include <uapi/linux/virtio_vsock.h>
#include <virtsock/abi-check.h>
#include <virtsock/rec.h>

#define SEQ_FLAGS	(VIRTIO_VSOCK_SEQ_EOM | VIRTIO_VSOCK_SEQ_EOR)
#define SHUTDOWN_FLAGS	(VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND)

/* Flags that the common code can send with this operation */
static u32 flags_allowed(u16 type, u16 op)
{
	switch (op) {
	case VIRTIO_VSOCK_OP_RW:
		return type == VIRTIO_VSOCK_TYPE_SEQPACKET ? SEQ_FLAGS : 0;
	case VIRTIO_VSOCK_OP_SHUTDOWN:
		return SHUTDOWN_FLAGS;
	default:
		return 0;
	}
}

/* Type, operation and what depends on them; true if they make sense */
static bool kind_valid(const struct virtsock_rec_info *info)
{
	if (info->type != VIRTIO_VSOCK_TYPE_STREAM &&
	    info->type != VIRTIO_VSOCK_TYPE_SEQPACKET)
		return false;
	if (info->op < VIRTIO_VSOCK_OP_REQUEST ||
	    info->op > VIRTIO_VSOCK_OP_CREDIT_REQUEST)
		return false;
	if (info->flags & ~flags_allowed(info->type, info->op))
		return false;
	if (info->op == VIRTIO_VSOCK_OP_RW)
		return info->len && info->nr_msgs;
	return !info->len && !info->nr_msgs;
}

/* The segments are non-empty, do not wrap and add up to the payload */
static bool segs_valid(const struct virtsock_rec_info *info)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < info->nr_segs; i++) {
		const struct virtsock_seg *seg = &info->segs[i];
		u64 end, addr = le64_to_cpu(seg->addr);
		u32 len = le32_to_cpu(seg->len);

		if (!len || seg->reserved ||
		    check_add_overflow(addr, (u64)len, &end))
			return false;
		sum += len;
	}
	return sum == info->len;
}

/**
 * virtsock_rec_parse() - read a record once and check every field of it
 * @buf: the record, in memory that the other side cannot change (a copy),
 *	aligned to VIRTSOCK_REC_ALIGN
 * @avail: bytes there are from @buf on
 * @segs_ok: the payload may be a list of segments (guest to host only)
 * @info: filled in; what it holds after an error means nothing
 *
 * Ports, CIDs and credit are taken as they are: any value is well formed, the
 * caller knows which CIDs this link may use. The addresses of segments are
 * checked against wrapping only; whoever uses them resolves them.
 *
 * Context: any, takes no lock.
 * Return: bytes that the record takes, or -EPROTO if it is malformed or does
 * not fit into @avail.
 */
int virtsock_rec_parse(const void *buf, u32 avail, bool segs_ok,
		       struct virtsock_rec_info *info)
{
	const struct virtsock_rec *rec = buf;
	u32 body;

	if (avail < sizeof(*rec))
		return -EPROTO;

	info->size = le32_to_cpu(rec->size);
	info->len = le32_to_cpu(rec->len);
	info->type = le16_to_cpu(rec->type);
	info->op = le16_to_cpu(rec->op);
	info->flags = le32_to_cpu(rec->flags);
	info->src_port = le32_to_cpu(rec->src_port);
	info->dst_port = le32_to_cpu(rec->dst_port);
	info->src_cid = le32_to_cpu(rec->src_cid);
	info->dst_cid = le32_to_cpu(rec->dst_cid);
	info->buf_alloc = le32_to_cpu(rec->buf_alloc);
	info->fwd_cnt = le32_to_cpu(rec->fwd_cnt);
	info->msg_limit = le32_to_cpu(rec->msg_limit);
	info->nr_msgs = le16_to_cpu(rec->nr_msgs);
	info->nr_segs = rec->nr_segs;

	if (rec->reserved || info->size > avail ||
	    info->len > VIRTSOCK_REC_LEN_MAX || !kind_valid(info))
		return -EPROTO;

	if (!info->nr_segs) {
		body = ALIGN(info->len, VIRTSOCK_REC_ALIGN);
		info->payload = sizeof(*rec);
		info->segs = NULL;
	} else {
		/* segs_valid() wants a sum of len: only OP_RW has one */
		if (!segs_ok || info->nr_segs > VIRTSOCK_REC_SEGS_MAX)
			return -EPROTO;
		body = info->nr_segs * sizeof(struct virtsock_seg);
		info->payload = 0;
		info->segs = buf + sizeof(*rec);
	}
	/* Which makes the size a multiple of 8, no less than the header */
	if (info->size != sizeof(*rec) + body)
		return -EPROTO;
	if (info->nr_segs && !segs_valid(info))
		return -EPROTO;
	return info->size;
}
EXPORT_SYMBOL_GPL(virtsock_rec_parse);
