// SPDX-License-Identifier: GPL-2.0-only
/*
 * Per-socket state: credit in records beside the common code's credit in
 * bytes, and when a credit update is worth a hypercall.
 */
#include <linux/export.h>
#include <linux/slab.h>
#include <virtsock/core.h>

/* Records that one message may take beyond the first: it is sent whole */
static u32 virtsock_rx_slack(u32 buf_alloc)
{
	return buf_alloc / VIRTIO_VSOCK_MAX_PKT_BUF_SIZE + 1;
}

/* The limit to announce now. vs->lock held. */
static u32 virtsock_rx_limit(struct virtsock_sock *vs, int sk_type)
{
	u32 buf_alloc, queued, slack, entries;
	bool partial;

	spin_lock_bh(&vs->vvs.rx_lock);
	queued = skb_queue_len(&vs->vvs.rx_queue);
	partial = sk_type == SOCK_SEQPACKET && queued && !vs->vvs.msg_count;
	/* A message that was begun ends, though the buffer has shrunk. */
	buf_alloc = partial ? vs->vvs.buf_alloc : vs->buf_size;
	spin_unlock_bh(&vs->vvs.rx_lock);

	slack = virtsock_rx_slack(buf_alloc);
	entries = virtsock_compat_rx_entries(buf_alloc, sk_type);
	/* Only the rest of a message that has begun makes it one to be read. */
	if (partial)
		entries = max(entries, queued + slack + 1);
	return virtsock_credit_rx_limit(&vs->credit, entries, queued, slack);
}

/**
 * virtsock_sock_init() - give a socket its state (transport .init)
 * @vsk: the socket
 * @psk: the listener it comes from, or NULL
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int virtsock_sock_init(struct vsock_sock *vsk, struct vsock_sock *psk)
{
	struct virtio_vsock_sock *vvs;
	struct virtsock_sock *vs;
	int err;

	err = virtio_transport_do_socket_init(vsk, psk);
	if (err)
		return err;

	vs = kzalloc(sizeof(*vs), GFP_KERNEL);
	if (!vs) {
		virtio_transport_destruct(vsk);
		return -ENOMEM;
	}

	/* Nothing is queued yet: only what points to itself is made anew. */
	vvs = vsk->trans;
	vs->vvs = *vvs;
	spin_lock_init(&vs->vvs.rx_lock);
	spin_lock_init(&vs->vvs.tx_lock);
	skb_queue_head_init(&vs->vvs.rx_queue);
	vs->vvs.buf_alloc = max_t(u32, vs->vvs.buf_alloc,
				  VIRTSOCK_COMPAT_BUF_MIN);
	vs->buf_size = vs->vvs.buf_alloc;
	vs->buf_fixed = vsk->buffer_size != VIRTSOCK_BUF_DEFAULT;
	spin_lock_init(&vs->lock);
	virtsock_credit_init(&vs->credit);
	vs->answered = true;
	virtsock_park_init(vs);
	vsk->trans = vs;
	smp_wmb();	/* pairs with virtsock_sk_locked() */
	/* See virtsock_sock_sent() */
	sock_set_flag(sk_vsock(vsk), SOCK_USE_WRITE_QUEUE);
	kfree(vvs);
	return 0;
}

/*
 * Is there news that a blocked peer can use? Not for every byte: a writer that
 * is woken for each message costs a hypercall and two task switches for each.
 * vs->lock held.
 */
