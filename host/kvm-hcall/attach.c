// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which of KVM's VMs a binding has: the first of its process that says HELLO,
 * until that is no more.
 */
#include <linux/hashtable.h>
#include <linux/kthread.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include "host.h"

/* By struct kvm, those that have one; written under virtsock_vms_lock */
static DEFINE_HASHTABLE(virtsock_kvms, 8);

/**
 * virtsock_vm_by_kvm() - find the VM of a hypercall
 * @kvm: KVM's object
 *
 * Context: any but hard irq; ftrace callback.
 * Return: the VM with a reference, or NULL where none is attached to it.
 */
struct virtsock_vm *virtsock_vm_by_kvm(struct kvm *kvm)
{
	struct virtsock_vm *vm;

	rcu_read_lock();
	hash_for_each_possible_rcu(virtsock_kvms, vm, by_kvm, (unsigned long)kvm)
		if (vm->kvm == kvm && kref_get_unless_zero(&vm->ref))
			break;
	rcu_read_unlock();
	return vm;
}

/**
 * virtsock_vm_orphaned() - is it only us who keep KVM's VM?
 * @vm: the VM; the caller has a reference
 *
 * A VMM that boots its VM anew in the same process makes a new one, and closes the
 * descriptors of the old one. KVM tells nobody.
 *
 * Context: any.
 * Return: true if it has a VM of KVM's that can never run again.
 */
bool virtsock_vm_orphaned(struct virtsock_vm *vm)
{
	struct kvm *kvm = READ_ONCE(vm->kvm);

	return kvm && refcount_read(&kvm->users_count) == 1;
}

/**
 * virtsock_vm_dies() - does the VMM's process?
 * @vm: the VM; the caller has a reference, or virtsock_vms_lock
 *
 * A VMM that dies may have closed KVM's descriptors before we hear of it.
 *
 * Context: any.
 * Return: true if it does, or is gone.
 */
bool virtsock_vm_dies(struct virtsock_vm *vm)
{
	struct task_struct *task;
	bool dies;

	rcu_read_lock();
	task = pid_task(vm->pid, PIDTYPE_TGID);
	dies = !task || READ_ONCE(task->signal->flags) & SIGNAL_GROUP_EXIT;
	rcu_read_unlock();
	return dies;
}

/**
 * virtsock_vm_stale() - has a binding ended without anybody telling us?
 * @vm: the VM; the caller has a reference
 *
 * Context: any.
 * Return: why, for virtsock_vm_end(); 0 where it goes on, or ends already.
 */
unsigned long virtsock_vm_stale(struct virtsock_vm *vm)
{
	bool dead;

	if (test_bit(VIRTSOCK_END_GONE, &vm->why))
		return 0;
	rcu_read_lock();
	dead = !pid_task(vm->pid, PIDTYPE_TGID);
	rcu_read_unlock();
	/* Before HELLO, or others still have its address space (vhost) */
	if (dead)
		return BIT(VIRTSOCK_END_GONE) | BIT(VIRTSOCK_END_EXIT);
	return virtsock_vm_orphaned(vm) ?
	       BIT(VIRTSOCK_END_GONE) | BIT(VIRTSOCK_END_AGAIN) : 0;
}

/* The VMM's address space goes; its KVM descriptors do before or after that. */
static void virtsock_mn_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct virtsock_vm *vm = container_of(mn, struct virtsock_vm, mn);

	if (!test_bit(VIRTSOCK_END_GONE, &vm->why))
		virtsock_vm_end(vm, BIT(VIRTSOCK_END_GONE) | BIT(VIRTSOCK_END_EXIT));
}

static const struct mmu_notifier_ops virtsock_mn_ops = {
	.release = virtsock_mn_release,
};

/*
 * From now on the VM of this binding is the caller's, if it has none yet. A VMM
 * that holds up its own address space holds up its own VM only: nobody else
 * waits for vm->lock, which is held. Return: 0, -ENOENT, -ENOMEM, -EINTR.
 */
