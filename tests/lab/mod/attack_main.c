// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that does all it can against its host, at random: ops= operations, an
 * operation being a hypercall (but a HELLO that is answered EAGAIN: these are
 * polls) or a record. CPU 0 makes them; meanwhile CPU 1 changes what the host
 * reads, and calls as well. What the host answers is checked where it is known
 * what it must say. Loads if all answers were right; what was done, and what the
 * host said, is in the log.
 *
 * Which operation is next depends on seed= and its number only, but for what
 * the host answers: first= begins there.
 */
#include <linux/cpumask.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include "attack.h"

static unsigned long seed = 1;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "of the random numbers");

static unsigned long first;
module_param(first, ulong, 0444);
MODULE_PARM_DESC(first, "number of the first step");

static unsigned int ops = 20000;
module_param(ops, uint, 0444);
MODULE_PARM_DESC(ops, "operations");

unsigned int attack_neighbour = 43;
module_param_named(neighbour, attack_neighbour, uint, 0444);
MODULE_PARM_DESC(neighbour, "CID of another VM");

unsigned int attack_victim = 1;
module_param_named(victim, attack_victim, uint, 0444);
MODULE_PARM_DESC(victim, "port of a program that others are connected to");

unsigned int attack_bait = 5000;
module_param_named(bait, attack_bait, uint, 0444);
MODULE_PARM_DESC(bait, "first of the 8 ports of vst bait");

unsigned long attack_top = 512UL << 20;
module_param_named(top, attack_top, ulong, 0444);
MODULE_PARM_DESC(top, "where the VM's memory below 4 GiB ends");

struct rnd_state attack_rnd;
struct attack_link attack_link;

/* 0 to n - 1 */
u32 rnd(struct rnd_state *state, u32 n)
{
	return (u64)prandom_u32_state(state) * n >> 32;
}

static void attack(void)
{
	unsigned long step;

	for (step = first; attack_done() < ops; step++) {
		prandom_seed_state(&attack_rnd, (seed << 32) ^ (step * 0x9e3779b97f4a7c15));
		attack_step();
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	pr_info("virtsock_attack: seed %lu, steps %lu to %lu\n", seed, first, step);
}

/* Whatever the link is now, the host has none to our memory afterwards. */
static void goodbye(void)
{
	unsigned long rbx = attack_link.epoch, rcx = 0, rdx = 0;

	attack_hypercall(VIRTSOCK_HC_BASE + VIRTSOCK_HC_UNREGISTER, &rbx, &rcx, &rdx, 0);
}

static int __init attack_init(void)
{
	int err;

	if (num_online_cpus() < 2) {
		pr_err("virtsock_attack: this takes 2 CPUs\n");
		return -EINVAL;
	}
	err = attack_mem_init();
	if (err) {
		pr_err("virtsock_attack: no memory, or no ivshmem device with %u KiB: %d\n",
		       2 * ATTACK_SIZE >> 10, err);
		goto out;
	}
	err = set_cpus_allowed_ptr(current, cpumask_of(0));
	if (!err)
		err = attack_race_init(~seed);
	if (err)
		goto out;
	attack_flush_init();
	attack();
	attack_race_exit();
	goodbye();
	err = attack_report(ops >= 10000);
out:
	attack_mem_exit();
	return err;
}

static void __exit attack_exit(void)
{
}

module_init(attack_init);
module_exit(attack_exit);
MODULE_DESCRIPTION("virtsock: a guest that does all it can against its host");
MODULE_LICENSE("GPL");
