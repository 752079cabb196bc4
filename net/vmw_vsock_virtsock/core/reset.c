// SPDX-License-Identifier: GPL-2.0-only
/* The end of a link, as its sockets and their programs see it. */
#include <linux/export.h>
#include <linux/mutex.h>
#include <virtsock/core.h>

/**
 * virtsock_sock_release() - close (transport .release)
 * @vsk: the socket
 *
 * A socket whose link has ended has nobody left to say goodbye to: without
 * this the common code would wait 8 s for an answer, and the module with it.
 *
 * Context: process, socket locked.
 */
void virtsock_sock_release(struct vsock_sock *vsk)
{
	struct virtsock_sock *vs = virtsock_sk(vsk);

	/* SOCK_DEAD is set: we see "dead", or virtsock_reset_connected() that. */
	smp_mb();
	if (vs && READ_ONCE(vs->dead)) {
		WRITE_ONCE(vsk->peer_shutdown, SHUTDOWN_MASK);
		sock_set_flag(sk_vsock(vsk), SOCK_DONE);
	}
	virtio_transport_release(vsk);
}
EXPORT_SYMBOL_GPL(virtsock_sock_release);

/* Sockets on their way through virtsock_reset_connected(); vsock_table_lock */
static LIST_HEAD(virtsock_dead);
static DEFINE_MUTEX(virtsock_dead_lock);

/**
 * virtsock_sock_reset() - the link of a connected socket has ended
 * @sk: the socket
 *
 * The program gets ECONNRESET from whatever it does next; bytes in the queue
 * of a stream stay readable before that. The state stays "established", since
 * the core answers ENOTCONN in any other. Lock-free as in the other transports:
 * the socket may be locked by a program that sleeps in it.
 *
 * Context: called by virtsock_reset_connected()'s @fn, vsock_table_lock held.
 */
void virtsock_sock_reset(struct sock *sk)
{
	struct vsock_sock *vsk = vsock_sk(sk);
	struct virtsock_sock *vs = virtsock_sk(vsk);

	if (!vs || vs->dead)
		return;

	WRITE_ONCE(vs->dead, true);
	WRITE_ONCE(vsk->peer_shutdown, vsk->peer_shutdown | SEND_SHUTDOWN);
	WRITE_ONCE(sk->sk_err, ECONNRESET);
	sock_hold(sk);
	list_add_tail(&vs->dead_link, &virtsock_dead);
}
EXPORT_SYMBOL_GPL(virtsock_sock_reset);

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

/**
 * virtsock_reset_connected() - end the connected sockets of a link
 * @t: the transport
 * @fn: calls virtsock_sock_reset() for those that are meant
 *
 * They leave the tables of the core, where a packet of the next link with the
 * same ports would find them instead of who it is for.
 *
 * Context: process.
 */
void virtsock_reset_connected(struct virtio_transport *t,
			      void (*fn)(struct sock *sk))
{
	struct virtsock_sock *vs, *next;

	mutex_lock(&virtsock_dead_lock);
	virtsock_compat_for_each(t, fn);
	list_for_each_entry_safe(vs, next, &virtsock_dead, dead_link) {
		struct sock *sk = sk_vsock(vs->vvs.vsk);

		list_del(&vs->dead_link);
		vsock_remove_connected(vs->vvs.vsk);
		vsock_remove_bound(vs->vvs.vsk);
		sk_error_report(sk);
		if (sock_flag(sk, SOCK_DEAD))
			virtsock_sock_hurry(sk);
		sock_put(sk);
	}
	mutex_unlock(&virtsock_dead_lock);
}
EXPORT_SYMBOL_GPL(virtsock_reset_connected);
