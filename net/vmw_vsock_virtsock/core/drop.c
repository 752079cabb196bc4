// SPDX-License-Identifier: GPL-2.0-only
/* Packets that do not reach their socket, and those who want to know why */
#include <linux/export.h>
#include <trace/events/virtsock.h>
#include <virtsock/core.h>

/**
 * virtsock_drop_seen() - a packet goes no further, and others free it
 * @skb: the packet, stays theirs
 * @why: the reason
 *
 * Context: any.
 */
void virtsock_drop_seen(struct sk_buff *skb, enum virtsock_drop_reason why)
{
	struct virtio_vsock_hdr *hdr;

	if (!trace_virtsock_drop_enabled())
		return;
	hdr = virtio_vsock_hdr(skb);
	trace_virtsock_drop(le64_to_cpu(hdr->src_cid), le32_to_cpu(hdr->src_port),
			    le64_to_cpu(hdr->dst_cid), le32_to_cpu(hdr->dst_port),
			    le32_to_cpu(hdr->len), le16_to_cpu(hdr->type),
			    le16_to_cpu(hdr->op), why);
}

/**
 * virtsock_drop() - free a packet that goes no further
 * @skb: the packet, consumed
 * @why: the reason
 *
 * Context: any but hard irq.
 */
void virtsock_drop(struct sk_buff *skb, enum virtsock_drop_reason why)
{
	if (why == VIRTSOCK_NOT_DROPPED) {
		consume_skb(skb);
		return;
	}
	virtsock_drop_seen(skb, why);
	kfree_skb(skb);
}
EXPORT_SYMBOL_GPL(virtsock_drop);

/**
 * virtsock_drop_all() - the same for a list
 * @skbs: the packets, nobody else's
 * @why: the reason
 *
 * Context: any but hard irq.
 */
void virtsock_drop_all(struct sk_buff_head *skbs, enum virtsock_drop_reason why)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(skbs)))
		virtsock_drop(skb, why);
}
EXPORT_SYMBOL_GPL(virtsock_drop_all);

/**
 * virtsock_drop_rec() - a record that no packet is made of
 * @rec: the record
 * @why: the reason
 *
 * Context: any.
 */
void virtsock_drop_rec(const struct virtsock_rec_info *rec,
		       enum virtsock_drop_reason why)
{
	if (trace_virtsock_drop_enabled())
		trace_virtsock_drop(rec->src_cid, rec->src_port, rec->dst_cid,
				    rec->dst_port, rec->len, rec->type, rec->op,
				    why);
}
EXPORT_SYMBOL_GPL(virtsock_drop_rec);
