// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generic netlink family "virtsock" (Documentation/netlink/specs/virtsock.yaml).
 * One family for both modules, as both may be loaded: a nested host is a guest.
 */
#include <linux/export.h>
#include <linux/rwsem.h>
#include <net/genetlink.h>
#include <virtsock/control.h>
#include <virtsock/core.h>

/*
 * Protects the two pointers, and holds their modules' exit off while used.
 * The operations serialise themselves.
 */
static DECLARE_RWSEM(virtsock_control_lock);
static const struct virtsock_host_ops *virtsock_host_ops;
static const struct virtsock_guest_ops *virtsock_guest_ops;
static struct genl_family virtsock_family;

static const struct nla_policy virtsock_policy[VIRTSOCK_A_MAX + 1] = {
	[VIRTSOCK_A_CID]	= { .type = NLA_U32 },
	[VIRTSOCK_A_PID]	= { .type = NLA_U32 },
	[VIRTSOCK_A_NAME]	= { .type = NLA_NUL_STRING,
				    .len = VIRTSOCK_NAME_MAX },
	[VIRTSOCK_A_BACKLOG]	= { .type = NLA_U32 },
	[VIRTSOCK_A_ADMIN_UP]	= NLA_POLICY_MAX(NLA_U8, 1),
	[VIRTSOCK_A_HOST_PORTS]	= { .type = NLA_BINARY,
				    .len = VIRTSOCK_PORTS_LEN },
	[VIRTSOCK_A_GUEST_PORTS] = { .type = NLA_BINARY,
				     .len = VIRTSOCK_PORTS_LEN },
	[VIRTSOCK_A_RATE]	= { .type = NLA_U64 },
	[VIRTSOCK_A_CALLS]	= { .type = NLA_U32 },
};

