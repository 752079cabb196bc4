// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls of the first CPU, but FLUSH: what is tried without a link, before
 * REGISTER, and beside a link that is up.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include "attack.h"

static long call(enum attack_kind kind, enum virtsock_hc_op op, unsigned long rbx,
		 unsigned long rcx)
{
	unsigned long rdx = prandom_u32_state(&attack_rnd);
	long ret = attack_hypercall(VIRTSOCK_HC_BASE + op, &rbx, &rcx, &rdx, rdx);

	attack_answer(kind, ret);
	if (ret == -VIRTSOCK_ESTALE && kind != CALL_STALE)
		attack_link.state = ATTACK_DOWN;
	return ret;
}

/*
 * A doorbell that the host takes. Linux does not mind to get one where it has
 * no handler, but some vectors have a meaning, and 0x80 is a system call.
 */
u64 attack_doorbell(struct rnd_state *state)
{
	static const u32 dest[] = { 0, 1, 2, 255, 256, 0x00ffffff, ~0U };

	return virtsock_doorbell_arg(dest[rnd(state, ARRAY_SIZE(dest))],
				     0x81 + rnd(state, 0x60), rnd(state, 2));
}

/* Once more until the host has ended the link before, and has had its pause. */
static void greet(void)
{
	unsigned long rbx, rcx, rdx;
	long ret;

	for (;;) {
		rbx = VIRTSOCK_ABI_VERSION;
		rcx = 0;
		rdx = ~0UL;
		ret = attack_hypercall(VIRTSOCK_HC_BASE + VIRTSOCK_HC_HELLO, &rbx,
				       &rcx, &rdx, 0);
		if (ret != -VIRTSOCK_EAGAIN || fatal_signal_pending(current))
			break;
		attack_polled();
		cond_resched();
	}
	if (ret == -VIRTSOCK_EAGAIN)
		return;
	attack_answer(CALL_HELLO, ret);
	if (ret)
		return;
	if (upper_32_bits(rbx) != VIRTSOCK_MAGIC || rdx || !rcx)
		attack_failed("hello: rbx %lx rcx %lx rdx %lx", rbx, rcx, rdx);
	attack_link.cid = lower_32_bits(rbx);
	attack_link.epoch = rcx;
	attack_link.state = ATTACK_GREETED;
}

/* Another version, or features that nobody has */
static void greet_wild(void)
{
	unsigned long rbx = rnd(&attack_rnd, 2) ? VIRTSOCK_ABI_VERSION :
						  prandom_u32_state(&attack_rnd);
	unsigned long rcx = -1UL >> rnd(&attack_rnd, 64), rdx = ~0UL;
	long ret;

	if (!rnd(&attack_rnd, 3))
		rbx |= 1UL << (32 + rnd(&attack_rnd, 32));
	ret = attack_hypercall(VIRTSOCK_HC_BASE + VIRTSOCK_HC_HELLO, &rbx, &rcx,
			       &rdx, 0);
	attack_answer(CALL_HELLO_WILD, ret);
	if (!ret && rdx)
		attack_failed("hello: features %lx", rdx);
	/* Whatever it was, the epoch that we know is not the link's any more. */
	if (!ret || attack_link.state == ATTACK_UP)
		attack_link.state = ATTACK_DOWN;
}

static void wrong_epoch(void)
{
	u64 epoch = attack_link.epoch ^ 1ULL << rnd(&attack_rnd, 64);

	/* Without a link, the last one's will do as well. */
	if (attack_link.state == ATTACK_DOWN && rnd(&attack_rnd, 2))
		epoch = attack_link.epoch;
	if (!rnd(&attack_rnd, 4))
		epoch = 0;
	call(CALL_STALE, 1 + rnd(&attack_rnd, VIRTSOCK_HC_NR - 1), epoch,
	     prandom_u32_state(&attack_rnd));
}

/* Numbers beside ours; of the last, the lower half is one of ours. */
static void wrong_number(void)
{
	static const unsigned long nr[] = {
		VIRTSOCK_HC_BASE - 1,
		VIRTSOCK_HC_BASE + VIRTSOCK_HC_NR,
		VIRTSOCK_HC_BASE | 0xff,
		VIRTSOCK_HC_BASE | 1UL << 31,
		VIRTSOCK_HC_BASE | 1UL << 32,
		VIRTSOCK_HC_BASE | 1UL << 63,
	};
	unsigned long rbx = attack_link.epoch, rcx = 0, rdx = 0;

	attack_answer(CALL_NUMBER,
		      attack_hypercall(nr[rnd(&attack_rnd, ARRAY_SIZE(nr))], &rbx,
				       &rcx, &rdx, 0));
}

static void wrong_doorbell(void)
{
	u64 arg = attack_doorbell(&attack_rnd);

	if (rnd(&attack_rnd, 2))
		arg = (arg & ~(0xffULL << 32)) | (u64)rnd(&attack_rnd, 32) << 32;
	else
		arg |= 1ULL << (41 + rnd(&attack_rnd, 23));
	call(CALL_DOORBELL_WILD, VIRTSOCK_HC_DOORBELL, attack_link.epoch, arg);
}

