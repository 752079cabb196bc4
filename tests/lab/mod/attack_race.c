// SPDX-License-Identifier: GPL-2.0-only
/*
 * The second CPU: while the first one is in a call, or about to make it, it
 * changes memory that the host reads for that call, or makes calls as well.
 */
#include <linux/align.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/virtsock.h>
#include "attack.h"

/* What to do, written by the first CPU; and whether the second is at it */
static struct {
	enum attack_race want;
	u32 from;
	u32 to;
	u32 acts;
	bool busy;
} race;

/* What it had done when that began */
static u32 acts;

static struct rnd_state state;
static struct task_struct *racer;

static void wait_a_little(void)
{
	u32 n = rnd(&state, 16);

	while (n--)
		cpu_relax();
}

/*
 * Wrong for as long as right, and often: what is always wrong is refused when it is
 * first read, and nobody learns whether it is read again.
 */
static void change_le32(__le32 *field, u32 to)
{
	__le32 old = READ_ONCE(*field);
	u32 n = 32;

	while (n--) {
		WRITE_ONCE(*field, cpu_to_le32(to));
		wait_a_little();
		WRITE_ONCE(*field, old);
		wait_a_little();
	}
}

static void change_le64(__le64 *field, u64 to)
{
	__le64 old = READ_ONCE(*field);
	u32 n = 32;

	while (n--) {
		WRITE_ONCE(*field, cpu_to_le64(to));
		wait_a_little();
		WRITE_ONCE(*field, old);
		wait_a_little();
	}
}

/* A record's header, or anything that is in the ring */
static void change_ring(void)
{
	struct attack_link *l = &attack_link;
	u32 n = 1 + rnd(&state, 4), pos, old, to;
	__le32 *va;

	while (n-- && race.to != race.from) {
		if (rnd(&state, 4))
			pos = l->recs[rnd(&state, l->nr_recs)] +
			      4 * rnd(&state, sizeof(struct virtsock_rec) / 4);
		else
			pos = race.from + ALIGN_DOWN(rnd(&state, race.to - race.from), 4);
		pos %= l->size;
		va = l->va[pos / PAGE_SIZE];
		if (!va)
			continue;
		va += offset_in_page(pos) / 4;
		old = le32_to_cpu(READ_ONCE(*va));
		to = rnd(&state, 2) ? old ^ 1U << rnd(&state, 32) : prandom_u32_state(&state);
		change_le32(va, to);
		attack_count(CHANGE_RING);
	}
}

static void change_segs(void)
{
	u32 *mem = attack_segs, n = 64;

	while (n--)
		WRITE_ONCE(mem[rnd(&state, ATTACK_SIZE / 4)], prandom_u32_state(&state));
	attack_count(CHANGE_SEGS);
}

static void change_setup(void)
{
	const u64 pages[] = {
		0xfee00000, 0xfec00000, 0xfffff000, 0xa0000, 1ULL << 45, -4096ULL,
		virt_to_phys(attack_ring), virt_to_phys(attack_setup),
		virt_to_phys(attack_rx) + 8, attack_bar_gpa,
	};
	struct virtsock_setup *s = attack_setup;
	u64 to = pages[rnd(&state, ARRAY_SIZE(pages))];
	u32 page = rnd(&state, VIRTSOCK_RING_PAGES_MIN);

	if (!rnd(&state, 16))
		change_le32(&s->nr_pages, rnd(&state, 512));
	else if (!rnd(&state, 16))
		change_le32(&s->size, rnd(&state, 4096));
	else
		change_le64(&s->pages[page], to);
	attack_count(CHANGE_SETUP);
}

static void call(enum attack_kind kind, enum virtsock_hc_op op, unsigned long rbx,
		 unsigned long rcx)
{
	unsigned long rdx = virt_to_phys(attack_rx2);

	attack_answer(kind, attack_hypercall(VIRTSOCK_HC_BASE + op, &rbx, &rcx, &rdx,
					     ATTACK_SIZE));
}

