// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets for a listener that its program has locked: there is no state of ours
 * to park them with. So the lane keeps them, by socket, as many as may wait to
 * be accepted; who comes after that is refused, as there. A bell tells when the
 * program lets the socket go, as for a connected one (park.c).
 *
 * lane->skbs.lock protects the list and what is on it. Only the lane's worker
 * puts anything there.
 */
#include <linux/slab.h>
#include <net/sock.h>
#include <virtsock/core.h>

/*
 * Packets that wait in a lane: for a socket, if its backlog is not larger; for
 * all; and for each socket however many wait for others.
 */
#define VIRTSOCK_LATE_SOCK	32
#define VIRTSOCK_LATE_LANE	256
#define VIRTSOCK_LATE_FEW	4

/* May @nr packets wait for a socket, and one more? lane->skbs.lock held. */
static bool virtsock_late_room(struct virtsock_lane *lane, struct sock *sk, u32 nr)
{
	if (lane->nr_late >= VIRTSOCK_LATE_LANE)
		return nr < VIRTSOCK_LATE_FEW;
	return nr < max_t(u32, VIRTSOCK_LATE_SOCK, READ_ONCE(sk->sk_max_ack_backlog));
}

/**
 * struct virtsock_late - packets of a lane that wait for a socket
 * @link: on the lane's list
 * @bell: in the wait queue of the socket's lock
 * @lane: the lane
 * @sk: the socket, reference held
 * @skbs: what waits, at least one
 * @rung: the program has let the socket go
 */
struct virtsock_late {
	struct list_head link;
	struct wait_queue_entry bell;
	struct virtsock_lane *lane;
	struct sock *sk;
	struct sk_buff_head skbs;
	bool rung;
};

/* The program lets its socket go. Context: any but hard irq, slock held. */
static int virtsock_late_bell(struct wait_queue_entry *bell, unsigned int mode,
			      int sync, void *key)
{
	struct virtsock_late *l = container_of(bell, struct virtsock_late, bell);
	struct virtsock_lane *lane = l->lane;
	unsigned long flags;

	spin_lock_irqsave(&lane->skbs.lock, flags);
	l->rung = true;
	WRITE_ONCE(lane->late_rung, true);
	spin_unlock_irqrestore(&lane->skbs.lock, flags);
	queue_work(lane->rxq->wq, &lane->work);
	return 0;
}

/* Nobody finds it on the list any more. */
static void virtsock_late_free(struct virtsock_late *l)
{
	remove_wait_queue(&l->sk->sk_lock.wq, &l->bell);
	sock_put(l->sk);
	kfree(l);
}

/*
 * Put a packet behind those that wait for its socket already. Return: false if
 * there are none; *@full: it is to be refused if it would have to wait.
 */
static bool virtsock_late_more(struct virtsock_lane *lane, struct sock *sk,
			       struct sk_buff *skb, bool *full)
{
	struct virtsock_late *l;
	bool found = false;

	spin_lock_irq(&lane->skbs.lock);
	list_for_each_entry(l, &lane->late, link) {
		found = l->sk == sk;
		if (found)
			break;
	}
	/* Payload without a connection is refused by whoever gets it. */
	*full = skb->len ||
		!virtsock_late_room(lane, sk, found ? skb_queue_len(&l->skbs) : 0);
	if (found && !*full) {
		__skb_queue_tail(&l->skbs, skb);
		lane->nr_late++;
	}
	spin_unlock_irq(&lane->skbs.lock);
	return found;
}

/* The first that waits for its socket. Return: false if nobody has it locked. */
static bool virtsock_late_first(struct virtsock_late *l, struct sk_buff *skb)
{
	struct virtsock_lane *lane = l->lane;
	bool locked;

	spin_lock_bh(&l->sk->sk_lock.slock);
	locked = sock_owned_by_user(l->sk);
	if (locked) {
		add_wait_queue(&l->sk->sk_lock.wq, &l->bell);
		spin_lock_irq(&lane->skbs.lock);
		__skb_queue_tail(&l->skbs, skb);
		list_add_tail(&l->link, &lane->late);
		lane->nr_late++;
		spin_unlock_irq(&lane->skbs.lock);
	}
	spin_unlock_bh(&l->sk->sk_lock.slock);
	return locked;
}

