/* SPDX-License-Identifier: GPL-2.0-only */
/* What the guest's ring.c finds around it: the hypercall and the memory */
#ifndef _VIRTSOCK_GUEST_RING_H
#define _VIRTSOCK_GUEST_RING_H

#include <linux/limits.h>
#include <virtsock/core.h>

/* In place of hypercall.h, whose instruction has no host to go to */
#define _VIRTSOCK_HYPERCALL_H

struct virtsock_hc {
	unsigned long rbx;
	unsigned long rcx;
	unsigned long rdx;
	unsigned long rsi;
};

#define GUEST_ORDERS	16

/**
 * struct guest_world - what a test decides, and what it sees
 * @hypercall: the host
 * @host: for it
 * @allocs: so many more of the ring's allocations succeed
 * @order: so many pages in a row there are, as a power of two
 * @packets: so many more packets can be made
 * @no_atomic: and none by who cannot sleep
 * @linear: packets are in one piece, so a large record is several
 * @no_refer: no packet can be made that refers to a page
 * @held: allocations of the ring's that were not freed
 * @gfp: how it asked for pages in a row, by their order
 * @packet_gfp: how a packet was asked for last
 * @shown: records that vsockmon has seen, as they came
 */
struct guest_world {
	long (*hypercall)(void *host, enum virtsock_hc_op op, struct virtsock_hc *hc);
	void *host;
	u32 allocs;
	u32 order;
	u32 packets;
	bool no_atomic;
	bool linear;
	bool no_refer;
	int held;
	gfp_t gfp[GUEST_ORDERS];
	gfp_t packet_gfp;
	u32 shown;
};

extern struct guest_world guest_world;

/* A host that is not asked, and memory enough */
#define GUEST_WORLD \
	((struct guest_world) { .allocs = U32_MAX, .order = GUEST_ORDERS, \
				.packets = U32_MAX })

#endif
