/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists of ports: which may be connected to? */
#ifndef _VIRTSOCK_PORTS_H
#define _VIRTSOCK_PORTS_H

#include <linux/types.h>
#include <uapi/linux/virtsock.h>

/* A list as netlink carries it, at most; in bytes */
#define VIRTSOCK_PORTS_LEN	128

/**
 * struct virtsock_ports - a list of ports
 * @nr: how many ranges
 * @range: the ranges, in any order; they may overlap
 *
 * A few ranges, as a list is looked through in a hypercall.
 */
struct virtsock_ports {
	u32 nr;
	struct virtsock_port_range range[VIRTSOCK_PORT_RANGES_MAX];
};

void virtsock_ports_all(struct virtsock_ports *p);
bool virtsock_ports_are_all(const struct virtsock_ports *p);
int virtsock_ports_set(struct virtsock_ports *p, const void *ranges, u32 len);
bool virtsock_ports_have(const struct virtsock_ports *p, u32 port);

#endif
