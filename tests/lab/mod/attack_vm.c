// SPDX-License-Identifier: GPL-2.0-only
/*
 * The attacker's VM: how it calls its host, and a device's memory that is memory as
 * well (ivshmem). The pair has another file for this.
 */
#include <linux/io.h>
#include <linux/pci.h>
#include <asm/kvm_para.h>
#include "attack.h"

void *attack_bar;
u64 attack_bar_gpa, attack_bar_size;
static struct pci_dev *bar_dev;

/* Context: any. Return: RAX. */
long attack_hypercall(unsigned long nr, unsigned long *rbx, unsigned long *rcx,
		      unsigned long *rdx, unsigned long rsi)
{
	long rax = nr;

	asm volatile(KVM_HYPERCALL
		     : "+a" (rax), "+b" (*rbx), "+c" (*rcx), "+d" (*rdx), "+S" (rsi)
		     : : "memory");
	return rax;
}

/* Context: process; the attacker's own memory is there. Return: 0 or a negative errno. */
int attack_vm_init(void)
{
	bar_dev = pci_get_device(0x1af4, 0x1110, NULL);
	if (!bar_dev || pci_enable_device_mem(bar_dev))
		return -ENODEV;
	attack_bar_gpa = pci_resource_start(bar_dev, 2);
	attack_bar_size = pci_resource_len(bar_dev, 2);
	if (attack_bar_size < 2 * ATTACK_SIZE)
		return -ENODEV;
	attack_bar = memremap(attack_bar_gpa, attack_bar_size, MEMREMAP_WB);
	return attack_bar ? 0 : -ENOMEM;
}

/* Context: process; also where attack_vm_init() failed, or was not called. */
void attack_vm_exit(void)
{
	if (attack_bar)
		memunmap(attack_bar);
	if (attack_bar_gpa)
		pci_disable_device(bar_dev);
	pci_dev_put(bar_dev);
}
