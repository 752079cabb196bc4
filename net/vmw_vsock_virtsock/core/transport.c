// SPDX-License-Identifier: GPL-2.0-only
/*
 * What AF_VSOCK calls, for both sides. A socket keeps pointing to its
 * transport until the program closes it, which it may never do, and a thread
 * that waits in it remembers the pointer. So both transports live here, and
 * an open socket holds this module; the module that carries its packets is
 * held for as long as there is a link to carry them by.
 */
#include <linux/export.h>
#include <linux/module.h>
#include <linux/srcu.h>
#include <net/sock.h>
#include <virtsock/core.h>

/* Calls into the modules of the sides: they stay until those are done */
DEFINE_STATIC_SRCU(virtsock_side_srcu);

static struct virtsock_side *virtsock_side(struct vsock_sock *vsk)
{
	return container_of(vsock_core_get_transport(vsk), struct virtsock_side,
			    t.transport);
}

/*
 * A socket is about to have a connection: it holds the module that carries
 * its packets, until its link ends or the socket goes.
 */
static int virtsock_sock_hold(struct virtsock_side *side, struct vsock_sock *vsk,
			      struct vsock_sock *psk)
{
	const struct virtsock_side_ops *ops;
	struct virtsock_sock *vs = vsk->trans;
	bool first = false;
	int err = 0, idx;

	idx = srcu_read_lock(&virtsock_side_srcu);
	spin_lock_bh(&side->lock);
	ops = side->ops;
	/* virtsock_reset() does not see a child that is made after it. */
	if (psk && virtsock_rxq_stale())
		ops = NULL;
	vs->tx_cid = vsk->remote_addr.svm_cid;
	if (!vs->held) {
		vs->held = ops && try_module_get(ops->owner);
		if (vs->held)
			first = !side->held++;
		else
			err = -ENODEV;
	}
	WRITE_ONCE(vs->cut, !vs->held);
	spin_unlock_bh(&side->lock);
	if (first && ops->opened)
		ops->opened();
	srcu_read_unlock(&virtsock_side_srcu, idx);
	return err;
}

static int virtsock_init(struct virtsock_side *side, struct vsock_sock *vsk,
			 struct vsock_sock *psk)
{
	struct virtsock_sock *vs;
	int err;

	err = virtsock_sock_init(vsk, psk);
	if (err)
		return err;
	vs = vsk->trans;
	vs->cut = true;
	spin_lock_bh(&side->lock);
	list_add_tail(&vs->side_link, &side->socks);
	spin_unlock_bh(&side->lock);
	if (psk)
		err = virtsock_sock_hold(side, vsk, psk);
	if (err) {
		spin_lock_bh(&side->lock);
		list_del(&vs->side_link);
		spin_unlock_bh(&side->lock);
		virtsock_park_purge(sk_vsock(vsk), vs);
		virtio_transport_destruct(vsk);
	}
	return err;
}

/*
 * Nothing of the side refers to a socket's state when this returns. It may wait
 * for a hypercall or its worker, and that for memory of a VM, so it must not hold
 * up those who wait in virtsock_side_wait(): the module is held instead. One that
 * is going has no socket that holds it, so nothing of this one waits there.
 */
static void virtsock_forget(struct virtsock_side *side, struct vsock_sock *vsk)
{
	const struct virtsock_side_ops *ops;
	int idx;

	idx = srcu_read_lock(&virtsock_side_srcu);
	ops = READ_ONCE(side->ops);
	if (ops && !try_module_get(ops->owner))
		ops = NULL;
	srcu_read_unlock(&virtsock_side_srcu, idx);
	if (!ops)
		return;
	ops->forget(vsk, true);
	module_put(ops->owner);
}

static void virtsock_destruct(struct vsock_sock *vsk)
{
	struct virtsock_sock *vs = virtsock_sk(vsk);
	struct virtsock_side *side = virtsock_side(vsk);
	struct module *owner;

	/*
	 * A connect() to another transport reassigns a socket of which packets
	 * may still wait; they refer to the state that goes now. At the end of
	 * a socket, when nobody refers to it, there are none: they hold it.
	 */
	if (refcount_read(&sk_vsock(vsk)->sk_refcnt))
		virtsock_forget(side, vsk);

	spin_lock_bh(&side->lock);
	list_del(&vs->side_link);
	owner = virtsock_sock_unhold(side, vs);
	spin_unlock_bh(&side->lock);
	/* In this order: see virtsock_sk_locked() */
	sock_reset_flag(sk_vsock(vsk), SOCK_USE_WRITE_QUEUE);
	virtsock_park_purge(sk_vsock(vsk), vs);
	virtsock_buf_release(vs);
	virtio_transport_destruct(vsk);
	module_put(owner);
}

