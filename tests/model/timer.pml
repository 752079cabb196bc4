/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flush deadline: what the scheduler holds back has a timer that comes,
 * though flushes never cancel it, and answers that a lane's worker keeps
 * leave even if that worker has to wait for a socket. A step that the code
 * makes under link->lock is one atomic step here; time is left out: a timer
 * fires at any time after it was armed.
 *
 * Checked, for all interleavings: where nothing can go on, nothing is queued
 * and no timer is thought to be armed that is not (Idle); with fairness all
 * leaves (ltl). Each MUT_ is a mistake that must be found.
 */
#ifndef MSGS
#define MSGS	2
#endif
#define ANSWERS	1	/* by each of two lanes */
#define LAZY	1	/* how often the timer finds the batch too young */

byte queued;		/* link->txq */
byte left;		/* packets that left */
bool flushing, again;
bool sched_timer;	/* sched.timer */
bool hrtimer;		/* link->timer is queued */
bool reply_waits;
byte lazy = LAZY;

/* flush.c: __virtsock_flush() */
inline __virtsock_flush()
{
	atomic {
		if
		:: flushing -> again = true; own = false
		:: else -> flushing = true; own = true
		fi
	}
	do
	:: !own -> break
	:: own ->
		atomic {
			again = false;
			batch = queued;
			queued = 0
#ifdef MUT_FLUSH_CANCELS
			; hrtimer = false
#endif
		}
		atomic { left = left + batch; batch = 0 }	/* hypercall */
		atomic {
			if
			:: again
			:: else -> flushing = false; own = false
			fi
		}
	od
}

/* flush.c: virtsock_tx() by a program */
active proctype Program()
{
	byte n = MSGS, batch;
	bool now, own;

	do
	:: n == 0 -> break
	:: n > 0 ->
		atomic {
			n--;
			queued++;
			if	/* virtsock_sched_queue() */
			:: now = true
			:: sched_timer			/* VIRTSOCK_SCHED_HOLD */
			:: sched_timer = true; hrtimer = true
			fi
		}
		if
		:: now -> now = false; __virtsock_flush()
		:: else
		fi
	od
}

/*
 * rxq.c: virtsock_lane_work(), whose packets are answered: virtsock_obey().
 * Whoever holds the socket of the next packet may wait for the answers first.
 */
proctype Lane()
{
	byte n = ANSWERS, batch;
	bool own, waits;

	do
	:: n == 0 -> break
	:: n > 0 ->
#ifdef MUT_REPLY_FIRST
		reply_waits = true;
		if
		:: !sched_timer -> hrtimer = true
		:: else
		fi;
#endif
		atomic {
			n--;
			queued++;
#ifndef MUT_REPLY_FIRST
			if
			:: !reply_waits ->
				reply_waits = true;
#ifndef MUT_REPLY_NO_TIMER
				if
				:: !sched_timer -> hrtimer = true
				:: else
				fi
#endif
			:: else
			fi
#endif
		}
		if
		:: true -> queued == 0	/* lock_sock() waits for so long */
		:: skip
		fi
	od;
	/* virtsock_lane_end() */
	atomic { waits = reply_waits; reply_waits = false }
	if
	:: waits -> __virtsock_flush()
	:: else
	fi
}

/* flush.c: virtsock_timer() */
active proctype Timer()
{
	byte batch;
	bool own, flush;

end:	do
	:: atomic { hrtimer -> hrtimer = false }
		flush = false;
		atomic {
#ifndef MUT_FLAG_LATE
			sched_timer = false;
#endif
			if	/* virtsock_sched_timer() */
			:: queued == 0
			:: queued > 0 -> flush = true
			:: queued > 0 && lazy > 0 ->
				lazy--;
#ifndef MUT_NO_REARM
				sched_timer = true;
				hrtimer = true
#endif
			fi
		}
#ifdef MUT_FLAG_LATE
		sched_timer = hrtimer;
#endif
		atomic { flush = flush || reply_waits; reply_waits = false }
		if
		:: flush -> __virtsock_flush()
		:: else
		fi
	od
}

active proctype Idle()
{
	timeout;
	assert(queued == 0 && left == MSGS + 2 * ANSWERS);
	assert(!flushing && !reply_waits && (!sched_timer || hrtimer))
}

init {
	atomic {
		run Lane();
		run Lane()
	}
}

ltl all_left { <> (left == MSGS + 2 * ANSWERS) }
