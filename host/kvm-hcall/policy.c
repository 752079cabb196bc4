// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an administrator allows a VM. A policy is replaced as a whole and never
 * changed, so it is read under RCU by hypercalls and by host programs alike;
 * a VM that has none pays for a look at a pointer.
 *
 * Beyond a rate nothing is lost or refused: the guest is told to stop, as where
 * the host is full, what waits for it waits on, and the doorbell says when to
 * call again. What is refused is a hypercall too many, which then does nothing.
 */
#include <linux/ktime.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <virtsock/bucket.h>
#include "host.h"

/* A record of the largest size each second; and what a guest needs to live */
#define VIRTSOCK_RATE_MIN	65536U
#define VIRTSOCK_CALLS_MIN	100U

/**
 * struct virtsock_policy - what a VM may do
 * @host_ports: where its programs may connect to
 * @guest_ports: where programs of the host may
 * @meters: what is left of each limit; the only thing that changes, under
 *	vm->lock; anew with each policy
 * @rcu: readers may still look at it
 */
struct virtsock_policy {
	struct virtsock_ports host_ports;
	struct virtsock_ports guest_ports;
	struct virtsock_bucket meters[VIRTSOCK_METER_NR];
	struct rcu_head rcu;
};

/**
 * __virtsock_policy_allows() - may this port be connected to?
 * @vm: the VM
 * @who: the side that connects
 * @port: of the other one
 *
 * For virtsock_policy_allows(), where there is a policy. Counts who may not.
 *
 * Context: any.
 * Return: true if it may.
 */
bool __virtsock_policy_allows(struct virtsock_vm *vm, enum virtsock_connects who,
			      u32 port)
{
	const struct virtsock_policy *policy;
	bool allowed = true;

	rcu_read_lock();
	policy = rcu_dereference(vm->policy);
	if (policy)
		allowed = virtsock_ports_have(who == VIRTSOCK_GUEST_CONNECTS ?
					      &policy->host_ports :
					      &policy->guest_ports, port);
	rcu_read_unlock();
	if (!allowed)
		virtsock_stat_inc(&vm->stats, who == VIRTSOCK_GUEST_CONNECTS ?
					      VIRTSOCK_STATS_A_DENIED_HOST_PORTS :
					      VIRTSOCK_STATS_A_DENIED_GUEST_PORTS);
	return allowed;
}

/**
 * __virtsock_policy_left() - how much may move now?
 * @vm: the VM
 * @meter: what
 *
 * For virtsock_policy_left(), where there is a policy.
 *
 * Context: vCPU thread, vm->lock held.
 * Return: units, perhaps U32_MAX; 0 if it has to wait.
 */
u32 __virtsock_policy_left(struct virtsock_vm *vm, enum virtsock_meter meter)
{
	const struct virtsock_policy *policy;
	u32 left = U32_MAX;

	rcu_read_lock();
	policy = rcu_dereference(vm->policy);
	if (policy && policy->meters[meter].rate)
		left = virtsock_bucket_left(&policy->meters[meter], ktime_get_ns());
	rcu_read_unlock();
	return left;
}

/**
 * __virtsock_policy_took() - so much has moved
 * @vm: the VM
 * @meter: what
 * @units: how much
 *
 * For virtsock_policy_took(), where there is a policy.
 *
 * Context: vCPU thread, vm->lock held.
 */
void __virtsock_policy_took(struct virtsock_vm *vm, enum virtsock_meter meter,
			    u32 units)
{
	struct virtsock_policy *policy;

	rcu_read_lock();
	policy = rcu_dereference(vm->policy);
	if (policy && policy->meters[meter].rate && units)
		virtsock_bucket_take(&policy->meters[meter], ktime_get_ns(), units);
	rcu_read_unlock();
}

/**
 * virtsock_policy_call() - may this hypercall do anything?
 * @vm: the VM
 *
 * One that may not is not counted against the limit: a guest that goes on
 * calling gets what it is allowed all the same.
 *
 * Context: vCPU thread, vm->lock held.
 * Return: false if it is one too many.
 */
bool virtsock_policy_call(struct virtsock_vm *vm)
{
	if (!virtsock_policy_left(vm, VIRTSOCK_METER_CALLS)) {
		virtsock_stat_inc(&vm->stats, VIRTSOCK_STATS_A_LIMITED_CALLS);
		return false;
	}
	virtsock_policy_took(vm, VIRTSOCK_METER_CALLS, 1);
	return true;
}

