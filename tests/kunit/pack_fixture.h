/* SPDX-License-Identifier: GPL-2.0-only */
/* Sockets without a link, packets of them, and a batch that they go into */
#ifndef _VIRTSOCK_PACK_FIXTURE_H
#define _VIRTSOCK_PACK_FIXTURE_H

#include <kunit/test.h>
#include <linux/io.h>
#include <linux/net.h>
#include <virtsock/core.h>
#include "rec_fixture.h"

#define STREAM		VIRTIO_VSOCK_TYPE_STREAM
#define SEQ		VIRTIO_VSOCK_TYPE_SEQPACKET
#define RW		VIRTIO_VSOCK_OP_RW
#define UPDATE		VIRTIO_VSOCK_OP_CREDIT_UPDATE

#define PORT		1234U
#define PEER_CID	42U
#define PEER_PORT(port)	((port) + 1000U)

/* What memory holds that nobody wrote to */
#define UNTOUCHED	0xa5

/**
 * struct batch - what packets are packed into
 * @p: the packer; its buffer ends where @p.size says, so that KASAN sees it
 * @skbs: the packets, in the order they were made
 */
struct batch {
	struct virtsock_packer p;
	struct sk_buff_head skbs;
};

/* A byte of payload, by its place in the stream */
static inline u8 pack_byte(u32 pos)
{
	return pos * 7 + (pos >> 8) * 3 + (pos >> 16);
}

static inline void pack_sock_free(void *sock)
{
	struct vsock_sock *vsk = vsock_sk(((struct socket *)sock)->sk);

	virtio_transport_destruct(vsk);
	vsk->transport = NULL;
	sock_release(sock);
}

/* A socket as after connect(), but for a link; its window is 1 MiB */
static inline struct vsock_sock *pack_sock(struct kunit *test, int type,
					   u32 port)
{
	struct virtsock_sock *vs;
	struct vsock_sock *vsk;
	struct socket *sock;

	KUNIT_ASSERT_EQ(test, 0, sock_create_kern(&init_net, AF_VSOCK, type, 0,
						  &sock));
	vsk = vsock_sk(sock->sk);
	vsock_addr_init(&vsk->local_addr, VMADDR_CID_HOST, port);
	vsock_addr_init(&vsk->remote_addr, PEER_CID, PEER_PORT(port));
	vsk->transport = &virtsock_host_side.t.transport;
	KUNIT_ASSERT_EQ(test, 0, virtsock_sock_init(vsk, NULL));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, pack_sock_free,
							   sock));
	vs = virtsock_sk(vsk);
	KUNIT_ASSERT_NOT_NULL(test, vs);
	vs->buf_size = 1024 * 1024;
	vs->vvs.buf_alloc = vs->buf_size;
	vs->vvs.peer_buf_alloc = vs->buf_size;
	return vsk;
}

static inline void batch_free(void *b)
{
	__skb_queue_purge(&((struct batch *)b)->skbs);
}

/* A batch with @size bytes of room */
static inline struct batch *batch_new(struct kunit *test, u32 size)
{
	struct batch *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, b);
	__skb_queue_head_init(&b->skbs);
	b->p.size = size;
	b->p.buf = kunit_kmalloc(test, size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, b->p.buf);
	memset(b->p.buf, UNTOUCHED, size);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, batch_free, b));
	return b;
}

/* Bytes of the stream from @pos on, all over a packet */
static inline void pack_fill(struct kunit *test, struct sk_buff *skb, u32 pos)
{
	u32 i;

	for (i = 0; i < skb->len; i++) {
		u8 byte = pack_byte(pos + i);

		KUNIT_ASSERT_EQ(test, 0, skb_store_bits(skb, i, &byte, 1));
	}
	virtio_vsock_hdr(skb)->len = cpu_to_le32(skb->len);
}

