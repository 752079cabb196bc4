// SPDX-License-Identifier: GPL-2.0-only
/*
 * One received packet to its socket. The slow way is the common code's, under
 * lock_sock. The fast way is for payload and credit of an established
 * connection whose socket nobody holds, and does what the common code would.
 */
#include <virtsock/core.h>

/* More that wait for a socket are not woken by who delivers fast */
#define VIRTSOCK_CROWD	4U

static void virtsock_addrs(struct sk_buff *skb, struct sockaddr_vm *src,
			   struct sockaddr_vm *dst)
{
	struct virtio_vsock_hdr *hdr = virtio_vsock_hdr(skb);

	vsock_addr_init(src, le64_to_cpu(hdr->src_cid), le32_to_cpu(hdr->src_port));
	vsock_addr_init(dst, le64_to_cpu(hdr->dst_cid), le32_to_cpu(hdr->dst_port));
}

/* The connected socket on transport @t, with a reference, or NULL */
static struct sock *virtsock_find_at(struct virtio_transport *t,
				     struct sockaddr_vm *src,
				     struct sockaddr_vm *dst)
{
	struct sock *sk = vsock_find_connected_socket(src, dst);

	if (sk && READ_ONCE(vsock_sk(sk)->transport) != &t->transport) {
		sock_put(sk);
		sk = NULL;
	}
	return sk;
}

static struct sock *virtsock_find(struct virtio_transport *t, struct sk_buff *skb)
{
	struct sockaddr_vm src, dst;

	virtsock_addrs(skb, &src, &dst);
	return virtsock_find_at(t, &src, &dst);
}

/*
 * The socket that is connecting, or was, to where a packet comes from, with a
 * reference, or NULL. A connect() may change that meanwhile.
 */
static struct sock *virtsock_find_connecting(struct virtio_transport *t,
					     struct sk_buff *skb)
{
	struct sockaddr_vm src, dst;
	struct sock *sk;

	virtsock_addrs(skb, &src, &dst);
	sk = vsock_find_bound_socket(&dst);
	if (sk && (READ_ONCE(vsock_sk(sk)->transport) != &t->transport ||
		   !vsock_addr_equals_addr(&src, &vsock_sk(sk)->remote_addr))) {
		sock_put(sk);
		sk = NULL;
	}
	return sk;
}

/* Answer a packet as the common code would a stranger's. */
static void virtsock_refuse(struct virtio_transport *t, struct sk_buff *skb,
			    enum virtsock_drop_reason why)
{
	struct virtio_vsock_hdr *hdr = virtio_vsock_hdr(skb);
	struct virtsock_rec_info info = {
		.type = le16_to_cpu(hdr->type),
		.op = VIRTIO_VSOCK_OP_RST,
		.src_cid = le64_to_cpu(hdr->dst_cid),
		.src_port = le32_to_cpu(hdr->dst_port),
		.dst_cid = le64_to_cpu(hdr->src_cid),
		.dst_port = le32_to_cpu(hdr->src_port),
	};
	struct sk_buff *reply = NULL;

	if (virtsock_skb_op(skb) != VIRTIO_VSOCK_OP_RST)
		reply = virtsock_unpack(&info, 0, GFP_NOIO | __GFP_NOWARN);
	if (reply) {
		virtio_vsock_skb_set_reply(reply);
		virtsock_compat_send_pkt(t, reply, &init_net);
	} else if (virtsock_skb_op(skb) != VIRTIO_VSOCK_OP_RST) {
		virtsock_drop_rec(&info, VIRTSOCK_DROP_NO_MEMORY);
	}
	virtsock_drop(skb, why);
}

/* The byte credit of a packet. Return: may its socket send now? */
static bool virtsock_space_update(struct vsock_sock *vsk,
				  struct virtio_vsock_hdr *hdr)
{
	struct virtio_vsock_sock *vvs = vsk->trans;

	spin_lock_bh(&vvs->tx_lock);
	vvs->peer_buf_alloc = le32_to_cpu(hdr->buf_alloc);
	vvs->peer_fwd_cnt = le32_to_cpu(hdr->fwd_cnt);
	spin_unlock_bh(&vvs->tx_lock);
	return virtio_transport_stream_has_space(vsk) > 0;
}

/*
 * Put payload into the socket's queue. Return: false if there is no room, or
 * where the common code would add a small packet to the one before it, which
 * is its to do: many of them must not take an skb each.
 */