static int virtsock_connect(struct vsock_sock *vsk)
{
	struct virtsock_side *side = virtsock_side(vsk);
	struct virtsock_sock *vs = virtsock_sk(vsk);
	struct module *owner;
	bool again;
	int err;

	/* What waits for the peer before this one is found by its CID only. */
	if (vs->tx_cid && vs->tx_cid != vsk->remote_addr.svm_cid)
		virtsock_forget(side, vsk);
	/* So are its answers, which this connect() does not want. */
	virtsock_park_purge(sk_vsock(vsk), vs);
	spin_lock_bh(&vs->lock);
	vs->deferred = 0;
	vs->asked = false;
	vs->peer_blocked = false;
	vs->peer_stalled = false;
	vs->credit_queued = false;
	vs->urgent_queued = false;
	vs->soon_queued = false;
	spin_unlock_bh(&vs->lock);
	vs->told = 0;
	/* Who ends a hold takes what it has sent from the side first. */
	again = READ_ONCE(vs->held);
	err = virtsock_sock_hold(side, vsk, NULL);
	if (err)
		goto failed;
	err = virtio_transport_connect(vsk);
	if (err < 0) {
		/* Of an earlier one, to the same peer: without a hold nobody waits. */
		if (again)
			virtsock_forget(side, vsk);
		spin_lock_bh(&side->lock);
		owner = virtsock_sock_unhold(side, vs);
		spin_unlock_bh(&side->lock);
		module_put(owner);
		goto failed;
	}
	return err;

failed:
	/* The core leaves it as if an answer were to come. */
	sk_vsock(vsk)->sk_state = TCP_CLOSE;
	return err;
}

/*
 * A program may call shutdown() as often as it likes, and each would be a packet that
 * neither credit nor a buffer bounds: the peer is told what it does not know. The core
 * takes SOCK_DONE back each time, expecting an answer to that packet, a reset, to set
 * it: without it, a socket whose peer is gone says ENOTCONN for an end of the stream.
 * Context: process, socket locked.
 */
static int virtsock_shutdown(struct vsock_sock *vsk, int mode)
{
	struct virtsock_sock *vs = virtsock_sk(vsk);
	int ret;

	if (!(mode & ~vs->told)) {
		if (vsk->peer_shutdown == SHUTDOWN_MASK)
			sock_set_flag(sk_vsock(vsk), SOCK_DONE);
		return 0;
	}
	ret = virtio_transport_shutdown(vsk, mode);
	if (ret >= 0)
		vs->told |= mode;
	return ret;
}

/**
 * virtsock_cancel_pkt() - forget what a socket wanted to send (.cancel_pkt)
 * @vsk: the socket
 *
 * Context: process, socket locked.
 * Return: 0.
 */
int virtsock_cancel_pkt(struct vsock_sock *vsk)
{
	struct virtsock_side *side = virtsock_side(vsk);
	const struct virtsock_side_ops *ops;
	int idx;

	idx = srcu_read_lock(&virtsock_side_srcu);
	ops = READ_ONCE(side->ops);
	if (ops && !READ_ONCE(virtsock_sk(vsk)->cut))
		ops->forget(vsk, false);
	srcu_read_unlock(&virtsock_side_srcu, idx);
	return 0;
}

/* A packet of the common code. Context: process. */
static int virtsock_send(struct virtsock_side *side, struct sk_buff *skb)
{
	enum virtsock_drop_reason why = VIRTSOCK_DROP_NO_LINK;
	const struct virtsock_side_ops *ops;
	int idx, ret = -ENODEV;

	virtsock_compat_own(skb);
	idx = srcu_read_lock(&virtsock_side_srcu);
	ops = READ_ONCE(side->ops);
	if (ops && virtio_vsock_skb_reply(skb) && virtsock_rxq_stale()) {
		ops = NULL;
		why = VIRTSOCK_DROP_STALE;
	}
	if (ops)
		ret = ops->tx(skb);
	srcu_read_unlock(&virtsock_side_srcu, idx);
	if (!ops)
		virtsock_drop(skb, why);
	return ret;
}

/**
 * virtsock_side_append() - add a message to what waits for the other side
 * @vsk: the socket, a stream
 * @msg: the program's message
 * @len: bytes of it to send
 *
 * Context: process, socket locked.
 * Return: true if all of it was taken; false if nothing was.
 */