/* A packet with its payload in one piece, the bytes from 0 on */
static inline struct sk_buff *packet(struct kunit *test, struct batch *b,
				     struct vsock_sock *vsk, u16 op, u32 len)
{
	struct sk_buff *skb = virtsock_alloc_packet(vsk, op, len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	__skb_queue_tail(&b->skbs, skb);
	if (len)
		skb_put(skb, len);
	virtsock_skb_cb(skb)->nr_msgs = op == RW;
	pack_fill(test, skb, 0);
	return skb;
}

/* One with @head bytes in front of @nr pages, each with @each at @off */
static inline struct sk_buff *packet_frags(struct kunit *test, struct batch *b,
					   struct vsock_sock *vsk, u32 head,
					   u32 nr, u32 off, u32 each)
{
	struct sk_buff *skb = packet(test, b, vsk, RW, head);
	u32 i;

	for (i = 0; i < nr; i++) {
		struct page *page = alloc_page(GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, page);
		skb_add_rx_frag(skb, i, page, off, each, PAGE_SIZE);
		refcount_add(PAGE_SIZE, &skb->sk->sk_wmem_alloc);
	}
	pack_fill(test, skb, 0);
	return skb;
}

/* Make one and pack it; there is room */
static inline void pack(struct kunit *test, struct batch *b, struct vsock_sock *vsk,
			u16 op, u32 len)
{
	KUNIT_ASSERT_TRUE(test, virtsock_pack(&b->p, packet(test, b, vsk, op, len)));
}

/* Read a batch's next record at @pos and move there; it must be well formed. */
static inline struct virtsock_rec_info next_rec(struct kunit *test, struct batch *b,
						u32 *pos)
{
	struct virtsock_rec_info info = {};
	int ret;

	KUNIT_ASSERT_LT(test, *pos, b->p.used);
	ret = virtsock_rec_parse(b->p.buf + *pos, b->p.used - *pos,
				 b->p.seg_min, &info);
	KUNIT_ASSERT_GT(test, ret, 0);
	if (info.payload)
		info.payload += *pos;
	*pos += ret;
	return info;
}

/* The only record of a batch */
static inline struct virtsock_rec_info only_rec(struct kunit *test, struct batch *b)
{
	struct virtsock_rec_info info;
	u32 pos = 0;

	KUNIT_ASSERT_EQ(test, b->p.records, 1);
	info = next_rec(test, b, &pos);
	KUNIT_ASSERT_EQ(test, pos, b->p.used);
	return info;
}

/* Byte @i of a record's payload, wherever that is */
static inline u8 rec_byte(struct kunit *test, struct batch *b,
			  const struct virtsock_rec_info *info, u32 i)
{
	const struct virtsock_seg *seg = info->segs;

	if (!seg)
		return ((u8 *)b->p.buf)[info->payload + i];
	while (i >= le32_to_cpu(seg->len))
		i -= le32_to_cpu(seg++->len);
	KUNIT_ASSERT_LT(test, seg - info->segs, info->nr_segs);
	return ((u8 *)phys_to_virt(le64_to_cpu(seg->addr)))[i];
}

/* Payload of a record from @from on is that of a packet, which begins with 0 */
static inline void expect_bytes(struct kunit *test, struct batch *b,
				const struct virtsock_rec_info *info, u32 from, u32 len)
{
	u32 i;

	KUNIT_ASSERT_LE(test, from + len, info->len);
	for (i = 0; i < len; i++)
		KUNIT_ASSERT_EQ_MSG(test, rec_byte(test, b, info, from + i),
				    pack_byte(i), "byte %u", from + i);
}

/* Credit that a record carries */
static inline void expect_credit(struct kunit *test, const struct virtsock_rec_info *info,
				 u32 fwd_cnt, u32 buf_alloc, u32 msg_limit)
{
	KUNIT_EXPECT_EQ(test, info->fwd_cnt, fwd_cnt);
	KUNIT_EXPECT_EQ(test, info->buf_alloc, buf_alloc);
	KUNIT_EXPECT_EQ(test, info->msg_limit, msg_limit);
}

#endif
