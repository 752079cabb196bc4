// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMs that have a CID: bound by the administrator to a process, ended by reset,
 * death or unbinding.
 */
#include <linux/netlink.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include "vms.h"

/* Changes of the tables, and the fields of a VM that it says so of */
DEFINE_MUTEX(virtsock_vms_lock);
DEFINE_HASHTABLE(virtsock_vms, VIRTSOCK_VMS_BITS);

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
 * virtsock_vm_by_pid() - find the binding of a process
 * @pid: the process
 *
 * Whoever asks in vain must not keep others from a lock.
 *
 * Context: any but hard irq.
 * Return: the VM with a reference, or NULL.
 */
struct virtsock_vm *virtsock_vm_by_pid(struct pid *pid)
{
	struct virtsock_vm *vm, *found = NULL;
	int bkt;

	rcu_read_lock();
	hash_for_each_rcu(virtsock_vms, bkt, vm, by_cid)
		if (!found && vm->pid == pid && kref_get_unless_zero(&vm->ref))
			found = vm;
	rcu_read_unlock();
	return found;
}

static void virtsock_vm_free(struct work_struct *work)
{
	struct virtsock_vm *vm = container_of(work, struct virtsock_vm, release_work);

	virtsock_doorbell_stop(vm);
	/* Whoever else rings has a reference: it is not queued again. */
	cancel_delayed_work_sync(&vm->soon_work);
	cancel_delayed_work_sync(&vm->kick_work);
	virtsock_vm_detach(vm);
	/*
	 * A lane waits for a program only where that has locked its socket just
	 * before the common code did. Nobody waits for us meanwhile but rmmod.
	 */
	virtsock_rxq_flush(&vm->rxq);
	if (vm->rxq.mm)
		mmdrop(vm->rxq.mm);
	put_pid(vm->pid);
	virtsock_policy_free(vm);
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

	queue_work(virtsock_free_wq, &vm->release_work);
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
	if (why & BIT(VIRTSOCK_END_AGAIN))
		set_bit(VIRTSOCK_END_AGAIN, &vm->why);
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

/*
 * The process of @vm lives on, and so does its binding: whoever looks finds one of
 * the two. virtsock_vms_lock held.
 */
static void virtsock_vm_replace(struct virtsock_vm *vm, struct virtsock_vm *next)
{
	strscpy(next->name, vm->name, sizeof(next->name));
	virtsock_policy_move(next, vm);
	kref_get(&next->ref);
	vm->next = next;
	next->behind = true;
	hlist_replace_rcu(&vm->by_cid, &next->by_cid);
	/* It is in no table, as after hlist_del_init_rcu(). */
	WRITE_ONCE(vm->by_cid.pprev, NULL);
}

/* The binding goes, or is for the process's next VM. Context: end_work. */
static void virtsock_vm_remove(struct virtsock_vm *vm)
{
	struct virtsock_vm *next = NULL;
	bool there;

	if (test_bit(VIRTSOCK_END_AGAIN, &vm->why) && virtsock_vm_dies(vm)) {
		set_bit(VIRTSOCK_END_EXIT, &vm->why);
	} else if (test_bit(VIRTSOCK_END_AGAIN, &vm->why)) {
		next = virtsock_vm_alloc(vm->cid, vm->pid);
		if (next)
			get_pid(vm->pid);
	}
	mutex_lock(&virtsock_vms_lock);
	there = !hlist_unhashed(&vm->by_cid);
	if (there && next)
		virtsock_vm_replace(vm, next);
	else if (there)
		hlist_del_init_rcu(&vm->by_cid);
	if (there && vm->kvm)
		hash_del_rcu(&vm->by_kvm);
	mutex_unlock(&virtsock_vms_lock);
	if (!there) {
		if (next)
			virtsock_vm_put(next);
		return;
	}

	/* Nobody attaches it any more. END_GONE is set: ->release() returns. */
	if (vm->kvm)
		mmu_notifier_unregister(&vm->mn, vm->mn.mm);
	if (!next)
		virtsock_control_event(test_bit(VIRTSOCK_END_EXIT, &vm->why) ?
				       VIRTSOCK_EVENT_VM_EXIT : VIRTSOCK_EVENT_VM_DEL,
				       vm->cid, pid_nr(vm->pid), NULL);
	virtsock_vm_left(vm);
	virtsock_vm_put(vm);	/* the table's */
}

/*
 * A hypercall may hold it while it waits for a page, as long as the VMM likes
 * (userfaultfd), and who waits for that is no hung task. Context: a worker, which
 * nobody sends signals.
 */
static void virtsock_vm_lock_idle(struct virtsock_vm *vm)
{
	while (mutex_lock_interruptible(&vm->lock))
		cond_resched();
}

static void virtsock_vm_end_work(struct work_struct *work)
{
	struct virtsock_vm *vm = container_of(work, struct virtsock_vm, end_work);
	bool had_link, gone;

	/* Asked for twice, done once: the next link is not meant. */
	if (!READ_ONCE(vm->why))
		goto out;

	virtsock_vm_lock_idle(vm);
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

	virtsock_vm_lock_idle(vm);
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

/* Packets that waited are delivered, or forgotten: the guest may go on. */
static void virtsock_vm_drained(struct virtsock_rxq *q)
{
	struct virtsock_vm *vm = container_of(q, struct virtsock_vm, rxq);

	if (READ_ONCE(vm->stopped) && kref_get_unless_zero(&vm->ref)) {
		virtsock_kick(vm);
		virtsock_vm_put(vm);
	}
}

/**
 * virtsock_vm_alloc() - make a binding that nobody knows yet
 * @cid: its CID
 * @pid: its process; the reference is the binding's, where there is one
 *
 * Context: process.
 * Return: the VM with a reference, or NULL without memory.
 */
struct virtsock_vm *virtsock_vm_alloc(u32 cid, struct pid *pid)
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
	skb_queue_head_init(&vm->sent);
	INIT_WORK(&vm->sent_work, virtsock_push_sent_work);
	INIT_WORK(&vm->end_work, virtsock_vm_end_work);
	INIT_WORK(&vm->release_work, virtsock_vm_free);
	virtsock_doorbell_setup(vm);
	vm->linger_ns = 100 * NSEC_PER_USEC;
	virtsock_rxq_init(&vm->rxq, &virtsock_host_side.t, virtsock_lane_wq);
	vm->rxq.drained = virtsock_vm_drained;
	vm->backlog = VIRTSOCK_BACKLOG_DEFAULT;
	vm->rxq.low = VIRTSOCK_BACKLOG_DEFAULT / 2;
	return vm;
}