static bool virtsock_credit_useful(struct virtsock_sock *vs, struct sock *sk)
{
	u32 entries, limit, freed, window;
	bool starved;

	limit = virtsock_rx_limit(vs, sk->sk_type);
	spin_lock_bh(&vs->vvs.rx_lock);
	freed = vs->vvs.fwd_cnt - vs->sent_fwd;
	/* The reader waits as well: bytes of an unfinished message do not help. */
	starved = sk->sk_type == SOCK_SEQPACKET ? !vs->vvs.msg_count :
		  vs->vvs.rx_bytes < sock_rcvlowat(sk, 0, INT_MAX);
	spin_unlock_bh(&vs->vvs.rx_lock);

	if (vs->buf_size > vs->sent_alloc)
		return true;

	/*
	 * Also where the end of the window stays, as the buffer has shrunk: a
	 * sender may be bounded by its own buffer, and then this is what helps.
	 */
	window = min(vs->buf_size, READ_ONCE(vs->vvs.peer_buf_alloc));
	entries = virtsock_compat_rx_entries(vs->buf_size, sk->sk_type);
	if (freed >= max(window / 2, 1U))
		return true;
	if (limit - vs->sent_limit >= max(1U, entries / 4))
		return true;
	return starved && (freed || limit != vs->sent_limit);
}

/* Is it time to tell a blocked peer? vs->lock held. */
static bool virtsock_credit_urgent(struct virtsock_sock *vs, struct sock *sk)
{
	return vs->peer_blocked && !vs->urgent_queued &&
	       virtsock_credit_useful(vs, sk);
}

/*
 * Is there something for a blocked peer, though not much? A reader may be slow,
 * and its writer have a timeout: it must not wait for half of the window. vs->lock
 * held.
 */
static bool virtsock_credit_soon(struct virtsock_sock *vs, struct sock *sk)
{
	u32 entries, fwd_cnt;

	if (!vs->peer_blocked || vs->urgent_queued || vs->soon_queued)
		return false;
	entries = virtsock_compat_rx_entries(vs->buf_size, sk->sk_type);
	spin_lock_bh(&vs->vvs.rx_lock);
	fwd_cnt = vs->vvs.fwd_cnt;
	spin_unlock_bh(&vs->vvs.rx_lock);
	/* Nobody waits for records where there is no limit to them. */
	return fwd_cnt != vs->sent_fwd ||
	       (entries != VIRTSOCK_CREDIT_NO_RULE &&
		virtsock_rx_limit(vs, sk->sk_type) != vs->sent_limit);
}

/**
 * virtsock_credit_check() - does a blocked peer need to know?
 * @vsk: the socket
 *
 * To be asked after a receive, and when a program is about to wait for more. The
 * common code has an update for each message, but for a stream only where little of
 * the buffer is left.
 *
 * Context: process, socket locked.
 */
