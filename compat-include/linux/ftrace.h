/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VIRTSOCK_COMPAT_FTRACE_H
#define _VIRTSOCK_COMPAT_FTRACE_H

#include_next <linux/ftrace.h>

#define VIRTSOCK_COMPAT_FTRACE_FLAGS 0

static __always_inline void *virtsock_compat_ftrace_arg0(struct ftrace_regs *fregs)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	return (void *)ftrace_regs_get_argument(fregs, 0);
#else
	return (void *)fregs->regs.di;
#endif
}

static __always_inline void virtsock_compat_ftrace_set_ip(struct ftrace_regs *fregs,
							  unsigned long ip)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	ftrace_regs_set_instruction_pointer(fregs, ip);
#else
	ftrace_instruction_pointer_set(fregs, ip);
#endif
}

#endif
