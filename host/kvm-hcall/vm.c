// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMs that have a CID: bound by the administrator to a process, attached to
 * its struct kvm at the first HELLO, ended by reset, death or unbinding.
 */
#include <linux/hashtable.h>
#include <linux/netlink.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include "host.h"

/* Changes of the table, and the fields of a VM that it says so of */
static DEFINE_MUTEX(virtsock_vms_lock);
static DEFINE_HASHTABLE(virtsock_vms, 8);
static DEFINE_HASHTABLE(virtsock_kvms, 8);

/**
 * virtsock_vm_find() - find a VM, without a reference
 * @cid: its CID
 *
 * Context: under rcu_read_lock() or virtsock_vms_lock, for as long as the answer
 * is used. A VM whose link has ended may be found: its queue takes nothing.
 * Return: the VM or NULL.
 */
struct virtsock_vm *virtsock_vm_find(u32 cid)
{
	struct virtsock_vm *vm;

	hash_for_each_possible_rcu(virtsock_vms, vm, by_cid, cid,
				   lockdep_is_held(&virtsock_vms_lock))
		if (vm->cid == cid)
			return vm;
	return NULL;
}

/**
 * virtsock_vm_by_cid() - find a VM
 * @cid: its CID
 *
 * Context: any but hard irq.
 * Return: the VM with a reference, or NULL.
 */
struct virtsock_vm *virtsock_vm_by_cid(u32 cid)
{
	struct virtsock_vm *vm;

	rcu_read_lock();
	vm = virtsock_vm_find(cid);
	if (vm && !kref_get_unless_zero(&vm->ref))
		vm = NULL;
	rcu_read_unlock();
	return vm;
}

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

static void virtsock_vm_free(struct work_struct *work)
{
	struct virtsock_vm *vm = container_of(work, struct virtsock_vm, release_work);

	virtsock_doorbell_stop(vm);
	/* Whoever else rings has a reference: it is not queued again. */
	cancel_delayed_work_sync(&vm->kick_work);
	if (vm->kvm)
		kvm_put_kvm(vm->kvm);
	/*
	 * A lane waits for a program only where that has locked its socket just
	 * before the common code did. Nobody waits for us meanwhile but rmmod.
	 */
	virtsock_rxq_flush(&vm->rxq);
	put_pid(vm->pid);
	kvfree(vm->pull_buf);
	kvfree(vm->push_buf);
	virtsock_arena_free(&vm->arena);
	kfree(vm->ring);
	kfree_rcu(vm, rcu);
}

/* The last holder may be anywhere, and KVM's object may go with ours. */
static void virtsock_vm_release(struct kref *ref)
{
	struct virtsock_vm *vm = container_of(ref, struct virtsock_vm, ref);

	queue_work(virtsock_host_wq, &vm->release_work);
}

/**
 * virtsock_vm_put() - drop a reference
 * @vm: the VM
 *
 * Context: any.
 */
void virtsock_vm_put(struct virtsock_vm *vm)
{
	kref_put(&vm->ref, virtsock_vm_release);
}

/**
 * virtsock_vm_end() - end the link, in process context, soon
 * @vm: the VM; the caller holds a reference
 * @why: bits of enum virtsock_end
 *
 * From now on hypercalls of the old link are refused.
 *
 * Context: any.
 */
void virtsock_vm_end(struct virtsock_vm *vm, unsigned long why)
{
	if (why & BIT(VIRTSOCK_END_EXIT))
		set_bit(VIRTSOCK_END_EXIT, &vm->why);
	set_bit(why & BIT(VIRTSOCK_END_GONE) ? VIRTSOCK_END_GONE : VIRTSOCK_END_LINK,
		&vm->why);
	kref_get(&vm->ref);
	if (!queue_work(virtsock_host_wq, &vm->end_work))
		virtsock_vm_put(vm);
}

