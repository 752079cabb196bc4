/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest that means harm, the host around the pull, and what they noticed */
#ifndef _FUZZ_H
#define _FUZZ_H

#include <stdio.h>
#include "host.h"

/* Guest memory: pages of it, and where slots of KVM's put them */
#define FUZZ_MEM_PAGES		97
#define FUZZ_RING_PAGES_MAX	64
#define FUZZ_CID		42

/* Packets no smaller than this, or the host would need more than it gathers */
#define FUZZ_SKB_MIN		3732U

/* Bytes of guest memory that are read until others may run; it may be slow. */
#define FUZZ_AT_ONCE		65536U

#define FUZZ_CHECK(cond) do {						\
	if (!(cond)) {							\
		fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #cond); \
		abort();						\
	}								\
} while (0)

/* pull-unit.c */
extern const u32 fuzz_pull_bytes;
extern const u32 fuzz_pull_records;
extern const u32 fuzz_pull_answers;
extern const u32 fuzz_pull_packets;

/* What the input chose */
struct fuzz_env {
	bool change;		/* memory is other bytes once it was read */
	bool drain_at_mb;	/* receivers catch up when the host looks again */
	bool signal;
	bool slow;		/* each packet takes its time to be delivered */
	bool stuck;		/* nobody frees what the guest was given */
	u32 fail_alloc;		/* so many succeed before one fails; ~0: none */
	u32 fail_len;		/* allocations of that much payload fail, and more */
	u32 fail_read;		/* as fail_alloc, for reads of payload */
	u32 head_len;		/* a packet has so much in its head */
	u32 frag_len;		/* and so much in each fragment */
	bool arena;		/* large records have room in it */
	u32 charge;		/* percentage of payload that waits for a worker */
	bool limited;		/* the policy has a rate */
	u32 left[VIRTSOCK_METER_NR];	/* what it lets move until time passes */
	u32 allowed;		/* bit 0: even ports may be connected to; bit 1: odd */
};

/* A read of payload */
struct fuzz_read {
	u64 gpa;
	u32 len;
	u32 at;			/* in served */
};

#define FUZZ_READS_MAX	32768
#define FUZZ_SERVED_MAX	(0x100000 + 2 * 65536)
#define FUZZ_RECS_MAX	8192

/* What the host did in one call */
struct fuzz_log {
	u32 tail;		/* where it began */
	u32 head;		/* and where the guest says that it ends */
	u32 span;		/* what it may read, 0: nothing */
	u32 ring_read;
	u32 at_once;		/* read since others could run */
	bool ring_failed;
	bool read_failed;
	u8 snap[FUZZ_RING_PAGES_MAX * 4096];	/* the batch as it was read */
	struct fuzz_read reads[FUZZ_READS_MAX];
	u32 nr_reads;
	u8 served[FUZZ_SERVED_MAX];
	u32 nr_served;
	struct sk_buff_head delivered;
	u32 taps[FUZZ_RECS_MAX];
	u32 nr_taps;
	struct virtsock_rec_info drops[FUZZ_RECS_MAX];
	u32 nr_drops;
	u32 nr_resets;
	u32 nr_kicks;
	u32 failed_allocs;
	u32 held;		/* payload of packets neither delivered nor freed */
	u32 held_packets;
	u32 fast;
	u32 tx_answers;
	u32 rxq_bytes;
	u32 left[2];		/* what might move, from the guest and to it */
	u32 took;		/* what the policy was told that has moved */
	u32 nr_over[2];
	u32 nr_asked;		/* for ports */
};

extern struct fuzz_env fuzz_env;
extern struct fuzz_log fuzz_log;
extern struct virtsock_vm fuzz_vm;

/* env.c */
void fuzz_env_reset(void);
u8 *fuzz_mem(u64 gpa);
u64 fuzz_mem_gpa(u32 page);
bool fuzz_port_allowed(u32 port);
void fuzz_log_begin(u32 head);

/* check.c */
int fuzz_oracle(const u8 *p, u64 avail, bool segs_ok);
void fuzz_check_parse(const u8 *data, size_t len, bool segs_ok);
void fuzz_check_call(int ret, u64 flags);

#endif
