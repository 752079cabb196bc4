// SPDX-License-Identifier: GPL-2.0-only
/* The end of a link, as its sockets and their programs see it. */
#include <linux/export.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <virtsock/core.h>

/*
 * Nobody reads what is left in a socket that was closed. The common code keeps it
 * until the peer has answered, or for 8 s; it may be all the memory that a VMM's
 * cgroup has, and then the VM cannot answer. No bytes of credit are given back for it.
 * With data left it would not answer a peer that closes as well, and both wait.
 */
static void virtsock_sock_forget(struct virtsock_sock *vs)
{
	struct sk_buff_head freeme;

	__skb_queue_head_init(&freeme);
	spin_lock_bh(&vs->vvs.rx_lock);
	skb_queue_splice_init(&vs->vvs.rx_queue, &freeme);
	virtsock_compat_rx_forget(&vs->vvs);
	vs->vvs.msg_count = 0;
	spin_unlock_bh(&vs->vvs.rx_lock);
	__skb_queue_purge(&freeme);
}

/**
 * virtsock_sock_late() - data was queued for a socket that may be closed by now
 * @sk: the socket, reference held
 *
 * Who looked whether it is, and found that it is not, has queued it nevertheless.
 *
 * Context: the lane's worker.
 */
void virtsock_sock_late(struct sock *sk)
{
	if (!sock_flag(sk, SOCK_DEAD))
		return;
	lock_sock(sk);
	/* Else all of it has ended. */
	if (!sock_flag(sk, SOCK_DONE) && virtsock_sk(vsock_sk(sk)))
		virtsock_sock_forget(virtsock_sk(vsock_sk(sk)));
	release_sock(sk);
}

/**
 * virtsock_sock_release() - close (transport .release)
 * @vsk: the socket
 *
 * A socket whose link has ended has nobody left to say goodbye to: without
 * this the common code would wait 8 s for an answer, and the module with it. To
 * one that is closed the time limit of a connect() that did not block means
 * nothing, but would keep both until it is over.
 *
 * Context: process, socket locked.
 */
void virtsock_sock_release(struct vsock_sock *vsk)
{
	struct virtsock_sock *vs = virtsock_sk(vsk);

	/* The caller has a reference of its own. */
	if (cancel_delayed_work(&vsk->connect_work))
		sock_put(sk_vsock(vsk));
	/*
	 * What asks for the connection may wait for long, and the socket with it:
	 * a program that does this all the time would find no end of memory.
	 */
	if (vs && sk_vsock(vsk)->sk_state == TCP_SYN_SENT)
		virtsock_cancel_pkt(vsk);
	if (vs)
		virtsock_sock_forget(vs);
	/* Who lingers waits until all is sent, on kernels that have it so. */
	sock_reset_flag(sk_vsock(vsk), SOCK_USE_WRITE_QUEUE);
	/* SOCK_DEAD is set: we see "dead", or virtsock_sock_reset() that. */
	smp_mb();
	if (vs && READ_ONCE(vs->dead)) {
		WRITE_ONCE(vsk->peer_shutdown, SHUTDOWN_MASK);
		sock_set_flag(sk_vsock(vsk), SOCK_DONE);
	}
	virtio_transport_release(vsk);
}

/**
 * virtsock_sock_error() - tell the program that the link has ended
 * @vsk: the socket
 *
 * For a socket of messages this waits until none is left: the core takes a
 * message out of the queue, looks at sk_err and forgets the message.
 *
 * Context: socket locked, or its spinlock held while nobody has it locked.
 */
void virtsock_sock_error(struct vsock_sock *vsk)
{
	struct virtsock_sock *vs = virtsock_sk(vsk);
	struct sock *sk = sk_vsock(vsk);

	/* Pairs with virtsock_sock_cut(): heard_all is there. */
	if (!smp_load_acquire(&vs->dead) || vs->heard_all || sk->sk_err)
		return;
	if (sk->sk_type == SOCK_SEQPACKET && virtio_transport_seqpacket_has_data(vsk))
		return;
	WRITE_ONCE(sk->sk_err, ECONNRESET);
	/* Who sees the end without the error takes it for an orderly one. */
	smp_wmb();
	WRITE_ONCE(vsk->peer_shutdown, vsk->peer_shutdown | SEND_SHUTDOWN);
}

/*
 * One that its program has closed, or is closing and lingers, waits for an
 * answer that will not come.
 */
