// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets for a socket that its program has locked. They wait with the socket
 * until the program lets it go, which may be never: a lane does not wait for
 * that, so its other connections go on.
 *
 * release_sock() tells us when, as it tells those who sleep in lock_sock(): by
 * an entry in the same wait queue, the bell. Then the lane's worker takes what
 * is parked back to the lane, in front. Only the worker parks and takes back, so
 * it never holds a packet that is to come behind one it puts back. The socket's
 * spinlock protects the list and makes these moves atomic for
 * virtsock_deliver_fast(), which must overtake nothing.
 *
 * The bell also tells whoever has a socket locked that is connecting that its
 * link has ended.
 *
 * The socket may be on lane->rung (its skbs.lock) while something is parked only:
 * what empties the list takes it off, so a socket there keeps its state, and the
 * lane, which is not freed while anything waits.
 */
#include <linux/memcontrol.h>
#include <linux/sched/mm.h>
#include <net/sock.h>
#include <virtsock/core.h>

/* What small packets are put together to: a page */
#define VIRTSOCK_LUMP	(SKB_WITH_OVERHEAD(PAGE_SIZE) - VIRTIO_VSOCK_SKB_HEADROOM)

/* The program lets its socket go. Context: any but hard irq, slock held. */
static int virtsock_bell(struct wait_queue_entry *bell, unsigned int mode,
			 int sync, void *key)
{
	struct virtsock_sock *vs = container_of(bell, struct virtsock_sock, bell);
	struct virtsock_lane *lane = vs->lane;
	unsigned long flags;

	/* It may have a new link by now, and a new connect(). */
	if (READ_ONCE(vs->cut) && virtsock_sock_refuse(sk_vsock(vs->vvs.vsk)))
		sk_error_report(sk_vsock(vs->vvs.vsk));
	if (skb_queue_empty(&vs->parked)) {
		list_del_init(&bell->entry);
		return 0;
	}
	spin_lock_irqsave(&lane->skbs.lock, flags);
	if (list_empty(&vs->rung)) {
		list_add_tail(&vs->rung, &lane->rung);
		queue_work(lane->rxq->wq, &lane->work);
	}
	spin_unlock_irqrestore(&lane->skbs.lock, flags);
	return 0;
}

/* A new connect() may find it hung for the end of the link before. slock held. */
static void virtsock_bell_on(struct sock *sk, struct virtsock_sock *vs)
{
	if (list_empty(&vs->bell.entry))
		add_wait_queue(&sk->sk_lock.wq, &vs->bell);
}

/* Rung or not, it is to ring no more. slock held. */
static void virtsock_bell_off(struct sock *sk, struct virtsock_sock *vs)
{
	unsigned long flags;

	spin_lock_irqsave(&sk->sk_lock.wq.lock, flags);
	list_del_init(&vs->bell.entry);
	spin_unlock_irqrestore(&sk->sk_lock.wq.lock, flags);
}

/* Nothing is to be parked any more. slock held, something is parked. */
static void virtsock_park_end(struct sock *sk, struct virtsock_sock *vs)
{
	unsigned long flags;

	virtsock_bell_off(sk, vs);
	spin_lock_irqsave(&vs->lane->skbs.lock, flags);
	list_del_init(&vs->rung);
	spin_unlock_irqrestore(&vs->lane->skbs.lock, flags);
}

/* A socket of which the bell has rung, with a reference, or NULL */
static struct sock *virtsock_rung(struct virtsock_lane *lane)
{
	struct virtsock_sock *vs, *next;
	struct sock *sk = NULL;
	unsigned long flags;

	spin_lock_irqsave(&lane->skbs.lock, flags);
	list_for_each_entry_safe(vs, next, &lane->rung, rung) {
		sk = sk_vsock(vs->vvs.vsk);
		if (refcount_inc_not_zero(&sk->sk_refcnt))
			break;
		/* One at its end is about to forget what is parked. */
		list_del_init(&vs->rung);
		sk = NULL;
	}
	spin_unlock_irqrestore(&lane->skbs.lock, flags);
	return sk;
}

/*
 * Take a socket off that list. A connect() may have given it to another
 * transport meanwhile; then it is not there, and has no state of ours. slock
 * held. Return: its state or NULL.
 */
static struct virtsock_sock *virtsock_unring(struct virtsock_lane *lane,
					     struct sock *sk)
{
	struct virtsock_sock *vs, *found = NULL;
	unsigned long flags;

