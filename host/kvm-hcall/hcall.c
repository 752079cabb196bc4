// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hypercalls: who calls, is the epoch right, and what is asked. All in the
 * vCPU's thread with kvm->srcu held; guest memory is touched here only, and
 * only as this guest granted it.
 */
#include <linux/random.h>
#include <linux/slab.h>
#include <trace/events/virtsock.h>
#include "host.h"

/* Between the end of a link and the next */
#define VIRTSOCK_PAUSE	(HZ / 10)

/* A malformed ring or record costs the VM its link. vm->lock held. */
static long virtsock_malformed(struct virtsock_vm *vm, const char *what)
{
	pr_notice_ratelimited("virtsock: CID %u: %s from the guest is malformed; its link is reset\n",
			      vm->cid, what);
	virtsock_stat_inc(&vm->stats, VIRTSOCK_STATS_A_MALFORMED);
	vm->epoch = 0;
	vm->state = VIRTSOCK_STATE_ENDING;
	virtsock_vm_end(vm, BIT(VIRTSOCK_END_LINK));
	return -VIRTSOCK_EPROTO;
}

static void virtsock_tell_unbound(void)
{
	static DEFINE_RATELIMIT_STATE(rs, 5 * HZ, 5);

	if (__ratelimit(&rs))
		virtsock_control_event(VIRTSOCK_EVENT_UNBOUND, 0,
				       task_tgid_nr(current), current->group_leader->comm);
}

/*
 * The VM cannot have a link. Said once for each new reason: a guest that is
 * refused goes on asking. vm->lock held.
 */
static long virtsock_refuse(struct virtsock_vm *vm, u32 reason, const char *words)
{
	static DEFINE_RATELIMIT_STATE(rs, 5 * HZ, 5);
	u32 pid = task_tgid_nr(current);
	char comm[TASK_COMM_LEN];

	/* Whoever says HELLO has no link any more. */
	if (vm->state == VIRTSOCK_STATE_UP) {
		vm->epoch = 0;
		vm->state = VIRTSOCK_STATE_ENDING;
		virtsock_vm_end(vm, BIT(VIRTSOCK_END_LINK));
	}
	if (vm->told != reason && __ratelimit(&rs)) {
		vm->told = reason;
		/* The process chooses its name: it must not look like a line of ours. */
		get_task_comm(comm, current->group_leader);
		pr_notice("virtsock: CID %u: process %u (%*pE) cannot have a link: %s\n",
			  vm->cid, pid, (int)strlen(comm), comm, words);
		virtsock_control_refused(vm->cid, pid, comm, reason);
	}
	WRITE_ONCE(vm->reason, reason);
	return -(long)reason;
}

static long virtsock_hc_hello(struct kvm_vcpu *vcpu, struct virtsock_vm *vm,
			      struct virtsock_regs *regs)
{
	u64 epoch;

	if (regs->rbx != VIRTSOCK_ABI_VERSION)
		return virtsock_refuse(vm, VIRTSOCK_EVERSION,
				       "its module speaks another version; install the same one on both");
	if (!vcpu->arch.apic)
		return virtsock_refuse(vm, VIRTSOCK_ENOAPIC,
				       "it has no in-kernel local APIC; start it without kernel_irqchip=off");

	switch (vm->state) {
	case VIRTSOCK_STATE_UP:
		/* A kernel that crashed, or forgot: its connections end first. */
		vm->epoch = 0;
		vm->state = VIRTSOCK_STATE_ENDING;
		virtsock_vm_end(vm, BIT(VIRTSOCK_END_LINK));
		fallthrough;
	case VIRTSOCK_STATE_ENDING:
		return -VIRTSOCK_EAGAIN;
	}
	/* Ending a link costs others time: not in a loop. */
	if (vm->ended && time_before(jiffies, vm->ended + VIRTSOCK_PAUSE))
		return -VIRTSOCK_EAGAIN;

	do {
		epoch = get_random_u64();
	} while (!epoch);
	vm->epoch = epoch;
	vm->state = VIRTSOCK_STATE_HELLO;
	regs->rdx = regs->rcx & VIRTSOCK_FEATURES;
	regs->rcx = epoch;
	regs->rbx = (u64)VIRTSOCK_MAGIC << 32 | vm->cid;
	return 0;
}

static long virtsock_hc_register(struct kvm_vcpu *vcpu, struct virtsock_vm *vm,
				 struct virtsock_regs *regs)
{
	struct virtsock_setup setup;
	u64 gpa = regs->rcx;
	u32 i, nr, size;
	long err;
	u64 *ring;