/* A ring of a random size, of our memory or the device's */
static struct virtsock_setup *setup_make(bool bar)
{
	struct attack_link *l = &attack_link;
	struct virtsock_setup *s = attack_setup;
	u32 i, nr = VIRTSOCK_RING_PAGES_MIN << rnd(&attack_rnd, 4);
	u64 gpa = bar ? attack_bar_gpa : virt_to_phys(attack_ring);
	void *va = bar ? attack_bar : attack_ring;

	s->size = cpu_to_le32(struct_size(s, pages, nr));
	s->nr_pages = cpu_to_le32(nr);
	s->doorbell = cpu_to_le64(attack_doorbell(&attack_rnd));
	for (i = 0; i < nr; i++) {
		l->va[i] = va + i * PAGE_SIZE;
		s->pages[i] = cpu_to_le64(gpa + i * PAGE_SIZE);
	}
	l->size = nr * PAGE_SIZE;
	l->head = 0;
	l->tail = 0;
	l->sane = true;
	l->suspect = false;
	l->doomed = false;
	return s;
}

/* @sure: can the host use the structure, and what it leads to? */
static void setup_try(enum attack_kind kind, u64 gpa, enum attack_sure sure)
{
	if (call(kind, VIRTSOCK_HC_REGISTER, attack_link.epoch, gpa))
		return;
	attack_link.state = ATTACK_UP;
	if (sure == ATTACK_BAD)
		attack_failed("register: taken, with what is no memory of the guest's");
}

static void register_field(void)
{
	struct virtsock_setup *s = setup_make(false);
	static const u32 nr[] = { 0, 1, 16, 31, 33, 255, 257, 512, 1U << 31, ~0U };
	u32 n;

	switch (rnd(&attack_rnd, 3)) {
	case 0:
		n = nr[rnd(&attack_rnd, ARRAY_SIZE(nr))];
		s->nr_pages = cpu_to_le32(n);
		if (rnd(&attack_rnd, 2))
			s->size = cpu_to_le32(sizeof(*s) + n * 8);
		break;
	case 1:
		n = le32_to_cpu(s->size) ^ 1U << rnd(&attack_rnd, 32);
		s->size = cpu_to_le32(n);
		break;
	default:
		s->doorbell = cpu_to_le64(1ULL << rnd(&attack_rnd, 37));
		break;
	}
	setup_try(CALL_REGISTER_FIELD, virt_to_phys(s), ATTACK_MAYBE);
}

/* Can the host use a page there? @sure: of the 4096 bytes that @gpa was made from */
static enum attack_sure page_sure(u64 gpa, enum attack_sure sure)
{
	if (!PAGE_ALIGNED(gpa))
		return ATTACK_BAD;
	/* Across the end of memory, and then aligned: it is the last page. */
	if (gpa < attack_top && attack_top - gpa >= PAGE_SIZE)
		return ATTACK_MAYBE;
	return sure;
}

/* One page or several that are not memory, or not to be written, or not whole */
static void register_page(void)
{
	struct virtsock_setup *s = setup_make(rnd(&attack_rnd, 2));
	u32 nr = le32_to_cpu(s->nr_pages), first, n, i;
	enum attack_sure sure, all = ATTACK_MAYBE;
	u64 gpa;

	n = 1 + rnd(&attack_rnd, 3);
	first = rnd(&attack_rnd, nr - n + 1);
	for (i = first; i < first + n; i++) {
		gpa = attack_wild(PAGE_SIZE, false, &sure);
		if (rnd(&attack_rnd, 4))
			gpa = PAGE_ALIGN_DOWN(gpa);
		if (page_sure(gpa, sure) == ATTACK_BAD)
			all = ATTACK_BAD;
		s->pages[i] = cpu_to_le64(gpa);
		attack_link.va[i] = NULL;
	}
	attack_link.sane = false;
	setup_try(CALL_REGISTER_PAGE, virt_to_phys(s), all);
}

/* The same page several times, or all the time */
static void register_twin(void)
{
	struct virtsock_setup *s = setup_make(false);
	u32 nr = le32_to_cpu(s->nr_pages), i;
	bool all = rnd(&attack_rnd, 2);

	for (i = nr / 2; i < nr; i++)
		attack_link.va[i] = attack_link.va[i - nr / 2];
	for (i = 0; i < nr; i++) {
		if (all)
			attack_link.va[i] = attack_ring;
		s->pages[i] = cpu_to_le64(virt_to_phys(attack_link.va[i]));
	}
	attack_link.sane = false;
	setup_try(CALL_REGISTER_TWIN, virt_to_phys(s), ATTACK_MAYBE);
}

