// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an administrator asks of bindings: to make one, to end one, to change it,
 * to show them.
 */
#include <linux/netlink.h>
#include <linux/slab.h>
#include "vms.h"

/*
 * How long a request waits for a binding to leave. Generic netlink has all requests
 * of all families behind one lock, which a module that comes with a family takes for
 * writing: a VMM that holds up the end of its VM must not hold up that.
 */
#define VIRTSOCK_BIND_PATIENCE	HZ

static DECLARE_WAIT_QUEUE_HEAD(virtsock_bind_wait);

/**
 * virtsock_vm_left() - a binding has left the table, and all of its end is done
 * @vm: the VM
 *
 * Context: end_work.
 */
void virtsock_vm_left(struct virtsock_vm *vm)
{
	WRITE_ONCE(vm->left, true);
	wake_up_all(&virtsock_bind_wait);
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

/*
 * Until it has left. Context: process. Return: 0; -EAGAIN where that takes long;
 * -ERESTARTSYS where the caller is being killed.
 */
static int virtsock_vm_wait(struct virtsock_vm *vm)
{
	long left;

	/* Who has asked for it may not have come to queue it. */
	virtsock_vm_end(vm, BIT(VIRTSOCK_END_GONE));
	left = wait_event_killable_timeout(virtsock_bind_wait, READ_ONCE(vm->left),
					   VIRTSOCK_BIND_PATIENCE);
	if (left > 0)
		return 0;
	return left ? left : -EAGAIN;
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

/*
 * Into the table. Context: process. Return: 0, -EEXIST, -EBUSY; -EAGAIN,
 * -ERESTARTSYS as virtsock_vm_wait().
 */
static int virtsock_vm_enter(struct virtsock_vm *vm, struct netlink_ext_ack *extack)
{
	struct virtsock_vm *other;
	int err = 0;

	mutex_lock(&virtsock_vms_lock);
	while ((other = virtsock_vm_conflict(vm->cid, vm->pid)) &&
	       virtsock_vm_leaves(other)) {
		kref_get(&other->ref);
		mutex_unlock(&virtsock_vms_lock);
		err = virtsock_vm_wait(other);
		virtsock_vm_put(other);
		if (err) {
			NL_SET_ERR_MSG(extack, "the binding before is being ended");
			return err;
		}
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

/**
 * virtsock_vm_add() - bind a CID to the VM of a process
 * @cid: the CID
 * @nr: a process, in the caller's pid namespace
 * @config: what else is given
 * @extack: says more
 *
 * Context: process.
 * Return: 0; -ERANGE (CID or a limit), -EINVAL (ports), -ESRCH (no such
 * process), -EEXIST (CID in use), -EBUSY (the process has a CID), -ENOMEM;
 * -EAGAIN: the binding before is being ended, and its VMM takes long; ask again.
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
 * When this returns 0 its connections have ended.
 *
 * Context: process.
 * Return: 0; -ENOENT; -EAGAIN: it is being ended, and its VMM takes long; ask again;
 * -ERESTARTSYS where the caller is being killed.
 */
int virtsock_vm_del(u32 cid)
{
	struct virtsock_vm *vm = virtsock_vm_get(cid);
	bool again, was;
	int err;

	if (!vm)
		return -ENOENT;
	was = virtsock_vm_leaves(vm);
	do {
		err = virtsock_vm_wait(vm);
		again = !err && test_bit(VIRTSOCK_END_AGAIN, &vm->why);
		virtsock_vm_put(vm);
		/* It was just being replaced: that one is meant as well. */
		vm = again ? virtsock_vm_get(cid) : NULL;
	} while (vm);
	if (err)
		return err;
	return was ? -ENOENT : 0;
}

/**
 * virtsock_vm_del_all() - unbind every CID
 *
 * Once the table is empty under its lock it stays so: only who finds its own
 * binding there puts the next one in its place.
 *
 * Context: process, module exit; no more requests. However long a VMM takes: the
 * text that ends its VM is about to go.
 */
void virtsock_vm_del_all(void)
{
	struct virtsock_vm *vm, *one;
	int bkt;

	for (;;) {
		one = NULL;
		mutex_lock(&virtsock_vms_lock);
		hash_for_each(virtsock_vms, bkt, vm, by_cid)
			one = vm;
		if (one)
			kref_get(&one->ref);
		mutex_unlock(&virtsock_vms_lock);
		if (!one)
			return;
		virtsock_vm_end(one, BIT(VIRTSOCK_END_GONE));
		flush_work(&one->end_work);
		virtsock_vm_put(one);
	}
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
