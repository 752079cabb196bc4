// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets of the common code to records and back. The same for both
 * directions; only the guest leaves large payloads where they are.
 */
#include <linux/export.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <virtsock/core.h>

static bool virtsock_same_connection(const struct virtsock_rec *rec,
				     const struct virtio_vsock_hdr *hdr)
{
	return rec->src_port == hdr->src_port &&
	       rec->dst_port == hdr->dst_port &&
	       rec->type == hdr->type &&
	       le32_to_cpu(rec->dst_cid) == le64_to_cpu(hdr->dst_cid);
}

/* Credit of a packet for a record that has credit already: it never goes back. */
static void virtsock_rec_credit_merge(struct virtsock_rec *rec,
				      struct sk_buff *skb)
{
	struct virtio_vsock_hdr *hdr = virtio_vsock_hdr(skb);
	u32 limit = virtsock_skb_cb(skb)->msg_limit;

	if ((s32)(le32_to_cpu(hdr->fwd_cnt) - le32_to_cpu(rec->fwd_cnt)) >= 0) {
		rec->fwd_cnt = hdr->fwd_cnt;
		rec->buf_alloc = hdr->buf_alloc;
	}
	if ((s32)(limit - le32_to_cpu(rec->msg_limit)) > 0)
		rec->msg_limit = cpu_to_le32(limit);
}

/*
 * A credit update is needless in front of a packet of the same connection.
 * Return: the record it was in, to be used again, or NULL.
 */
static struct virtsock_rec *virtsock_pack_reuse(struct virtsock_packer *p,
						struct sk_buff *skb)
{
	struct virtsock_rec *rec = p->last;

	if (!rec || !skb->sk || skb->sk != p->last_sk ||
	    le16_to_cpu(rec->op) != VIRTIO_VSOCK_OP_CREDIT_UPDATE ||
	    !virtsock_same_connection(rec, virtio_vsock_hdr(skb)))
		return NULL;
	p->used -= le32_to_cpu(rec->size);
	p->records--;
	return rec;
}

/* What is behind the payload goes to the other side as well: zeroes. */
static void virtsock_pack_pad(struct virtsock_rec *rec, u32 len, u32 size)
{
	memset((u8 *)(rec + 1) + len, 0, size - sizeof(*rec) - len);
}

/*
 * Where the payload lies. The head of an skb is kmalloc'ed or a page fragment
 * and a fragment is within one (compound) page: contiguous either way.
 */
static u32 virtsock_pack_segs(struct virtsock_seg *seg, struct sk_buff *skb)
{
	u32 head = skb_headlen(skb);
	u32 n = 0;
	int i;

	if (head)
		seg[n++] = (struct virtsock_seg) {
			.addr = cpu_to_le64(virt_to_phys(skb->data)),
			.len = cpu_to_le32(head),
		};
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[i];
		phys_addr_t page = page_to_phys(skb_frag_page(frag));

		seg[n++] = (struct virtsock_seg) {
			.addr = cpu_to_le64(page + skb_frag_off(frag)),
			.len = cpu_to_le32(skb_frag_size(frag)),
		};
	}
	return n;
}

static u32 virtsock_nr_segs(struct sk_buff *skb)
{
	return skb_shinfo(skb)->nr_frags + !!skb_headlen(skb);
}

/* Does a packet's payload stay where it is? */
static bool virtsock_pack_by_segs(struct virtsock_packer *p, struct sk_buff *skb)
{
	return p->seg_min && skb->len >= p->seg_min &&
	       virtsock_nr_segs(skb) <= VIRTSOCK_REC_SEGS_MAX;
}

/* The payload of a packet, or room for it, to @at in the batch */
static void virtsock_pack_bytes(struct virtsock_packer *p, struct sk_buff *skb,
				void *at)
{
	if (virtsock_pack_room(p, skb)) {
		virtsock_skb_cb(skb)->pos = at - p->buf;
		p->last_apart = true;
	} else {
		/* Cannot fail: it is all there. */
		skb_copy_bits(skb, 0, at, skb->len);
	}
}

/*
 * The payload of a packet behind that of the last record, of which it has
 * @len bytes then. Return: bytes that the record has grown by, or -1: no room.
 */
