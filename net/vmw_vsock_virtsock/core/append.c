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
	       (!skb_is_nonlinear(skb) || skb->pp_recycle) && !skb_zcopy(skb);
}

/* Copy @len bytes behind what the packet has. Return: all of them? */
static bool virtsock_append_copy(struct sk_buff *skb, struct iov_iter *from,
				 u32 len)
{
	size_t copied;

	if (skb_is_nonlinear(skb))
		return virtsock_pool_append(skb, from, len);
	if (len > skb_tailroom(skb))
		return false;
	copied = copy_from_iter(skb_tail_pointer(skb), len, from);
	if (copied < len) {
		iov_iter_revert(from, copied);
		return false;
	}
	skb_put(skb, len);
	return true;
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
	u32 credit, size, most;
	bool copied;

	if (!virtsock_append_to(skb, sk_vsock(vsk)))
		return false;
	size = skb->len + len;
	most = virtsock_merge_max(vs);
	vs->room = min3(VIRTSOCK_OPEN_GROWTH * size, VIRTSOCK_OPEN_MAX, most);
	if (size > most ||
	    virtsock_skb_cb(skb)->nr_msgs == U16_MAX)
		return false;
	credit = virtio_transport_get_credit(&vs->vvs, len);
	if (credit < len)
		goto err;

	pagefault_disable();
	copied = virtsock_append_copy(skb, &msg->msg_iter, len);
	pagefault_enable();
	if (!copied)
		goto err;

	virtio_vsock_hdr(skb)->len = cpu_to_le32(size);
	virtsock_skb_cb(skb)->nr_msgs++;
	*class = virtsock_sock_message(vs);
	return true;

err:
	virtio_transport_put_credit(&vs->vvs, credit);
	return false;
}
EXPORT_SYMBOL_GPL(virtsock_append);

/*
 * A packet with @len bytes of payload to be copied into it. Room for more is
 * good to have, but not worth an effort.
 */
static struct sk_buff *virtsock_open_alloc(struct vsock_sock *vsk, u32 len,
					   u32 room)
{
	struct sk_buff *skb = NULL;

	if (max(len, room) >= VIRTSOCK_POOL_MIN)
		skb = virtsock_pool_alloc(len, GFP_KERNEL);
	if (skb) {
		virtsock_fill_packet(vsk, skb, VIRTIO_VSOCK_OP_RW);
		return skb;
	}
	if (room > len)
		skb = virtsock_alloc_packet(vsk, VIRTIO_VSOCK_OP_RW, room,
					    GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
	if (!skb)
		skb = virtsock_alloc_packet(vsk, VIRTIO_VSOCK_OP_RW, len, GFP_KERNEL);
	if (skb)
		virtsock_compat_skb_put(skb, len);
	return skb;
}

/**
 * virtsock_open() - send a message in a packet that may grow while it waits
 * @vsk: the socket, a stream
 * @msg: the program's message
 * @len: bytes of it to send
 *
 * There is room for more where messages followed each other so far.
 *
 * Context: process, socket locked.
 * Return: bytes taken, 0 where there is no credit, -ENOMEM, -EFAULT, or what
 * the transport's send_pkt returns.
 */
ssize_t virtsock_open(struct vsock_sock *vsk, struct msghdr *msg, size_t len)
{
	struct virtsock_sock *vs = virtsock_sk(vsk);
	size_t left = iov_iter_count(&msg->msg_iter);
	struct sk_buff *skb;
	int err = -ENOMEM;
	u32 room, taken;

	/* As with what gathers: its reader gives credit back packet by packet. */
	len = min_t(size_t, len, virtsock_packet_max(vs));
	taken = virtio_transport_get_credit(&vs->vvs, len);
	if (!taken)
		return 0;
	room = vs->room;
	vs->room = 0;
	skb = virtsock_open_alloc(vsk, taken, room);
	if (!skb)
		goto err;
	if (skb_copy_datagram_from_iter(skb, 0, &msg->msg_iter, taken)) {
		kfree_skb(skb);
		/* Who calls again goes on where it was: io_uring does. */
		iov_iter_revert(&msg->msg_iter,
				left - iov_iter_count(&msg->msg_iter));
		err = -EFAULT;
		goto err;
	}
	virtio_vsock_hdr(skb)->len = cpu_to_le32(taken);
	err = virtsock_send_packet(vsk, skb);
	if (err >= 0)
		return taken;
err:
	virtio_transport_put_credit(&vs->vvs, taken);
	return err;
}