bool virtsock_side_append(struct vsock_sock *vsk, struct msghdr *msg, u32 len)
{
	struct virtsock_side *side = virtsock_side(vsk);
	const struct virtsock_side_ops *ops;
	bool done = false;
	int idx;

	idx = srcu_read_lock(&virtsock_side_srcu);
	ops = READ_ONCE(side->ops);
	if (ops && !READ_ONCE(virtsock_sk(vsk)->cut))
		done = ops->append(vsk, msg, len);
	srcu_read_unlock(&virtsock_side_srcu, idx);
	return done;
}

static void virtsock_waits(struct vsock_sock *vsk, enum virtsock_wait wait)
{
	struct virtsock_side *side = virtsock_side(vsk);
	const struct virtsock_side_ops *ops;
	int idx;

	idx = srcu_read_lock(&virtsock_side_srcu);
	ops = READ_ONCE(side->ops);
	if (ops && ops->about_to_wait && !READ_ONCE(virtsock_sk(vsk)->cut))
		ops->about_to_wait(vsk, wait);
	srcu_read_unlock(&virtsock_side_srcu, idx);
}

static int virtsock_notify_poll_in(struct vsock_sock *vsk, size_t target,
				   bool *ready)
{
	int err;

	virtsock_sock_error(vsk);
	err = virtio_transport_notify_poll_in(vsk, target, ready);
	if (!err && !*ready) {
		/* Its mark may have been raised since it received. */
		virtsock_credit_check(vsk);
		virtsock_waits(vsk, VIRTSOCK_WAIT_POLL);
	}
	return err;
}

static int virtsock_notify_recv_pre_block(struct vsock_sock *vsk, size_t target,
					  struct vsock_transport_recv_notify_data *data)
{
	virtsock_waits(vsk, VIRTSOCK_WAIT_RECV);
	return virtio_transport_notify_recv_pre_block(vsk, target, data);
}

static int virtsock_notify_send_pre_block(struct vsock_sock *vsk,
					  struct vsock_transport_send_notify_data *data)
{
	virtsock_waits(vsk, VIRTSOCK_WAIT_SEND);
	return virtio_transport_notify_send_pre_block(vsk, data);
}

/*
 * The only sign that a reader of messages is about to wait. One whose socket does
 * not block is about to wait elsewhere, if at all.
 */
static u32 virtsock_has_message(struct vsock_sock *vsk)
{
	const struct socket *sock = sk_vsock(vsk)->sk_socket;
	enum virtsock_wait wait = VIRTSOCK_WAIT_RECV;
	u32 count = virtsock_seqpacket_has_data(vsk);

	/* What it sent leaves, but the hypercall waits for nothing. */
	if (sock && sock->file && sock->file->f_flags & O_NONBLOCK)
		wait = VIRTSOCK_WAIT_SEND;
	if (!count)
		virtsock_waits(vsk, wait);
	return count;
}

/*
 * What a link's end took with it is never sent: neither SIOCOUTQ nor a close()
 * that lingers has to wait for that.
 */
static ssize_t __maybe_unused virtsock_unsent_bytes(struct vsock_sock *vsk)
{
	return READ_ONCE(virtsock_sk(vsk)->dead) ? 0 : virtsock_compat_unsent_bytes(vsk);
}

static VIRTSOCK_COMPAT_STREAM_ALLOW(virtsock_stream_allow)
{
	return VIRTSOCK_COMPAT_NET_ALLOWED;
}

static VIRTSOCK_COMPAT_SEQPACKET_ALLOW(virtsock_seqpacket_allow)
{
	return VIRTSOCK_COMPAT_NET_ALLOWED;
}

