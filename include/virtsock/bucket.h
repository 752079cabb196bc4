/* SPDX-License-Identifier: GPL-2.0-only */
/* A rate that is not exceeded for long: a token bucket */
#ifndef _VIRTSOCK_BUCKET_H
#define _VIRTSOCK_BUCKET_H

#include <linux/bits.h>
#include <linux/types.h>

/* So much of a rate may be used at once, in ns */
#define VIRTSOCK_BUCKET_BURST	100000000ULL

/* No rate is larger: what is calculated here does not overflow */
#define VIRTSOCK_BUCKET_MAX	BIT_ULL(36)

/**
 * struct virtsock_bucket - what is left of a rate
 * @rate: units a second, at least 1; 0: no limit, and nothing is counted
 * @due_ns: when what was taken is paid for, monotonic
 *
 * The caller serialises.
 */
struct virtsock_bucket {
	u64 rate;
	u64 due_ns;
};

u32 virtsock_bucket_left(const struct virtsock_bucket *b, u64 now);
void virtsock_bucket_take(struct virtsock_bucket *b, u64 now, u32 units);
u64 virtsock_bucket_wait(const struct virtsock_bucket *b, u64 now);

#endif
