// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages of a stream that are small beside a packet gather in the packet that
 * waits last for the other side. What the common code would do for each of them
 * (allocate, fill a header, hand over) is done once for each packet, and so is
 * everything after that.
 */
#include <linux/export.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <virtsock/core.h>

/* A packet is made for this many times what the one before had when it grew */
#define VIRTSOCK_OPEN_GROWTH	4

/* May more of a socket's stream go into a packet, room aside? */
static bool virtsock_append_to(struct sk_buff *skb, struct sock *sk)
{
	return skb && skb->sk == sk &&
	       virtsock_skb_op(skb) == VIRTIO_VSOCK_OP_RW &&
	       !skb_is_nonlinear(skb) && !skb_zcopy(skb);
}

/**
 * virtsock_append() - add a message to a packet that waits
 * @skb: the last packet of the queue, which stays there, or NULL
 * @vsk: the socket, a stream
 * @msg: the program's message
 * @len: bytes of it to send
 * @class: out: what it means for the scheduler
 *
 * Whatever is queued behind a packet ends it, so order holds. The bytes are
 * copied with page faults off: where they are not there, the caller has to send
 * them in a way that may sleep.
 *
 * Context: process, socket locked; the lock of the queue (bh) held.
 * Return: true if all of it was taken; false if nothing was.
 */
bool virtsock_append(struct sk_buff *skb, struct vsock_sock *vsk,
		     struct msghdr *msg, u32 len, enum virtsock_tx_class *class)
{
	struct virtsock_sock *vs = virtsock_sk(vsk);
	u32 credit, size;
	size_t copied;

	/* nr_msgs, where each has one byte */
	BUILD_BUG_ON(VIRTSOCK_OPEN_MAX > U16_MAX);

	if (!virtsock_append_to(skb, sk_vsock(vsk)))
		return false;
	size = skb->len + len;
	vs->room = min(VIRTSOCK_OPEN_GROWTH * size, VIRTSOCK_OPEN_MAX);
	if (size > min(VIRTSOCK_OPEN_MAX, virtsock_merge_max(vs)) ||
	    len > skb_tailroom(skb))
		return false;
	credit = virtio_transport_get_credit(&vs->vvs, len);
	if (credit < len)
		goto err;

	pagefault_disable();
	copied = copy_from_iter(skb_tail_pointer(skb), len, &msg->msg_iter);
	pagefault_enable();
	if (copied < len) {
		iov_iter_revert(&msg->msg_iter, copied);
		goto err;
	}

	skb_put(skb, len);
	virtio_vsock_hdr(skb)->len = cpu_to_le32(size);
	virtsock_skb_cb(skb)->nr_msgs++;
	*class = virtsock_sock_message(vs);
	return true;

err:
	virtio_transport_put_credit(&vs->vvs, credit);
	return false;
}
EXPORT_SYMBOL_GPL(virtsock_append);

/* Room for more is good to have, but not worth an effort. */
static struct sk_buff *virtsock_open_alloc(struct vsock_sock *vsk, u32 len,
					   u32 room)
{
	struct sk_buff *skb = NULL;

	if (room > len)
		skb = virtsock_alloc_packet(vsk, VIRTIO_VSOCK_OP_RW, room,
					    GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
	return skb ?: virtsock_alloc_packet(vsk, VIRTIO_VSOCK_OP_RW, len, GFP_KERNEL);
}

/**
 * virtsock_open() - send a message in a packet that may grow while it waits
 * @vsk: the socket, a stream
 * @msg: the program's message
 * @len: bytes of it to send, at most VIRTSOCK_OPEN_MAX
 *
 * There is room for more where messages followed each other so far.
 *
 * Context: process, socket locked.
 * Return: bytes taken, 0 where there is no credit, -ENOMEM, -EFAULT, or what
 * the transport's send_pkt returns.
 */
ssize_t virtsock_open(struct vsock_sock *vsk, struct msghdr *msg, u32 len)
{
	struct virtsock_sock *vs = virtsock_sk(vsk);
	struct sk_buff *skb;
	int err = -ENOMEM;
	u32 room;

	len = virtio_transport_get_credit(&vs->vvs, len);
	if (!len)
		return 0;
	room = vs->room;
	vs->room = 0;
	skb = virtsock_open_alloc(vsk, len, room);
	if (!skb)
		goto err;
	if (!copy_from_iter_full(skb_put(skb, len), len, &msg->msg_iter)) {
		kfree_skb(skb);
		err = -EFAULT;
		goto err;
	}
	virtio_vsock_hdr(skb)->len = cpu_to_le32(len);
	err = virtsock_send_packet(vsk, skb);
	if (err >= 0)
		return len;
err:
	virtio_transport_put_credit(&vs->vvs, len);
	return err;
}
