// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program sends: how much it may, by credit in bytes and in records, and
 * which way it goes.
 */
#include <linux/export.h>
#include <linux/sizes.h>
#include <linux/uio.h>
#include <net/sock.h>
#include <virtsock/core.h>

/**
 * virtsock_fill_packet() - the header of a packet for the peer of a socket
 * @vsk: the socket, with a peer; owns @skb from now on
 * @skb: the packet; the length of its payload is the caller's to fill in
 * @op: VIRTIO_VSOCK_OP_*
 *
 * Context: any.
 */
void virtsock_fill_packet(struct vsock_sock *vsk, struct sk_buff *skb, u16 op)
{
	const struct vsock_transport *t = vsock_core_get_transport(vsk);
	struct sock *sk = sk_vsock(vsk);

	*virtio_vsock_hdr(skb) = (struct virtio_vsock_hdr) {
		.type = cpu_to_le16(sk->sk_type == SOCK_STREAM ?
				    VIRTIO_VSOCK_TYPE_STREAM :
				    VIRTIO_VSOCK_TYPE_SEQPACKET),
		.op = cpu_to_le16(op),
		.src_cid = cpu_to_le64(t->get_local_cid()),
		.src_port = cpu_to_le32(vsk->local_addr.svm_port),
		.dst_cid = cpu_to_le64(vsk->remote_addr.svm_cid),
		.dst_port = cpu_to_le32(vsk->remote_addr.svm_port),
	};
	skb_set_owner_w(skb, sk);
}

/**
 * virtsock_alloc_packet() - make a packet for the peer of a socket
 * @vsk: the socket, with a peer
 * @op: VIRTIO_VSOCK_OP_*
 * @room: bytes of payload that fit, in one piece
 * @gfp: how to allocate
 *
 * Context: as @gfp says.
 * Return: the packet, without payload, or NULL without memory.
 */
struct sk_buff *virtsock_alloc_packet(struct vsock_sock *vsk, u16 op, u32 room,
				      gfp_t gfp)
{
	struct sk_buff *skb = virtsock_compat_alloc_skb(room, gfp);

	if (skb)
		virtsock_fill_packet(vsk, skb, op);
	return skb;
}

/**
 * virtsock_send_packet() - hand a packet to the transport, as the common code
 * @vsk: its socket
 * @skb: the packet, consumed
 *
 * Context: process, socket locked.
 * Return: bytes of payload taken, or a negative errno.
 */
int virtsock_send_packet(struct vsock_sock *vsk, struct sk_buff *skb)
{
	const struct vsock_transport *t = vsock_core_get_transport(vsk);

	return virtsock_compat_send_pkt(container_of(t, struct virtio_transport,
						     transport),
					skb, sock_net(sk_vsock(vsk)));
}

/**
 * virtsock_send_credit() - tell the peer our credit, or ask for its
 * @vsk: the socket
 * @op: CREDIT_UPDATE or CREDIT_REQUEST
 *
 * Context: process, socket locked.
 * Return: false if there is no memory.
 */
bool virtsock_send_credit(struct vsock_sock *vsk, u16 op)
{
	struct sk_buff *skb = virtsock_alloc_packet(vsk, op, 0, GFP_KERNEL);

	if (!skb)
		return false;
	virtio_transport_inc_tx_pkt(vsk->trans, skb);
	virtsock_send_packet(vsk, skb);
	return true;
}

/*
 * What waits for the peer takes memory, and a packet of one byte takes most of a KiB,
 * for which nobody's cgroup pays: a peer that grants records without end must not have
 * it grow until the socket's own count of it overflows, at 2 GiB. What one call adds to
 * this has the same bound in bytes, and takes twice as much at most.
 */
#define VIRTSOCK_TX_MEM_MIN	SZ_1M
#define VIRTSOCK_TX_MEM_MAX	(512U * SZ_1M)

/* Is there memory for more? virtsock_sock_sent() says when there is again. */
static bool virtsock_tx_mem(struct virtsock_sock *vs)
{
	u32 mem = sk_wmem_alloc_get(sk_vsock(vs->vvs.vsk));

	return mem < min_t(u64, 2ULL * vs->buf_size + VIRTSOCK_TX_MEM_MIN,
			   VIRTSOCK_TX_MEM_MAX);
}