void virtsock_credit_check(struct vsock_sock *vsk)
{
	struct virtsock_sock *vs = virtsock_sk(vsk);
	bool send;

	if (!READ_ONCE(vs->peer_blocked))
		return;

	spin_lock_bh(&vs->lock);
	send = virtsock_credit_urgent(vs, sk_vsock(vsk)) ||
	       virtsock_credit_soon(vs, sk_vsock(vsk));
	spin_unlock_bh(&vs->lock);
	if (send)
		virtsock_send_credit(vsk, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
}

/*
 * Before a receive: is it the buffer that its peer waits for, and not its own?
 * Who has read as much as fits already is no reader that is stuck. Whether the
 * peer waits just now depends on who gets the CPU first: a reader that always
 * does would never find it blocked. The credit that this receive gives tells of
 * the new size. Socket locked.
 */
static void virtsock_buf_check(struct virtsock_sock *vs)
{
	if (READ_ONCE(vs->peer_stalled) &&
	    READ_ONCE(vs->vvs.fwd_cnt) >= vs->buf_size &&
	    READ_ONCE(vs->vvs.peer_buf_alloc) >= vs->buf_size)
		virtsock_buf_grow(vs);
}

/**
 * virtsock_stream_dequeue() - receive bytes (transport .stream_dequeue)
 * @vsk: the socket
 * @msg: where they go
 * @len: bytes wanted
 * @flags: MSG_PEEK
 *
 * Context: process, socket locked.
 * Return: bytes received, or an error of the common code.
 */
ssize_t virtsock_stream_dequeue(struct vsock_sock *vsk, struct msghdr *msg,
				size_t len, int flags)
{
	ssize_t ret;

	virtsock_buf_check(virtsock_sk(vsk));
	ret = virtio_transport_stream_dequeue(vsk, msg, len, flags);
	virtsock_credit_check(vsk);
	return ret;
}

/**
 * virtsock_seqpacket_dequeue() - receive a message
 * @vsk: the socket
 * @msg: where it goes
 * @flags: MSG_PEEK, MSG_TRUNC
 *
 * Context: process, socket locked.
 * Return: its length, or an error of the common code.
 */
ssize_t virtsock_seqpacket_dequeue(struct vsock_sock *vsk, struct msghdr *msg,
				   int flags)
{
	ssize_t ret;

	/* The core then returns sk_err; an error of ours would be ENOMEM on 6.1. */
	if (sk_vsock(vsk)->sk_err && READ_ONCE(virtsock_sk(vsk)->dead))
		return 0;
	virtsock_buf_check(virtsock_sk(vsk));
	ret = virtio_transport_seqpacket_dequeue(vsk, msg, flags);
	virtsock_credit_check(vsk);
	return ret;
}

/**
 * virtsock_seqpacket_has_data() - messages that can be received
 * @vsk: the socket
 *
 * The core takes "none" from a socket in error for the end of the stream; a
 * link that has ended must read as ECONNRESET, so the dequeue is called.
 *
 * Context: process, socket locked.
 * Return: messages; at least 1 until the error is fetched.
 */
u32 virtsock_seqpacket_has_data(struct vsock_sock *vsk)
{
	u32 count = virtio_transport_seqpacket_has_data(vsk);

	virtsock_sock_error(vsk);
	if (!count && READ_ONCE(virtsock_sk(vsk)->dead) &&
	    READ_ONCE(sk_vsock(vsk)->sk_err))
		return 1;
	return count;
}

/* vs->lock held. Return: what it means for the scheduler. */
static enum virtsock_tx_class virtsock_count_message(struct virtsock_sock *vs)
{
	bool answered = vs->answered;

	vs->credit.tx_recs++;
	/* Its last piece is what somebody waits for. */
	if (vs->more)
		return VIRTSOCK_TX_MORE;
	vs->answered = true;
	return answered ? VIRTSOCK_TX_DATA : VIRTSOCK_TX_REPLY;
}

/**
 * virtsock_sock_message() - a message goes with a packet that waits already
 * @vs: its socket
 *
 * Counts it against the credit in records.
 *
 * Context: process, socket locked.
 * Return: what it means for the scheduler.
 */
enum virtsock_tx_class virtsock_sock_message(struct virtsock_sock *vs)
{
	enum virtsock_tx_class class;

	spin_lock_bh(&vs->lock);
	class = virtsock_count_message(vs);
	spin_unlock_bh(&vs->lock);
	return class;
}

/**
 * virtsock_sock_tx() - a packet is handed to the transport's send_pkt
 * @skb: the packet; without a socket it is the reset of an unknown connection
 *
 * Counts it against the credit in records and classifies it.
 *
 * Context: process.
 * Return: what it means for the scheduler; VIRTSOCK_TX_DROP for a credit
 * update where one of the same socket waits already (it is stamped when it
 * leaves, so nothing is lost), and for anything of a link that has ended.
 */
enum virtsock_tx_class virtsock_sock_tx(struct sk_buff *skb)
{
	enum virtsock_tx_class class = VIRTSOCK_TX_CONTROL;
	u16 op = virtsock_skb_op(skb);
	struct virtsock_sock *vs;
	struct sock *sk = skb->sk;

	virtsock_skb_cb(skb)->nr_msgs = op == VIRTIO_VSOCK_OP_RW;
	virtsock_skb_cb(skb)->msg_limit = 0;
	/*
	 * That a packet was not wanted is said for none of our connections, though
	 * a socket is bound there: that one may be cut, or another peer's.
	 */
	if (op == VIRTIO_VSOCK_OP_RST && virtio_vsock_skb_reply(skb)) {
		skb_orphan(skb);
		return class;
	}
	vs = sk ? virtsock_sk(vsock_sk(sk)) : NULL;
	if (!vs)
		return class;

	/* Its ports may be another connection's on the next link. */
	if (READ_ONCE(vs->cut)) {
		virtsock_drop_seen(skb, VIRTSOCK_DROP_LINK_END);
		return VIRTSOCK_TX_DROP;
	}

	/*
	 * When a connect request is freed, its socket must not look writable:
	 * io_uring takes that for the answer, and calls connect() again.
	 */
	if (op == VIRTIO_VSOCK_OP_REQUEST) {
		skb_orphan(skb);
		if (!skb_set_owner_sk_safe(skb, sk))
			return class;
	}

	spin_lock_bh(&vs->lock);
	switch (op) {
	case VIRTIO_VSOCK_OP_RW:
		class = virtsock_count_message(vs);
		break;
	case VIRTIO_VSOCK_OP_CREDIT_UPDATE:
		class = VIRTSOCK_TX_CREDIT;
		if (virtsock_credit_urgent(vs, sk)) {
			vs->urgent_queued = true;
			class = VIRTSOCK_TX_URGENT;
		} else if (virtsock_credit_soon(vs, sk)) {
			vs->soon_queued = true;
			class = VIRTSOCK_TX_SOON;
		} else if (vs->credit_queued) {
			class = VIRTSOCK_TX_DROP;
		}
		if (class != VIRTSOCK_TX_DROP)
			vs->credit_queued = true;
		break;
	case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
		class = VIRTSOCK_TX_URGENT;
		break;
	}
	spin_unlock_bh(&vs->lock);
	return class;
}
EXPORT_SYMBOL_GPL(virtsock_sock_tx);

/**
 * virtsock_sock_untx() - a packet of virtsock_sock_tx() is freed unsent
 * @skb: the packet
 *
 * Context: process.
 */
void virtsock_sock_untx(struct sk_buff *skb)
{
	struct virtsock_sock *vs = skb->sk ? virtsock_sk(vsock_sk(skb->sk)) : NULL;

	if (!vs || virtsock_skb_op(skb) != VIRTIO_VSOCK_OP_CREDIT_UPDATE)
		return;
	spin_lock_bh(&vs->lock);
	vs->credit_queued = false;
	vs->urgent_queued = false;
	vs->soon_queued = false;
	spin_unlock_bh(&vs->lock);
}
EXPORT_SYMBOL_GPL(virtsock_sock_untx);

/**
 * virtsock_sock_stamp() - a packet leaves now
 * @skb: the packet
 *
 * It takes the newest credit, and no promise that went before is taken back.
 * Only now is a blocked peer told what helps it: since an urgent update was
 * queued the buffer may have shrunk again.
 *
 * Context: any but hard irq.
 */
void virtsock_sock_stamp(struct sk_buff *skb)
{
	struct virtio_vsock_hdr *hdr = virtio_vsock_hdr(skb);
	struct sock *sk = skb->sk;
	struct virtsock_sock *vs;
	u32 fwd_cnt;

	vs = sk ? virtsock_sk(vsock_sk(sk)) : NULL;
	if (!vs)
		return;

	spin_lock_bh(&vs->lock);
	if (le16_to_cpu(hdr->op) == VIRTIO_VSOCK_OP_CREDIT_UPDATE) {
		vs->credit_queued = false;
		vs->urgent_queued = false;
		vs->soon_queued = false;
	}
	if (vs->peer_blocked && virtsock_credit_useful(vs, sk))
		vs->peer_blocked = false;
	virtio_transport_inc_tx_pkt(&vs->vvs, skb);
	fwd_cnt = le32_to_cpu(hdr->fwd_cnt);
	vs->sent_alloc = max(vs->buf_size, virtsock_promised(vs, fwd_cnt));
	vs->promised = fwd_cnt + vs->sent_alloc;
	vs->sent_fwd = fwd_cnt;
	vs->sent_limit = virtsock_rx_limit(vs, sk->sk_type);
	hdr->buf_alloc = cpu_to_le32(vs->sent_alloc);
	virtsock_skb_cb(skb)->msg_limit = vs->sent_limit;
	spin_unlock_bh(&vs->lock);
}

/**
 * virtsock_sock_rx() - a packet for a connected socket arrived
 * @sk: the socket, on our transport, reference held
 * @skb: the packet; its credit is rewritten where it is late
 *
 * Context: any but hard irq.
 */
void virtsock_sock_rx(struct sock *sk, struct sk_buff *skb)
{
	struct virtsock_sock *vs = virtsock_sk(vsock_sk(sk));
	struct virtio_vsock_hdr *hdr = virtio_vsock_hdr(skb);
	u32 fwd_cnt = le32_to_cpu(hdr->fwd_cnt);
	u32 buf_alloc = le32_to_cpu(hdr->buf_alloc);
	u16 op = le16_to_cpu(hdr->op);
	u32 old_fwd, old_alloc, old_limit;
	bool wake;

	if (!vs)
		return;

	spin_lock_bh(&vs->lock);
	old_fwd = vs->credit.fwd_cnt;
	old_alloc = vs->credit.buf_alloc;
	old_limit = vs->credit.tx_limit;
	wake = virtsock_credit_update_limit(&vs->credit,
					    virtsock_skb_cb(skb)->msg_limit);
	virtsock_credit_bytes(&vs->credit, &fwd_cnt, &buf_alloc);
	hdr->fwd_cnt = cpu_to_le32(fwd_cnt);
	hdr->buf_alloc = cpu_to_le32(buf_alloc);
	/*
	 * The peer has answered if there is news; without, it still knows. Who
	 * waits looks again, and asks again where that was not enough.
	 */
	if (vs->asked && (old_fwd != vs->credit.fwd_cnt ||
			  old_alloc != vs->credit.buf_alloc ||
			  old_limit != vs->credit.tx_limit)) {
		vs->asked = false;
		wake = true;
	}
	if (op == VIRTIO_VSOCK_OP_CREDIT_REQUEST) {
		vs->peer_blocked = true;
		WRITE_ONCE(vs->peer_stalled, true);
	} else if (op == VIRTIO_VSOCK_OP_RW) {
		vs->answered = false;
	}
	spin_unlock_bh(&vs->lock);

	if (wake)
		sk->sk_write_space(sk);
}

/**
 * virtsock_sock_rx_over() - has the peer sent more messages than it may?
 * @sk: the socket that the next packet is for, reference held
 *
 * Newer kernels' common code sees to that. That of older ones counts bytes, and
 * a message of one byte costs it nearly a KiB. Twice what credit is for is more
 * than whoever keeps to it can send: its last message may come in pieces.
 *
 * Context: any but hard irq.
 * Return: true if the packet must not be queued.
 */
bool virtsock_sock_rx_over(struct sock *sk)
{
	struct virtsock_sock *vs = virtsock_sk(vsock_sk(sk));
	u32 queued, buf_alloc;

	if (VIRTSOCK_COMPAT_ENTRY_RULE || !vs || sk->sk_type != SOCK_SEQPACKET)
		return false;
	spin_lock_bh(&vs->vvs.rx_lock);
	queued = skb_queue_len(&vs->vvs.rx_queue);
	buf_alloc = vs->vvs.buf_alloc;
	spin_unlock_bh(&vs->vvs.rx_lock);
	return queued / 2 >= virtsock_compat_rx_entries(buf_alloc, SOCK_SEQPACKET);
}

/**
 * virtsock_sock_rx_done() - a packet with payload is in the socket's queue
 * @sk: the socket, reference held
 * @nr_msgs: units of record credit it took
 * @paid: bytes that it was charged to the socket while it waited
 *
 * Context: any but hard irq.
 */
void virtsock_sock_rx_done(struct sock *sk, u16 nr_msgs, u32 paid)
{
	struct virtsock_sock *vs = virtsock_sk(vsock_sk(sk));

	if (!vs)
		return;

	spin_lock_bh(&vs->lock);
	vs->credit.rx_recs += nr_msgs;
	/* The socket may be another, of the same ports. */
	vs->deferred -= min(vs->deferred, paid);
	spin_unlock_bh(&vs->lock);
}
