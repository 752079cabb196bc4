// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMs that have a CID: bound by the administrator to a process, ended by reset,
 * death or unbinding.
 */
#include <linux/hashtable.h>
#include <linux/netlink.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include "host.h"

/* Changes of the tables, and the fields of a VM that it says so of */
DEFINE_MUTEX(virtsock_vms_lock);
static DEFINE_HASHTABLE(virtsock_vms, 8);

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

static struct virtsock_vm *virtsock_vm_alloc(u32 cid, struct pid *pid);

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

/* All or nothing. Context: virtsock_vms_lock, or nobody knows the VM yet. */
static int virtsock_vm_configure(struct virtsock_vm *vm,
				 const struct virtsock_vm_config *config)
{
	int err = virtsock_policy_set(vm, config);

	if (err)
		return err;
	if (config->name)
		strscpy(vm->name, config->name, sizeof(vm->name));
	return 0;
}

/* Have what is stale end. How long that takes may be its VMM's to say. */
static void virtsock_vm_reap(void)
{
	struct virtsock_vm *vm;
	unsigned long why;
	int bkt;

	rcu_read_lock();
	hash_for_each_rcu(virtsock_vms, bkt, vm, by_cid) {
		if (!kref_get_unless_zero(&vm->ref))
			continue;
		why = virtsock_vm_stale(vm);
		if (why)
			virtsock_vm_end(vm, why);
		virtsock_vm_put(vm);
	}
	rcu_read_unlock();
}

/* Is a binding about to leave the table, with none after it? Nobody is told of it. */
static bool virtsock_vm_leaves(struct virtsock_vm *vm)
{
	return test_bit(VIRTSOCK_END_GONE, &vm->why) &&
	       (!test_bit(VIRTSOCK_END_AGAIN, &vm->why) || virtsock_vm_dies(vm));
}

/* Until it has left. Context: process. */
static void virtsock_vm_wait(struct virtsock_vm *vm)
{
	/* Who has asked for it may not have come to queue it. */
	virtsock_vm_end(vm, BIT(VIRTSOCK_END_GONE));
	flush_work(&vm->end_work);
}

/* The binding that a new one cannot be beside, or NULL. virtsock_vms_lock held. */
static struct virtsock_vm *virtsock_vm_conflict(u32 cid, const struct pid *pid)
{
	struct virtsock_vm *vm = virtsock_vm_find(cid);
	int bkt;

	if (vm)
		return vm;
	hash_for_each(virtsock_vms, bkt, vm, by_cid)
		if (vm->pid == pid)
			return vm;
	return NULL;
}