/* Does the end of a link concern sockets to this peer? Context: atomic. */
static bool virtsock_is_ending(u32 cid)
{
	struct virtsock_vm *vm;
	bool ending;

	rcu_read_lock();
	vm = virtsock_vm_find(cid);
	ending = !vm || READ_ONCE(vm->resetting);
	rcu_read_unlock();
	return ending;
}

/* The binding goes. Context: end_work. */
static void virtsock_vm_remove(struct virtsock_vm *vm)
{
	bool there;

	mutex_lock(&virtsock_vms_lock);
	there = !hlist_unhashed(&vm->by_cid);
	if (there)
		hlist_del_init_rcu(&vm->by_cid);
	if (there && vm->kvm)
		hash_del_rcu(&vm->by_kvm);
	mutex_unlock(&virtsock_vms_lock);
	if (!there)
		return;

	/* Nobody attaches it any more. END_GONE is set: ->release() returns. */
	if (vm->kvm)
		mmu_notifier_unregister(&vm->mn, vm->mn.mm);
	virtsock_control_event(test_bit(VIRTSOCK_END_EXIT, &vm->why) ?
			       VIRTSOCK_EVENT_VM_EXIT : VIRTSOCK_EVENT_VM_DEL,
			       vm->cid, pid_nr(vm->pid), NULL);
	virtsock_vm_put(vm);	/* the table's */
}

static void virtsock_vm_end_work(struct work_struct *work)
{
	struct virtsock_vm *vm = container_of(work, struct virtsock_vm, end_work);
	bool had_link, gone;

	/* Asked for twice, done once: the next link is not meant. */
	if (!READ_ONCE(vm->why))
		goto out;

	mutex_lock(&vm->lock);
	had_link = vm->tx_up;
	vm->epoch = 0;
	vm->state = VIRTSOCK_STATE_ENDING;
	mutex_unlock(&vm->lock);

	/* A guest that lives on learns it now, by asking; elsewhere it cannot. */
	if (had_link && test_bit(VIRTSOCK_END_GONE, &vm->why) &&
	    !test_bit(VIRTSOCK_END_EXIT, &vm->why))
		virtsock_ring(vm);
	/* What was taken from the guest reaches its sockets, then they end. */
	virtsock_push_purge(vm);
	virtsock_rxq_drain(&vm->rxq);
	WRITE_ONCE(vm->resetting, true);
	virtsock_reset(&virtsock_host_side, virtsock_is_ending);
	WRITE_ONCE(vm->resetting, false);

	if (had_link) {
		virtsock_stat_inc(&vm->stats, VIRTSOCK_STATS_A_RESETS);
		pr_info_ratelimited("virtsock: CID %u: link down\n", vm->cid);
		virtsock_control_event(VIRTSOCK_EVENT_LINK_DOWN, vm->cid,
				       pid_nr(vm->pid), NULL);
	}

	mutex_lock(&vm->lock);
	gone = test_bit(VIRTSOCK_END_GONE, &vm->why);
	clear_bit(VIRTSOCK_END_LINK, &vm->why);
	vm->state = VIRTSOCK_STATE_DOWN;
	vm->ended = jiffies;
	mutex_unlock(&vm->lock);
	if (gone)
		virtsock_vm_remove(vm);
out:
	virtsock_vm_put(vm);	/* ours, taken with the request */
}

/* The VMM's address space goes, before its KVM descriptors do. */
static void virtsock_mn_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct virtsock_vm *vm = container_of(mn, struct virtsock_vm, mn);

	if (!test_bit(VIRTSOCK_END_GONE, &vm->why))
		virtsock_vm_end(vm, BIT(VIRTSOCK_END_GONE) | BIT(VIRTSOCK_END_EXIT));
}

static const struct mmu_notifier_ops virtsock_mn_ops = {
	.release = virtsock_mn_release,
};