/* The structure itself is nowhere, or leads there; or it is something else. */
static void register_addr(void)
{
	enum attack_sure sure = ATTACK_MAYBE;
	u32 len = le32_to_cpu(setup_make(false)->size);
	void *to = attack_bar + attack_bar_size - sizeof(struct virtsock_setup);
	u64 gpa;

	if (rnd(&attack_rnd, 3)) {
		gpa = attack_wild(len, false, &sure);
	} else {
		attack_count(MEM_BAR_END);
		memcpy(to, attack_setup, sizeof(struct virtsock_setup));
		gpa = attack_bar_gpa + attack_bar_size - sizeof(struct virtsock_setup);
	}
	attack_link.sane = false;
	setup_try(CALL_REGISTER_ADDR, gpa, sure);
}

/* The other CPU changes it meanwhile. */
static void register_race(void)
{
	struct virtsock_setup *s = setup_make(false);

	attack_link.sane = false;
	attack_race_begin(RACE_SETUP, 0, 0);
	setup_try(CALL_REGISTER_RACE, virt_to_phys(s), ATTACK_MAYBE);
	attack_race_end();
}

/* What there is a time for later */
static void early(void)
{
	static const enum virtsock_hc_op op[] = {
		VIRTSOCK_HC_FLUSH, VIRTSOCK_HC_DOORBELL, VIRTSOCK_HC_UNREGISTER,
	};
	u32 i = rnd(&attack_rnd, ARRAY_SIZE(op));
	u64 arg = i == 1 ? attack_doorbell(&attack_rnd) : 0;

	call(CALL_EARLY, op[i], attack_link.epoch, arg);
	if (op[i] == VIRTSOCK_HC_UNREGISTER)
		attack_link.state = ATTACK_DOWN;
}

static void unlinked(void)
{
	/* Nobody knows this VM before its first HELLO. */
	if (!attack_link.epoch)
		return greet();
	switch (rnd(&attack_rnd, 8)) {
	case 0:
		return wrong_epoch();
	case 1:
		return wrong_number();
	case 2:
		return greet_wild();
	default:
		return greet();
	}
}

static void greeted(void)
{
	switch (rnd(&attack_rnd, 16)) {
	case 0:
	case 1:
		return register_field();
	case 2:
	case 3:
		return register_page();
	case 4:
		return register_twin();
	case 5:
		return register_addr();
	case 6:
		return register_race();
	case 7:
		return register_race();
	case 8:
		return early();
	case 9:
		return rnd(&attack_rnd, 2) ? wrong_epoch() : greet();
	case 10:
		setup_make(true);
		return setup_try(CALL_REGISTER_BAR, virt_to_phys(attack_setup), ATTACK_MAYBE);
	default:
		setup_make(false);
		return setup_try(CALL_REGISTER, virt_to_phys(attack_setup), ATTACK_MAYBE);
	}
}

/* A CPU that moves its doorbell all the time */
static void doorbells(void)
{
	u32 n = 1 + rnd(&attack_rnd, 32);

	if (!rnd(&attack_rnd, 4))
		return wrong_doorbell();
	while (n-- && attack_link.state == ATTACK_UP)
		call(CALL_DOORBELL, VIRTSOCK_HC_DOORBELL, attack_link.epoch,
		     attack_doorbell(&attack_rnd));
}

static void register_up(void)
{
	enum attack_sure sure;
	u64 gpa = attack_wild(PAGE_SIZE, false, &sure);

	call(CALL_REGISTER_UP, VIRTSOCK_HC_REGISTER, attack_link.epoch, gpa);
}

static void unregister(void)
{
	call(CALL_UNREGISTER, VIRTSOCK_HC_UNREGISTER, attack_link.epoch, 0);
	attack_link.state = ATTACK_DOWN;
}

static void hello_up(void)
{
	call(CALL_HELLO_UP, VIRTSOCK_HC_HELLO, VIRTSOCK_ABI_VERSION, 0);
	attack_link.state = ATTACK_DOWN;
}

/* Of 512; what ends a link is rare, as the next one takes 0.1 s. */
static void linked(void)
{
	u32 n = rnd(&attack_rnd, 512);

	if (n < 360)
		attack_batch();
	else if (n < 400)
		attack_flush_good(CALL_FLUSH_WAIT, RACE_NONE, 0, VIRTSOCK_FF_WAIT);
	else if (n < 430)
		attack_flush_good(CALL_FLUSH_RACE, rnd(&attack_rnd, 3) ? RACE_CALLS : RACE_ENDS,
				  0, VIRTSOCK_FF_WAIT);
	else if (n < 450)
		attack_flush_args();
	else if (n < 455)
		attack_flush_buffer();
	else if (n < 485)
		doorbells();
	else if (n < 493)
		wrong_epoch();
	else if (n < 498)
		register_up();
	else if (n < 502)
		wrong_number();
	else if (n < 505)
		attack_flush_head();
	else if (n < 508)
		unregister();
	else if (n < 511)
		hello_up();
	else
		greet_wild();
}

/* The next thing to do. Context: process. */
void attack_step(void)
{
	switch (attack_link.state) {
	case ATTACK_DOWN:
		return unlinked();
	case ATTACK_GREETED:
		return greeted();
	default:
		return linked();
	}
}
