/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a kernel has behind the uapi part of this header, for
 * compat-include/linux/virtio_vsock.h to build on: one that takes any packet,
 * and how large that is, is the input's choice. So one build is all kernels.
 */
#ifndef _FUZZ_LINUX_VIRTIO_VSOCK_H
#define _FUZZ_LINUX_VIRTIO_VSOCK_H

#include_next <linux/virtio_vsock.h>
#include "../kernel.h"

#define VIRTSOCK_HAVE_SKB_PUT
#define VIRTSOCK_COMPAT_ENTRY_RULE	1
#define VIRTSOCK_COMPAT_STREAM_MERGED	1

#define VIRTIO_VSOCK_SKB_HEADROOM	(sizeof(struct virtio_vsock_hdr))
#define VIRTIO_VSOCK_MAX_PKT_BUF_SIZE	fuzz_skb_max

struct virtio_vsock_skb_cb {
	bool reply;
	bool tap_delivered;
	u32 offset;
};

struct virtio_vsock_sock {
	u32 peer_buf_alloc;
	u32 buf_alloc;
	u32 rx_bytes;
	struct sk_buff_head rx_queue;
};

struct virtio_transport {
	struct vsock_transport transport;
	int (*send_pkt)(struct sk_buff *skb);
};

extern u32 fuzz_skb_max;

struct sk_buff *virtio_vsock_alloc_skb(u32 size, gfp_t gfp);
void virtio_vsock_skb_put(struct sk_buff *skb, u32 len);

static inline struct virtio_vsock_hdr *virtio_vsock_hdr(struct sk_buff *skb)
{
	return (struct virtio_vsock_hdr *)skb->head;
}

static inline void virtio_transport_recv_pkt(struct virtio_transport *t,
					     struct sk_buff *skb)
{
	abort();
}

#endif
