// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that is about to wait for an answer, and has nothing else to do,
 * lets its hypercall wait for it: the answer then costs no doorbell, no second
 * hypercall and no wake-up of the vCPU. Bounded and adaptive as KVM's
 * halt_poll_ns is, and never at the expense of whoever else wants the CPU.
 */
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>
#include "host.h"

#define VIRTSOCK_LINGER_FIRST	(10 * NSEC_PER_USEC)
#define VIRTSOCK_LINGER_MAX_US	200U
#define VIRTSOCK_LINGER_SKIP	64U

static unsigned int linger_us = VIRTSOCK_LINGER_MAX_US;

static int virtsock_linger_set(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, VIRTSOCK_LINGER_MAX_US);
}

static const struct kernel_param_ops virtsock_linger_ops = {
	.set = virtsock_linger_set,
	.get = param_get_uint,
};

module_param_cb(linger_us, &virtsock_linger_ops, &linger_us, 0644);
MODULE_PARM_DESC(linger_us, "longest wait in a hypercall for an answer, in us (default 200, 0: never)");

/*
 * Timers and interrupts for the vCPU make requests. Those that the hardware
 * posts make none; they wait for as long as we do, at most.
 */
static bool virtsock_vcpu_wanted(struct kvm_vcpu *vcpu)
{
	return signal_pending(current) || kvm_request_pending(vcpu);
}

/*
 * Spin, or step back for whoever is to answer. Return: is there an answer? A
 * reader's credit alone is none, its answer comes right behind.
 */
static bool virtsock_wait_for_answer(struct kvm_vcpu *vcpu, struct virtsock_vm *vm,
				     u32 limit)
{
	u64 start = ktime_get_ns();
	int yields = 2;

	while (!READ_ONCE(vm->waits)) {
		if (virtsock_vcpu_wanted(vcpu) || ktime_get_ns() - start >= limit)
			return READ_ONCE(vm->waits);
		if (single_task_running()) {
			cpu_relax();
			continue;
		}
		/*
		 * Whoever is to answer may need this very CPU: step back, and
		 * once more if it was not its turn yet. Where that was no use
		 * lately, somebody else has work here: no more of it for a while.
		 */
		if (READ_ONCE(vm->linger_skip) || !yields--)
			return false;
		yield();
	}
	return true;
}

/**
 * virtsock_linger_late() - an answer comes after the wait for it was given up
 * @vm: the VM, whose doorbell is about to ring
 *
 * Had the wait been a little longer, it would have been worth it: the next
 * ones are, if the administrator allows for that much.
 *
 * Context: process, vm->tx_lock held.
 */
void virtsock_linger_late(struct virtsock_vm *vm)
{
	u32 max = READ_ONCE(linger_us) * NSEC_PER_USEC;
	u64 late;

	if (!vm->linger_since)
		return;
	late = ktime_get_ns() - vm->linger_since;
	vm->linger_since = 0;
	if (late <= max)
		WRITE_ONCE(vm->linger_ns, min_t(u64, 2 * late, max));
}

/**
 * virtsock_linger() - wait a moment for something to send to the guest
 * @vcpu: the caller, which has said that it would wait anyway
 * @vm: its VM
 *
 * Drops vm->lock meanwhile: other vCPUs have things to say.
 *
 * Context: vCPU thread, vm->lock and kvm->srcu held: it spins or yields, it
 * never sleeps.
 * Return: false if the link ended meanwhile.
 */
bool virtsock_linger(struct kvm_vcpu *vcpu, struct virtsock_vm *vm)
{
	u32 max = READ_ONCE(linger_us) * NSEC_PER_USEC;
	u32 limit = min(READ_ONCE(vm->linger_ns), max);
	u64 start = ktime_get_ns();
	u64 epoch = vm->epoch;
	bool answered;
	u32 skip;

	if (!max)
		return true;

	mutex_unlock(&vm->lock);
	answered = virtsock_wait_for_answer(vcpu, vm, limit);
	mutex_lock(&vm->lock);
	if (answered) {
		vm->linger_fails = 0;
		WRITE_ONCE(vm->linger_skip, 0);
	} else {
		/* Shorter, unless the answer shows that it was nearly enough */
		WRITE_ONCE(vm->linger_ns, max_t(u32, limit / 2, VIRTSOCK_LINGER_FIRST));
		spin_lock_bh(&vm->tx_lock);
		vm->linger_since = start;
		spin_unlock_bh(&vm->tx_lock);
		skip = vm->linger_skip;
		skip = skip ? skip - 1 : min(++vm->linger_fails, VIRTSOCK_LINGER_SKIP);
		WRITE_ONCE(vm->linger_skip, skip);
	}
	return vm->epoch == epoch && !READ_ONCE(vm->why);
}