/**
 * virtsock_vm_attach() - which VM says HELLO?
 * @vcpu: the caller
 *
 * Where its process is bound and has no VM yet, it becomes that binding's VM.
 *
 * Context: vCPU thread, current->mm is the VMM's.
 * Return: the VM with a reference; NULL where it is unbound; ERR_PTR(-ENOMEM),
 * or ERR_PTR(-EINTR) where the VMM is being killed.
 */
struct virtsock_vm *virtsock_vm_attach(struct kvm_vcpu *vcpu)
{
	struct virtsock_vm *vm = virtsock_vm_by_kvm(vcpu->kvm);
	struct pid *pid = task_tgid(current);
	bool bound = false;
	int bkt, err = 0;

	if (vm)
		return vm;
	/* Whoever asks in vain must not keep others from the lock. */
	rcu_read_lock();
	hash_for_each_rcu(virtsock_vms, bkt, vm, by_cid)
		bound |= vm->pid == pid;
	rcu_read_unlock();
	if (!bound)
		return NULL;

	mutex_lock(&virtsock_vms_lock);
	hash_for_each(virtsock_vms, bkt, vm, by_cid)
		if (vm->pid == pid && !READ_ONCE(vm->why) &&
		    (!vm->kvm || vm->kvm == vcpu->kvm))
			goto found;
	mutex_unlock(&virtsock_vms_lock);
	return NULL;

found:
	if (!vm->kvm) {
		vm->mn.ops = &virtsock_mn_ops;
		err = mmu_notifier_register(&vm->mn, current->mm);
		if (!err) {
			kvm_get_kvm(vcpu->kvm);
			vm->kvm = vcpu->kvm;
			hash_add_rcu(virtsock_kvms, &vm->by_kvm,
				     (unsigned long)vcpu->kvm);
		}
	}
	if (!err)
		kref_get(&vm->ref);
	mutex_unlock(&virtsock_vms_lock);
	return err ? ERR_PTR(err) : vm;
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

/* Packets that waited are delivered, or forgotten: the guest may go on. */
static void virtsock_vm_drained(struct virtsock_rxq *q)
{
	struct virtsock_vm *vm = container_of(q, struct virtsock_vm, rxq);

	if (READ_ONCE(vm->stopped) && kref_get_unless_zero(&vm->ref)) {
		virtsock_kick(vm);
		virtsock_vm_put(vm);
	}
}

static int virtsock_check_backlog(const u32 *backlog, struct netlink_ext_ack *extack)
{
	if (!backlog || (*backlog >= VIRTSOCK_BACKLOG_MIN &&
			 *backlog <= VIRTSOCK_BACKLOG_MAX))
		return 0;
	NL_SET_ERR_MSG(extack, "backlog must be 262144 to 1073741824 bytes");
	return -ERANGE;
}

static void virtsock_set_backlog(struct virtsock_vm *vm, u32 backlog)
{
	WRITE_ONCE(vm->backlog, backlog);
	WRITE_ONCE(vm->rxq.low, backlog / 2);
	/* It may have been stopped by the old bound; as in virtsock_backlog_full() */
	smp_mb();
	if (READ_ONCE(vm->stopped))
		virtsock_kick(vm);
}

/* A binding whose process died before its VM said HELLO: nobody tells us. */
static bool virtsock_vm_stale(struct virtsock_vm *vm)
{
	bool dead;

	rcu_read_lock();
	dead = !pid_task(vm->pid, PIDTYPE_TGID);
	rcu_read_unlock();
	return dead && !READ_ONCE(vm->kvm);
}

/* A reference to a stale binding, or NULL */
static struct virtsock_vm *virtsock_vm_find_stale(void)
{
	struct virtsock_vm *vm, *found = NULL;
	int bkt;