static bool virtsock_enqueue(struct virtio_vsock_sock *vvs, struct sk_buff *skb)
{
	struct virtio_vsock_hdr *hdr = virtio_vsock_hdr(skb);
	u32 len = le32_to_cpu(hdr->len);
	bool ok;

	spin_lock_bh(&vvs->rx_lock);
	ok = len > VIRTSOCK_SMALL || skb_queue_empty(&vvs->rx_queue) ||
	     le16_to_cpu(hdr->type) == VIRTIO_VSOCK_TYPE_SEQPACKET;
	if (ok)
		ok = virtsock_compat_rx_charge(vvs, len);
	if (ok) {
		if (le32_to_cpu(hdr->flags) & VIRTIO_VSOCK_SEQ_EOM)
			vvs->msg_count++;
		__skb_queue_tail(&vvs->rx_queue, skb);
	}
	spin_unlock_bh(&vvs->rx_lock);
	return ok;
}

/*
 * Would what wakes a socket's programs take long? Each of them may wait for it
 * any number of times, and only the kernel's memory is a limit to that. The
 * first look is without a lock: it costs nothing where nobody waits, or one.
 */
static bool virtsock_crowded(struct sock *sk)
{
	struct wait_queue_entry *entry;
	struct socket_wq *wq;
	unsigned long flags;
	u32 n = 0;

	/* A signal may go to a group of any size. */
	if (sock_flag(sk, SOCK_FASYNC))
		return true;
	rcu_read_lock();
	wq = rcu_dereference(sk->sk_wq);
	if (wq && READ_ONCE(wq->wait.head.next) != READ_ONCE(wq->wait.head.prev)) {
		spin_lock_irqsave(&wq->wait.lock, flags);
		list_for_each_entry(entry, &wq->wait.head, entry)
			if (++n > VIRTSOCK_CROWD)
				break;
		spin_unlock_irqrestore(&wq->wait.lock, flags);
	}
	rcu_read_unlock();
	return n > VIRTSOCK_CROWD;
}

/*
 * Deliver into a socket that cannot change under us: its slock is held, or it
 * is locked by the caller. @owned: a program has it locked. Return: done?
 */
static bool virtsock_deliver_to(struct virtio_transport *t, struct sock *sk,
				struct sk_buff *skb, bool owned)
{
	struct virtsock_sock *vs = virtsock_sk(vsock_sk(sk));
	struct virtio_vsock_hdr *hdr = virtio_vsock_hdr(skb);
	bool payload = le16_to_cpu(hdr->op) == VIRTIO_VSOCK_OP_RW;
	u16 nr_msgs = virtsock_skb_cb(skb)->nr_msgs;
	u16 type = sk->sk_type == SOCK_STREAM ? VIRTIO_VSOCK_TYPE_STREAM :
						VIRTIO_VSOCK_TYPE_SEQPACKET;

	/*
	 * Credit has locks of its own: a sender that holds its socket needs it.
	 * sk_user_data: callbacks of sockmap or of a kernel user, may sleep.
	 */
	if ((payload && owned) || sk->sk_user_data ||
	    sk->sk_state != TCP_ESTABLISHED || sock_flag(sk, SOCK_DONE) ||
	    sock_flag(sk, SOCK_DEAD) || !vs || vs->dead ||
	    vsock_sk(sk)->transport != &t->transport ||
	    type != le16_to_cpu(hdr->type))
		return false;
	if (virtsock_crowded(sk)) {
		virtsock_skb_cb(skb)->slow = true;
		return false;
	}

	if (payload) {
		if (virtsock_sock_rx_over(sk) || !skb_set_owner_sk_safe(skb, sk))
			return false;
		if (!virtsock_enqueue(&vs->vvs, skb)) {
			skb_orphan(skb);
			return false;
		}
	}
	/* A reader cannot take it while we hold the slock, or the socket. */
	virtsock_sock_rx(sk, skb);
	if (payload)
		virtsock_sock_rx_done(sk, nr_msgs, 0);
	if (virtsock_space_update(vsock_sk(sk), hdr))
		sk->sk_write_space(sk);
	if (payload)
		vsock_data_ready(sk);
	else
		kfree_skb(skb);
	return true;
}

/**
 * virtsock_deliver_fast() - deliver without sleeping
 * @lane: its lane
 * @skb: the packet, consumed where the answer is true
 * @locked: a socket that the caller has locked (lock_sock) in a transport
 *	operation that lets its queue grow meanwhile: sending, or about to wait
 *
 * Nothing of the same connection may wait elsewhere.
 *
 * Context: any but hard irq.
 * Return: false if this packet or this moment needs the slow way; the packet
 * is as it was.
 */