static void virtsock_sock_hurry(struct sock *sk)
{
	struct vsock_sock *vsk = vsock_sk(sk);

	lock_sock(sk);
	if (!vsk->close_work_scheduled) {
		WRITE_ONCE(vsk->peer_shutdown, SHUTDOWN_MASK);
		sock_set_flag(sk, SOCK_DONE);
		sk->sk_state_change(sk);
	} else if (cancel_delayed_work(&vsk->close_work)) {
		/* Else it runs already, and does what is to be done. */
		schedule_delayed_work(&vsk->close_work, 0);
	}
	release_sock(sk);
}

/*
 * The link of a connected socket has ended. The program gets ECONNRESET from
 * whatever it does next, but what it has not read yet stays readable before
 * that; and where the peer had said that it sends no more, the end of that is
 * an orderly one. The state stays "established", since the core answers
 * ENOTCONN in any other. A program that sleeps with the socket locked, perhaps
 * for long, does not keep us: it finds the error itself when it looks again.
 */
static void virtsock_sock_reset(struct sock *sk)
{
	struct vsock_sock *vsk = vsock_sk(sk);

	/* A packet of the next link with the same ports is not for this one. */
	vsock_remove_connected(vsk);
	vsock_remove_bound(vsk);
	spin_lock_bh(&sk->sk_lock.slock);
	if (sk->sk_type == SOCK_STREAM || !sock_owned_by_user(sk))
		virtsock_sock_error(vsk);
	spin_unlock_bh(&sk->sk_lock.slock);
	sk_error_report(sk);
	if (sock_flag(sk, SOCK_DEAD))
		virtsock_sock_hurry(sk);
}

/**
 * virtsock_sock_refuse() - the link has ended before a connect() was answered
 * @sk: the socket
 *
 * The same as the common code does if a reset is the answer.
 *
 * Context: socket locked by the caller, or its spinlock held while nobody has
 * it locked.
 * Return: true if the caller has to call sk_error_report().
 */
bool virtsock_sock_refuse(struct sock *sk)
{
	if (sk->sk_state != TCP_SYN_SENT)
		return false;
	sk->sk_state = TCP_CLOSE;
	WRITE_ONCE(sk->sk_err, ECONNRESET);
	return true;
}

/**
 * struct virtsock_rest - what is left to be done for a socket without spinlocks
 * @skbs: packets that were parked with it, and are to be forgotten
 * @q: where those come from; they keep it
 * @sk: its connect() was refused, and who waits for that is to be told, which may
 *	be a crowd; with a reference
 */
struct virtsock_rest {
	struct sk_buff_head skbs;
	struct virtsock_rxq *q;
	struct sock *sk;
};

/* Context: process. */
static void virtsock_sock_rest(struct virtsock_rest *rest)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(&rest->skbs))) {
		virtsock_rxq_forget(rest->q, skb, VIRTSOCK_DROP_LINK_END);
		cond_resched();
	}
	if (rest->sk) {
		sk_error_report(rest->sk);
		sock_put(rest->sk);
		rest->sk = NULL;
	}
}

/*
 * side->lock held; the caller calls virtsock_sock_rest() behind it. Return: true if
 * it is for virtsock_sock_reset().
 */
static bool virtsock_sock_cut(struct virtsock_sock *vs, struct virtsock_rest *rest)
{
	struct vsock_sock *vsk = vs->vvs.vsk;
	struct sock *sk = sk_vsock(vsk);

	WRITE_ONCE(vs->cut, true);
	__skb_queue_head_init(&rest->skbs);
	rest->q = virtsock_park_take(sk, vs, VIRTSOCK_DROP_LINK_END, &rest->skbs);
	/* Here, as one that gives up may go to another transport at once. */
	rest->sk = virtsock_park_refuse(sk, vs) &&
		   refcount_inc_not_zero(&sk->sk_refcnt) ? sk : NULL;
	/* Closed in order by the peer, or not connected, if in no table. */
	if (vs->dead || list_empty(&vsk->connected_table) ||
	    !refcount_inc_not_zero(&sk->sk_refcnt))
		return false;
	vs->heard_all = READ_ONCE(vsk->peer_shutdown) & SEND_SHUTDOWN;
	/* Pairs with virtsock_sock_error() */
	smp_store_release(&vs->dead, true);
	return true;
}

/**
 * virtsock_sock_unhold() - a socket does not hold its side's module any more
 * @side: its side
 * @vs: its state
 *
 * Context: any, side->lock held.
 * Return: the module, to be put, if the socket held it; else NULL.
 */
