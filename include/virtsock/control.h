/* SPDX-License-Identifier: GPL-2.0-only */
/* What the generic netlink family asks of the host's and the guest's module */
#ifndef _VIRTSOCK_CONTROL_H
#define _VIRTSOCK_CONTROL_H

#include <linux/sched.h>
#include <linux/types.h>
#include <virtsock/ports.h>
#include <uapi/linux/virtsock.h>

struct netlink_ext_ack;
struct virtsock_stats;

#define VIRTSOCK_NAME_MAX	63

/**
 * struct virtsock_vm_info - a VM as shown to administrators
 * @cid: its CID
 * @pid: thread group of the VMM, in the initial pid namespace
 * @name: label, may be empty
 * @comm: command name of the VMM
 * @state: enum virtsock_state
 * @reason: VIRTSOCK_E* why the VM cannot have a link, or 0
 * @epoch: of the link, 0 without one
 * @backlog: bytes that may wait undelivered
 * @ring_size: bytes, 0 without a link
 * @host_ports: where the guest may connect to
 * @guest_ports: where host programs may connect to
 * @rate: bytes a second that may move each way, 0: no limit
 * @calls: hypercalls a second, 0: no limit
 * @stats: copied counters, by enum virtsock_stats_attr
 */
struct virtsock_vm_info {
	u32 cid;
	u32 pid;
	char name[VIRTSOCK_NAME_MAX + 1];
	char comm[TASK_COMM_LEN];
	u32 state;
	u32 reason;
	u64 epoch;
	u32 backlog;
	u32 ring_size;
	struct virtsock_ports host_ports;
	struct virtsock_ports guest_ports;
	u64 rate;
	u32 calls;
	u64 stats[VIRTSOCK_STATS_A_MAX + 1];
};

/**
 * struct virtsock_link_info - the guest's link as shown to administrators
 * @cid: CID given by the host, 0 without one
 * @state: enum virtsock_state
 * @reason: last VIRTSOCK_E* of the host, or 0
 * @epoch: of the link
 * @admin_up: the administrator wants it
 * @ring_size: bytes
 * @policy: name of the flush policy
 * @stats: copied counters
 */
struct virtsock_link_info {
	u32 cid;
	u32 state;
	u32 reason;
	u64 epoch;
	bool admin_up;
	u32 ring_size;
	const char *policy;
	u64 stats[VIRTSOCK_STATS_A_MAX + 1];
};

/**
 * struct virtsock_vm_ports - a list of ports as it was given, unchecked
 * @ranges: for virtsock_ports_set()
 * @len: bytes there
 */
struct virtsock_vm_ports {
	const void *ranges;
	u32 len;
};

/**
 * struct virtsock_vm_config - what an administrator says of a VM
 * @name: label
 * @backlog: bytes that may wait undelivered
 * @host_ports: where the guest may connect to
 * @guest_ports: where host programs may connect to
 * @has_rate: there is a @rate
 * @rate: bytes a second that may move each way, 0: no limit
 * @calls: hypercalls a second, 0: no limit
 *
 * NULL: as it is, or the default.
 */
struct virtsock_vm_config {
	const char *name;
	const u32 *backlog;
	struct virtsock_vm_ports host_ports;
	struct virtsock_vm_ports guest_ports;
	bool has_rate;
	u64 rate;
	const u32 *calls;
};

/* All in process context, several at a time. */
struct virtsock_host_ops {
	int (*vm_add)(u32 cid, u32 pid, const struct virtsock_vm_config *config,
		      struct netlink_ext_ack *extack);
	int (*vm_del)(u32 cid);
	int (*vm_set)(u32 cid, const struct virtsock_vm_config *config,
		      struct netlink_ext_ack *extack);
	/* the VM with the lowest CID that is not below @cid; -ENOENT: none */
	int (*vm_next)(u32 cid, struct virtsock_vm_info *info);
};

struct virtsock_guest_ops {
	void (*link_get)(struct virtsock_link_info *info);
	int (*link_set)(bool up);
};

void virtsock_control_host(const struct virtsock_host_ops *ops);
void virtsock_control_guest(const struct virtsock_guest_ops *ops);
void virtsock_control_event(enum virtsock_event event, u32 cid, u32 pid,
			    const char *comm);
void virtsock_control_refused(u32 cid, u32 pid, const char *comm, u32 reason);
void virtsock_control_stats(const struct virtsock_stats *s, u64 *out);

int virtsock_netlink_init(void);
void virtsock_netlink_exit(void);

#endif