/**
 * virtsock_policy_over() - a limit is met, and something has to wait
 * @vm: the VM
 * @meter: which
 *
 * Nothing rings until then for what the guest would not be given.
 *
 * Context: vCPU thread, vm->lock held, in a FLUSH; virtsock_policy_pause()
 * follows in the same one.
 */
void virtsock_policy_over(struct virtsock_vm *vm, enum virtsock_meter meter)
{
	const struct virtsock_policy *policy;
	u64 ns = 1;

	/* There may be another one by now: then it is tried at once. */
	rcu_read_lock();
	policy = rcu_dereference(vm->policy);
	if (policy)
		ns = max(ns, virtsock_bucket_wait(&policy->meters[meter],
						  ktime_get_ns()));
	rcu_read_unlock();
	/* Both directions may wait; who is let go first finds out about the other. */
	vm->pause_ns = min_not_zero(vm->pause_ns, ns);

	spin_lock_bh(&vm->tx_lock);
	vm->stopped |= meter != VIRTSOCK_METER_TX;
	vm->paused |= meter != VIRTSOCK_METER_RX;
	spin_unlock_bh(&vm->tx_lock);
	if (meter == VIRTSOCK_METER_RX)
		virtsock_stat_inc(&vm->stats, VIRTSOCK_STATS_A_LIMITED_RX);
	else if (meter == VIRTSOCK_METER_TX)
		virtsock_stat_inc(&vm->stats, VIRTSOCK_STATS_A_LIMITED_TX);
}

/**
 * virtsock_policy_pause() - if this call met a limit, the guest is rung later
 * @vm: the VM
 *
 * Context: vCPU thread, vm->lock held, at the end of a FLUSH.
 */
void virtsock_policy_pause(struct virtsock_vm *vm)
{
	if (!vm->pause_ns)
		return;
	virtsock_kick_in(vm, vm->pause_ns);
	vm->pause_ns = 0;
}

static int virtsock_check_ports(const struct virtsock_vm_ports *ports,
				struct netlink_ext_ack *extack)
{
	struct virtsock_ports scratch;
	int err = 0;

	if (ports->ranges)
		err = virtsock_ports_set(&scratch, ports->ranges, ports->len);
	if (err == -E2BIG)
		NL_SET_ERR_MSG(extack, "a list of ports has at most 16 ranges");
	else if (err)
		NL_SET_ERR_MSG(extack, "a range of ports ends before it begins, or is incomplete");
	return err ? -EINVAL : 0;
}

/**
 * virtsock_policy_check() - can this be a policy?
 * @config: what the administrator says
 * @extack: says more
 *
 * Context: process.
 * Return: 0, -EINVAL for ports, -ERANGE for a limit.
 */
int virtsock_policy_check(const struct virtsock_vm_config *config,
			  struct netlink_ext_ack *extack)
{
	const u32 *backlog = config->backlog;

	if (backlog && (*backlog < VIRTSOCK_BACKLOG_MIN ||
			*backlog > VIRTSOCK_BACKLOG_MAX)) {
		NL_SET_ERR_MSG(extack, "backlog must be 262144 to 1073741824 bytes");
		return -ERANGE;
	}
	if (config->has_rate && config->rate &&
	    (config->rate < VIRTSOCK_RATE_MIN || config->rate > VIRTSOCK_BUCKET_MAX)) {
		NL_SET_ERR_MSG(extack, "rate must be 65536 to 68719476736 bytes a second, or 0 for no limit");
		return -ERANGE;
	}
	if (config->calls && *config->calls && *config->calls < VIRTSOCK_CALLS_MIN) {
		NL_SET_ERR_MSG(extack, "calls must be 100 a second or more, or 0 for no limit");
		return -ERANGE;
	}
	return virtsock_check_ports(&config->host_ports, extack) ?:
	       virtsock_check_ports(&config->guest_ports, extack);
}

static bool virtsock_policy_is_none(const struct virtsock_policy *policy)
{
	return virtsock_ports_are_all(&policy->host_ports) &&
	       virtsock_ports_are_all(&policy->guest_ports) &&
	       !policy->meters[VIRTSOCK_METER_RX].rate &&
	       !policy->meters[VIRTSOCK_METER_CALLS].rate;
}

