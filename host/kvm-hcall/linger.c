// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that is about to wait for an answer, and has nothing else to do,
 * lets its hypercall wait for it: the answer then costs no doorbell, no second
 * hypercall and no wake-up of the vCPU. Bounded and adaptive as KVM's
 * halt_poll_ns is, and never at the expense of whoever else wants the CPU.
 */
#include <linux/hrtimer.h>
#include <linux/module.h>
#include <linux/rcuwait.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>
#include "host.h"

#define VIRTSOCK_LINGER_FIRST	(10 * NSEC_PER_USEC)
#define VIRTSOCK_LINGER_SLEEP	(50 * NSEC_PER_USEC)
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

enum virtsock_linger_end {
	VIRTSOCK_LINGER_ANSWERED,
	VIRTSOCK_LINGER_WANTED,		/* the vCPU has other things to do */
	VIRTSOCK_LINGER_SKIPPED,	/* others have the CPU, and tend to keep it */
	VIRTSOCK_LINGER_SPUN,		/* in vain */
	VIRTSOCK_LINGER_SLEPT,		/* in vain */
};

/*
 * Is there a signal, an interrupt or another request? Each return of this
 * thread to a CPU makes the one that is left out.
 */
static bool virtsock_vcpu_wanted(struct kvm_vcpu *vcpu)
{
	u64 requests = READ_ONCE(vcpu->requests);

	requests &= ~BIT_ULL(KVM_REQ_STEAL_UPDATE & KVM_REQUEST_MASK);
	return requests || signal_pending(current);
}

/*
 * Whoever is to answer may need this very CPU, and the scheduler may not think
 * that it is its turn yet: asleep, nothing keeps it. The vCPU sleeps on what it
 * sleeps on when it is halted, so that KVM's requests wake it, too; vcpu_put()
 * and vcpu_load() tell the hardware's interrupt controller of both ends.
 */
static enum virtsock_linger_end
virtsock_linger_sleep(struct kvm_vcpu *vcpu, struct virtsock_vm *vm, u64 until)
{
	struct rcuwait *wait = kvm_arch_vcpu_get_wait(vcpu);
	ktime_t expires = ns_to_ktime(until);
	int left = 1;
	bool taken;

	spin_lock_bh(&vm->tx_lock);
	taken = vm->lingerer;
	if (!taken)
		vm->lingerer = wait;
	spin_unlock_bh(&vm->tx_lock);
	if (taken)
		return VIRTSOCK_LINGER_SKIPPED;

	prepare_to_rcuwait(wait);
	vcpu_put(vcpu);
	set_current_state(TASK_INTERRUPTIBLE);
	if (!READ_ONCE(vm->waits) && !virtsock_vcpu_wanted(vcpu))
		left = schedule_hrtimeout(&expires, HRTIMER_MODE_ABS);
	finish_rcuwait(wait);
	vcpu_load(vcpu);

	spin_lock_bh(&vm->tx_lock);
	vm->lingerer = NULL;
	spin_unlock_bh(&vm->tx_lock);
	if (READ_ONCE(vm->waits))
		return VIRTSOCK_LINGER_ANSWERED;
	return left ? VIRTSOCK_LINGER_WANTED : VIRTSOCK_LINGER_SLEPT;
}

/*
 * Spin, or step back for whoever is to answer. A reader's credit alone is no
 * answer, that comes right behind. Interrupts that the hardware posts while
 * this spins, and the timer of an Intel guest, are seen by nobody but the
 * guest: they wait, for linger_us at most.
 */
static enum virtsock_linger_end
virtsock_wait_for_answer(struct kvm_vcpu *vcpu, struct virtsock_vm *vm,
			 u64 start, u32 limit)
{
	while (!READ_ONCE(vm->waits)) {
		if (virtsock_vcpu_wanted(vcpu))
			return VIRTSOCK_LINGER_WANTED;
		if (!single_task_running()) {
			if (READ_ONCE(vm->linger_skip))
				return VIRTSOCK_LINGER_SKIPPED;
			limit = max_t(u32, limit, VIRTSOCK_LINGER_SLEEP);
			limit = min_t(u32, limit, READ_ONCE(linger_us) * NSEC_PER_USEC);
			return virtsock_linger_sleep(vcpu, vm, start + limit);
		}
		if (ktime_get_ns() - start >= limit)
			return VIRTSOCK_LINGER_SPUN;
		cpu_relax();
	}
	return VIRTSOCK_LINGER_ANSWERED;
}

/**
 * virtsock_linger_late() - an answer comes after the wait for it was given up
 * @vm: the VM, whose doorbell is about to ring
 *
 * Had the wait been a little longer, it would have been worth it: the next
 * ones are, if the administrator allows for that much.
 *
 * Context: process or softirq, vm->tx_lock held.
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
 * Drops vm->lock meanwhile, as other vCPUs have things to say, and kvm->srcu, as
 * a halted vCPU does: a change of memory slots waits for all who hold it.
 *
 * Context: vCPU thread, vm->lock and kvm->srcu held. It spins or sleeps for
 * linger_us at most.
 * Return: false if the link ended meanwhile.
 */
bool virtsock_linger(struct kvm_vcpu *vcpu, struct virtsock_vm *vm)
{
	u32 max = READ_ONCE(linger_us) * NSEC_PER_USEC;
	u32 limit = min(READ_ONCE(vm->linger_ns), max);
	u64 start = ktime_get_ns();
	u64 epoch = vm->epoch;
	enum virtsock_linger_end end;

	if (!max || READ_ONCE(vm->waits))
		return true;

	mutex_unlock(&vm->lock);
	kvm_vcpu_srcu_read_unlock(vcpu);
	end = virtsock_wait_for_answer(vcpu, vm, start, limit);
	kvm_vcpu_srcu_read_lock(vcpu);
	/* As in virtsock_hcall(); whoever has it is about to be killed as well. */
	if (mutex_lock_killable(&vm->lock))
		while (!mutex_trylock(&vm->lock))
			schedule_timeout_idle(1);

	if (end == VIRTSOCK_LINGER_ANSWERED) {
		vm->linger_fails = 0;
		WRITE_ONCE(vm->linger_skip, 0);
	} else {
		spin_lock_bh(&vm->tx_lock);
		vm->linger_since = start;
		spin_unlock_bh(&vm->tx_lock);
	}
	/* Shorter, unless the answer shows that it was nearly enough */
	if (end == VIRTSOCK_LINGER_SPUN || end == VIRTSOCK_LINGER_SLEPT)
		WRITE_ONCE(vm->linger_ns, max_t(u32, limit / 2, VIRTSOCK_LINGER_FIRST));
	/* Others have work here: leave it to them for a while */
	if (end == VIRTSOCK_LINGER_SLEPT)
		WRITE_ONCE(vm->linger_skip,
			   min(++vm->linger_fails, VIRTSOCK_LINGER_SKIP));
	else if (end == VIRTSOCK_LINGER_SKIPPED && vm->linger_skip)
		WRITE_ONCE(vm->linger_skip, vm->linger_skip - 1);
	return vm->epoch == epoch && !READ_ONCE(vm->why);
}
