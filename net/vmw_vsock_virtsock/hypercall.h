/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VIRTSOCK_HYPERCALL_H
#define _VIRTSOCK_HYPERCALL_H

#include <asm/asm.h>
#include <asm/kvm_para.h>
#include <uapi/linux/virtsock.h>

/**
 * struct virtsock_hc - arguments and results of a hypercall
 * @rbx: first
 * @rcx: second
 * @rdx: third
 * @rsi: fourth
 */
struct virtsock_hc {
	unsigned long rbx;
	unsigned long rcx;
	unsigned long rdx;
	unsigned long rsi;
};

/*
 * kvm_hypercall4() returns RAX only. The memory clobber orders the ring and
 * the buffers around the exit; the host runs on this CPU's behalf.
 *
 * virtsock answers 0 or less. Hyper-V's dispatcher answers a status. RAX stays
 * as it was where the instruction trapped: a hypervisor that shows KVM's
 * signature need not take hypercalls.
 *
 * Return: 0 or a negative VIRTSOCK_E*, KVM_E* or, for neither, -1.
 */
static inline long virtsock_hypercall(enum virtsock_hc_op op,
				      struct virtsock_hc *hc)
{
	long rax = VIRTSOCK_HC_BASE + op;

	asm volatile("1: " KVM_HYPERCALL "\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "+a" (rax), "+b" (hc->rbx), "+c" (hc->rcx),
		       "+d" (hc->rdx), "+S" (hc->rsi)
		     : : "memory");
	if (likely(rax <= 0))
		return rax;
	return rax == VIRTSOCK_HC_BASE + op ? -1 : -VIRTSOCK_EHYPERV;
}

#endif
