// SPDX-License-Identifier: GPL-2.0-only
/* Lists of ports. Nothing here knows of locks, sockets or VMs. */
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/string.h>
#include <virtsock/ports.h>

static_assert(VIRTSOCK_PORTS_LEN ==
	      VIRTSOCK_PORT_RANGES_MAX * sizeof(struct virtsock_port_range));

static bool virtsock_range_is_all(const struct virtsock_port_range *r)
{
	return !r->first && r->last == U32_MAX;
}

/**
 * virtsock_ports_all() - the list of all ports
 * @p: filled in
 *
 * Context: any.
 */
void virtsock_ports_all(struct virtsock_ports *p)
{
	*p = (struct virtsock_ports){ .nr = 1, .range = { { .last = U32_MAX } } };
}

/**
 * virtsock_ports_are_all() - does a list have one range of all ports?
 * @p: the list
 *
 * Context: any.
 * Return: true if so; a list that has all of them in pieces is not meant.
 */
bool virtsock_ports_are_all(const struct virtsock_ports *p)
{
	u32 i;

	for (i = 0; i < p->nr; i++)
		if (virtsock_range_is_all(&p->range[i]))
			return true;
	return false;
}

/**
 * virtsock_ports_set() - a list as an administrator gives it
 * @p: filled in
 * @ranges: an array of struct virtsock_port_range, perhaps empty
 * @len: bytes there
 *
 * Context: any.
 * Return: 0; -EINVAL for half a range or one that ends before it begins,
 * -E2BIG for too many. Then @p is undefined.
 */
int virtsock_ports_set(struct virtsock_ports *p, const void *ranges, u32 len)
{
	u32 i;

	if (len > sizeof(p->range))
		return -E2BIG;
	if (len % sizeof(p->range[0]))
		return -EINVAL;
	memset(p, 0, sizeof(*p));
	p->nr = len / sizeof(p->range[0]);
	memcpy(p->range, ranges, len);
	for (i = 0; i < p->nr; i++)
		if (p->range[i].first > p->range[i].last)
			return -EINVAL;
	return 0;
}

/**
 * virtsock_ports_have() - is a port in a list?
 * @p: the list
 * @port: the port
 *
 * Context: any.
 * Return: true if so.
 */
bool virtsock_ports_have(const struct virtsock_ports *p, u32 port)
{
	u32 i;

	for (i = 0; i < p->nr; i++)
		if (port >= p->range[i].first && port <= p->range[i].last)
			return true;
	return false;
}
