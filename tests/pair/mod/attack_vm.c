// SPDX-License-Identifier: GPL-2.0-only
/*
 * The attacker's VM in the pair: its hypercalls go to a thread of the process that
 * plays the VMM, while the second CPU goes on. Its memory is what the attacker has
 * allocated, and what stands for a device's; the rest is this kernel's own.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kvm_host.h>
#include <linux/mm.h>
#include <uapi/linux/kvm_para.h>
#include "attack.h"

#define BAR_ORDER	10	/* its second half is no memory of the VM's */

void *attack_bar;
u64 attack_bar_gpa, attack_bar_size;

/* Two pages, of which the VM has the first: where its memory ends */
static void *top;

static struct virtsock_pair_range ranges[8];

/* Context: process. Return: RAX. */
long attack_hypercall(unsigned long nr, unsigned long *rbx, unsigned long *rcx,
		      unsigned long *rdx, unsigned long rsi)
{
	unsigned long regs[] = { *rbx, *rcx, *rdx, rsi };
	long rax;

	if (nr - VIRTSOCK_HC_BASE >= VIRTSOCK_HC_NR)
		return -KVM_ENOSYS;
	rax = virtsock_pair_hypercall(nr - VIRTSOCK_HC_BASE, regs);
	*rbx = regs[0];
	*rcx = regs[1];
	*rdx = regs[2];
	return rax;
}

static struct virtsock_pair_range range(void *mem, u64 size)
{
	return (struct virtsock_pair_range) {
		.gfn = virt_to_phys(mem) >> PAGE_SHIFT,
		.pages = size >> PAGE_SHIFT,
	};
}

/* Context: process; the attacker's own memory is there. Return: 0 or a negative errno. */
int attack_vm_init(void)
{
	struct virtsock_pair_range *r = ranges;

	BUILD_BUG_ON(PAGE_SIZE << BAR_ORDER != 4 * ATTACK_SIZE);
	attack_bar = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, BAR_ORDER);
	top = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, 1);
	if (!attack_bar || !top)
		return -ENOMEM;
	attack_bar_gpa = virt_to_phys(attack_bar);
	attack_bar_size = 2 * ATTACK_SIZE;
	attack_top = virt_to_phys(top) + PAGE_SIZE;
	*r++ = range(attack_ring, ATTACK_SIZE);
	*r++ = range(attack_rx, ATTACK_SIZE);
	*r++ = range(attack_rx2, ATTACK_SIZE);
	*r++ = range(attack_segs, ATTACK_SIZE);
	*r++ = range(attack_setup, PAGE_SIZE);
	*r++ = range(attack_bar, attack_bar_size);
	*r++ = range(top, PAGE_SIZE);
	virtsock_pair_memory(ranges);
	return 0;
}

/* Context: process; also where attack_vm_init() failed, or was not called. */
void attack_vm_exit(void)
{
	virtsock_pair_memory(NULL);
	free_pages((unsigned long)attack_bar, BAR_ORDER);
	free_pages((unsigned long)top, 1);
}