static int virtsock_vm_take(struct virtsock_vm *vm, struct kvm_vcpu *vcpu)
{
	struct kvm *kvm = vcpu->kvm;
	struct module *vendor;
	int err;

	if (vm->kvm)
		return vm->kvm == kvm ? 0 : -ENOENT;
	if (READ_ONCE(vm->why))
		return -ENOENT;
	vendor = virtsock_vendor_get(vcpu);
	if (IS_ERR(vendor))
		return PTR_ERR(vendor);
	vm->mn.ops = &virtsock_mn_ops;
	err = mmu_notifier_register(&vm->mn, current->mm);
	if (err) {
		module_put(vendor);
		return err;
	}
	/* Its end, if it was asked for meanwhile, comes after this, by vm->lock. */
	mutex_lock(&virtsock_vms_lock);
	kvm_get_kvm(kvm);
	vm->vendor = vendor;
	/* Until virtsock_vm_free(): KVM's VM goes before the lanes. */
	mmgrab(kvm->mm);
	vm->rxq.mm = kvm->mm;
	WRITE_ONCE(vm->kvm, kvm);
	hash_add_rcu(virtsock_kvms, &vm->by_kvm, (unsigned long)kvm);
	mutex_unlock(&virtsock_vms_lock);
	return 0;
}

static void virtsock_vm_put_kvm(struct virtsock_vm *vm)
{
	/* KVM keeps the structure until its own end. */
	struct mm_struct *mm = vm->kvm->mm;
	bool there = mmget_not_zero(mm);

	if (there)
		kthread_use_mm(mm);
	kvm_put_kvm(vm->kvm);
	if (there) {
		kthread_unuse_mm(mm);
		mmput(mm);
	}
	module_put(vm->vendor);
}

/**
 * virtsock_vm_detach() - let go of KVM's VM
 * @vm: the VM, about to be freed, and with it perhaps KVM's
 *
 * KVM takes its private slots out of the address space of the VMM only where it is
 * ended in that: a VMM that lives on, and boots its VM anew, would get one page
 * more each time. And it waits for a thread of that process (the recovery of huge
 * pages), which does not go while the process is stopped. All of this may take as
 * long as the VMM likes (userfaultfd tells of unmapped pages): its next VM comes
 * after it, so that each binding keeps one worker at most. Is the VMM killed
 * meanwhile, its memory goes after this: it is who delays it, and its cgroup's.
 *
 * Context: a worker of virtsock_free_wq.
 */
void virtsock_vm_detach(struct virtsock_vm *vm)
{
	if (vm->kvm)
		virtsock_vm_put_kvm(vm);
	if (vm->next) {
		WRITE_ONCE(vm->next->behind, false);
		virtsock_vm_put(vm->next);
	}
}

/**
 * virtsock_vm_attach() - which VM says HELLO?
 * @vcpu: the caller
 *
 * Where its process is bound and has no VM yet, it becomes that binding's VM.
 *
 * Context: vCPU thread, current->mm is the VMM's.
 * Return: the VM with a reference; NULL where it is unbound; ERR_PTR(-ENOMEM),
 * ERR_PTR(-EINTR) where the VMM is being killed, ERR_PTR(-EAGAIN) where the
 * binding is just leaving a VM that is no more, or KVM is still ending that.
 */
struct virtsock_vm *virtsock_vm_attach(struct kvm_vcpu *vcpu)
{
	struct virtsock_vm *vm = virtsock_vm_by_kvm(vcpu->kvm);
	struct kvm *kvm;
	int err;

	if (vm)
		return vm;
	vm = virtsock_vm_by_pid(task_tgid(current));
	if (!vm)
		return NULL;
	if (READ_ONCE(vm->behind)) {
		virtsock_vm_put(vm);
		return ERR_PTR(-EAGAIN);
	}
	/* Another VM of this process has it: not to wait for that one. */
	kvm = READ_ONCE(vm->kvm);
	if (kvm && kvm != vcpu->kvm) {
		err = virtsock_vm_orphaned(vm) ? -EAGAIN : 0;
		if (err && !test_bit(VIRTSOCK_END_GONE, &vm->why))
			virtsock_vm_end(vm, BIT(VIRTSOCK_END_GONE) |
					BIT(VIRTSOCK_END_AGAIN));
		virtsock_vm_put(vm);
		return ERR_PTR(err);
	}

	err = mutex_lock_killable(&vm->lock);
	if (!err) {
		err = virtsock_vm_take(vm, vcpu);
		mutex_unlock(&vm->lock);
	}
	if (!err)
		return vm;
	virtsock_vm_put(vm);
	return err == -ENOENT ? NULL : ERR_PTR(err);
}

/**
 * virtsock_vm_reset_by_kvm() - KVM is told to reset a vCPU
 * @kvm: its VM, perhaps not one of ours
 *
 * Context: ftrace callback, preemption off.
 */
void virtsock_vm_reset_by_kvm(struct kvm *kvm)
{
	struct virtsock_vm *vm = virtsock_vm_by_kvm(kvm);

	if (!vm)
		return;
	if (READ_ONCE(vm->epoch))
		virtsock_vm_end(vm, BIT(VIRTSOCK_END_LINK));
	virtsock_vm_put(vm);
}