	spin_lock_irqsave(&lane->skbs.lock, flags);
	list_for_each_entry(vs, &lane->rung, rung) {
		if (sk_vsock(vs->vvs.vsk) == sk) {
			list_del_init(&vs->rung);
			found = vs;
			break;
		}
	}
	spin_unlock_irqrestore(&lane->skbs.lock, flags);
	return found;
}

/*
 * Take back what is parked, in front. @wake: the caller is not the lane's worker; that
 * is queued before it can take what keeps the lane. slock held, something is parked.
 */
static void virtsock_park_back(struct sock *sk, struct virtsock_sock *vs, bool wake)
{
	struct virtsock_lane *lane = vs->lane;
	unsigned long flags;

	virtsock_park_end(sk, vs);
	spin_lock_irqsave(&lane->skbs.lock, flags);
	atomic_add(skb_queue_len(&vs->parked), &lane->pending);
	skb_queue_splice_init(&vs->parked, &lane->skbs);
	vs->parked_size = 0;
	if (wake)
		queue_work(lane->rxq->wq, &lane->work);
	spin_unlock_irqrestore(&lane->skbs.lock, flags);
}

/**
 * virtsock_unpark() - take back what is parked where the bell has rung
 * @lane: the lane
 *
 * Context: the lane's worker, between two packets.
 */
void virtsock_unpark(struct virtsock_lane *lane)
{
	struct virtsock_sock *vs;
	struct sock *sk;

	while (!list_empty_careful(&lane->rung) && (sk = virtsock_rung(lane))) {
		spin_lock_bh(&sk->sk_lock.slock);
		vs = virtsock_unring(lane, sk);
		if (vs)
			virtsock_park_back(sk, vs, false);
		spin_unlock_bh(&sk->sk_lock.slock);
		sock_put(sk);
	}
}

/**
 * virtsock_park_init() - make a socket ready to have packets parked
 * @vs: its new state
 *
 * Context: process, socket locked or new.
 */
void virtsock_park_init(struct virtsock_sock *vs)
{
	__skb_queue_head_init(&vs->parked);
	INIT_LIST_HEAD(&vs->rung);
	init_waitqueue_func_entry(&vs->bell, virtsock_bell);
	INIT_LIST_HEAD(&vs->bell.entry);
}

/* The credit that a packet brings can come with the one before it. */
static void virtsock_fold_credit(struct sk_buff *last, struct sk_buff *skb)
{
	virtio_vsock_hdr(last)->buf_alloc = virtio_vsock_hdr(skb)->buf_alloc;
	virtio_vsock_hdr(last)->fwd_cnt = virtio_vsock_hdr(skb)->fwd_cnt;
	virtsock_skb_cb(last)->msg_limit = virtsock_skb_cb(skb)->msg_limit;
}

/*
 * Room for @more bytes, and as many again as there are, in a page at most. A worker
 * does this, but the packets' memory is the VM's, so this is, too.
 */
static bool virtsock_fold_expand(struct virtsock_rxq *q, struct sk_buff *last, u32 more)
{
	u32 len = min_t(u32, last->len + more,
			VIRTSOCK_LUMP - last->len - skb_tailroom(last));
	struct mem_cgroup *memcg = q->mm ? get_mem_cgroup_from_mm(q->mm) : NULL;
	struct mem_cgroup *old = set_active_memcg(memcg);
	gfp_t gfp = GFP_ATOMIC | __GFP_NOWARN;
	int err;

	err = pskb_expand_head(last, 0, len, memcg ? gfp | __GFP_ACCOUNT : gfp);
	set_active_memcg(old);
	mem_cgroup_put(memcg);
	return !err;
}

/*
 * Make room for a packet of a stream behind the one before it, if that has none and
 * this one takes more than twice its payload. So where one begins behind another, it
 * takes less than that, or the two are more than a lump: however a stream is cut up,
 * all of it takes 3 times its bytes at most, and half a page. (Found by going through
 * all sizes of slabs and sequences of lengths; the worst is 2.9 times.)
 */
static bool virtsock_fold_room(struct virtsock_rxq *q, struct sk_buff *last,
			       struct sk_buff *skb)
{
	struct virtio_vsock_hdr *hdr = virtio_vsock_hdr(skb);
	struct virtio_vsock_hdr *to = virtio_vsock_hdr(last);
	u32 nr_msgs = virtsock_skb_cb(last)->nr_msgs;