static int virtsock_late_put(struct virtsock_lane *lane, struct sock *sk,
			     struct sk_buff *skb)
{
	struct virtsock_late *l;
	bool full;

	if (virtsock_late_more(lane, sk, skb, &full))
		return full ? -ENOBUFS : 1;
	if (!sock_owned_by_user_nocheck(sk))
		return 0;
	l = full ? NULL : kmalloc(sizeof(*l), GFP_NOIO | __GFP_NOWARN);
	if (!l)
		return -ENOBUFS;
	init_waitqueue_func_entry(&l->bell, virtsock_late_bell);
	__skb_queue_head_init(&l->skbs);
	l->lane = lane;
	l->sk = sk;
	l->rung = false;
	sock_hold(sk);
	if (virtsock_late_first(l, skb))
		return 1;
	sock_put(sk);
	kfree(l);
	return 0;
}

/**
 * virtsock_late() - have a packet wait for a socket that it is no part of
 * @lane: where it comes from; only its worker calls this
 * @sk: the socket, reference held
 * @skb: the packet; the caller's where the answer is not positive
 *
 * It is not charged to those who share the queue: it would stop them.
 *
 * Context: process.
 * Return: 1: it waits; 0: no program has the socket locked, and nothing waits
 * for it; -ENOBUFS: it is to be refused.
 */
int virtsock_late(struct virtsock_lane *lane, struct sock *sk, struct sk_buff *skb)
{
	u32 charge = virtsock_skb_cb(skb)->charge;
	int ret;

	virtsock_skb_cb(skb)->charge = 0;
	ret = virtsock_late_put(lane, sk, skb);
	if (ret > 0)
		virtsock_rxq_uncharge(lane->rxq, charge);
	else
		virtsock_skb_cb(skb)->charge = charge;
	return ret;
}

/**
 * virtsock_late_back() - take back what waits where the bell has rung
 * @lane: the lane
 *
 * Context: the lane's worker, between two packets.
 */
void virtsock_late_back(struct virtsock_lane *lane)
{
	struct virtsock_late *l, *next;
	LIST_HEAD(rung);

	if (!READ_ONCE(lane->late_rung))
		return;
	spin_lock_irq(&lane->skbs.lock);
	WRITE_ONCE(lane->late_rung, false);
	list_for_each_entry_safe(l, next, &lane->late, link) {
		if (!l->rung)
			continue;
		list_move(&l->link, &rung);
		lane->nr_late -= skb_queue_len(&l->skbs);
		atomic_add(skb_queue_len(&l->skbs), &lane->pending);
		skb_queue_splice_init(&l->skbs, &lane->skbs);
	}
	spin_unlock_irq(&lane->skbs.lock);
	list_for_each_entry_safe(l, next, &rung, link)
		virtsock_late_free(l);
}

/**
 * virtsock_late_purge() - forget what waits
 * @lane: the lane
 *
 * Context: process.
 */
void virtsock_late_purge(struct virtsock_lane *lane)
{
	struct virtsock_late *l, *next;
	struct sk_buff *skb;
	LIST_HEAD(late);

	spin_lock_irq(&lane->skbs.lock);
	list_splice_init(&lane->late, &late);
	lane->nr_late = 0;
	spin_unlock_irq(&lane->skbs.lock);
	list_for_each_entry_safe(l, next, &late, link) {
		while ((skb = __skb_dequeue(&l->skbs)))
			virtsock_rxq_forget(lane->rxq, skb, VIRTSOCK_DROP_LINK_END);
		virtsock_late_free(l);
	}
}