static int virtsock_put_stats(struct sk_buff *msg, const u64 *stats)
{
	struct nlattr *nest = nla_nest_start(msg, VIRTSOCK_A_STATS);
	int a;

	if (!nest)
		return -EMSGSIZE;
	for (a = VIRTSOCK_STATS_A_PAD + 1; a <= VIRTSOCK_STATS_A_MAX; a++)
		if (nla_put_u64_64bit(msg, a, stats[a], VIRTSOCK_STATS_A_PAD))
			return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static int virtsock_ports_len(const struct virtsock_ports *ports)
{
	return ports->nr * sizeof(ports->range[0]);
}

static int virtsock_put_vm(struct sk_buff *msg, u32 portid, u32 seq, int flags,
			   const struct virtsock_vm_info *vm)
{
	void *hdr = genlmsg_put(msg, portid, seq, &virtsock_family, flags,
				VIRTSOCK_CMD_VM_GET);

	if (!hdr)
		return -EMSGSIZE;
	if (nla_put_u32(msg, VIRTSOCK_A_CID, vm->cid) ||
	    nla_put_u32(msg, VIRTSOCK_A_PID, vm->pid) ||
	    nla_put_string(msg, VIRTSOCK_A_NAME, vm->name) ||
	    nla_put_string(msg, VIRTSOCK_A_COMM, vm->comm) ||
	    nla_put_u32(msg, VIRTSOCK_A_STATE, vm->state) ||
	    nla_put_u32(msg, VIRTSOCK_A_REASON, vm->reason) ||
	    nla_put_u64_64bit(msg, VIRTSOCK_A_EPOCH, vm->epoch, VIRTSOCK_A_PAD) ||
	    nla_put_u32(msg, VIRTSOCK_A_BACKLOG, vm->backlog) ||
	    nla_put_u32(msg, VIRTSOCK_A_RING_SIZE, vm->ring_size) ||
	    nla_put(msg, VIRTSOCK_A_HOST_PORTS,
		    virtsock_ports_len(&vm->host_ports), vm->host_ports.range) ||
	    nla_put(msg, VIRTSOCK_A_GUEST_PORTS,
		    virtsock_ports_len(&vm->guest_ports), vm->guest_ports.range) ||
	    nla_put_u64_64bit(msg, VIRTSOCK_A_RATE, vm->rate, VIRTSOCK_A_PAD) ||
	    nla_put_u32(msg, VIRTSOCK_A_CALLS, vm->calls) ||
	    virtsock_put_stats(msg, vm->stats)) {
		genlmsg_cancel(msg, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, hdr);
	return 0;
}

static int virtsock_nl_missing(struct genl_info *info, int attr)
{
	if (info->attrs[attr])
		return 0;
	GENL_SET_ERR_MSG(info, "a required attribute is missing");
	return -EINVAL;
}

/* Context: virtsock_control_lock held. */
static int virtsock_need_host(struct genl_info *info)
{
	if (virtsock_host_ops)
		return 0;
	GENL_SET_ERR_MSG(info, "module virtsock_host is not loaded");
	return -EOPNOTSUPP;
}

static int virtsock_need_guest(struct genl_info *info)
{
	if (virtsock_guest_ops)
		return 0;
	GENL_SET_ERR_MSG(info, "module vmw_vsock_virtsock is not loaded");
	return -EOPNOTSUPP;
}

static const void *virtsock_nl_data(const struct nlattr *attr)
{
	return attr ? nla_data(attr) : NULL;
}

static struct virtsock_vm_ports virtsock_nl_ports(const struct nlattr *attr)
{
	return (struct virtsock_vm_ports) {
		.ranges = virtsock_nl_data(attr),
		.len = attr ? nla_len(attr) : 0,
	};
}

/* Points into the request. */
static struct virtsock_vm_config virtsock_nl_config(struct genl_info *info)
{
	const struct nlattr *rate = info->attrs[VIRTSOCK_A_RATE];

	return (struct virtsock_vm_config) {
		.name = virtsock_nl_data(info->attrs[VIRTSOCK_A_NAME]),
		.backlog = virtsock_nl_data(info->attrs[VIRTSOCK_A_BACKLOG]),
		.host_ports = virtsock_nl_ports(info->attrs[VIRTSOCK_A_HOST_PORTS]),
		.guest_ports = virtsock_nl_ports(info->attrs[VIRTSOCK_A_GUEST_PORTS]),
		.has_rate = rate,
		.rate = rate ? nla_get_u64(rate) : 0,
		.calls = virtsock_nl_data(info->attrs[VIRTSOCK_A_CALLS]),
	};
}

static int virtsock_nl_vm_add(struct sk_buff *skb, struct genl_info *info)
{
	struct virtsock_vm_config config = virtsock_nl_config(info);
	int err = virtsock_nl_missing(info, VIRTSOCK_A_CID) ?:
		  virtsock_nl_missing(info, VIRTSOCK_A_PID);

	if (err)
		return err;
	down_read(&virtsock_control_lock);
	err = virtsock_need_host(info) ?:
	      virtsock_host_ops->vm_add(nla_get_u32(info->attrs[VIRTSOCK_A_CID]),
					nla_get_u32(info->attrs[VIRTSOCK_A_PID]),
					&config, info->extack);
	up_read(&virtsock_control_lock);
	return err;
}

static int virtsock_nl_vm_del(struct sk_buff *skb, struct genl_info *info)
{
	int err = virtsock_nl_missing(info, VIRTSOCK_A_CID);

	if (err)
		return err;
	down_read(&virtsock_control_lock);
	err = virtsock_need_host(info) ?:
	      virtsock_host_ops->vm_del(nla_get_u32(info->attrs[VIRTSOCK_A_CID]));
	up_read(&virtsock_control_lock);
	return err;
}

static int virtsock_nl_vm_set(struct sk_buff *skb, struct genl_info *info)
{
	struct virtsock_vm_config config = virtsock_nl_config(info);
	int err = virtsock_nl_missing(info, VIRTSOCK_A_CID);

	if (err)
		return err;
	down_read(&virtsock_control_lock);
	err = virtsock_need_host(info) ?:
	      virtsock_host_ops->vm_set(nla_get_u32(info->attrs[VIRTSOCK_A_CID]),
					&config, info->extack);
	up_read(&virtsock_control_lock);
	return err;
}

static int virtsock_nl_vm_get(struct sk_buff *skb, struct genl_info *info)
{
	int err = virtsock_nl_missing(info, VIRTSOCK_A_CID);
	struct virtsock_vm_info *vm;
	struct sk_buff *msg;
	u32 cid;

	if (err)
		return err;
	vm = kzalloc(sizeof(*vm), GFP_KERNEL);
	msg = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!vm || !msg) {
		err = -ENOMEM;
		goto out;
	}
	cid = nla_get_u32(info->attrs[VIRTSOCK_A_CID]);
	down_read(&virtsock_control_lock);
	err = virtsock_need_host(info) ?: virtsock_host_ops->vm_next(cid, vm);
	up_read(&virtsock_control_lock);
	if (!err && vm->cid != cid)
		err = -ENOENT;
	if (!err)
		err = virtsock_put_vm(msg, info->snd_portid, info->snd_seq, 0, vm);
	if (!err) {
		kfree(vm);
		return genlmsg_reply(msg, info);
	}
out:
	nlmsg_free(msg);
	kfree(vm);
	return err;
}

static int virtsock_nl_vm_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct virtsock_vm_info *vm = kzalloc(sizeof(*vm), GFP_KERNEL);
	int err = 0;

	if (!vm)
		return -ENOMEM;

	down_read(&virtsock_control_lock);
	if (!virtsock_host_ops)
		err = -EOPNOTSUPP;
	/* args[0]: the lowest CID that is not shown yet, +1 to tell it from 0 */
	while (!err && !virtsock_host_ops->vm_next(cb->args[0], vm)) {
		err = virtsock_put_vm(skb, NETLINK_CB(cb->skb).portid,
				      cb->nlh->nlmsg_seq, NLM_F_MULTI, vm);
		if (!err)
			cb->args[0] = (long)vm->cid + 1;
	}
	up_read(&virtsock_control_lock);
	kfree(vm);
	if (err && err != -EMSGSIZE)
		return err;
	return skb->len;
}