/* The most that can ever be on the way: a longer message is refused. */
static u32 virtsock_window(struct virtsock_sock *vs)
{
	u32 own = vs->buf_grown ? VIRTSOCK_BUF_DEFAULT : vs->buf_size;
	u32 window;

	spin_lock_bh(&vs->vvs.tx_lock);
	window = min(vs->vvs.peer_buf_alloc, own);
	spin_unlock_bh(&vs->vvs.tx_lock);
	return min(window, VIRTSOCK_TX_MEM_MAX);
}

/* As the common code has it, but for a buffer that shrank: buf_alloc did not. */
static u32 virtsock_tx_bytes(struct virtsock_sock *vs)
{
	u32 sent, window;

	spin_lock_bh(&vs->vvs.tx_lock);
	sent = vs->vvs.tx_cnt - vs->vvs.peer_fwd_cnt;
	window = min(vs->vvs.peer_buf_alloc, vs->buf_size);
	spin_unlock_bh(&vs->vvs.tx_lock);
	return sent < window ? min(window - sent, VIRTSOCK_TX_MEM_MAX) : 0;
}

/* A message that was begun goes on, as far as there was room for all of it. */
static u32 virtsock_tx_room(struct virtsock_sock *vs)
{
	return vs->begun || virtsock_tx_mem(vs) ? virtsock_tx_bytes(vs) : 0;
}

/**
 * virtsock_stream_has_space() - bytes that may be sent (both socket types)
 * @vsk: the socket
 *
 * The answer 0 is about to block a writer, or to tell poll that it must wait:
 * the peer is asked for credit, once until some arrives.
 *
 * Context: process, socket locked.
 * Return: bytes; 0 where bytes or records are used up.
 */
s64 virtsock_stream_has_space(struct vsock_sock *vsk)
{
	struct virtsock_sock *vs = virtsock_sk(vsk);
	bool ask = false, was;
	s64 space;

	/* A writer that waits on a dead link must come out of its loop. */
	if (READ_ONCE(vs->dead))
		return 1;

	/* A window of its own that is full: the reader would take more. */
	if (READ_ONCE(vs->vvs.peer_buf_alloc) > vs->buf_size &&
	    !virtsock_tx_bytes(vs))
		virtsock_buf_grow(vs);

	/* For most messages there is room, and nobody waits for any. */
	if (!vs->need && virtsock_credit_may_send(&vs->credit)) {
		space = virtsock_tx_room(vs);
		if (space)
			return space;
	}

	spin_lock_bh(&vs->lock);
	was = vs->full;
	WRITE_ONCE(vs->full, true);
	/* It is said before it looks; pairs with virtsock_sock_sent() */
	smp_mb();
	space = virtsock_tx_room(vs);
	if (vs->need && space < min(vs->need, virtsock_window(vs)))
		space = 0;
	if (!vs->begun && !virtsock_credit_may_send(&vs->credit))
		space = 0;
	/* The peer has nothing to say to a want of memory. */
	if (!space && !vs->asked && (vs->begun || virtsock_tx_mem(vs))) {
		vs->asked = true;
		ask = true;
	}
	if (space)
		WRITE_ONCE(vs->full, was);
	spin_unlock_bh(&vs->lock);

	if (ask && (sk_vsock(vsk)->sk_state != TCP_ESTABLISHED ||
		    !virtsock_send_credit(vsk, VIRTIO_VSOCK_OP_CREDIT_REQUEST)))
		WRITE_ONCE(vs->asked, false);
	return space;
}
EXPORT_SYMBOL_GPL(virtsock_stream_has_space);

/**
 * virtsock_stream_enqueue() - send bytes (transport .stream_enqueue)
 * @vsk: the socket
 * @msg: the program's message
 * @len: bytes of it to send
 *
 * Context: process, socket locked.
 * Return: bytes taken, or -ECONNRESET once the link has ended, or an error of
 * virtsock_open() or the common code.
 */
