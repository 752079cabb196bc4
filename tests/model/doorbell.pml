/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The doorbell: who calls when. Every function of the code that takes part is
 * one inline or process below and has its name; a step that the code makes
 * under one lock is one atomic step here, and nothing else is.
 *
 * Left out on purpose, so that the protocol has to hold without them: the
 * guest's alive_work, and (but with LOSS or NOMEM) that kick_work repeats.
 *
 * Checked, for all interleavings: where nothing can go on, nothing waits and
 * the doorbell is armed (Idle); and with fairness all is delivered (ltl).
 *
 * Size: G2H packets of the guest, H2G of the host, HELD: so much credit that
 * nobody is blocked on lies in the host's queue. SOON: so often there comes some
 * that must not wait there for long. LOSS: so many interrupts are lost. NOMEM: so
 * often the host has no memory for a record. LIMIT: so often a limit of the VM is
 * met, in either direction. LANES: all packets go by a lane. BELL: the doorbell
 * may wait for more. Each MUT_ is a mistake that must be found.
 */
#ifndef G2H
#define G2H	2
#endif
#ifndef H2G
#define H2G	2
#endif
#ifndef HELD
#define HELD	0
#endif
#ifndef SOON
#define SOON	0
#endif
#ifndef LOSS
#define LOSS	0
#endif
#ifndef NOMEM
#define NOMEM	0
#endif
#ifndef LIMIT
#define LIMIT	0
#endif
#ifndef BACKLOG
#define BACKLOG	1	/* vm->backlog, in packets; rxq.low is 0 */
#endif
#ifndef LOOPS
#define LOOPS	2	/* VIRTSOCK_FLUSH_LOOPS */
#endif

/* struct virtsock_link */
byte txq, batch, ring;		/* packets in link->txq, ->batch, the ring */
bool flushing, again, stopped;
bool timer;			/* the scheduler's timer is armed */
bool flush_work;		/* queued */
bool irq;			/* the doorbell's interrupt, or its tasklet */
byte grx;			/* delivered in the guest */

/* struct virtsock_vm */
byte htx;			/* packets in vm->txq that are worth a call */
byte held = HELD;		/* and credit there that nobody is blocked on */
bool waits;
byte rxq;			/* packets with lanes, vm->rxq.bytes */
byte hrx;			/* delivered on the host */
bool armed, kick, hstopped, paused;
bool kick_work, kick_now;	/* in a while; at once */
bool bell_held, bell_timer;	/* vm->bell.held; the timer is armed */
bool soon, soon_work;		/* vm->soon; queued */
bool rung;			/* unheard so far, which the code does not know */
byte losses = LOSS, nomem = NOMEM, limit = LIMIT;

/* doorbell.c: virtsock_ring(). May be merged with one before it, or be lost. */
inline virtsock_ring()
{
	atomic {
		if
		:: irq = true
		:: losses > 0 -> losses--
		fi;
#if LOSS || NOMEM
		kick_work = true
#endif
	}
}

/* doorbell.c: virtsock_kick(), which runs kick_work at once */
inline virtsock_kick()
{
	kick_now = true
}

/* push.c: virtsock_host_tx() of a packet that somebody waits for */
inline virtsock_push_queue(ring_it)
{
	atomic {
		htx++;
		waits = true;
		ring_it = armed && !paused;
		/* doorbell.c: virtsock_bell(); a stream or not, it may say either */
		if
#ifdef BELL
		:: armed && !paused ->
			ring_it = false;
#ifndef MUT_BELL_NO_TIMER
			bell_timer = bell_timer || !bell_held;
#endif
			bell_held = true
#endif
		:: armed && !paused ->
			armed = false;
			bell_held = false
		:: else
		fi;
		rung = rung || (SOON && ring_it)
	}
	if
	:: ring_it -> virtsock_ring()
	:: else
	fi
}

/*
 * pull.c: virtsock_pull(), with virtsock_backlog_full(). One record for each
 * budget. The lanes change rxq meanwhile, without a lock.
 */
inline virtsock_pull()
{
	do
	:: ring == 0 -> break
	:: ring > 0 && f_budget == 0 -> f_more = true; break
	:: ring > 0 && f_budget > 0 ->
		if
		:: rxq >= BACKLOG ->
#ifdef MUT_STOP_AFTER_LOOK
			f_full = rxq > 0;
			hstopped = f_full;
#else
			hstopped = true;
			f_full = rxq > 0;
			if
			:: !f_full -> hstopped = false
			:: else
			fi;
#endif
		:: else -> f_full = false
		fi;
		if
		:: f_full -> f_stop = true; break
		:: !f_full && nomem > 0 ->	/* virtsock_kick_later() */
			atomic {
				nomem--;
				hstopped = true;
				kick_work = true
			}
			f_stop = true;
			break
		:: !f_full && limit > 0 ->	/* virtsock_policy_over() */
			atomic {
				limit--;
				hstopped = true;
				f_pause = true
			}
			f_stop = true;
			break
		:: !f_full ->
			atomic {
				ring--;
				f_budget--;
				if		/* virtsock_rxq_add() */
#ifndef LANES
				:: hrx++
#endif
				:: rxq++
				fi
			}
		fi
	od
}

