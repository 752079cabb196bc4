// SPDX-License-Identifier: GPL-2.0-only
/*
 * The doorbell, host's side: an interrupt sent by the VM's own local APIC. It
 * may be merged or lost (a vector that moves, a CPU that goes offline), so it
 * is repeated, ever slower, until the guest calls.
 */
#include <asm/apicdef.h>
#include <linux/moduleparam.h>
#include <trace/events/virtsock.h>
#include "host.h"

#define VIRTSOCK_KICK_FIRST	(HZ / 10)
#define VIRTSOCK_KICK_LAST	HZ

#define VIRTSOCK_BELL_MAX_US	1000U

static unsigned int doorbell_usecs = 50;

static int virtsock_bell_set(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, VIRTSOCK_BELL_MAX_US);
}

static const struct kernel_param_ops virtsock_bell_ops = {
	.set = virtsock_bell_set,
	.get = param_get_uint,
};

module_param_cb(doorbell_usecs, &virtsock_bell_ops, &doorbell_usecs, 0644);
MODULE_PARM_DESC(doorbell_usecs, "how long the doorbell may wait for more of a stream of small messages, in us; 40 times as long where a guest is slow to answer it (default 50, 0: never)");

/* In KVM's private lapic.h; exported for its own vendor modules */
void kvm_apic_send_ipi(struct kvm_lapic *apic, u32 icr_low, u32 icr_high);

/**
 * virtsock_ring() - interrupt the guest
 * @vm: the VM; its vCPUs exist, as the caller holds a reference, or is waited
 *	for before they go
 *
 * One CPU of it, as to wake them all would be paid for by who rings: of those that
 * the guest has given what is named, which may be all (their logical destinations, and
 * in xAPIC mode their IDs), that of lowest priority. No guest needs a broadcast: it is
 * not rung, in whatever mode KVM finds the APIC. 0xff is a CPU in x2APIC mode, and
 * KVM wants that to be of fixed delivery.
 *
 * Context: any but hard irq; no spinlock held.
 */
void virtsock_ring(struct virtsock_vm *vm)
{
	u64 arg = READ_ONCE(vm->doorbell);
	struct kvm_vcpu *vcpu = vm->kvm ? kvm_get_vcpu(vm->kvm, 0) : NULL;
	u32 icr = APIC_DM_LOWEST | APIC_INT_ASSERT | (u8)(arg >> 32);
	u32 dest = lower_32_bits(arg);

	if (!arg || !vcpu || !vcpu->arch.apic)
		return;
	if (arg & VIRTSOCK_DB_LOGICAL)
		icr |= APIC_DEST_LOGICAL;
	else if (dest == 0xff)
		icr &= ~APIC_DM_LOWEST;
	if (!(vcpu->arch.apic_base & X2APIC_ENABLE))
		dest <<= 24;
	if (dest >> 24 != 0xff) {
		kvm_apic_send_ipi(vcpu->arch.apic, icr, dest);
		virtsock_stat_inc(&vm->stats, VIRTSOCK_STATS_A_DOORBELLS);
		trace_virtsock_vm_doorbell(vm->cid, arg);
	}
	queue_delayed_work(virtsock_kick_wq, &vm->kick_work, VIRTSOCK_KICK_FIRST);
}

/* The caller rings, without vm->tx_lock, which it holds now. */
static void virtsock_bell_rings(struct virtsock_vm *vm)
{
	vm->armed = false;
	virtsock_moderate_rung(&vm->bell, ktime_get_ns());
	virtsock_linger_late(vm);
}

/**
 * virtsock_bell() - something was queued that is worth a call: ring for it?
 * @vm: the VM
 * @class: what it is
 * @len: bytes of payload
 *
 * Context: process, vm->tx_lock held; by RCU, a reference is not needed.
 * Return: true if the caller shall call virtsock_ring() when it has dropped it.
 */