static int virtsock_pack_more(struct virtsock_packer *p, struct sk_buff *skb,
			      u32 len)
{
	struct virtsock_rec *rec = p->last;
	u32 old = le32_to_cpu(rec->size), size, nr;

	if (rec->nr_segs) {
		nr = rec->nr_segs + virtsock_nr_segs(skb);
		size = sizeof(*rec) + nr * sizeof(struct virtsock_seg);
		if (nr > VIRTSOCK_REC_SEGS_MAX || size - old > p->size - p->used)
			return -1;
		virtsock_pack_segs((struct virtsock_seg *)(rec + 1) + rec->nr_segs,
				   skb);
		rec->nr_segs = nr;
	} else {
		size = ALIGN(sizeof(*rec) + len, VIRTSOCK_REC_ALIGN);
		if (size - old > p->size - p->used)
			return -1;
		virtsock_pack_bytes(p, skb, (u8 *)(rec + 1) + len - skb->len);
		virtsock_pack_pad(rec, len, size);
	}
	rec->size = cpu_to_le32(size);
	rec->len = cpu_to_le32(len);
	return size - old;
}

/*
 * Add a packet to the last record: more bytes of the same stream, or a credit
 * update for a connection whose record leaves anyway.
 */
static bool virtsock_pack_merge(struct virtsock_packer *p, struct sk_buff *skb)
{
	struct virtio_vsock_hdr *hdr = virtio_vsock_hdr(skb);
	struct virtsock_rec *rec = p->last;
	u16 op = le16_to_cpu(hdr->op);
	u32 len, nr_msgs;
	int grow;

	if (!rec || !skb->sk || skb->sk != p->last_sk ||
	    !virtsock_same_connection(rec, hdr))
		return false;
	if (op == VIRTIO_VSOCK_OP_CREDIT_UPDATE &&
	    (le16_to_cpu(rec->op) == VIRTIO_VSOCK_OP_RW || rec->op == hdr->op)) {
		virtsock_rec_credit_merge(rec, skb);
		return true;
	}
	if (op != VIRTIO_VSOCK_OP_RW || rec->op != hdr->op ||
	    virtsock_pack_by_segs(p, skb) != !!rec->nr_segs ||
	    le16_to_cpu(hdr->type) != VIRTIO_VSOCK_TYPE_STREAM)
		return false;

	len = le32_to_cpu(rec->len) + skb->len;
	nr_msgs = le16_to_cpu(rec->nr_msgs) + virtsock_skb_cb(skb)->nr_msgs;
	if (len > virtsock_merge_max(virtsock_sk(vsock_sk(skb->sk))) ||
	    nr_msgs > U16_MAX)
		return false;
	grow = virtsock_pack_more(p, skb, len);
	if (grow < 0)
		return false;
	rec->nr_msgs = cpu_to_le16(nr_msgs);
	virtsock_rec_credit_merge(rec, skb);
	p->used += grow;
	p->bytes += skb->len;
	p->messages += virtsock_skb_cb(skb)->nr_msgs;
	return true;
}

/**
 * virtsock_pack_seal() - the last record of a batch grows no more
 * @p: the batch
 *
 * To be called when the batch is complete: vsockmon sees the record now.
 *
 * Context: any but hard irq; the caller owns @p.
 */
void virtsock_pack_seal(struct virtsock_packer *p)
{
	if (p->last)
		virtsock_tap(p->last, p->last_apart ? p->last_skb : NULL,
			     le32_to_cpu(p->last->len));
	p->last = NULL;
}
EXPORT_SYMBOL_GPL(virtsock_pack_seal);

/**
 * virtsock_pack() - add a packet to a batch
 * @p: the batch
 * @skb: the packet; stays the caller's. With segments it must live until the
 *	other side has consumed the batch. Where payload stays in packets, those
 *	that were packed follow each other by their next until
 *	virtsock_pack_seal().
 *
 * Context: any but hard irq; the caller owns @p.
 * Return: false if the batch has no room for it.
 */
