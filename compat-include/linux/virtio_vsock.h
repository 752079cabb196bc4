/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VIRTSOCK_COMPAT_VIRTIO_VSOCK_H
#define _VIRTSOCK_COMPAT_VIRTIO_VSOCK_H

#include_next <linux/virtio_vsock.h>
#include <virtsock/credit.h>

#if VIRTSOCK_COMPAT_ENTRY_RULE
/*
 * One entry always fits, and where the entries of a stream are merged, two that
 * can be behind one that cannot, as it has been read in part.
 */
#define VIRTSOCK_COMPAT_BUF_MIN \
	((VIRTSOCK_COMPAT_STREAM_MERGED ? 3 : 2) * SKB_TRUESIZE(0))
#else
#define VIRTSOCK_COMPAT_BUF_MIN 1
#endif

/* What a queue may hold where the kernel has no rule, and the buffer is tiny */
#define VIRTSOCK_COMPAT_ENTRIES_MIN 16U

/*
 * Entries that the queue of a socket may hold: by this kernel's rule, or, where
 * it has none, by the same for messages, which are not merged. A buffer of
 * 1 MiB full of single bytes would take 800 MiB otherwise.
 */
static inline u32 virtsock_compat_rx_entries(u32 buf_alloc, int sk_type)
{
	u32 entries = buf_alloc / SKB_TRUESIZE(0);

	if (sk_type == SOCK_STREAM &&
	    (VIRTSOCK_COMPAT_STREAM_MERGED || !VIRTSOCK_COMPAT_ENTRY_RULE))
		return VIRTSOCK_CREDIT_NO_RULE;
	if (!VIRTSOCK_COMPAT_ENTRY_RULE)
		return max(entries, VIRTSOCK_COMPAT_ENTRIES_MIN);
	return entries;
}

/* Charge a packet to its socket as this kernel's common code does. rx_lock. */
static inline bool virtsock_compat_rx_charge(struct virtio_vsock_sock *vvs,
					     u32 len)
{
#ifdef VIRTSOCK_HAVE_BUF_USED
	u64 entries = (u64)skb_queue_len(&vvs->rx_queue) + 1;

	if ((u64)vvs->buf_used + len > vvs->buf_alloc ||
	    (VIRTSOCK_COMPAT_ENTRY_RULE &&
	     entries * SKB_TRUESIZE(0) > vvs->buf_alloc))
		return false;
	vvs->buf_used += len;
#else
	if ((u64)vvs->rx_bytes + len > vvs->buf_alloc)
		return false;
#endif
	vvs->rx_bytes += len;
	return true;
}

/* Bytes charged to a socket. rx_lock held. */
static inline u32 virtsock_compat_rx_used(const struct virtio_vsock_sock *vvs)
{
#ifdef VIRTSOCK_HAVE_BUF_USED
	return vvs->buf_used;
#else
	return vvs->rx_bytes;
#endif
}

/* Nothing is charged to a socket any more. rx_lock held. */
static inline void virtsock_compat_rx_forget(struct virtio_vsock_sock *vvs)
{
#ifdef VIRTSOCK_HAVE_BUF_USED
	vvs->buf_used = 0;
#endif
	vvs->rx_bytes = 0;
}

/*
 * The largest packet a receiver takes: where it wants them linear, one that
 * needs no more than 16 KiB in one piece.
 */
#ifdef VIRTSOCK_HAVE_SKB_PUT
#define VIRTSOCK_COMPAT_SKB_MAX VIRTIO_VSOCK_MAX_PKT_BUF_SIZE
#define VIRTSOCK_COMPAT_RX_FRAGS 1
#else
#define VIRTSOCK_COMPAT_RX_FRAGS 0
#define VIRTSOCK_COMPAT_SKB_MAX \
	(SKB_WITH_OVERHEAD(16384) - VIRTIO_VSOCK_SKB_HEADROOM)
#endif

/* Room for @len bytes of payload behind the header */
static inline struct sk_buff *virtsock_compat_alloc_skb(u32 len, gfp_t gfp)
{
	return virtio_vsock_alloc_skb(VIRTIO_VSOCK_SKB_HEADROOM + len, gfp);
}

static inline void virtsock_compat_skb_put(struct sk_buff *skb, u32 len)
{
#ifdef VIRTSOCK_HAVE_SKB_PUT
	virtio_vsock_skb_put(skb, len);
#else
	skb_put(skb, len);
#endif
}

/* The other side has taken a packet: free it, and its bytes are not unsent */
static inline void virtsock_compat_consume_sent(struct sk_buff *skb)
{
#ifdef VIRTSOCK_HAVE_UNSENT_BYTES
	virtio_transport_consume_skb_sent(skb, true);
#else
	consume_skb(skb);
#endif
}

static inline int virtsock_compat_send_pkt(const struct virtio_transport *t,
					   struct sk_buff *skb, struct net *net)
{
#ifdef VIRTSOCK_HAVE_NET_ARG
	return t->send_pkt(skb, net);
#else
	return t->send_pkt(skb);
#endif
}

static inline void virtsock_compat_recv_pkt(struct virtio_transport *t,
					    struct sk_buff *skb)
{
#ifdef VIRTSOCK_HAVE_NET_ARG
	virtio_transport_recv_pkt(t, skb, &init_net);
#else
	virtio_transport_recv_pkt(t, skb);
#endif
}

#ifdef VIRTSOCK_HAVE_NET_ARG
#define VIRTSOCK_COMPAT_SEND_PKT(name) \
	int name(struct sk_buff *skb, struct net *net)
#else
#define VIRTSOCK_COMPAT_SEND_PKT(name) int name(struct sk_buff *skb)
#endif

#ifdef VIRTSOCK_HAVE_UNSENT_BYTES
/* Packets are copied or pulled before they are freed, wherever they lie. */
static inline bool virtsock_compat_zerocopy(void)
{
	return true;
}

#define virtsock_compat_unsent_bytes	virtio_transport_unsent_bytes
#else
static inline ssize_t virtsock_compat_unsent_bytes(struct vsock_sock *vsk)
{
	return 0;
}
#endif

/* The operations that are always the common code's, whatever their names */
#ifdef VIRTSOCK_HAVE_UNSENT_BYTES
#define VIRTSOCK_COMPAT_OPS \
	.notify_set_rcvlowat	= virtio_transport_notify_set_rcvlowat, \
	.unsent_bytes		= virtsock_unsent_bytes, \
	.read_skb		= virtio_transport_read_skb, \
	.msgzerocopy_allow	= virtsock_compat_zerocopy,
#else
#define VIRTSOCK_COMPAT_OPS
#endif

/* We carry nothing for a network namespace that keeps its sockets to itself. */
#ifdef VIRTSOCK_HAVE_ALLOW_VSK
#define VIRTSOCK_COMPAT_NET_ALLOWED vsock_net_mode_global(vsk)
#define VIRTSOCK_COMPAT_STREAM_ALLOW(name) \
	bool name(struct vsock_sock *vsk, u32 cid, u32 port)
#define VIRTSOCK_COMPAT_SEQPACKET_ALLOW(name) \
	bool name(struct vsock_sock *vsk, u32 remote_cid)
#else
#define VIRTSOCK_COMPAT_NET_ALLOWED true
#define VIRTSOCK_COMPAT_STREAM_ALLOW(name) bool name(u32 cid, u32 port)
#define VIRTSOCK_COMPAT_SEQPACKET_ALLOW(name) bool name(u32 remote_cid)
#endif

#endif