bool virtsock_bell(struct virtsock_vm *vm, enum virtsock_tx_class class, u32 len)
{
	struct virtsock_moderation *m = &vm->bell;
	bool held = m->held;
	u64 ns;

	if (!vm->armed || vm->paused)
		return false;
	if (class == VIRTSOCK_TX_DATA || class == VIRTSOCK_TX_MORE) {
		m->min_ns = READ_ONCE(doorbell_usecs) * NSEC_PER_USEC;
		ns = virtsock_moderate(m, held ? 0 : ktime_get_ns(), len);
		if (ns && !held) {
			hrtimer_start(&vm->bell_timer, ns_to_ktime(ns),
				      HRTIMER_MODE_REL_SOFT);
			/* What comes after this is our time, not the answer's. */
			virtsock_linger_late(vm);
		}
		if (ns)
			return false;
	}
	virtsock_bell_rings(vm);
	return true;
}

/**
 * virtsock_bell_now() - if the doorbell waits for more, ring
 * @vm: the VM; the caller holds a reference, or is a timer that is waited for
 *
 * Context: any but hard irq; no spinlock of ours held.
 */
void virtsock_bell_now(struct virtsock_vm *vm)
{
	bool ring;

	spin_lock_bh(&vm->tx_lock);
	/* Disarmed, it has rung, or the guest is in a call. */
	ring = vm->armed && vm->bell.held;
	if (ring)
		virtsock_bell_rings(vm);
	spin_unlock_bh(&vm->tx_lock);
	if (ring)
		virtsock_ring(vm);
}

static enum hrtimer_restart virtsock_bell_timer(struct hrtimer *timer)
{
	virtsock_bell_now(container_of(timer, struct virtsock_vm, bell_timer));
	return HRTIMER_NORESTART;
}

/**
 * virtsock_kick() - have the guest call although nothing waits for it
 * @vm: the VM; it was told to stop sending and may go on
 *
 * Whoever finds room may hold the spinlock of a socket: the worker rings.
 *
 * Context: any; the caller holds a reference.
 */
void virtsock_kick(struct virtsock_vm *vm)
{
	mod_delayed_work(virtsock_kick_wq, &vm->kick_work, 0);
}

/**
 * virtsock_kick_soon() - what waits for the guest is worth a call before long
 * @vm: the VM, with @vm->soon; the caller holds a reference, or is its vCPU
 *
 * Context: any but hard irq.
 */
void virtsock_kick_soon(struct virtsock_vm *vm)
{
	queue_delayed_work(virtsock_kick_wq, &vm->soon_work, VIRTSOCK_SOON_DELAY);
}

/* A call may have taken it along; who waits for a limit, or room, is called for that. */
static void virtsock_soon_work(struct work_struct *work)
{
	struct virtsock_vm *vm = container_of(to_delayed_work(work),
					      struct virtsock_vm, soon_work);
	bool kick;

	spin_lock_bh(&vm->tx_lock);
	kick = vm->tx_up && vm->soon && !vm->paused && !vm->stopped;
	spin_unlock_bh(&vm->tx_lock);
	/* Where nobody answered lately the next repetition may be far away. */
	if (kick)
		virtsock_kick(vm);
}

/**
 * virtsock_kick_later() - short of memory: have the guest try again
 * @vm: the VM
 *
 * Context: vCPU thread, vm->lock held, in a FLUSH; virtsock_policy_pause() follows
 * in the same one.
 */
void virtsock_kick_later(struct virtsock_vm *vm)
{
	spin_lock_bh(&vm->tx_lock);
	vm->stopped = true;
	spin_unlock_bh(&vm->tx_lock);
	/* A jiffy later, whatever limit this call meets as well */
	vm->pause_ns = 1;
}

/**
 * virtsock_kick_in() - a limit was met: have the guest try again then
 * @vm: the VM
 * @ns: after so long
 *
 * Context: vCPU thread, vm->lock held.
 */
void virtsock_kick_in(struct virtsock_vm *vm, u64 ns)
{
	struct delayed_work *kick = &vm->kick_work;

	/* One that is due already is not put off. */
	if (!delayed_work_pending(kick) || timer_pending(&kick->timer))
		mod_delayed_work(virtsock_kick_wq, kick, nsecs_to_jiffies(ns) + 1);
}

