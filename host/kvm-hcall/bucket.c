// SPDX-License-Identifier: GPL-2.0-only
/*
 * A token bucket, counted in time: what is taken is paid for later, at the
 * rate. As long as less than a burst is owed, more may be taken, as much as is
 * handled in one piece: a record is not divided, and may owe more than a burst.
 * Over any longer time the rate is kept.
 *
 * Nothing here knows of locks or clocks.
 */
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/time64.h>
#include <virtsock/bucket.h>

/* Who has used it up waits for this part of a burst, and not for each unit. */
#define BUCKET_PART	4

static u64 virtsock_bucket_owed(const struct virtsock_bucket *b, u64 now)
{
	return b->due_ns > now ? b->due_ns - now : 0;
}

/**
 * virtsock_bucket_left() - how much may be taken now?
 * @b: the bucket
 * @now: in ns, monotonic
 *
 * Context: any; the caller serialises.
 * Return: units, U32_MAX if there is no limit, 0 if there is to be waited.
 */
u32 virtsock_bucket_left(const struct virtsock_bucket *b, u64 now)
{
	u64 owed = virtsock_bucket_owed(b, now);
	u64 left;

	if (!b->rate)
		return U32_MAX;
	if (owed >= VIRTSOCK_BUCKET_BURST)
		return 0;
	left = div_u64((VIRTSOCK_BUCKET_BURST - owed) * b->rate, NSEC_PER_SEC);
	/* A part of one is one: it is not divided. */
	return clamp_t(u64, left, 1, U32_MAX);
}

/**
 * virtsock_bucket_take() - something was taken
 * @b: the bucket
 * @now: in ns, monotonic
 * @units: how much, perhaps more than was left
 *
 * Context: any; the caller serialises.
 */
void virtsock_bucket_take(struct virtsock_bucket *b, u64 now, u32 units)
{
	if (b->rate)
		b->due_ns = max(b->due_ns, now) +
			    DIV64_U64_ROUND_UP((u64)units * NSEC_PER_SEC, b->rate);
}

/**
 * virtsock_bucket_wait() - how long to wait for more?
 * @b: the bucket, of which nothing is left
 * @now: in ns, monotonic
 *
 * Context: any; the caller serialises.
 * Return: ns, 0 if there is something left by now that is worth it.
 */
u64 virtsock_bucket_wait(const struct virtsock_bucket *b, u64 now)
{
	u64 owed = virtsock_bucket_owed(b, now);
	u64 most = VIRTSOCK_BUCKET_BURST - VIRTSOCK_BUCKET_BURST / BUCKET_PART;

	return b->rate && owed > most ? owed - most : 0;
}
