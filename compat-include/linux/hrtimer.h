/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VIRTSOCK_COMPAT_HRTIMER_H
#define _VIRTSOCK_COMPAT_HRTIMER_H

#include_next <linux/hrtimer.h>

/* A relative timer whose function runs in softirq */
static inline void
virtsock_compat_hrtimer_setup(struct hrtimer *timer,
			      enum hrtimer_restart (*function)(struct hrtimer *))
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(timer, function, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
#else
	hrtimer_init(timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	timer->function = function;
#endif
}

#endif