/* Who was stopped may try again. Was the doorbell heard? If not, again. */
static void virtsock_kick_work(struct work_struct *work)
{
	struct virtsock_vm *vm = container_of(to_delayed_work(work),
					      struct virtsock_vm, kick_work);
	bool waits, ring = true;

	spin_lock_bh(&vm->tx_lock);
	if (vm->tx_up && (vm->stopped || vm->paused)) {
		/* If disarmed the guest is in a call, and is told at its end. */
		ring = vm->armed;
		vm->kick = true;
		WRITE_ONCE(vm->soon, false);
		vm->armed = false;
		virtsock_moderate_release(&vm->bell);
		vm->stopped = false;
		vm->paused = false;
		vm->kick_delay = VIRTSOCK_KICK_FIRST / 2;
	} else if (vm->tx_up && vm->soon) {
		/* Where it was rung before this is in time to repeat that. */
		ring = vm->armed || vm->waits || vm->kick;
		if (vm->armed)
			vm->kick_delay = VIRTSOCK_KICK_FIRST / 2;
		WRITE_ONCE(vm->waits, true);
		WRITE_ONCE(vm->soon, false);
		vm->armed = false;
		virtsock_moderate_release(&vm->bell);
	}
	/* Armed means that the guest has called since. */
	waits = vm->tx_up && !vm->armed && (vm->kick || vm->waits);
	spin_unlock_bh(&vm->tx_lock);

	if (!waits) {
		vm->kick_delay = VIRTSOCK_KICK_FIRST;
		return;
	}
	/* Nobody will answer, ever. */
	if (virtsock_vm_orphaned(vm) && kref_get_unless_zero(&vm->ref)) {
		virtsock_vm_end(vm, BIT(VIRTSOCK_END_GONE) | BIT(VIRTSOCK_END_AGAIN));
		virtsock_vm_put(vm);
		return;
	}
	vm->kick_delay = min_t(unsigned long, 2 * vm->kick_delay, VIRTSOCK_KICK_LAST);
	queue_delayed_work(virtsock_kick_wq, &vm->kick_work, vm->kick_delay);
	if (ring)
		virtsock_ring(vm);
}

/**
 * virtsock_doorbell_setup() - make a new VM's doorbell ready
 * @vm: the VM
 *
 * Context: process.
 */
void virtsock_doorbell_setup(struct virtsock_vm *vm)
{
	vm->kick_delay = VIRTSOCK_KICK_FIRST;
	INIT_DELAYED_WORK(&vm->kick_work, virtsock_kick_work);
	INIT_DELAYED_WORK(&vm->soon_work, virtsock_soon_work);
	virtsock_compat_hrtimer_setup(&vm->bell_timer, virtsock_bell_timer);
}

/**
 * virtsock_doorbell_stop() - the link has ended: the doorbell waits no more
 * @vm: the VM; vm->tx_up is false, so it does not begin to
 *
 * Context: process.
 */
void virtsock_doorbell_stop(struct virtsock_vm *vm)
{
	hrtimer_cancel(&vm->bell_timer);
}

/**
 * virtsock_doorbell_set() - the guest says where to ring
 * @vm: the VM
 * @arg: argument of DOORBELL
 *
 * Destination, vector and mode are one word, so the ringer sees all or nothing
 * of a change. Any of the guest's own CPUs may be named, by any vector that is
 * an interrupt's: it harms nobody else.
 *
 * Context: vCPU thread, vm->lock held.
 * Return: 0 or -EINVAL.
 */
int virtsock_doorbell_set(struct virtsock_vm *vm, u64 arg)
{
	u32 vector = arg >> 32 & 0xff;

	if (arg & ~VIRTSOCK_DB_VALID || vector < VIRTSOCK_DB_VECTOR_MIN)
		return -EINVAL;
	WRITE_ONCE(vm->doorbell, arg);
	return 0;
}
