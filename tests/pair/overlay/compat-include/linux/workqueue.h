/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pair's workqueues are seen in sysfs, where the script says which CPUs
 * are the guest's and which the host's.
 */
#ifndef _VIRTSOCK_PAIR_WORKQUEUE_H
#define _VIRTSOCK_PAIR_WORKQUEUE_H

#include_next <linux/workqueue.h>

static inline struct workqueue_struct *
virtsock_pair_alloc_workqueue(const char *name, unsigned int flags, int max_active)
{
	return alloc_workqueue("%s", flags | WQ_SYSFS, max_active, name);
}

#define alloc_workqueue virtsock_pair_alloc_workqueue

#endif