/* hcall.c: virtsock_hc_flush(), vm->lock held; the guest makes one at a time */
inline virtsock_hc_flush()
{
	atomic {
		f_more = false;
		f_stop = false;
		f_budget = 1;
#ifndef MUT_DISARM_LATE
		armed = false;
		kick = false;
		paused = false;
#endif
#ifndef MUT_BELL_STAYS_HELD
		bell_held = false;	/* virtsock_moderate_called() */
#endif
		rung = false
	}
	virtsock_pull();
	/* virtsock_linger() comes here, and changes nothing of this. */

	/* push.c: virtsock_push(); the buffer may be full with one packet */
	atomic {
		f_batch = htx;
		f_held = held;
		htx = 0;
		held = 0;
		soon = false;
		rung = false;
#ifndef MUT_WAITS_LATE
		waits = false
#endif
	}
	atomic {
		if
		/* virtsock_policy_over() */
		:: limit > 0 && (f_batch > 0 || f_held > 0) ->
			limit--;
			paused = true;
			f_pause = true
		:: f_held > 0 -> f_held--	/* it was first, and all that fits */
		:: f_batch > 0 -> f_batch--; f_got++
		:: f_got = f_batch; f_batch = 0; f_held = 0
		fi;
#ifdef MUT_WAITS_LATE
		waits = false;
#endif
		if
		:: f_batch > 0 || f_held > 0 ->
			f_more = f_more || !paused;
			waits = true
		:: else
		fi;
		htx = htx + f_batch;
		held = held + f_held;
		f_batch = 0;
		f_held = 0;
#ifdef MUT_EMPTY_BEFORE_ARM
		f_idle = !waits && !kick;
#endif
	}
#if LIMIT
	/* virtsock_policy_pause() */
	atomic {
#ifndef MUT_PAUSE_NO_KICK
		kick_work = kick_work || f_pause;
#endif
		f_pause = false
	}
#endif
	/* virtsock_push_arm() */
	atomic {
#ifdef MUT_DISARM_LATE
		kick = false;
#endif
#ifndef MUT_EMPTY_BEFORE_ARM
		f_idle = (!waits || paused) && !kick;
#endif
#ifdef MUT_ARM_NO_KICK
		f_idle = !waits;
#endif
		armed = f_idle;
#ifndef MUT_BELL_STAYS_HELD
		bell_held = false;
#endif
		if
		:: f_idle
		:: !f_idle -> f_more = true
		fi
	}
}

/* flush.c: __virtsock_flush() */
inline __virtsock_flush()
{
	atomic {
		f_loops = LOOPS;
		if
		:: flushing ->
#ifndef MUT_NO_AGAIN
			again = true;
#endif
			f_own = false
		:: else ->
			flushing = true;
			f_own = true
		fi;
		if
		:: f_own ->
			again = false;
			batch = batch + txq;
			txq = 0
		:: else
		fi
	}
	do
	:: !f_own -> break
	:: f_own ->
		/* ring.c: virtsock_ring_fill(); the ring takes one packet */
		atomic {
			if
			:: batch > 0 && ring == 0 -> batch--; ring++
			:: else
			fi;
			f_all = batch == 0
		}
		virtsock_hc_flush();
		/* virtsock_ring_receive(): without memory a worker goes on */
		atomic { grx = grx + f_got; f_got = 0 }
#ifdef MUT_OWNER_LEAVES
		f_again = again || f_more || (!f_all && !f_stop);
#endif
		atomic {
#ifndef MUT_OWNER_LEAVES
			f_again = again || f_more || (!f_all && !f_stop);
#endif
#ifndef MUT_HELD_BACK
			/* What virtsock_obey() held back while it was stopped */
			f_again = f_again || (stopped && !f_stop && txq > 0);
#endif
			stopped = f_stop;
			if
			:: f_again -> f_loops--
			:: else
			fi;
			if
			:: f_again && f_loops == 0 -> f_later = true
			:: else
			fi;
			if
			:: f_again && !f_later ->
				again = false;
				batch = batch + txq;
				txq = 0
			:: else ->
				flushing = false;
				f_own = false;
				/* queue_delayed_work() comes a little later */
			fi
		}
	od;
	atomic {
#ifndef MUT_NO_LATER
		if
		:: f_later -> flush_work = true
		:: else
		fi;
#endif
		/* So that states that differ in nothing else are the same. */
		f_later = false;
		f_all = false;
		f_more = false;
		f_stop = false;
		f_again = false;
		f_full = false;
		f_idle = false;
		f_loops = 0;
		f_budget = 0
	}
}

#define FLUSH_VARS \
	byte f_loops, f_budget, f_got, f_batch, f_held; \
	bool f_own, f_later, f_all, f_more, f_stop, f_again, f_full, f_idle, f_pause