#define VIRTSOCK_TRANSPORT(side)						\
	.t.transport = {							\
		.module			= THIS_MODULE,				\
		.get_local_cid		= virtsock_##side##_cid,		\
		.init			= virtsock_##side##_init,		\
		.destruct		= virtsock_destruct,			\
		.release		= virtsock_sock_release,		\
		.connect		= virtsock_connect,			\
		.shutdown		= virtsock_shutdown,			\
		.cancel_pkt		= virtsock_cancel_pkt,			\
										\
		.dgram_bind		= virtio_transport_dgram_bind,		\
		.dgram_dequeue		= virtio_transport_dgram_dequeue,	\
		.dgram_enqueue		= virtio_transport_dgram_enqueue,	\
		.dgram_allow		= virtio_transport_dgram_allow,		\
										\
		.stream_dequeue		= virtsock_stream_dequeue,		\
		.stream_enqueue		= virtsock_stream_enqueue,		\
		.stream_has_data	= virtio_transport_stream_has_data,	\
		.stream_has_space	= virtsock_stream_has_space,		\
		.stream_rcvhiwat	= virtio_transport_stream_rcvhiwat,	\
		.stream_is_active	= virtio_transport_stream_is_active,	\
		.stream_allow		= virtsock_stream_allow,		\
										\
		.seqpacket_dequeue	= virtsock_seqpacket_dequeue,		\
		.seqpacket_enqueue	= virtsock_seqpacket_enqueue,		\
		.seqpacket_allow	= virtsock_seqpacket_allow,		\
		.seqpacket_has_data	= virtsock_has_message,			\
										\
		.notify_poll_in		= virtsock_notify_poll_in,		\
		.notify_poll_out	= virtio_transport_notify_poll_out,	\
		.notify_recv_init	= virtio_transport_notify_recv_init,	\
		.notify_recv_pre_block	= virtsock_notify_recv_pre_block,	\
		.notify_recv_pre_dequeue = virtio_transport_notify_recv_pre_dequeue, \
		.notify_recv_post_dequeue = virtio_transport_notify_recv_post_dequeue, \
		.notify_send_init	= virtsock_notify_send_init,		\
		.notify_send_pre_block	= virtsock_notify_send_pre_block,	\
		.notify_send_pre_enqueue = virtio_transport_notify_send_pre_enqueue, \
		.notify_send_post_enqueue = virtio_transport_notify_send_post_enqueue, \
		.notify_buffer_size	= virtsock_notify_buffer_size,		\
		VIRTSOCK_COMPAT_OPS						\
	},									\
	.t.send_pkt = virtsock_##side##_send,					\
	.lock = __SPIN_LOCK_UNLOCKED(virtsock_##side##_side.lock),		\
	.socks = LIST_HEAD_INIT(virtsock_##side##_side.socks)

static u32 virtsock_guest_cid(void)
{
	return READ_ONCE(virtsock_guest_side.cid);
}

static int virtsock_guest_init(struct vsock_sock *vsk, struct vsock_sock *psk)
{
	return virtsock_init(&virtsock_guest_side, vsk, psk);
}

static VIRTSOCK_COMPAT_SEND_PKT(virtsock_guest_send)
{
	return virtsock_send(&virtsock_guest_side, skb);
}

struct virtsock_side virtsock_guest_side = {
	.cid = VMADDR_CID_ANY,
	VIRTSOCK_TRANSPORT(guest),
};
EXPORT_SYMBOL_GPL(virtsock_guest_side);

static u32 virtsock_host_cid(void)
{
	return VMADDR_CID_HOST;
}

static int virtsock_host_init(struct vsock_sock *vsk, struct vsock_sock *psk)
{
	return virtsock_init(&virtsock_host_side, vsk, psk);
}

static VIRTSOCK_COMPAT_SEND_PKT(virtsock_host_send)
{
	return virtsock_send(&virtsock_host_side, skb);
}

struct virtsock_side virtsock_host_side = {
	VIRTSOCK_TRANSPORT(host),
};
EXPORT_SYMBOL_GPL(virtsock_host_side);

/**
 * virtsock_side_wait() - nobody is in a side's functions on an old account
 *
 * Who looked at a socket, or at the side, before this was called is done.
 *
 * Context: process.
 */
void virtsock_side_wait(void)
{
	synchronize_srcu_expedited(&virtsock_side_srcu);
}

/**
 * virtsock_side_register() - a module offers to carry packets
 * @side: &virtsock_guest_side or &virtsock_host_side
 * @ops: its functions
 * @features: VSOCK_TRANSPORT_F_*
 *
 * Context: process, module init.
 * Return: 0; -EBUSY where the kernel has such a transport already.
 */
int virtsock_side_register(struct virtsock_side *side,
			   const struct virtsock_side_ops *ops, int features)
{
	int err;

	spin_lock_bh(&side->lock);
	WRITE_ONCE(side->ops, ops);
	spin_unlock_bh(&side->lock);
	err = vsock_core_register(&side->t.transport, features);
	if (err)
		virtsock_side_unregister(side);
	return err;
}
EXPORT_SYMBOL_GPL(virtsock_side_register);

/**
 * virtsock_side_unregister() - it does so no more
 * @side: the side; no socket holds its module
 *
 * Context: process, module exit.
 */
void virtsock_side_unregister(struct virtsock_side *side)
{
	vsock_core_unregister(&side->t.transport);
	spin_lock_bh(&side->lock);
	WRITE_ONCE(side->ops, NULL);
	spin_unlock_bh(&side->lock);
	virtsock_side_wait();
}
EXPORT_SYMBOL_GPL(virtsock_side_unregister);