	rcu_read_lock();
	hash_for_each_rcu(virtsock_vms, bkt, vm, by_cid)
		if (!found && virtsock_vm_stale(vm) && kref_get_unless_zero(&vm->ref))
			found = vm;
	rcu_read_unlock();
	return found;
}

/* Context: process. */
static void virtsock_vm_reap(void)
{
	struct virtsock_vm *vm;

	while ((vm = virtsock_vm_find_stale())) {
		virtsock_vm_end(vm, BIT(VIRTSOCK_END_GONE) | BIT(VIRTSOCK_END_EXIT));
		flush_work(&vm->end_work);
		virtsock_vm_put(vm);
	}
}

static struct virtsock_vm *virtsock_vm_alloc(u32 cid, struct pid *pid)
{
	struct virtsock_vm *vm = kzalloc(sizeof(*vm), GFP_KERNEL);

	if (!vm)
		return NULL;
	kref_init(&vm->ref);
	vm->cid = cid;
	vm->pid = pid;
	vm->state = VIRTSOCK_STATE_DOWN;
	mutex_init(&vm->lock);
	spin_lock_init(&vm->tx_lock);
	skb_queue_head_init(&vm->txq);
	INIT_WORK(&vm->end_work, virtsock_vm_end_work);
	INIT_WORK(&vm->release_work, virtsock_vm_free);
	virtsock_doorbell_setup(vm);
	vm->linger_ns = 100 * NSEC_PER_USEC;
	virtsock_rxq_init(&vm->rxq, &virtsock_host_side.t, virtsock_lane_wq);
	vm->rxq.drained = virtsock_vm_drained;
	return vm;
}

/**
 * virtsock_vm_add() - bind a CID to the VM of a process
 * @cid: the CID
 * @nr: a process, in the caller's pid namespace
 * @name: label or NULL
 * @backlog: bytes that may wait, or NULL
 * @extack: says more
 *
 * Context: process.
 * Return: 0; -ERANGE (CID or backlog), -ESRCH (no such process), -EEXIST (CID
 * in use), -EBUSY (the process has a CID), -ENOMEM.
 */
int virtsock_vm_add(u32 cid, u32 nr, const char *name, const u32 *backlog,
		    struct netlink_ext_ack *extack)
{
	struct task_struct *task = NULL;
	struct virtsock_vm *vm, *other;
	struct pid *pid;
	int bkt, err;

	if (cid <= VMADDR_CID_HOST || cid == VMADDR_CID_ANY) {
		NL_SET_ERR_MSG(extack, "CIDs 0 to 2 and 4294967295 are reserved");
		return -ERANGE;
	}
	err = virtsock_check_backlog(backlog, extack);
	if (err)
		return err;

	rcu_read_lock();
	if (nr <= INT_MAX)
		task = pid_task(find_vpid(nr), PIDTYPE_PID);
	pid = task ? get_pid(task_tgid(task)) : NULL;
	rcu_read_unlock();
	if (!pid) {
		NL_SET_ERR_MSG(extack, "no such process");
		return -ESRCH;
	}

	virtsock_vm_reap();
	vm = virtsock_vm_alloc(cid, pid);
	if (!vm) {
		put_pid(pid);
		return -ENOMEM;
	}
	virtsock_set_backlog(vm, backlog ? *backlog : VIRTSOCK_BACKLOG_DEFAULT);
	if (name)
		strscpy(vm->name, name, sizeof(vm->name));