bool virtsock_deliver_fast(struct virtsock_lane *lane, struct sk_buff *skb,
			   struct sock *locked)
{
	struct virtio_transport *t = lane->rxq->t;
	u16 op = virtsock_skb_op(skb);
	struct sock *sk;
	bool done = false;

	if (op != VIRTIO_VSOCK_OP_RW && op != VIRTIO_VSOCK_OP_CREDIT_UPDATE)
		return false;
	/* Pairs with the release in virtsock_lane_work(). */
	if (atomic_read_acquire(&lane->pending))
		return false;
	sk = virtsock_find(t, skb);
	if (!sk)
		return false;

	local_bh_disable();
	bh_lock_sock(sk);
	/* Under the lock nothing moves between the lane and the socket. */
	if (!atomic_read_acquire(&lane->pending) && !virtsock_parked(sk))
		done = virtsock_deliver_to(t, sk, skb,
					   sk != locked && sock_owned_by_user(sk));
	bh_unlock_sock(sk);
	local_bh_enable();
	sock_put(sk);
	return done;
}

/**
 * virtsock_reader_seen() - does anybody read what is sent to this socket?
 * @t: the transport of the record
 * @info: the record, checked
 *
 * What nobody reads keeps the pages that it lies in. They are few, and all
 * connections share them: none has part of them before its program has read.
 *
 * Context: any but hard irq.
 * Return: true if something of the connection was read before.
 */
bool virtsock_reader_seen(struct virtio_transport *t,
			  const struct virtsock_rec_info *info)
{
	struct sockaddr_vm src, dst;
	struct virtsock_sock *vs;
	struct sock *sk;
	bool seen;

	vsock_addr_init(&src, info->src_cid, info->src_port);
	vsock_addr_init(&dst, info->dst_cid, info->dst_port);
	sk = virtsock_find_at(t, &src, &dst);
	if (!sk)
		return false;

	/*
	 * Seen established, it keeps its state until its owner, if any, lets go of
	 * it, which takes this lock.
	 */
	local_bh_disable();
	bh_lock_sock(sk);
	vs = sk->sk_state == TCP_ESTABLISHED &&
	     vsock_sk(sk)->transport == &t->transport ?
		virtsock_sk(vsock_sk(sk)) : NULL;
	seen = vs && READ_ONCE(vs->vvs.fwd_cnt);
	bh_unlock_sock(sk);
	local_bh_enable();
	sock_put(sk);
	return seen;
}
EXPORT_SYMBOL_GPL(virtsock_reader_seen);

/* Bytes of a packet that its socket has promised to take. Return: those. */
static u32 virtsock_pay(struct virtsock_sock *vs, u32 len)
{
	u32 used, may, paid = 0;

	spin_lock_bh(&vs->lock);
	spin_lock(&vs->vvs.rx_lock);
	used = virtsock_compat_rx_used(&vs->vvs) + vs->deferred;
	may = virtsock_promised(vs, vs->vvs.fwd_cnt);
	spin_unlock(&vs->vvs.rx_lock);
	if (used < may && len <= may - used)
		paid = len;
	vs->deferred += paid;
	spin_unlock_bh(&vs->lock);
	return paid;
}

/**
 * virtsock_deliver_later() - a packet is to wait for a worker
 * @t: the transport it came by
 * @skb: the packet
 *
 * What a program has given its peer leave to send belongs into the buffer of
 * its socket, and is not charged to those who share the queue: it cannot stop
 * them. As in the common code, an skb may take as much again.
 *
 * Context: any but hard irq.
 * Return: bytes that are charged to the queue.
 */
u32 virtsock_deliver_later(struct virtio_transport *t, struct sk_buff *skb)
{
	struct sock *sk = skb->len ? virtsock_find(t, skb) : NULL;
	bool connected = sk;
	struct virtsock_sock *vs;
	u32 paid = 0;

	if (skb->len && !sk)
		sk = virtsock_find_connecting(t, skb);
	if (sk) {
		spin_lock_bh(&sk->sk_lock.slock);
		vs = virtsock_sk_locked(sk, connected);
		if (vs)
			paid = virtsock_pay(vs, skb->len);
		spin_unlock_bh(&sk->sk_lock.slock);
		sock_put(sk);
	}
	virtsock_skb_cb(skb)->paid = paid;
	return skb->truesize - min(skb->truesize, 2 * paid);
}

/*
 * Where a program has locked the socket that a packet without connection is
 * for, it waits, or is refused. The common code finds a socket by its own port
 * alone where no connection matches, and without vsock_check_source() it asks no
 * more: but only a listener is for everybody. One that is connected, or
 * connecting, to somebody else would take another VM's answers, data and resets
 * for those of its peer. Return: 1: it waits; 0: the common code is to have it;
 * less: it was refused.
 */
