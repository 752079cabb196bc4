/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When the guest flushes: the policy, apart from its mechanism. Time comes in
 * as an argument (ns, monotonic), so it runs under a fake clock in KUnit.
 */
#ifndef _VIRTSOCK_SCHED_H
#define _VIRTSOCK_SCHED_H

#include <linux/types.h>

enum virtsock_policy {
	VIRTSOCK_POLICY_IMMEDIATE,	/* every message at once */
	VIRTSOCK_POLICY_FULL,		/* when the batch is full (the paper's) */
	VIRTSOCK_POLICY_ADAPTIVE,
	VIRTSOCK_POLICY_NR
};

/* What was just queued, or what the program is about to do */
enum virtsock_sched_event {
	VIRTSOCK_SCHED_DATA,	/* payload */
	VIRTSOCK_SCHED_REPLY,	/* payload, first on its socket after a receive */
	VIRTSOCK_SCHED_MORE,	/* payload, more of which follows: only the deadline counts */
	VIRTSOCK_SCHED_CONTROL,	/* connect, response, shutdown, reset */
	VIRTSOCK_SCHED_CREDIT,	/* credit nobody waits for */
	VIRTSOCK_SCHED_URGENT,	/* credit the peer is blocked on */
	VIRTSOCK_SCHED_BLOCK	/* the program is about to wait; nothing queued */
};

#define VIRTSOCK_SCHED_FLUSH	0ULL
#define VIRTSOCK_SCHED_HOLD	(~0ULL)

/**
 * struct virtsock_sched - the batch that waits
 * @policy: enum virtsock_policy; may be changed at any time
 * @deadline_ns: bound for a message that nobody follows (default 50 us)
 * @batch_msgs: messages worth a hypercall of their own (32)
 * @batch_bytes: bytes at which a batch is full
 * @msgs: messages queued since the last flush
 * @bytes: their payload
 * @first_ns: when the first of them was queued
 * @last_ns: when the last one was
 * @reply_ns: when a reply was last flushed at once
 * @reply_key: whose it was
 * @timer: a timer is armed (it is never cancelled, it looks when it fires)
 * @due_ns: when it is due
 * @seen_ns: last sign of life, message or timer
 * @cost_ns: what a flush costs, smoothed; 0 if nobody tells
 * @patience_ns: how long a timer may be lazy while batches fill up one after
 *	the other; 0 while they do not
 *
 * The caller serialises. It writes @policy and @deadline_ns, and reads.
 */
struct virtsock_sched {
	enum virtsock_policy policy;
	u64 deadline_ns;
	u32 batch_msgs;
	u32 batch_bytes;
	u32 msgs;
	u32 bytes;
	u64 first_ns;
	u64 last_ns;
	u64 reply_ns;
	const void *reply_key;
	bool timer;
	u64 due_ns;
	u64 seen_ns;
	u64 cost_ns;
	u64 patience_ns;
};

void virtsock_sched_init(struct virtsock_sched *s, enum virtsock_policy policy,
			 u64 deadline_ns, u32 batch_bytes);

/*
 * Each returns VIRTSOCK_SCHED_FLUSH (now), VIRTSOCK_SCHED_HOLD (nothing to
 * do), or the time in ns after which virtsock_sched_timer() wants to be called
 * (which moves a timer that was armed for later).
 */
u64 virtsock_sched_queue(struct virtsock_sched *s, u64 now,
			 enum virtsock_sched_event ev, u32 bytes,
			 const void *key);
u64 virtsock_sched_timer(struct virtsock_sched *s, u64 now);

/* The batch is on its way; a timer that is armed stays armed */
void virtsock_sched_flushed(struct virtsock_sched *s);

/* Optional: how long the flush's hypercall took */
void virtsock_sched_cost(struct virtsock_sched *s, u64 ns);

#endif