bool virtsock_pack(struct virtsock_packer *p, struct sk_buff *skb)
{
	struct virtio_vsock_hdr *hdr = virtio_vsock_hdr(skb);
	struct virtsock_rec *rec;
	bool segs = virtsock_pack_by_segs(p, skb);
	u32 nr = virtsock_nr_segs(skb);
	u32 size;

	BUILD_BUG_ON(MAX_SKB_FRAGS + 1 > VIRTSOCK_REC_SEGS_MAX);

	if (segs)
		size = sizeof(*rec) + nr * sizeof(struct virtsock_seg);
	else
		size = ALIGN(sizeof(*rec) + skb->len, VIRTSOCK_REC_ALIGN);
	/* Merging never takes more than this, so nothing is stamped in vain. */
	if (size > p->size - p->used)
		return false;

	virtsock_sock_stamp(skb);
	if (virtsock_pack_merge(p, skb))
		return true;

	rec = virtsock_pack_reuse(p, skb);
	if (!rec) {
		virtsock_pack_seal(p);
		rec = p->buf + p->used;
	}
	*rec = (struct virtsock_rec) {
		.size = cpu_to_le32(size),
		.len = cpu_to_le32(skb->len),
		.type = hdr->type,
		.op = hdr->op,
		.flags = hdr->flags,
		.src_port = hdr->src_port,
		.dst_port = hdr->dst_port,
		.src_cid = cpu_to_le32(p->cid ?: le64_to_cpu(hdr->src_cid)),
		.dst_cid = cpu_to_le32(le64_to_cpu(hdr->dst_cid)),
		.nr_msgs = cpu_to_le16(virtsock_skb_cb(skb)->nr_msgs),
		.nr_segs = segs ? nr : 0,
		.buf_alloc = hdr->buf_alloc,
		.fwd_cnt = hdr->fwd_cnt,
		.msg_limit = cpu_to_le32(virtsock_skb_cb(skb)->msg_limit),
	};
	p->last = rec;
	p->last_sk = skb->sk;
	p->last_skb = skb;
	p->last_apart = segs;
	if (segs) {
		virtsock_pack_segs((struct virtsock_seg *)(rec + 1), skb);
	} else {
		virtsock_pack_bytes(p, skb, rec + 1);
		virtsock_pack_pad(rec, skb->len, size);
	}

	p->used += size;
	p->records++;
	p->bytes += skb->len;
	p->messages += virtsock_skb_cb(skb)->nr_msgs;
	return true;
}
EXPORT_SYMBOL_GPL(virtsock_pack);

/**
 * virtsock_sock_sent() - the other side has taken a packet
 * @skb: the packet, consumed
 *
 * No writer waits for its memory, so to free it wakes nobody: the socket has
 * SOCK_USE_WRITE_QUEUE, or each message would wake who waits for its answer,
 * before that is there. But where much of that memory is in use, the credit
 * that a writer waits for does not wake it either (sock_writeable()), and that
 * is made good here.
 *
 * Context: any but hard irq; what makes the socket another transport's waits.
 */
void virtsock_sock_sent(struct sk_buff *skb)
{
	struct sock *sk = skb->sk;
	struct virtsock_sock *vs = sk ? virtsock_sk(vsock_sk(sk)) : NULL;
	bool held = vs && refcount_inc_not_zero(&sk->sk_refcnt);

	virtsock_compat_consume_sent(skb);
	if (!held)
		return;
	/* The memory is free: who says "full" from now on sees that. */
	smp_mb();
	if (READ_ONCE(vs->full) && sock_writeable(sk)) {
		/* Who asks from now on says so again. */
		WRITE_ONCE(vs->full, false);
		sk->sk_write_space(sk);
	}
	sock_put(sk);
}
EXPORT_SYMBOL_GPL(virtsock_sock_sent);

/* Header and all else but the payload, for @len bytes of a record from @off on */
static void virtsock_unpack_header(struct sk_buff *skb,
				   const struct virtsock_rec_info *info, u32 off,
				   u32 len)
{
	bool last = off + len == info->len;
	u32 flags = info->flags;

	/* The message ends with the last packet. */
	if (!last && info->op == VIRTIO_VSOCK_OP_RW)
		flags = 0;
	*virtio_vsock_hdr(skb) = (struct virtio_vsock_hdr) {
		.src_cid = cpu_to_le64(info->src_cid),
		.dst_cid = cpu_to_le64(info->dst_cid),
		.src_port = cpu_to_le32(info->src_port),
		.dst_port = cpu_to_le32(info->dst_port),
		.len = cpu_to_le32(len),
		.type = cpu_to_le16(info->type),
		.op = cpu_to_le16(info->op),
		.flags = cpu_to_le32(flags),
		.buf_alloc = cpu_to_le32(info->buf_alloc),
		.fwd_cnt = cpu_to_le32(info->fwd_cnt),
	};
	virtsock_skb_cb(skb)->msg_limit = info->msg_limit;
	virtsock_skb_cb(skb)->nr_msgs = last ? info->nr_msgs : 0;
}