	mutex_lock(&virtsock_vms_lock);
	err = 0;
	if (virtsock_vm_find(cid)) {
		NL_SET_ERR_MSG(extack, "the CID is in use");
		err = -EEXIST;
	}
	hash_for_each(virtsock_vms, bkt, other, by_cid) {
		if (!err && other->pid == pid) {
			NL_SET_ERR_MSG(extack, "the process has a CID already");
			err = -EBUSY;
		}
	}
	if (!err)
		hash_add_rcu(virtsock_vms, &vm->by_cid, cid);
	mutex_unlock(&virtsock_vms_lock);
	if (err) {
		put_pid(pid);
		kfree(vm);
		return err;
	}
	virtsock_control_event(VIRTSOCK_EVENT_VM_ADD, cid, pid_nr(pid), NULL);
	return 0;
}

/**
 * virtsock_vm_del() - unbind a CID
 * @cid: the CID
 *
 * When this returns its connections have ended.
 *
 * Context: process.
 * Return: 0 or -ENOENT.
 */
int virtsock_vm_del(u32 cid)
{
	struct virtsock_vm *vm = virtsock_vm_by_cid(cid);

	if (!vm)
		return -ENOENT;
	virtsock_vm_end(vm, BIT(VIRTSOCK_END_GONE));
	flush_work(&vm->end_work);
	virtsock_vm_put(vm);
	return 0;
}

/**
 * virtsock_vm_del_all() - unbind every CID
 *
 * Context: process, module exit.
 */
void virtsock_vm_del_all(void)
{
	struct virtsock_vm *vm;
	u32 cid;
	int bkt;

	do {
		cid = 0;
		rcu_read_lock();
		hash_for_each_rcu(virtsock_vms, bkt, vm, by_cid)
			cid = vm->cid;
		rcu_read_unlock();
		if (cid)
			virtsock_vm_del(cid);
	} while (cid);
}

/**
 * virtsock_vm_set() - change what can be changed of a VM
 * @cid: its CID
 * @name: label or NULL
 * @backlog: bytes that may wait, or NULL
 * @extack: says more
 *
 * Context: process.
 * Return: 0, -ENOENT or -ERANGE.
 */
int virtsock_vm_set(u32 cid, const char *name, const u32 *backlog,
		    struct netlink_ext_ack *extack)
{
	struct virtsock_vm *vm;
	int err = virtsock_check_backlog(backlog, extack);

	if (err)
		return err;
	vm = virtsock_vm_by_cid(cid);
	if (!vm)
		return -ENOENT;
	mutex_lock(&virtsock_vms_lock);
	if (name)
		strscpy(vm->name, name, sizeof(vm->name));
	if (backlog)
		virtsock_set_backlog(vm, *backlog);
	mutex_unlock(&virtsock_vms_lock);
	virtsock_vm_put(vm);
	return 0;
}

/**
 * virtsock_vm_next() - describe a VM
 * @cid: the lowest CID wanted
 * @info: out
 *
 * Context: process.
 * Return: 0 or -ENOENT where there is none from @cid on.
 */
int virtsock_vm_next(u32 cid, struct virtsock_vm_info *info)
{
	struct virtsock_vm *vm, *best = NULL;
	struct task_struct *task;
	int bkt;

	virtsock_vm_reap();
	mutex_lock(&virtsock_vms_lock);
	hash_for_each(virtsock_vms, bkt, vm, by_cid)
		if (vm->cid >= cid && (!best || vm->cid < best->cid))
			best = vm;
	if (!best) {
		mutex_unlock(&virtsock_vms_lock);
		return -ENOENT;
	}

	memset(info, 0, sizeof(*info));
	info->cid = best->cid;
	info->pid = pid_nr(best->pid);
	strscpy(info->name, best->name, sizeof(info->name));
	rcu_read_lock();
	task = pid_task(best->pid, PIDTYPE_TGID);
	if (task)
		strscpy(info->comm, task->comm, sizeof(info->comm));
	rcu_read_unlock();
	info->state = READ_ONCE(best->state);
	info->reason = READ_ONCE(best->reason);
	info->epoch = READ_ONCE(best->epoch);
	info->backlog = READ_ONCE(best->backlog);
	if (info->state == VIRTSOCK_STATE_UP)
		info->ring_size = READ_ONCE(best->nr_pages) * VIRTSOCK_PAGE_SIZE;
	virtsock_control_stats(&best->stats, info->stats);
	mutex_unlock(&virtsock_vms_lock);
	return 0;
}
