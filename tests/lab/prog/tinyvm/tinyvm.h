/* SPDX-License-Identifier: GPL-2.0-only */
/* The least VMM that there is: a guest of one hypercall after the other. */
#ifndef TINYVM_H
#define TINYVM_H

#include <linux/kvm.h>
#include <linux/virtsock.h>
#include <stdint.h>

/* Guest memory, at address 0; of it, what is the guest's own is below FREE */
#define MEM_SIZE	(2UL << 20)
#define FREE		0x10000UL

enum tiny_mode { TINY_LONG, TINY_REAL, TINY_XEN, TINY_STATS };

struct tiny {
	int vm;
	int vcpu;
	struct kvm_run *run;
	uint8_t *mem;
};

struct tiny_regs {
	uint64_t rax, rbx, rcx, rdx, rsi;
};

void die(const char *what);
int must(int ret, const char *what);

void tiny_make(struct tiny *t, enum tiny_mode mode);
void tiny_second(struct tiny *t, const struct tiny *first);
void tiny_slot(struct tiny *t, unsigned int slot, uint64_t gpa, void *at, uint64_t size);
int tiny_call(struct tiny *t, struct tiny_regs *r);

int gone(struct tiny *t);
int again(struct tiny *t);
int stuck(struct tiny *t);

#endif
