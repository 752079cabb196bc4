/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Credit: a writer that is blocked is woken when there is space again. One
 * direction of one connection; "space" stands for bytes and records alike. A
 * step that the code makes under one lock is one atomic step here.
 *
 * Credit that nobody is blocked on may never leave here (CARRIED: so often it
 * goes along with other traffic), so a writer may not depend on it. Packets
 * and their order are the doorbell's matter: see doorbell.pml. wmem is the
 * memory of packets that were sent and not yet freed: while it is above half
 * of sk_sndbuf (LIMIT), sk_write_space() wakes nobody.
 *
 * Checked, for all interleavings: where nothing can go on, the writer has
 * written all and the reader has read all (Idle); with fairness they come that
 * far (ltl).
 *
 * GROW, SHRINK: the reader's buffer is made larger by so much, then smaller by
 * so much than it was first. OWN: the writer's buffer, which bounds it as well.
 * Each MUT_ is a mistake that must be found.
 */
#ifndef MSGS
#define MSGS	4
#endif
#ifndef BUF
#define BUF	2	/* buf_alloc */
#endif
#ifndef SHRINK
#define SHRINK	0
#endif
#ifndef GROW
#define GROW	0
#endif
#ifndef OWN
#define OWN	MSGS
#endif
#ifndef CARRIED
#define CARRIED	1
#endif
#define LIMIT	2	/* sock_writeable() up to here */
#define ENOUGH	2	/* virtsock_credit_useful(): freed that is worth a call */

/* The writer's struct virtsock_sock, and its memory */
byte sent, peer_fwd, peer_alloc = BUF;
bool is_full, asked;	/* ->full is a word of Promela */
byte wmem;
bool woken;		/* WQ_FLAG_WOKEN; the writer is on the wait queue */

/* The reader's */
byte queued, fwd, sent_fwd;
byte alloc = BUF, sent_alloc = BUF, promised = BUF;
bool peer_blocked, credit_queued, urgent_queued;
byte carried = CARRIED;

/* On their way, in order: data or request; fwd_cnt and buf_alloc */
mtype = { DATA, REQUEST };
chan to_reader = [MSGS + 2] of { mtype };
chan to_writer = [6] of { byte, byte };
byte consumed;		/* taken by the other side, not yet freed here */

#define space()	(peer_alloc + peer_fwd > sent && sent - peer_fwd < OWN)

/* sk->sk_write_space(), i.e. sock_def_write_space() with sock_writeable() */
inline sk_write_space()
{
	if
	:: wmem < LIMIT -> woken = true
	:: else
	fi
}

/* sendmsg() of af_vsock.c, with virtsock_stream_has_space() */
active proctype Writer()
{
	byte n = MSGS;
	bool room;

	do
	:: n == 0 -> break
	:: n > 0 ->
		/* vs->lock; but whoever frees memory takes no lock */
#ifndef MUT_FULL_LATE
		is_full = true;
#endif
		atomic {
			room = space();
			if
			:: room -> is_full = false
			:: else
			fi
		}
#ifdef MUT_FULL_LATE
		is_full = !room;
#endif
		if
		:: room ->
			atomic {
				n--;
				sent++;
				wmem++;
				to_reader!DATA
			}
		:: !room ->
			atomic {
				if
				:: !asked -> asked = true; to_reader!REQUEST
				:: else
				fi
			}
			/* wait_woken() */
			atomic { woken -> woken = false }
		fi
	od
}

/* virtsock_sock_sent(): the hypercall took the packet, free it */
active proctype Sent()
{
end:	do
	:: atomic { consumed > 0 -> consumed--; wmem-- }
#ifndef MUT_SENT_WAKES_NOBODY
		if
		:: is_full -> sk_write_space()
		:: else
		fi
#endif
	od
}

/*
 * A credit update arrives at the writer: virtsock_deliver_to(), with
 * virtsock_sock_rx() and virtsock_space_update()
 */
