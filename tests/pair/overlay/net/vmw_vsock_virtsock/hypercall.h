/* SPDX-License-Identifier: GPL-2.0-only */
/* The pair's hypercall: to a thread of the process that plays the VMM */
#ifndef _VIRTSOCK_HYPERCALL_H
#define _VIRTSOCK_HYPERCALL_H

#include <uapi/linux/virtsock.h>

struct virtsock_hc {
	unsigned long rbx;
	unsigned long rcx;
	unsigned long rdx;
	unsigned long rsi;
};

long virtsock_pair_hypercall(u32 op, unsigned long *regs);

static inline long virtsock_hypercall(enum virtsock_hc_op op,
				      struct virtsock_hc *hc)
{
	unsigned long regs[] = { hc->rbx, hc->rcx, hc->rdx, hc->rsi };
	long rax = virtsock_pair_hypercall(op, regs);

	hc->rbx = regs[0];
	hc->rcx = regs[1];
	hc->rdx = regs[2];
	hc->rsi = regs[3];
	return rax;
}

#endif
