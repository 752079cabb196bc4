// SPDX-License-Identifier: GPL-2.0-only
/*
 * What vsockmon shows: a record is a packet, on either side. The common code's
 * own tap would show what a program's calls became before they were merged on
 * the sender's side, and the pieces of a large record on the receiver's.
 */
#include <linux/export.h>
#include <uapi/linux/vsockmon.h>
#include <virtsock/core.h>

struct virtsock_tap {
	const struct virtsock_rec *rec;
	struct sk_buff *skb;
	u32 len;
};

static u16 virtsock_tap_op(u16 op)
{
	switch (op) {
	case VIRTIO_VSOCK_OP_REQUEST:
	case VIRTIO_VSOCK_OP_RESPONSE:
		return AF_VSOCK_OP_CONNECT;
	case VIRTIO_VSOCK_OP_RST:
	case VIRTIO_VSOCK_OP_SHUTDOWN:
		return AF_VSOCK_OP_DISCONNECT;
	case VIRTIO_VSOCK_OP_CREDIT_UPDATE:
	case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
		return AF_VSOCK_OP_CONTROL;
	case VIRTIO_VSOCK_OP_RW:
		return AF_VSOCK_OP_PAYLOAD;
	default:
		return AF_VSOCK_OP_UNKNOWN;
	}
}

static void virtsock_tap_headers(struct sk_buff *skb,
				 const struct virtsock_rec *rec, u32 len)
{
	struct af_vsockmon_hdr *mon = skb_put(skb, sizeof(*mon));
	struct virtio_vsock_hdr *hdr = skb_put(skb, sizeof(*hdr));
	u64 src_cid = le32_to_cpu(rec->src_cid);
	u64 dst_cid = le32_to_cpu(rec->dst_cid);

	*mon = (struct af_vsockmon_hdr) {
		.src_cid = cpu_to_le64(src_cid),
		.dst_cid = cpu_to_le64(dst_cid),
		.src_port = rec->src_port,
		.dst_port = rec->dst_port,
		.op = cpu_to_le16(virtsock_tap_op(le16_to_cpu(rec->op))),
		.transport = cpu_to_le16(AF_VSOCK_TRANSPORT_VIRTIO),
		.len = cpu_to_le16(sizeof(*hdr)),
	};
	*hdr = (struct virtio_vsock_hdr) {
		.src_cid = cpu_to_le64(src_cid),
		.dst_cid = cpu_to_le64(dst_cid),
		.src_port = rec->src_port,
		.dst_port = rec->dst_port,
		.len = cpu_to_le32(len),
		.type = rec->type,
		.op = rec->op,
		.flags = rec->flags,
		.buf_alloc = rec->buf_alloc,
		.fwd_cnt = rec->fwd_cnt,
	};
}

/* Called only while somebody listens. */
static struct sk_buff *virtsock_tap_build(void *opaque)
{
	struct virtsock_tap *tap = opaque;
	struct sk_buff *skb, *from;
	u32 done = 0;

	skb = alloc_skb(sizeof(struct af_vsockmon_hdr) +
			sizeof(struct virtio_vsock_hdr) + tap->len,
			GFP_ATOMIC | __GFP_NOWARN);
	if (!skb)
		return NULL;
	virtsock_tap_headers(skb, tap->rec, tap->len);
	if (!tap->skb) {
		skb_put_data(skb, tap->rec + 1, tap->len);
		return skb;
	}
	for (from = tap->skb; done < tap->len; from = from->next) {
		/* Cannot fail: it is all there. */
		skb_copy_bits(from, 0, skb_put(skb, from->len), from->len);
		done += from->len;
	}
	return skb;
}

/**
 * virtsock_tap() - show a record to those who listen on vsockmon
 * @rec: the record, checked or our own, in memory nobody else can change
 * @skb: its payload where that does not follow @rec: packets linked by their
 *	next, as many as make up @len; else NULL
 * @len: bytes of payload
 *
 * A listener misses the record where memory is short; the traffic goes on.
 *
 * Context: any but hard irq.
 */
void virtsock_tap(const struct virtsock_rec *rec, struct sk_buff *skb, u32 len)
{
	struct virtsock_tap tap = { .rec = rec, .skb = skb, .len = len };

	vsock_deliver_tap(virtsock_tap_build, &tap);
}
EXPORT_SYMBOL_GPL(virtsock_tap);