active proctype News()
{
	byte f, a;
	bool wake;

end:	do
	:: to_writer?f,a ->
		atomic {
			wake = false;
			if
			:: f != peer_fwd || a != peer_alloc ->
#ifndef MUT_NO_LOOK
				wake = asked;
#endif
#ifndef MUT_ASK_ONCE
				asked = false
#endif
			:: else
			fi
		}
		atomic {
			peer_fwd = f;
			peer_alloc = a;
			wake = wake || space()
		}
		atomic {
			if
			:: wake -> sk_write_space()
			:: else
			fi
		}
	od
}

/* virtsock_credit_useful(), vs->lock held */
#define starved	(queued == 0)
#ifdef MUT_STARVED_WAITS
#define useful	(fwd - sent_fwd >= ENOUGH || alloc > sent_alloc)
#else
#define useful	(fwd - sent_fwd >= ENOUGH || alloc > sent_alloc || \
		 (starved && fwd != sent_fwd))
#endif

/* virtsock_sock_stamp(): it leaves, with the newest values */
inline virtsock_sock_stamp()
{
	credit_queued = false;
	urgent_queued = false;
#ifndef MUT_CLEAR_QUEUED
	if
	:: peer_blocked && useful -> peer_blocked = false
	:: else
	fi;
#endif
	if
	:: fwd + alloc > promised -> promised = fwd + alloc
	:: else
	fi;
	sent_fwd = fwd;
	sent_alloc = promised - fwd;
	to_writer!sent_fwd,sent_alloc
}

/* virtsock_sock_tx() of a credit update */
inline virtsock_sock_tx()
{
	atomic {
		if
#ifdef MUT_CLEAR_EARLY
		:: peer_blocked ->
			peer_blocked = false;
			if
			:: useful -> urgent_queued = true
			:: else
			fi;
			credit_queued = true
#else
#ifdef MUT_DROP_FIRST
		:: credit_queued
		:: !credit_queued && peer_blocked && useful ->
#else
		:: peer_blocked && useful ->
#endif
#ifdef MUT_CLEAR_QUEUED
			peer_blocked = false;
#endif
			urgent_queued = true;
			credit_queued = true
#endif
		:: else -> credit_queued = true
		fi
	}
}

/* An urgent update leaves as soon as may be */
active proctype Leave()
{
end:	do
	:: atomic { urgent_queued -> virtsock_sock_stamp() }
	od
}

/* A request arrives at the reader: the common code answers */
active proctype Arrive()
{
end:	do
	:: to_reader?DATA ->
		atomic { queued++; consumed++ }
	:: to_reader?REQUEST ->
		peer_blocked = true;
#ifndef MUT_REQUEST_IGNORED
		virtsock_sock_tx()
#else
		skip
#endif
	od
}

/* virtsock_stream_dequeue(), socket locked as far as another dequeue goes */
active proctype Reader()
{
	byte n = MSGS;

	do
	:: n == 0 -> break
	:: atomic { n > 0 && queued > 0 -> n--; queued--; fwd++ }
		/* The common code's update, on some of them */
		if
		:: virtsock_sock_tx()
		:: skip
		fi;
#ifndef MUT_NO_CHECK
		/* virtsock_credit_check() */
		if
		:: peer_blocked && !urgent_queued && useful -> virtsock_sock_tx()
		:: else
		fi
#endif
	od
}

#if GROW || SHRINK
/* virtsock_notify_buffer_size(): the new size goes with an update */
active proctype Resize()
{
	alloc = alloc + GROW;
	virtsock_sock_tx();
	alloc = alloc - GROW - SHRINK;
	virtsock_sock_tx()
}
#endif

/* Other traffic of the link takes held credit along, or not. */
active proctype Carry()
{
end:	do
	:: atomic { carried > 0 && credit_queued ->
			carried--;
			virtsock_sock_stamp()
		}
	:: atomic { carried > 0 -> carried = 0 }
	od
}

active proctype Idle()
{
	timeout;
	assert(sent == MSGS && fwd == MSGS && queued == 0 && wmem == 0);
	assert(empty(to_reader) && empty(to_writer))
}

ltl written { <> (sent == MSGS && fwd == MSGS) }