	if (hdr->op != to->op || hdr->flags != to->flags ||
	    le16_to_cpu(hdr->type) != VIRTIO_VSOCK_TYPE_STREAM ||
	    last->len + skb->len > VIRTSOCK_LUMP ||
	    skb_is_nonlinear(skb) || skb_is_nonlinear(last) ||
	    nr_msgs + virtsock_skb_cb(skb)->nr_msgs > U16_MAX)
		return false;
	return skb_tailroom(last) >= skb->len ||
	       (skb->truesize > 2 * skb->len &&
		virtsock_fold_expand(q, last, skb->len));
}

/* Memory that a socket may have parked packets take, for each byte of its buffer */
#define VIRTSOCK_PARK_COST	3

/*
 * Is this a packet that the socket has promised to take, and does it pay for what that
 * costs? Of a stream its buffer bounds the bytes: put together as they are, they take
 * less than this. Of messages it bounds the number, where the sender says it: nobody
 * has to believe that. slock held, it is parked as the last.
 */
static bool virtsock_park_paid(struct virtsock_sock *vs, struct sk_buff *skb)
{
	bool seq = le16_to_cpu(virtio_vsock_hdr(skb)->type) == VIRTIO_VSOCK_TYPE_SEQPACKET;
	u32 parked = skb_queue_len(&vs->parked);
	bool paid;

	if (virtsock_skb_op(skb) != VIRTIO_VSOCK_OP_RW ||
	    virtsock_skb_cb(skb)->paid != skb->len ||
	    seq != (sk_vsock(vs->vvs.vsk)->sk_type == SOCK_SEQPACKET))
		return false;
	spin_lock(&vs->lock);
	if (seq) {
		paid = (s32)(vs->credit.rx_limit - vs->credit.rx_recs - parked) >= 0 &&
		       parked <= virtsock_compat_rx_entries(vs->vvs.buf_alloc,
							    SOCK_SEQPACKET);
	} else {
		u64 window = virtsock_promised(vs, READ_ONCE(vs->vvs.fwd_cnt));

		paid = skb->len &&
		       vs->parked_size <= VIRTSOCK_PARK_COST * window + PAGE_SIZE;
	}
	spin_unlock(&vs->lock);
	return paid;
}

/*
 * Packets that take much more than their payload must not take an skb each: their
 * socket does not pay for those, so they would count for all who share the queue.
 * slock held. Return: true if what is parked last has all of @skb.
 */
static bool virtsock_fold(struct virtsock_rxq *q, struct virtsock_sock *vs,
			  struct sk_buff *skb)
{
	struct sk_buff *last = skb_peek_tail(&vs->parked);
	struct virtsock_skb_cb *cb = virtsock_skb_cb(skb);
	struct virtsock_skb_cb *to = virtsock_skb_cb(last);
	u32 size = last->truesize, charge = 0;
	u16 op = virtsock_skb_op(skb);

	if (cb->gen != to->gen)
		return false;
	if (op == VIRTIO_VSOCK_OP_CREDIT_UPDATE) {
		virtsock_fold_credit(last, skb);
		return true;
	}
	if (op != VIRTIO_VSOCK_OP_RW || !virtsock_fold_room(q, last, skb))
		return false;
	virtsock_fold_credit(last, skb);
	skb_put_data(last, skb->data, skb->len);
	le32_add_cpu(&virtio_vsock_hdr(last)->len, skb->len);
	to->nr_msgs += cb->nr_msgs;
	to->paid += cb->paid;
	vs->parked_size += last->truesize - size;
	if (!virtsock_park_paid(vs, last))
		charge = last->truesize - min(last->truesize, 2 * to->paid);
	atomic_add(charge, &q->bytes);
	/* What @last was charged goes with @skb. */
	cb->charge += to->charge;
	to->charge = charge;
	return true;
}

/**
 * virtsock_park() - have a packet wait with its socket
 * @lane: where it comes from; only its worker parks
 * @sk: its socket
 * @skb: the packet; the caller's where the answer is false
 * @connected: else the socket is connecting to where the packet comes from
 *
 * Context: process.
 * Return: false if no program has the socket locked, and nothing is parked.
 */
bool virtsock_park(struct virtsock_lane *lane, struct sock *sk,
		   struct sk_buff *skb, bool connected)
{
	struct virtsock_rxq *q = lane->rxq;
	enum virtsock_drop_reason why = VIRTSOCK_NOT_DROPPED;
	bool parks = true, folded = false;
	struct virtsock_sock *vs;
	u32 paid = 0;