static void calls(bool ends)
{
	u64 epoch = READ_ONCE(attack_link.epoch);
	u32 head = READ_ONCE(attack_link.head);

	switch (rnd(&state, ends ? 10 : 8)) {
	case 0:
	case 1:
	case 2:
	case 3:
		return call(RACE_FLUSH, VIRTSOCK_HC_FLUSH, epoch,
			    virtsock_flush_arg(head, rnd(&state, 4)));
	case 4:
		return call(RACE_REGISTER, VIRTSOCK_HC_REGISTER, epoch,
			    virt_to_phys(attack_setup));
	case 8:
		return call(RACE_UNREGISTER, VIRTSOCK_HC_UNREGISTER, epoch, 0);
	case 9:
		return call(RACE_HELLO, VIRTSOCK_HC_HELLO, VIRTSOCK_ABI_VERSION, 0);
	default:
		return call(RACE_DOORBELL, VIRTSOCK_HC_DOORBELL, epoch,
			    attack_doorbell(&state));
	}
}

static void act(enum attack_race what)
{
	switch (what) {
	case RACE_NONE:
		return;
	case RACE_RING:
		return change_ring();
	case RACE_SEGS:
		return change_segs();
	case RACE_SETUP:
		return change_setup();
	case RACE_CALLS:
	case RACE_ENDS:
		return calls(what == RACE_ENDS);
	}
}

/* It never sleeps: it would come too late. */
static int run(void *unused)
{
	while (!kthread_should_stop()) {
		cond_resched();
		if (READ_ONCE(race.want) == RACE_NONE) {
			cpu_relax();
			continue;
		}
		/* Calls are operations, and the first CPU's are the most. */
		if (READ_ONCE(race.want) >= RACE_CALLS && race.acts - acts >= 4) {
			cpu_relax();
			continue;
		}
		WRITE_ONCE(race.busy, true);
		/* Pairs with attack_race_end(): either sees what the other wrote. */
		smp_mb();
		/* Pairs with attack_race_begin(): what to change was written before. */
		act(smp_load_acquire(&race.want));
		WRITE_ONCE(race.acts, race.acts + 1);
		/* Pairs with attack_race_end(): what was changed is to be seen. */
		smp_store_release(&race.busy, false);
	}
	return 0;
}

/* Context: process. Return: 0 or a negative errno. */
int attack_race_init(u64 seed)
{
	prandom_seed_state(&state, seed);
	racer = kthread_create(run, NULL, "virtsock_attack");
	if (IS_ERR(racer))
		return PTR_ERR(racer);
	kthread_bind(racer, 1);
	wake_up_process(racer);
	return 0;
}

/* Context: process. */
void attack_race_exit(void)
{
	kthread_stop(racer);
}

/* Until the second CPU has done something, if that is soon */
static void wait_act(void)
{
	u32 patience = 20000;

	while (READ_ONCE(race.acts) == acts && --patience)
		cpu_relax();
}

/*
 * Have the second CPU do @what from now on; to the ring between @from and @to.
 * Where it changes memory, it has begun when this returns; calls it had better
 * make when the first one is in its own.
 */
void attack_race_begin(enum attack_race what, u32 from, u32 to)
{
	race.from = from;
	race.to = to;
	acts = READ_ONCE(race.acts);
	/* Pairs with run(): from and to come first. */
	smp_store_release(&race.want, what);
	if (what != RACE_NONE && what < RACE_CALLS)
		wait_act();
}

/* Until it is at nothing any more, but has been */
void attack_race_end(void)
{
	if (race.want >= RACE_CALLS)
		wait_act();
	WRITE_ONCE(race.want, RACE_NONE);
	/* Pairs with run(): either sees what the other wrote. */
	smp_mb();
	/* Pairs with run(): what it changed is to be seen. */
	while (smp_load_acquire(&race.busy))
		cpu_relax();
}
