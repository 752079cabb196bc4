/* SPDX-License-Identifier: GPL-2.0-only */
/* Interrupt moderation: may the doorbell wait for more? */
#ifndef _VIRTSOCK_MODERATE_H
#define _VIRTSOCK_MODERATE_H

#include <linux/types.h>

#define VIRTSOCK_MODERATE_RING	0ULL

/**
 * struct virtsock_moderation - what is known of a VM's doorbell
 * @min_ns: how long it may wait, at least, in a stream; 0: it never waits
 * @rung_ns: when it rang that was not answered yet, 0: never
 * @answer_ns: how long the guest takes to answer, smoothed
 * @taken_ns: when the guest fetched something last
 * @bytes: payload that was queued since it was held back
 * @stream: that was many messages, and few bytes
 * @held: it would have rung, and waits for more
 *
 * The caller serialises.
 */
struct virtsock_moderation {
	u64 min_ns;
	u64 rung_ns;
	u64 answer_ns;
	u64 taken_ns;
	u32 bytes;
	bool stream;
	bool held;
};

u64 virtsock_moderate(struct virtsock_moderation *m, u64 now, u32 len);
void virtsock_moderate_rung(struct virtsock_moderation *m, u64 now);
void virtsock_moderate_called(struct virtsock_moderation *m, u64 now);
void virtsock_moderate_taken(struct virtsock_moderation *m, u64 now, u32 messages,
			     u32 bytes);
void virtsock_moderate_release(struct virtsock_moderation *m);

#endif
