/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of virtsock_bad share; bad_main.c says what it does. */
#ifndef BAD_H
#define BAD_H

#include <linux/types.h>
#include <linux/virtsock.h>

#define BAD_PAGES	VIRTSOCK_RING_PAGES_MIN
#define BAD_RING	(BAD_PAGES * VIRTSOCK_PAGE_SIZE)
#define BAD_ORDER	5
#define BAD_RX		(PAGE_SIZE << BAD_ORDER)

extern unsigned int bad_failed;

/* A link, perhaps that of the transport: bad_link.c */
extern unsigned long bad_epoch;
extern unsigned int bad_cid;
extern u32 bad_head, bad_tail;		/* the tail as the host said last */
extern void *bad_ring, *bad_rx;
/* Where it rings; bad_bell: if not nothing, all of the argument */
extern u8 bad_vector;
extern unsigned long bad_bell;

int bad_mem_init(void);
void bad_mem_exit(void);
void bad_expect(const char *name, long want, long got);
long bad_call(unsigned int op, unsigned long *rbx, unsigned long *rcx,
	      unsigned long rdx, unsigned long rsi);
long bad_flush_to(u64 ep, u32 to, u32 flags, u64 gpa, u64 len);
long bad_hello(void);
struct virtsock_setup *bad_setup_new(void);
long bad_setup_try(struct virtsock_setup *s);
void bad_link_up(void);
void bad_link_down(void);
struct virtsock_rec bad_good_rec(void);
void bad_put(const void *rec, u32 len);
long bad_send(const struct virtsock_rec *rec, u32 len);
long bad_flush_all(void);
long bad_await_op(u16 op);

/* bad_records.c */
void bad_try_register(void);
void bad_try_records(void);
void bad_try_noise(void);

/* bad_sweep.c */
void bad_try_sweep(void);
void bad_try_relink(unsigned int ms);

#endif