struct module *virtsock_sock_unhold(struct virtsock_side *side, struct virtsock_sock *vs)
{
	WRITE_ONCE(vs->cut, true);
	if (!vs->held)
		return NULL;
	vs->held = false;
	side->held--;
	return side->ops->owner;
}

/* One at a time: a socket is on one list of dead ones. */
static DEFINE_MUTEX(virtsock_dead_lock);

/* Sockets that are looked at, or cut, before others have the lock */
#define VIRTSOCK_RESET_BUDGET	256

/* The next socket behind @at, which moves there, or NULL. side->lock held. */
static struct virtsock_sock *virtsock_sock_next(struct list_head *at, struct list_head *end)
{
	struct list_head *next = at->next;

	if (next == end)
		return NULL;
	list_move(at, next);
	return list_entry(next, struct virtsock_sock, side_link);
}

/**
 * virtsock_reset() - end the sockets of a link
 * @side: guest or host
 * @meant: which peers are meant, by CID; NULL: all
 *
 * When this returns none of them sends any more, and none holds the module,
 * whatever its program does. It goes through all sockets of the side, and lets go of
 * the lock where one takes long; it remembers where it was by two entries of its own
 * in the list, which nobody else goes through.
 *
 * Context: process.
 */
void virtsock_reset(struct virtsock_side *side, bool (*meant)(u32 cid))
{
	struct virtsock_rest rest = {};
	struct virtsock_sock *vs, *next;
	struct module *owner = NULL, *put;
	u32 held = 0, n = 0;
	LIST_HEAD(dead);
	LIST_HEAD(end);
	LIST_HEAD(at);

	__skb_queue_head_init(&rest.skbs);
	mutex_lock(&virtsock_dead_lock);
	spin_lock_bh(&side->lock);
	list_add(&at, &side->socks);
	/* Those that are made from now on are as if made after this. */
	list_add_tail(&end, &side->socks);
	while ((vs = virtsock_sock_next(&at, &end))) {
		/* One that was never connected has no link that could end. */
		if (!meant || (vs->tx_cid && meant(vs->tx_cid))) {
			if (virtsock_sock_cut(vs, &rest))
				list_add_tail(&vs->dead_link, &dead);
			put = virtsock_sock_unhold(side, vs);
			if (put) {
				owner = put;
				held++;
			}
		}
		if (!rest.sk && skb_queue_empty(&rest.skbs) &&
		    ++n % VIRTSOCK_RESET_BUDGET)
			continue;
		spin_unlock_bh(&side->lock);
		virtsock_sock_rest(&rest);
		cond_resched();
		spin_lock_bh(&side->lock);
	}
	list_del(&at);
	list_del(&end);
	spin_unlock_bh(&side->lock);

	list_for_each_entry_safe(vs, next, &dead, dead_link) {
		struct sock *sk = sk_vsock(vs->vvs.vsk);

		list_del(&vs->dead_link);
		virtsock_sock_reset(sk);
		sock_put(sk);
	}
	mutex_unlock(&virtsock_dead_lock);

	/* Who saw a socket with its link and is sending for it still needs us. */
	virtsock_side_wait();
	while (held--)
		module_put(owner);
}
EXPORT_SYMBOL_GPL(virtsock_reset);

/**
 * virtsock_reset_late() - a packet has connected a socket
 * @side: guest or host
 * @vs: its state; the caller has a reference to the socket
 *
 * If its link ended meanwhile, virtsock_reset() may have come when the socket
 * was not connected yet, or before there was one; or the program has asked for a
 * connection on the next link, which this is not.
 *
 * Context: the lane's worker that has delivered the packet.
 */
void virtsock_reset_late(struct virtsock_side *side, struct virtsock_sock *vs)
{
	struct sock *sk = sk_vsock(vs->vvs.vsk);
	struct virtsock_rest rest;
	struct module *owner;
	bool late;

	spin_lock_bh(&side->lock);
	if (!vs->cut && !virtsock_rxq_stale()) {
		spin_unlock_bh(&side->lock);
		return;
	}
	late = virtsock_sock_cut(vs, &rest);
	owner = virtsock_sock_unhold(side, vs);
	spin_unlock_bh(&side->lock);
	virtsock_sock_rest(&rest);
	if (late) {
		virtsock_sock_reset(sk);
		sock_put(sk);
	}
	if (owner) {
		/* As in virtsock_reset() */
		virtsock_side_wait();
		module_put(owner);
	}
}