/* Into the table. Context: process. Return: 0, -EEXIST, -EBUSY. */
static int virtsock_vm_enter(struct virtsock_vm *vm, struct netlink_ext_ack *extack)
{
	struct virtsock_vm *other;
	int err = 0;

	mutex_lock(&virtsock_vms_lock);
	while ((other = virtsock_vm_conflict(vm->cid, vm->pid)) &&
	       virtsock_vm_leaves(other)) {
		kref_get(&other->ref);
		mutex_unlock(&virtsock_vms_lock);
		virtsock_vm_wait(other);
		virtsock_vm_put(other);
		mutex_lock(&virtsock_vms_lock);
	}
	if (!other) {
		hash_add_rcu(virtsock_vms, &vm->by_cid, vm->cid);
	} else if (other->cid == vm->cid) {
		NL_SET_ERR_MSG(extack, "the CID is in use");
		err = -EEXIST;
	} else {
		NL_SET_ERR_MSG(extack, "the process has a CID already");
		err = -EBUSY;
	}
	mutex_unlock(&virtsock_vms_lock);
	return err;
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

/**
 * virtsock_vm_add() - bind a CID to the VM of a process
 * @cid: the CID
 * @nr: a process, in the caller's pid namespace
 * @config: what else is given
 * @extack: says more
 *
 * Context: process.
 * Return: 0; -ERANGE (CID or a limit), -EINVAL (ports), -ESRCH (no such
 * process), -EEXIST (CID in use), -EBUSY (the process has a CID), -ENOMEM.
 */
int virtsock_vm_add(u32 cid, u32 nr, const struct virtsock_vm_config *config,
		    struct netlink_ext_ack *extack)
{
	struct task_struct *task = NULL;
	struct virtsock_vm *vm;
	struct pid *pid;
	u32 tgid;
	int err;

	if (cid <= VMADDR_CID_HOST || cid == VMADDR_CID_ANY) {
		NL_SET_ERR_MSG(extack, "CIDs 0 to 2 and 4294967295 are reserved");
		return -ERANGE;
	}
	err = virtsock_policy_check(config, extack);
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

	/* Once it is in the table, pid is the VM's, and anybody may end that. */
	tgid = pid_nr(pid);
	virtsock_vm_reap();
	vm = virtsock_vm_alloc(cid, pid);
	if (!vm) {
		put_pid(pid);
		return -ENOMEM;
	}
	err = virtsock_vm_configure(vm, config);
	if (!err)
		err = virtsock_vm_enter(vm, extack);
	if (err) {
		put_pid(pid);
		virtsock_policy_free(vm);
		kfree(vm);
		return err;
	}
	virtsock_control_event(VIRTSOCK_EVENT_VM_ADD, cid, tgid, NULL);
	return 0;
}

/* Not by RCU: the one found is not just being replaced. */
static struct virtsock_vm *virtsock_vm_get(u32 cid)
{
	struct virtsock_vm *vm;

	mutex_lock(&virtsock_vms_lock);
	vm = virtsock_vm_find(cid);
	if (vm)
		kref_get(&vm->ref);
	mutex_unlock(&virtsock_vms_lock);
	return vm;
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
	struct virtsock_vm *vm = virtsock_vm_get(cid);
	bool again, was;

	if (!vm)
		return -ENOENT;
	was = virtsock_vm_leaves(vm);
	do {
		virtsock_vm_wait(vm);
		again = test_bit(VIRTSOCK_END_AGAIN, &vm->why);
		virtsock_vm_put(vm);
		/* It was just being replaced: that one is meant as well. */
		vm = again ? virtsock_vm_get(cid) : NULL;
	} while (vm);
	return was ? -ENOENT : 0;
}

/**
 * virtsock_vm_del_all() - unbind every CID
 *
 * Once the table is empty under its lock it stays so: only who finds its own
 * binding there puts the next one in its place.
 *
 * Context: process, module exit; no more requests.
 */
void virtsock_vm_del_all(void)
{
	struct virtsock_vm *vm;
	u32 cid;
	int bkt;

	do {
		cid = 0;
		mutex_lock(&virtsock_vms_lock);
		hash_for_each(virtsock_vms, bkt, vm, by_cid)
			cid = vm->cid;
		mutex_unlock(&virtsock_vms_lock);
		if (cid)
			virtsock_vm_del(cid);
	} while (cid);
}

/**
 * virtsock_vm_set() - change what can be changed of a VM
 * @cid: its CID
 * @config: what is to be changed
 * @extack: says more
 *
 * Context: process.
 * Return: 0; -ENOENT, -ERANGE, -EINVAL, -ENOMEM: then all is as it was.
 */
int virtsock_vm_set(u32 cid, const struct virtsock_vm_config *config,
		    struct netlink_ext_ack *extack)
{
	struct virtsock_vm *vm;
	int err = virtsock_policy_check(config, extack);

	if (err)
		return err;
	/* Looked up under the lock: not one that is just being replaced. */
	mutex_lock(&virtsock_vms_lock);
	vm = virtsock_vm_find(cid);
	if (vm && virtsock_vm_leaves(vm))
		vm = NULL;
	err = vm ? virtsock_vm_configure(vm, config) : -ENOENT;
	mutex_unlock(&virtsock_vms_lock);
	return err;
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
		if (vm->cid >= cid && (!best || vm->cid < best->cid) &&
		    !virtsock_vm_leaves(vm))
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
	virtsock_policy_show(best, info);
	virtsock_control_stats(&best->stats, info->stats);
	mutex_unlock(&virtsock_vms_lock);
	return 0;
}