static int virtsock_put_link(struct sk_buff *msg, struct genl_info *info,
			     const struct virtsock_link_info *link)
{
	void *hdr = genlmsg_put_reply(msg, info, &virtsock_family, 0,
				      VIRTSOCK_CMD_LINK_GET);

	if (!hdr ||
	    nla_put_u32(msg, VIRTSOCK_A_CID, link->cid) ||
	    nla_put_u32(msg, VIRTSOCK_A_STATE, link->state) ||
	    nla_put_u32(msg, VIRTSOCK_A_REASON, link->reason) ||
	    nla_put_u64_64bit(msg, VIRTSOCK_A_EPOCH, link->epoch, VIRTSOCK_A_PAD) ||
	    nla_put_u8(msg, VIRTSOCK_A_ADMIN_UP, link->admin_up) ||
	    nla_put_u32(msg, VIRTSOCK_A_RING_SIZE, link->ring_size) ||
	    nla_put_string(msg, VIRTSOCK_A_POLICY, link->policy) ||
	    virtsock_put_stats(msg, link->stats))
		return -EMSGSIZE;
	genlmsg_end(msg, hdr);
	return 0;
}

static int virtsock_nl_link_get(struct sk_buff *skb, struct genl_info *info)
{
	struct virtsock_link_info *link = kzalloc(sizeof(*link), GFP_KERNEL);
	struct sk_buff *msg = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	int err = -ENOMEM;

	if (!link || !msg)
		goto out;
	down_read(&virtsock_control_lock);
	err = virtsock_need_guest(info);
	if (!err)
		virtsock_guest_ops->link_get(link);
	up_read(&virtsock_control_lock);
	if (!err)
		err = virtsock_put_link(msg, info, link);
	if (!err) {
		kfree(link);
		return genlmsg_reply(msg, info);
	}
out:
	nlmsg_free(msg);
	kfree(link);
	return err;
}

static int virtsock_nl_link_set(struct sk_buff *skb, struct genl_info *info)
{
	int err = virtsock_nl_missing(info, VIRTSOCK_A_ADMIN_UP);

	if (err)
		return err;
	down_read(&virtsock_control_lock);
	err = virtsock_need_guest(info) ?:
	      virtsock_guest_ops->link_set(nla_get_u8(info->attrs[VIRTSOCK_A_ADMIN_UP]));
	up_read(&virtsock_control_lock);
	return err;
}

static const struct genl_small_ops virtsock_ops[] = {
	{ .cmd = VIRTSOCK_CMD_VM_ADD, .doit = virtsock_nl_vm_add,
	  .flags = GENL_ADMIN_PERM },
	{ .cmd = VIRTSOCK_CMD_VM_DEL, .doit = virtsock_nl_vm_del,
	  .flags = GENL_ADMIN_PERM },
	{ .cmd = VIRTSOCK_CMD_VM_GET, .doit = virtsock_nl_vm_get,
	  .dumpit = virtsock_nl_vm_dump },
	{ .cmd = VIRTSOCK_CMD_VM_SET, .doit = virtsock_nl_vm_set,
	  .flags = GENL_ADMIN_PERM },
	{ .cmd = VIRTSOCK_CMD_LINK_GET, .doit = virtsock_nl_link_get },
	{ .cmd = VIRTSOCK_CMD_LINK_SET, .doit = virtsock_nl_link_set,
	  .flags = GENL_ADMIN_PERM },
};

static const struct genl_multicast_group virtsock_mcgrps[] = {
	{ .name = VIRTSOCK_GENL_MCGRP },
};