	if (vm->state != VIRTSOCK_STATE_HELLO)
		return -VIRTSOCK_EINVAL;
	if (kvm_vcpu_read_guest(vcpu, gpa, &setup, sizeof(setup)))
		return -VIRTSOCK_EFAULT;
	nr = le32_to_cpu(setup.nr_pages);
	if (nr < VIRTSOCK_RING_PAGES_MIN || nr > VIRTSOCK_RING_PAGES_MAX ||
	    !is_power_of_2(nr) ||
	    le32_to_cpu(setup.size) != struct_size(&setup, pages, nr))
		return -VIRTSOCK_EINVAL;
	if (virtsock_doorbell_set(vm, le64_to_cpu(setup.doorbell)))
		return -VIRTSOCK_EINVAL;

	size = nr * VIRTSOCK_PAGE_SIZE;
	ring = kcalloc(nr, sizeof(*ring), GFP_KERNEL_ACCOUNT);
	if (!ring)
		return -VIRTSOCK_ENOMEM;
	err = -VIRTSOCK_EFAULT;
	if (kvm_vcpu_read_guest(vcpu, gpa + sizeof(setup), ring, nr * sizeof(*ring)))
		goto err;
	for (i = 0; i < nr; i++) {
		le64_to_cpus(&ring[i]);
		if (!PAGE_ALIGNED(ring[i]) ||
		    !kvm_vcpu_is_visible_gfn(vcpu, gpa_to_gfn(ring[i])))
			goto err;
	}

	err = -VIRTSOCK_ENOMEM;
	if (vm->nr_pages != nr) {
		kvfree(vm->pull_buf);
		vm->pull_buf = kvmalloc(size, GFP_KERNEL_ACCOUNT);
		vm->nr_pages = vm->pull_buf ? nr : 0;
	}
	if (!vm->push_buf)
		vm->push_buf = kvmalloc(VIRTSOCK_RX_BUF_MAX, GFP_KERNEL_ACCOUNT);
	if (!vm->pull_buf || !vm->push_buf)
		goto err;

	kfree(vm->ring);
	vm->ring = ring;
	vm->tail = 0;
	vm->state = VIRTSOCK_STATE_UP;
	WRITE_ONCE(vm->reason, 0);
	vm->told = 0;
	spin_lock_bh(&vm->tx_lock);
	vm->tx_up = true;
	vm->armed = false;
	vm->kick = false;
	vm->stopped = false;
	vm->paused = false;
	vm->bell = (struct virtsock_moderation){};
	spin_unlock_bh(&vm->tx_lock);
	pr_info_ratelimited("virtsock: CID %u: link up\n", vm->cid);
	virtsock_control_event(VIRTSOCK_EVENT_LINK_UP, vm->cid,
			       task_tgid_nr(current), current->group_leader->comm);
	return 0;
err:
	kfree(ring);
	return err;
}

static long virtsock_hc_flush(struct kvm_vcpu *vcpu, struct virtsock_vm *vm,
			      struct virtsock_regs *regs)
{
	u32 head = lower_32_bits(regs->rcx);
	u32 args = upper_32_bits(regs->rcx);
	u64 gpa = regs->rdx, len = regs->rsi;
	u64 flags = 0;
	int ret = 0;

	if (vm->state != VIRTSOCK_STATE_UP || args & ~VIRTSOCK_FF_ALL)
		return -VIRTSOCK_EINVAL;
	if (len && (len < VIRTSOCK_RX_BUF_MIN || len > VIRTSOCK_RX_BUF_MAX ||
		    !IS_ALIGNED(gpa, VIRTSOCK_REC_ALIGN)))
		return -VIRTSOCK_EINVAL;

	/* While it is in here, ringing would be a waste. */
	spin_lock_bh(&vm->tx_lock);
	vm->armed = false;
	vm->kick = false;
	vm->paused = false;
	vm->linger_since = 0;
	vm->pause_ns = 0;
	virtsock_moderate_called(&vm->bell, vm->bell.rung_ns ? ktime_get_ns() : 0);
	spin_unlock_bh(&vm->tx_lock);

	if (!virtsock_policy_call(vm)) {
		virtsock_policy_over(vm, VIRTSOCK_METER_CALLS);
		flags |= VIRTSOCK_FR_TX_STOP;
		goto out;
	}
	virtsock_stat_inc(&vm->stats, head == vm->tail ? VIRTSOCK_STATS_A_POLLS :
							 VIRTSOCK_STATS_A_FLUSHES);
	ret = virtsock_pull(vcpu, vm, head, &flags);
	if (ret < 0)
		return virtsock_malformed(vm, "the ring or a record");