/* What @config says, and of the old policy what it does not say */
static void virtsock_policy_fill(struct virtsock_policy *policy,
				 const struct virtsock_policy *old,
				 const struct virtsock_vm_config *config)
{
	struct virtsock_bucket *meters = policy->meters;
	int i;

	virtsock_ports_all(&policy->host_ports);
	virtsock_ports_all(&policy->guest_ports);
	if (old) {
		policy->host_ports = old->host_ports;
		policy->guest_ports = old->guest_ports;
		for (i = 0; i < VIRTSOCK_METER_NR; i++)
			meters[i].rate = old->meters[i].rate;
	}
	if (config->host_ports.ranges)
		virtsock_ports_set(&policy->host_ports, config->host_ports.ranges,
				   config->host_ports.len);
	if (config->guest_ports.ranges)
		virtsock_ports_set(&policy->guest_ports, config->guest_ports.ranges,
				   config->guest_ports.len);
	if (config->has_rate) {
		meters[VIRTSOCK_METER_RX].rate = config->rate;
		meters[VIRTSOCK_METER_TX].rate = config->rate;
	}
	if (config->calls)
		meters[VIRTSOCK_METER_CALLS].rate = *config->calls;
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

/**
 * virtsock_policy_set() - change what a VM may do
 * @vm: the VM
 * @config: what to change, as virtsock_policy_check() has seen it
 *
 * Ports are for who connects from now on; connections that there are stay. What
 * waits for a limit tries again at once.
 *
 * Context: process, virtsock_vms_lock held, or nobody knows the VM yet.
 * Return: 0; -ENOMEM, and all is as it was.
 */
int virtsock_policy_set(struct virtsock_vm *vm,
			const struct virtsock_vm_config *config)
{
	struct virtsock_policy *policy, *old;

	if (!config->host_ports.ranges && !config->guest_ports.ranges &&
	    !config->has_rate && !config->calls)
		goto backlog;
	policy = kzalloc(sizeof(*policy), GFP_KERNEL);
	if (!policy)
		return -ENOMEM;
	/* All who write hold that lock. */
	old = rcu_dereference_protected(vm->policy, true);
	virtsock_policy_fill(policy, old, config);
	if (virtsock_policy_is_none(policy)) {
		kfree(policy);
		policy = NULL;
	}
	rcu_assign_pointer(vm->policy, policy);
	if (old)
		kfree_rcu(old, rcu);
	/* Who meets a limit just now has the old one: it waits as long as that says. */
	smp_mb();
	if (READ_ONCE(vm->stopped) || READ_ONCE(vm->paused))
		virtsock_kick(vm);
backlog:
	if (config->backlog)
		virtsock_set_backlog(vm, *config->backlog);
	return 0;
}

/**
 * virtsock_policy_show() - describe what a VM may do
 * @vm: the VM
 * @info: out
 *
 * Context: process.
 */
void virtsock_policy_show(struct virtsock_vm *vm, struct virtsock_vm_info *info)
{
	const struct virtsock_policy *policy;

	virtsock_ports_all(&info->host_ports);
	virtsock_ports_all(&info->guest_ports);
	rcu_read_lock();
	policy = rcu_dereference(vm->policy);
	if (policy) {
		info->host_ports = policy->host_ports;
		info->guest_ports = policy->guest_ports;
		info->rate = policy->meters[VIRTSOCK_METER_RX].rate;
		info->calls = policy->meters[VIRTSOCK_METER_CALLS].rate;
	}
	rcu_read_unlock();
}

/**
 * virtsock_policy_move() - the binding of a VM goes on with another one
 * @to: that one, new
 * @from: the VM; its calls are refused from now on
 *
 * Context: process, virtsock_vms_lock held.
 */
void virtsock_policy_move(struct virtsock_vm *to, struct virtsock_vm *from)
{
	to->backlog = from->backlog;
	to->rxq.low = from->rxq.low;
	rcu_assign_pointer(to->policy, rcu_dereference_protected(from->policy, true));
	RCU_INIT_POINTER(from->policy, NULL);
}

/**
 * virtsock_policy_free() - a VM goes, and its policy with it
 * @vm: the VM; nobody looks at it any more
 *
 * Context: process.
 */
void virtsock_policy_free(struct virtsock_vm *vm)
{
	kfree(rcu_dereference_protected(vm->policy, true));
}
