// SPDX-License-Identifier: GPL-2.0-only
/* The host's side of the netlink family: virtsock vm add|del|set|show */
#include "host.h"

const struct virtsock_host_ops virtsock_vm_ops = {
	.vm_add = virtsock_vm_add,
	.vm_del = virtsock_vm_del,
	.vm_set = virtsock_vm_set,
	.vm_next = virtsock_vm_next,
};