	/* Receivers that woke may answer at once: their answers go back now. */
	cond_resched();
	if (args & VIRTSOCK_FF_WAIT && !flags && !virtsock_linger(vcpu, vm))
		return -VIRTSOCK_ESTALE;
	if (len) {
		ret = virtsock_push(vcpu, vm, gpa, len, &flags);
		if (ret < 0)
			return virtsock_malformed(vm, "the receive buffer");
	}
out:
	virtsock_policy_pause(vm);
	if (!virtsock_push_arm(vm, args & VIRTSOCK_FF_ARM))
		flags |= VIRTSOCK_FR_RX_MORE;
	else if (args & VIRTSOCK_FF_ARM)
		flags |= VIRTSOCK_FR_ARMED;

	regs->rbx = vm->tail;
	regs->rcx = ret;
	regs->rdx = flags;
	return 0;
}

static long virtsock_hc_unregister(struct virtsock_vm *vm)
{
	vm->epoch = 0;
	vm->state = VIRTSOCK_STATE_ENDING;
	virtsock_vm_end(vm, BIT(VIRTSOCK_END_LINK));
	return 0;
}

/**
 * virtsock_hcall() - a hypercall with one of our numbers
 * @vcpu: who calls; CPL 0, 64-bit, not nested: KVM checked
 * @op: enum virtsock_hc_op
 * @regs: arguments, results
 *
 * Context: vCPU thread, kvm->srcu held, may sleep for short.
 */
void virtsock_hcall(struct kvm_vcpu *vcpu, u32 op, struct virtsock_regs *regs)
{
	u64 start = trace_virtsock_vm_hypercall_enabled() ? ktime_get_ns() : 0;
	struct virtsock_vm *vm;
	long ret;

	if (op == VIRTSOCK_HC_HELLO)
		vm = virtsock_vm_attach(vcpu);
	else
		vm = virtsock_vm_by_kvm(vcpu->kvm);
	if (IS_ERR(vm)) {
		regs->rax = -VIRTSOCK_EAGAIN;
		return;
	}
	if (!vm) {
		if (op == VIRTSOCK_HC_HELLO)
			virtsock_tell_unbound();
		regs->rax = -VIRTSOCK_EUNBOUND;
		return;
	}

	virtsock_stat_inc(&vm->stats, VIRTSOCK_STATS_A_HYPERCALLS);
	/*
	 * Another vCPU may have it while it waits for a page, as long as the VMM
	 * likes (userfaultfd): no hung task, and one that can be killed.
	 */
	if (mutex_lock_killable(&vm->lock)) {
		regs->rax = -VIRTSOCK_EAGAIN;
		virtsock_vm_put(vm);
		return;
	}
	if (READ_ONCE(vm->why))
		ret = op == VIRTSOCK_HC_HELLO ? -VIRTSOCK_EAGAIN : -VIRTSOCK_ESTALE;
	else if (op == VIRTSOCK_HC_HELLO)
		ret = virtsock_policy_call(vm) ? virtsock_hc_hello(vcpu, vm, regs) :
						 -VIRTSOCK_EAGAIN;
	else if (!vm->epoch || regs->rbx != vm->epoch)
		ret = -VIRTSOCK_ESTALE;
	else if (op == VIRTSOCK_HC_FLUSH)
		ret = virtsock_hc_flush(vcpu, vm, regs);
	else if (op == VIRTSOCK_HC_REGISTER)
		ret = virtsock_policy_call(vm) ? virtsock_hc_register(vcpu, vm, regs) :
						 -VIRTSOCK_EAGAIN;
	else if (op == VIRTSOCK_HC_DOORBELL)
		ret = virtsock_doorbell_set(vm, regs->rcx) ? -VIRTSOCK_EINVAL : 0;
	else
		ret = virtsock_hc_unregister(vm);
	mutex_unlock(&vm->lock);
	regs->rax = ret;
	trace_virtsock_vm_hypercall(vm->cid, op, ret, regs->rdx, start);
	virtsock_vm_put(vm);
}

/**
 * virtsock_hcall_foreign() - Hyper-V's or Xen's dispatcher has taken a HELLO
 * @vcpu: who called
 *
 * The answer is theirs. What is left is to tell the administrator.
 *
 * Context: vCPU thread, kvm->srcu held, may sleep for short.
 */
void virtsock_hcall_foreign(struct kvm_vcpu *vcpu)
{
	struct virtsock_vm *vm = virtsock_vm_attach(vcpu);

	if (IS_ERR(vm))
		return;
	if (!vm) {
		virtsock_tell_unbound();
		return;
	}
	if (!mutex_lock_killable(&vm->lock)) {
		virtsock_refuse(vm, VIRTSOCK_EHYPERV,
				"Hyper-V or Xen takes all hypercalls; start it without hv-* or xen-version");
		mutex_unlock(&vm->lock);
	}
	virtsock_vm_put(vm);
}