	spin_lock_bh(&sk->sk_lock.slock);
	vs = virtsock_sk_locked(sk, connected);
	if (!vs) {
		spin_unlock_bh(&sk->sk_lock.slock);
		return false;
	}
	/* The answers to an earlier connect(), to somebody else */
	if (!skb_queue_empty(&vs->parked) && vs->lane != lane)
		virtsock_park_back(sk, vs, true);
	if (READ_ONCE(vs->cut)) {
		/* Its link ends, and nobody waits for this any more. */
		folded = true;
		why = VIRTSOCK_DROP_LINK_END;
	} else if (!skb_queue_empty(&vs->parked)) {
		folded = virtsock_fold(q, vs, skb);
	} else if (sock_owned_by_user(sk)) {
		vs->lane = lane;
		virtsock_bell_on(sk, vs);
	} else {
		parks = false;
	}
	if (parks && !folded) {
		__skb_queue_tail(&vs->parked, skb);
		vs->parked_size += skb->truesize;
		if (virtsock_park_paid(vs, skb))
			swap(paid, virtsock_skb_cb(skb)->charge);
	}
	spin_unlock_bh(&sk->sk_lock.slock);
	if (folded)
		virtsock_rxq_forget(q, skb, why);
	else if (paid)
		virtsock_rxq_uncharge(q, paid);
	return parks;
}

/**
 * virtsock_park_take() - have what is parked forgotten
 * @sk: the socket
 * @vs: its state
 * @why: the reason
 * @list: empty; where to put what the caller has to forget
 *
 * The answer to a connect() that its program gave up is not forgotten with that:
 * the peer believes that there is a connection. Without a socket the lane answers
 * it by a reset; a new connect() from the same port to the same peer has it.
 *
 * Context: any but hard irq.
 * Return: the queue that they come by.
 */
struct virtsock_rxq *virtsock_park_take(struct sock *sk, struct virtsock_sock *vs,
					enum virtsock_drop_reason why,
					struct sk_buff_head *list)
{
	struct virtsock_rxq *q = NULL;
	struct sk_buff *skb;

	spin_lock_bh(&sk->sk_lock.slock);
	if (!skb_queue_empty(&vs->parked))
		virtsock_park_end(sk, vs);
	else
		virtsock_bell_off(sk, vs);
	skb_queue_walk(&vs->parked, skb) {
		virtsock_sock_rx_done(sk, 0, virtsock_skb_cb(skb)->paid);
		virtsock_skb_cb(skb)->paid = 0;
	}
	skb = skb_peek(&vs->parked);
	if (skb && why == VIRTSOCK_DROP_SOCKET_END &&
	    virtsock_skb_op(skb) == VIRTIO_VSOCK_OP_RESPONSE)
		virtsock_park_back(sk, vs, true);
	if (!skb_queue_empty(&vs->parked))
		q = vs->lane->rxq;
	skb_queue_splice_init(&vs->parked, list);
	vs->parked_size = 0;
	spin_unlock_bh(&sk->sk_lock.slock);
	return q;
}

/**
 * virtsock_park_purge() - forget what is parked, as the socket goes
 * @sk: the socket
 * @vs: its state
 *
 * Context: any but hard irq.
 */
void virtsock_park_purge(struct sock *sk, struct virtsock_sock *vs)
{
	struct virtsock_rxq *q;
	struct sk_buff_head list;
	struct sk_buff *skb;

	__skb_queue_head_init(&list);
	q = virtsock_park_take(sk, vs, VIRTSOCK_DROP_SOCKET_END, &list);
	while ((skb = __skb_dequeue(&list)))
		virtsock_rxq_forget(q, skb, VIRTSOCK_DROP_SOCKET_END);
}

/**
 * virtsock_park_refuse() - a connect() of this socket will not be answered
 * @sk: the socket, cut, with nothing parked
 * @vs: its state
 *
 * Who has the socket locked may be about to say that it is connecting, and
 * learns it when it lets the socket go.
 *
 * Context: any but hard irq.
 * Return: true if the caller has to call sk_error_report().
 */
bool virtsock_park_refuse(struct sock *sk, struct virtsock_sock *vs)
{
	bool refused = false;

	spin_lock_bh(&sk->sk_lock.slock);
	if (!sock_owned_by_user(sk))
		refused = virtsock_sock_refuse(sk);
	else if (READ_ONCE(sk->sk_state) == TCP_SYN_SENT)
		virtsock_bell_on(sk, vs);
	spin_unlock_bh(&sk->sk_lock.slock);
	return refused;
}