/* flush.c: virtsock_tx(), by programs; the scheduler may say either */
active proctype Program()
{
	FLUSH_VARS;
	byte n = G2H;
	bool now;

	do
	:: n == 0 -> break
	:: n > 0 ->
		atomic {
			n--;
			txq++;
			if
			:: now = true		/* VIRTSOCK_SCHED_FLUSH */
#if !LOSS && !NOMEM
			:: timer = true
#endif
			fi;
			/* virtsock_obey(): the host is full and will ring */
			if
			:: now && stopped -> now = false
			:: else
			fi
		}
		if
		:: now -> now = false; __virtsock_flush()
		:: else
		fi
	od
}

/* Softirqs of one CPU: the timer and the doorbell's tasklet */
active proctype Softirq()
{
	FLUSH_VARS;

end:	do
	:: atomic { timer -> timer = false }
		__virtsock_flush()
	:: atomic { irq -> irq = false }
		__virtsock_flush()
	od
}

/* flush.c: virtsock_flush_worker() */
active proctype Worker()
{
	FLUSH_VARS;

end:	do
	:: atomic { flush_work -> flush_work = false }
		__virtsock_flush()
	od
}

/* A program of the host: virtsock_host_tx() */
active proctype HostProgram()
{
	byte n = H2G;
	bool ring_it;

	do
	:: n == 0 -> break
	:: n > 0 ->
		n--;
		virtsock_push_queue(ring_it)
	od
}

#if SOON
/* A reader of the host: virtsock_push_queue() of credit that must not wait for long */
active proctype HostReader()
{
	byte n = SOON;
	bool queue_it;

	do
	:: n == 0 -> break
	:: n > 0 ->
		atomic {
			n--;
			held++;
			queue_it = !soon && !paused && !hstopped;
			soon = true
		}
		atomic { soon_work = soon_work || queue_it; queue_it = false }
	od
}

/* doorbell.c: virtsock_soon_work() */
active proctype SoonWork()
{
	bool kick_it;

end:	do
	:: atomic {
		soon_work ->
			soon_work = false;
			kick_it = soon && !paused && !hstopped
	   }
		if
		:: kick_it -> virtsock_kick()
		:: else
		fi;
		kick_it = false
	od
}
#endif

#ifdef BELL
/* doorbell.c: virtsock_bell_timer(), and a program that is about to wait */
active proctype Bell()
{
	bool ring_it;

end:	do
	:: atomic {
		bell_timer ->
			bell_timer = false;
			ring_it = armed && bell_held;
			if
			:: ring_it -> armed = false; bell_held = false
			:: else
			fi;
			rung = rung || (SOON && ring_it)
	   }
		if
		:: ring_it -> virtsock_ring()
		:: else
		fi;
		ring_it = false
	od
}
#endif

/*
 * rxq.c: virtsock_rxq_less(), with virtsock_vm_drained() of vm.c: by a lane's
 * worker, or by who forgets what is parked with a socket
 */
active [2] proctype Lane()
{
	bool low;

end:	do
	:: atomic { rxq > 0 -> rxq--; hrx++; low = rxq == 0 }
		atomic {
			if
#ifdef MUT_DRAIN_NO_KICK
			:: false -> skip
#else
			:: low && hstopped -> virtsock_kick()
#endif
			:: else
			fi;
			low = false
		}
	od
}

/* doorbell.c: virtsock_kick_work() */
active proctype KickWork()
{
	bool due, ring_it;

end:	do
	/* Later than an interrupt that is on its way, which it would repeat */
	:: atomic {
		kick_now || (kick_work && !irq) ->
			kick_now = false;
			kick_work = false
	   }
		atomic {
			ring_it = true;
			if
#ifdef MUT_PAUSE_FORGOTTEN
			:: hstopped ->
#else
			:: hstopped || paused ->
#endif
				ring_it = armed;
				kick = true;
				soon = false;
				armed = false;
				bell_held = false;
				hstopped = false;
				paused = false
			:: else ->
				if
				:: soon ->
#ifdef MUT_SOON_PUTS_OFF
					ring_it = armed || waits;
#else
					ring_it = armed || waits || kick;
#endif
					/* Not later than what comes for a lost one. */
					assert(ring_it || !rung);
					waits = true;
					soon = false;
					armed = false;
					bell_held = false
				:: else
				fi
			fi;
			/* Armed means that the guest has called since. */
#ifdef MUT_RING_ONCE
			due = !armed && kick;
#else
			due = !armed && (kick || waits);
#endif
			rung = rung || (SOON && due && ring_it)
		}
#if LOSS || NOMEM
#ifndef MUT_KICK_ENDS_RETRY
		kick_work = kick_work || due;
#endif
#endif
		if
		:: due && ring_it -> virtsock_ring()
		:: else
		fi;
		atomic { due = false; ring_it = false }
	od
}

/* Nobody can do anything any more. */
active proctype Idle()
{
	timeout;
	assert(txq == 0 && batch == 0 && ring == 0 && rxq == 0 && htx == 0);
	assert(hrx == G2H && grx == H2G);
	assert(armed && !paused && !kick && !again && !flushing && !stopped && !soon);
}

ltl delivered { <> (hrx == G2H && grx == H2G) }