/* Payload of a packet that takes one page */
#define VIRTSOCK_UNPACK_LEAST \
	(SKB_WITH_OVERHEAD(PAGE_SIZE) - VIRTIO_VSOCK_SKB_HEADROOM)

/**
 * virtsock_unpack() - make a packet for the common code from a record
 * @info: the record, checked
 * @off: where in its payload this packet begins
 * @gfp: how to allocate
 *
 * A record becomes one packet, or several where the kernel's receiver wants
 * them linear and a large one would need memory in one piece; the caller goes
 * on at @off plus the packet's length until the payload ends. So does a stream
 * where there is no memory but in single pages. The payload is
 * room only: the caller fills it, see virtsock_skb_room().
 *
 * Context: as @gfp says.
 * Return: the packet, or NULL without memory.
 */
struct sk_buff *virtsock_unpack(const struct virtsock_rec_info *info, u32 off,
				gfp_t gfp)
{
	u32 len = min_t(u32, info->len - off, VIRTSOCK_COMPAT_SKB_MAX);
	struct sk_buff *skb, *pooled = NULL;

	/* What is charged to somebody does not go to the next one. */
	if (VIRTSOCK_COMPAT_RX_FRAGS && len >= VIRTSOCK_POOL_MIN &&
	    !(gfp & __GFP_ACCOUNT))
		pooled = virtsock_pool_alloc(len, gfp);
	skb = pooled;
	if (!skb)
		skb = virtsock_compat_alloc_skb(len, gfp);
	/*
	 * A stream is whole in any pieces; but where each counts, it has credit
	 * for no more than its messages.
	 */
	if (!skb && info->type == VIRTIO_VSOCK_TYPE_STREAM &&
	    virtsock_compat_rx_entries(0, SOCK_STREAM) == VIRTSOCK_CREDIT_NO_RULE) {
		len = min_t(u32, len, VIRTSOCK_UNPACK_LEAST);
		skb = virtsock_compat_alloc_skb(len, gfp);
	}
	if (!skb)
		return NULL;

	virtsock_unpack_header(skb, info, off, len);
	if (len && !pooled)
		virtsock_compat_skb_put(skb, len);
	return skb;
}
EXPORT_SYMBOL_GPL(virtsock_unpack);

/**
 * virtsock_unpack_page() - a packet of a whole record, whose payload is in pages
 * @info: the record, checked
 * @page: the first page of a buffer; the packet takes a reference
 * @off: where in it the payload is, or goes
 * @gfp: how to allocate the packet itself
 *
 * Context: as @gfp says; only where the kernel's receiver takes pages
 * (VIRTSOCK_COMPAT_RX_FRAGS).
 * Return: the packet, or NULL without memory.
 */
struct sk_buff *virtsock_unpack_page(const struct virtsock_rec_info *info,
				     struct page *page, u32 off, gfp_t gfp)
{
	struct sk_buff *skb = virtsock_compat_alloc_skb(0, gfp);

	if (!skb)
		return NULL;
	get_page(page);
	skb_add_rx_frag(skb, 0, page, off, info->len, PAGE_ALIGN(info->len));
	virtsock_unpack_header(skb, info, 0, info->len);
	return skb;
}
EXPORT_SYMBOL_GPL(virtsock_unpack_page);

/**
 * virtsock_skb_room() - where a part of a packet's payload goes
 * @skb: a packet of virtsock_unpack()
 * @off: offset in the payload, less than its length
 * @len: out: bytes from there on that are contiguous
 *
 * Context: any.
 * Return: the address.
 */
void *virtsock_skb_room(struct sk_buff *skb, u32 off, u32 *len)
{
	u32 head = skb_headlen(skb);
	const skb_frag_t *frag;
	int i = 0;

	if (off < head) {
		*len = head - off;
		return skb->data + off;
	}
	off -= head;
	frag = skb_shinfo(skb)->frags;
	while (i++ < skb_shinfo(skb)->nr_frags && off >= skb_frag_size(frag))
		off -= skb_frag_size(frag++);
	*len = skb_frag_size(frag) - off;
	return skb_frag_address(frag) + off;
}
EXPORT_SYMBOL_GPL(virtsock_skb_room);
