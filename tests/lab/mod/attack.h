/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the attacker share; attack_main.c says what it does. */
#ifndef ATTACK_H
#define ATTACK_H

#include <linux/prandom.h>
#include <linux/types.h>
#include <linux/virtsock.h>

/* Each of the attacker's memories: the largest ring, the largest buffer */
#define ATTACK_SIZE	(VIRTSOCK_RING_PAGES_MAX * VIRTSOCK_PAGE_SIZE)

/* Records of a batch, at most */
#define ATTACK_BATCH	24

/* What is done, and counted; the names and the answers are in attack_count.c */
enum attack_kind {
	/* calls of the first CPU */
	CALL_HELLO,
	CALL_HELLO_WILD,
	CALL_HELLO_UP,
	CALL_REGISTER,
	CALL_REGISTER_FIELD,
	CALL_REGISTER_PAGE,
	CALL_REGISTER_TWIN,
	CALL_REGISTER_BAR,
	CALL_REGISTER_ADDR,
	CALL_REGISTER_RACE,
	CALL_REGISTER_UP,
	CALL_EARLY,
	CALL_STALE,
	CALL_NUMBER,
	CALL_DOORBELL,
	CALL_DOORBELL_WILD,
	CALL_FLUSH,
	CALL_FLUSH_WAIT,
	CALL_FLUSH_RACE,
	CALL_FLUSH_ARGS,
	CALL_FLUSH_BUFFER,
	CALL_FLUSH_HEAD,
	CALL_UNREGISTER,
	/* calls of the second one */
	RACE_DOORBELL,
	RACE_FLUSH,
	RACE_REGISTER,
	RACE_HELLO,
	RACE_UNREGISTER,
	ATTACK_CALLS,

	/* records */
	REC_WALK = ATTACK_CALLS,
	REC_REQUEST,
	REC_RESPONSE,
	REC_DATA,
	REC_SEGS,
	REC_FLOOD,
	REC_NO_EOM,
	REC_SHUTDOWN,
	REC_RST,
	REC_CREDIT_UPDATE,
	REC_CREDIT_REQUEST,
	REC_ANSWER,
	REC_STRANGER,
	REC_ROUTE,
	REC_SEGS_BAD,
	REC_SOURCE,
	REC_FIELD,
	REC_NOISE,
	ATTACK_OPS,

	/* what is in calls and records: no operations of their own */
	LIE_CREDIT = ATTACK_OPS,
	MEM_OWN,
	MEM_RING,
	MEM_BUFFER,
	MEM_SETUP,
	MEM_BAR,
	MEM_BAR_END,
	MEM_APIC,
	MEM_IOAPIC,
	MEM_HPET,
	MEM_HOLE,
	MEM_ROM,
	MEM_LEGACY,
	MEM_640K,
	MEM_TOP,
	MEM_BEYOND,
	MEM_WRAP,
	CHANGE_RING,
	CHANGE_SEGS,
	CHANGE_SETUP,
	ATTACK_KINDS
};

/* Is it memory that the host can read? */
enum attack_sure {
	ATTACK_GOOD,
	ATTACK_MAYBE,
	ATTACK_BAD
};

enum attack_state {
	ATTACK_DOWN,
	ATTACK_GREETED,
	ATTACK_UP
};

/* What the other CPU does during a call */
enum attack_race {
	RACE_NONE,
	RACE_RING,	/* what is in the ring changes */
	RACE_SEGS,	/* what segments name */
	RACE_SETUP,	/* the setup structure */
	RACE_CALLS,	/* the other CPU calls as well */
	RACE_ENDS	/* and may end the link by it */
};

/**
 * struct attack_link - the link as its guest knows it; the first CPU's
 * @state: of it
 * @epoch: as HELLO said
 * @cid: the same
 * @size: of the ring
 * @head: up to here it is filled
 * @tail: up to here the host has consumed it
 * @recs: where the records of the last batch begin
 * @nr_recs: how many there are
 * @va: where the ring's pages are, NULL for those that cannot be written
 * @sane: they are all different, and ours
 * @suspect: before @head is something that may be refused
 * @doomed: something that must be
 */
struct attack_link {
	enum attack_state state;
	u64 epoch;
	u32 cid;
	u32 size;
	u32 head;
	u32 tail;
	u32 recs[ATTACK_BATCH];
	u32 nr_recs;
	void *va[VIRTSOCK_RING_PAGES_MAX];
	bool sane;
	bool suspect;
	bool doomed;
};

/* attack_main.c */
extern struct rnd_state attack_rnd;
extern struct attack_link attack_link;
extern unsigned int attack_neighbour, attack_victim, attack_bait;
extern unsigned long attack_top;
u32 rnd(struct rnd_state *state, u32 n);

/* attack_mem.c */
extern void *attack_ring, *attack_rx, *attack_rx2, *attack_segs, *attack_setup;
int attack_mem_init(void);
void attack_mem_exit(void);
u64 attack_own(u32 len);
u64 attack_wild(u32 len, bool write, enum attack_sure *sure);

/* attack_vm.c */
extern void *attack_bar;
extern u64 attack_bar_gpa, attack_bar_size;
int attack_vm_init(void);
void attack_vm_exit(void);
long attack_hypercall(unsigned long nr, unsigned long *rbx, unsigned long *rcx,
		      unsigned long *rdx, unsigned long rsi);

/* attack_count.c */
void attack_failed(const char *fmt, ...) __printf(1, 2);
void attack_count(enum attack_kind kind);
void attack_answer(enum attack_kind kind, long ret);
void attack_polled(void);
unsigned int attack_done(void);
int attack_report(bool all);

/* attack_call.c */
u64 attack_doorbell(struct rnd_state *state);
void attack_step(void);

/* attack_flush.c */
void attack_flush(enum attack_kind kind, u64 gpa, u64 len, enum attack_sure sure,
		  bool raced, u32 flags);
void attack_flush_init(void);
void attack_flush_good(enum attack_kind kind, enum attack_race race, u32 from, u32 flags);
void attack_flush_args(void);
void attack_flush_buffer(void);
void attack_flush_head(void);
u16 attack_asked(u32 *src_port, u32 *dst_port);

/* attack_record.c */
void attack_batch(void);

/* attack_race.c */
int attack_race_init(u64 seed);
void attack_race_exit(void);
void attack_race_begin(enum attack_race what, u32 from, u32 to);
void attack_race_end(void);

#endif
