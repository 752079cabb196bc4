/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VIRTSOCK_HYPERCALL_H
#define _VIRTSOCK_HYPERCALL_H

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
 */
static inline long virtsock_hypercall(enum virtsock_hc_op op,
				      struct virtsock_hc *hc)
{
	long rax = VIRTSOCK_HC_BASE + op;

	asm volatile(KVM_HYPERCALL
		     : "+a" (rax), "+b" (hc->rbx), "+c" (hc->rcx),
		       "+d" (hc->rdx), "+S" (hc->rsi)
		     : : "memory");
	return rax;
}

#endif
