// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt moderation, as network cards have it. A guest that is woken for
 * each few kilobytes of a stream spends most of its time on waking up. So in a
 * stream of small messages, and nowhere else, the doorbell waits for more.
 *
 * - A stream is where the guest has last fetched MODERATE_MSGS messages or
 *   more, in less than twice MODERATE_BYTES. What comes soon after that is
 *   expected to be of the same kind; whoever fetches less ends it, and so does a
 *   pause that is longer than the doorbell may wait.
 * - The doorbell waits until MODERATE_BYTES are there, or for MODERATE_ANSWERS
 *   times as long as the guest takes to answer it: what is lost at a stream's
 *   end is as little as what each doorbell costs. At least the time that the
 *   administrator allows for, at most MODERATE_MAX times that.
 * - An answer, and all that is not plain payload, has it ring at once, and so
 *   does a program that is about to wait as far as it says so; that is the
 *   caller's.
 *
 * Nothing here knows of locks or clocks.
 */
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <virtsock/moderate.h>

#define MODERATE_MSGS		32U
#define MODERATE_BYTES		0x10000U
#define MODERATE_ANSWERS	4
#define MODERATE_MAX		40
#define MODERATE_WEIGHT		8	/* an answer's time is smoothed by this */

/**
 * virtsock_moderate() - payload was queued, and the doorbell may wait
 * @m: the VM's
 * @now: in ns, monotonic; not looked at where @m->held is set
 * @len: bytes of it
 *
 * Context: any; the caller serialises.
 * Return: VIRTSOCK_MODERATE_RING, or for how many ns it may wait; @m->held was
 * false before if that begins now.
 */
u64 virtsock_moderate(struct virtsock_moderation *m, u64 now, u32 len)
{
	if (!m->held) {
		m->bytes = 0;
		m->stream &= now - m->taken_ns <= MODERATE_MAX * m->min_ns;
	}
	m->bytes += len;
	if (!m->stream || !m->min_ns || m->bytes >= MODERATE_BYTES)
		return VIRTSOCK_MODERATE_RING;
	WRITE_ONCE(m->held, true);
	return clamp(MODERATE_ANSWERS * m->answer_ns, m->min_ns,
		     MODERATE_MAX * m->min_ns);
}

/**
 * virtsock_moderate_rung() - the doorbell rings
 * @m: the VM's
 * @now: in ns, monotonic
 *
 * Context: any; the caller serialises.
 */
void virtsock_moderate_rung(struct virtsock_moderation *m, u64 now)
{
	virtsock_moderate_release(m);
	m->rung_ns = now;
}

/**
 * virtsock_moderate_release() - it does not wait any more
 * @m: the VM's
 *
 * Context: any; the caller serialises.
 */
void virtsock_moderate_release(struct virtsock_moderation *m)
{
	WRITE_ONCE(m->held, false);
}

/**
 * virtsock_moderate_called() - the guest calls, by itself or since it rang
 * @m: the VM's
 * @now: in ns, monotonic; not looked at where @m->rung_ns is 0
 *
 * Context: any; the caller serialises.
 */
void virtsock_moderate_called(struct virtsock_moderation *m, u64 now)
{
	u64 ns = now - m->rung_ns;

	virtsock_moderate_release(m);
	if (!m->rung_ns)
		return;
	m->rung_ns = 0;
	/* Nobody may have heard it; then this is another call. */
	ns = min(ns, MODERATE_MAX * m->min_ns);
	if (m->answer_ns)
		ns = m->answer_ns - m->answer_ns / MODERATE_WEIGHT +
		     ns / MODERATE_WEIGHT;
	m->answer_ns = ns;
}

/**
 * virtsock_moderate_taken() - the guest has fetched what waited
 * @m: the VM's
 * @now: in ns, monotonic
 * @messages: messages, at least one
 * @bytes: payload in them
 *
 * Context: any; the caller serialises.
 */
void virtsock_moderate_taken(struct virtsock_moderation *m, u64 now, u32 messages,
			     u32 bytes)
{
	m->taken_ns = now;
	m->stream = messages >= MODERATE_MSGS && bytes < 2 * MODERATE_BYTES;
}