static struct genl_family virtsock_family = {
	.name		= VIRTSOCK_GENL_NAME,
	.version	= VIRTSOCK_GENL_VERSION,
	.maxattr	= VIRTSOCK_A_MAX,
	.policy		= virtsock_policy,
	.module		= THIS_MODULE,
	/* Ending a link may take a moment: not while others' families wait. */
	.parallel_ops	= true,
	.small_ops	= virtsock_ops,
	.n_small_ops	= ARRAY_SIZE(virtsock_ops),
	.mcgrps		= virtsock_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(virtsock_mcgrps),
};

/**
 * virtsock_control_host() - the host's module comes or goes
 * @ops: its operations; NULL: none is running when this returns, none will be
 *
 * Context: process.
 */
void virtsock_control_host(const struct virtsock_host_ops *ops)
{
	down_write(&virtsock_control_lock);
	virtsock_host_ops = ops;
	up_write(&virtsock_control_lock);
}
EXPORT_SYMBOL_GPL(virtsock_control_host);

/**
 * virtsock_control_guest() - the guest's module comes or goes
 * @ops: its operations; NULL: none is running when this returns, none will be
 *
 * Context: process.
 */
void virtsock_control_guest(const struct virtsock_guest_ops *ops)
{
	down_write(&virtsock_control_lock);
	virtsock_guest_ops = ops;
	up_write(&virtsock_control_lock);
}
EXPORT_SYMBOL_GPL(virtsock_control_guest);

static void virtsock_event(enum virtsock_event event, u32 cid, u32 pid,
			   const char *comm, u32 reason)
{
	struct sk_buff *msg;
	void *hdr;

	if (!genl_has_listeners(&virtsock_family, &init_net, 0))
		return;
	msg = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg)
		return;
	hdr = genlmsg_put(msg, 0, 0, &virtsock_family, 0, VIRTSOCK_CMD_EVENT);
	if (!hdr || nla_put_u32(msg, VIRTSOCK_A_EVENT, event) ||
	    (cid && nla_put_u32(msg, VIRTSOCK_A_CID, cid)) ||
	    (pid && nla_put_u32(msg, VIRTSOCK_A_PID, pid)) ||
	    (comm && nla_put_string(msg, VIRTSOCK_A_COMM, comm)) ||
	    (reason && nla_put_u32(msg, VIRTSOCK_A_REASON, reason))) {
		nlmsg_free(msg);
		return;
	}
	genlmsg_end(msg, hdr);
	genlmsg_multicast(&virtsock_family, msg, 0, 0, GFP_KERNEL);
}

/**
 * virtsock_control_event() - tell those who listen (virtsock monitor)
 * @event: what happened
 * @cid: to which VM or link, 0 if none
 * @pid: thread group of the VMM, 0 if none
 * @comm: its command name, NULL if none
 *
 * Best effort: an event nobody listens to, or without memory, is lost.
 *
 * Context: process.
 */
void virtsock_control_event(enum virtsock_event event, u32 cid, u32 pid,
			    const char *comm)
{
	virtsock_event(event, cid, pid, comm, 0);
}
EXPORT_SYMBOL_GPL(virtsock_control_event);

/**
 * virtsock_control_refused() - tell that a VM cannot have a link
 * @cid: of the VM
 * @pid: thread group of the VMM
 * @comm: its command name
 * @reason: VIRTSOCK_E*
 *
 * Context: process.
 */
void virtsock_control_refused(u32 cid, u32 pid, const char *comm, u32 reason)
{
	virtsock_event(VIRTSOCK_EVENT_REFUSED, cid, pid, comm, reason);
}
EXPORT_SYMBOL_GPL(virtsock_control_refused);

/**
 * virtsock_control_stats() - copy counters for showing
 * @s: the counters
 * @out: by enum virtsock_stats_attr
 *
 * Context: any.
 */
void virtsock_control_stats(const struct virtsock_stats *s, u64 *out)
{
	int a;

	for (a = 0; a <= VIRTSOCK_STATS_A_MAX; a++)
		out[a] = atomic64_read(&s->v[a]);
}
EXPORT_SYMBOL_GPL(virtsock_control_stats);

/**
 * virtsock_netlink_init() - register the family
 *
 * Context: process, module init.
 * Return: 0 or an error of genl_register_family().
 */
int virtsock_netlink_init(void)
{
	return genl_register_family(&virtsock_family);
}

/**
 * virtsock_netlink_exit() - unregister the family
 *
 * Context: process, module exit.
 */
void virtsock_netlink_exit(void)
{
	genl_unregister_family(&virtsock_family);
}