static int virtsock_wait_bound(struct virtsock_lane *lane, struct sk_buff *skb)
{
	struct virtio_transport *t = lane->rxq->t;
	struct sock *sk = virtsock_find_connecting(t, skb);
	struct sockaddr_vm src, dst;
	int ret = 0;

	if (sk) {
		ret = virtsock_park(lane, sk, skb, false);
		sock_put(sk);
		return ret;
	}
	virtsock_addrs(skb, &src, &dst);
	sk = vsock_find_bound_socket(&dst);
	if (!sk) {
		virtsock_drop_seen(skb, VIRTSOCK_DROP_NO_SOCKET);
		return 0;
	}
	if (READ_ONCE(sk->sk_state) != TCP_LISTEN) {
		virtsock_refuse(t, skb, VIRTSOCK_DROP_NO_SOCKET);
		ret = -ENOTCONN;
	} else {
		ret = virtsock_late(lane, sk, skb);
		if (ret < 0)
			virtsock_refuse(t, skb, VIRTSOCK_DROP_REFUSED);
	}
	sock_put(sk);
	return ret;
}

/*
 * A program has closed a socket, and the peer not yet: it has credit left, and
 * may not have heard of it, or not care. See virtsock_sock_forget().
 */
static bool virtsock_closing(struct sock *sk)
{
	return sock_flag(sk, SOCK_DEAD) && !sock_flag(sk, SOCK_DONE);
}

/**
 * virtsock_deliver_slow() - deliver by the common code
 * @lane: its lane
 * @skb: the packet, consumed
 *
 * Context: the lane's worker; may wait for the socket, but not if a program
 * has it already.
 * Return: false if the packet waits for its socket.
 */
bool virtsock_deliver_slow(struct virtsock_lane *lane, struct sk_buff *skb)
{
	struct virtio_transport *t = lane->rxq->t;
	u32 msg_limit = virtsock_skb_cb(skb)->msg_limit;
	u16 nr_msgs = virtsock_skb_cb(skb)->nr_msgs;
	u32 paid = virtsock_skb_cb(skb)->paid;
	u16 op = virtsock_skb_op(skb);
	struct sockaddr_vm src, dst;
	struct virtsock_sock *vs;
	bool opened = false;
	struct sock *sk;
	int waits;

	if (virtsock_skb_cb(skb)->denied) {
		virtsock_refuse(t, skb, VIRTSOCK_DROP_POLICY);
		return true;
	}
	virtsock_addrs(skb, &src, &dst);
	sk = virtsock_find(t, skb);
	waits = sk ? virtsock_park(lane, sk, skb, true) :
		     virtsock_wait_bound(lane, skb);
	if (waits) {
		if (sk)
			sock_put(sk);
		return waits < 0;
	}
	if (sk)
		virtsock_sock_rx(sk, skb);
	if (sk && op == VIRTIO_VSOCK_OP_RW && virtsock_sock_rx_over(sk)) {
		virtsock_drop(skb, VIRTSOCK_DROP_NO_CREDIT);
		nr_msgs = 0;
	} else if (sk && op == VIRTIO_VSOCK_OP_RW && virtsock_closing(sk)) {
		virtsock_drop(skb, VIRTSOCK_DROP_SOCKET_END);
	} else {
		virtsock_compat_recv_pkt(t, skb);
		if (sk && op == VIRTIO_VSOCK_OP_RW)
			virtsock_sock_late(sk);
	}
	if (sk) {
		if (paid || nr_msgs)
			virtsock_sock_rx_done(sk, nr_msgs, paid);
		sock_put(sk);
		return true;
	}
	if (op != VIRTIO_VSOCK_OP_REQUEST && op != VIRTIO_VSOCK_OP_RESPONSE)
		return true;

	/* It is connected only now: its credit in records starts here. */
	sk = vsock_find_connected_socket(&src, &dst);
	if (!sk)
		return true;
	vs = virtsock_sk(vsock_sk(sk));
	if (vs && READ_ONCE(vsock_sk(sk)->transport) == &t->transport) {
		spin_lock_bh(&vs->lock);
		opened = virtsock_credit_update_limit(&vs->credit, msg_limit);
		vs->asked = false;
		spin_unlock_bh(&vs->lock);
		virtsock_reset_late(container_of(t, struct virtsock_side, t), vs);
	}
	if (opened)
		sk->sk_write_space(sk);
	sock_put(sk);
	return true;
}