ssize_t virtsock_stream_enqueue(struct vsock_sock *vsk, struct msghdr *msg,
				size_t len)
{
	struct virtsock_sock *vs = virtsock_sk(vsk);
	bool zerocopy, more = msg->msg_flags & MSG_MORE;
	u32 most = virtsock_packet_max(vs);
	ssize_t ret;

	if (READ_ONCE(vs->dead))
		return -ECONNRESET;
	/* As in the common code: without the option the flag means nothing. */
	zerocopy = msg->msg_flags & MSG_ZEROCOPY &&
		   sock_flag(sk_vsock(vsk), SOCK_ZEROCOPY);
	if (len > min(most, VIRTSOCK_APPEND_MAX) || vs->buf_size < vs->vvs.buf_alloc)
		len = min_t(size_t, len, virtsock_tx_room(vs));
	/* With the flag each call has a completion: as few as there were before. */
	if (len > most && !zerocopy) {
		/* There is room for the rest, so the core sends that next. */
		more = true;
		len = most;
	}
	if (!len)
		return 0;
	vs->more = more;
	/* Pages are fetched before others have to wait for the queue's lock. */
	if (zerocopy ||
	    (len > VIRTSOCK_APPEND_MAX && len < VIRTSOCK_POOL_MIN))
		ret = virtio_transport_stream_enqueue(vsk, msg, len);
	else if (len <= VIRTSOCK_APPEND_MAX &&
		 !fault_in_iov_iter_readable(&msg->msg_iter, len) &&
		 virtsock_side_append(vsk, msg, len))
		ret = len;
	else
		ret = virtsock_open(vsk, msg, len);
	/* The link is about to take its sockets with it. */
	return ret == -ENODEV ? -ECONNRESET : ret;
}

/**
 * virtsock_notify_send_init() - a send begins (transport .notify_send_init)
 * @vsk: the socket
 * @data: not used
 *
 * Context: process, socket locked.
 * Return: 0.
 */
int virtsock_notify_send_init(struct vsock_sock *vsk,
			      struct vsock_transport_send_notify_data *data)
{
	struct virtsock_sock *vs = vsk->trans;

	vs->need = 0;
	vs->begun = false;
	return virtio_transport_notify_send_init(vsk, data);
}

/*
 * The core sends what fits of a message and then waits, or says EAGAIN: who
 * does not wait would lose the rest, and its next message would be the end of
 * this one. So there is all of it or none, and poll says when.
 */
static bool virtsock_seqpacket_fits(struct vsock_sock *vsk, size_t len)
{
	struct virtsock_sock *vs = virtsock_sk(vsk);

	if (vs->begun)
		return true;

	vs->need = len;
	if (!virtsock_stream_has_space(vsk))
		return false;
	vs->need = 0;
	vs->begun = true;
	return true;
}

/**
 * virtsock_seqpacket_enqueue() - send a message (transport .seqpacket_enqueue)
 * @vsk: the socket
 * @msg: the program's message
 * @len: bytes of it to send
 *
 * Context: process, socket locked.
 * Return: as virtsock_stream_enqueue(); -EMSGSIZE beyond the peer's buffer; 0
 * with MSG_DONTWAIT where not all of it fits: the core asks for room again,
 * finds none, and says EAGAIN. (An error of ours would be ENOMEM on 6.1.)
 */
int virtsock_seqpacket_enqueue(struct vsock_sock *vsk, struct msghdr *msg,
			       size_t len)
{
	struct virtsock_sock *vs = virtsock_sk(vsk);
	int ret;

	if (READ_ONCE(vs->dead))
		return -ECONNRESET;
	if (len > virtsock_window(vs))
		return -EMSGSIZE;
	if (msg->msg_flags & MSG_DONTWAIT && !virtsock_seqpacket_fits(vsk, len))
		return 0;
	vs->more = msg->msg_flags & MSG_MORE;
	ret = virtio_transport_seqpacket_enqueue(vsk, msg,
						 min_t(size_t, len, virtsock_tx_room(vs)));
	if (ret < 0 || ret == len)
		vs->begun = false;
	return ret == -ENODEV ? -ECONNRESET : ret;
}
