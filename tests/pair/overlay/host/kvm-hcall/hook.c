// SPDX-License-Identifier: GPL-2.0-only
/* The pair's hook: hypercalls and resets come from the module that plays KVM. */
#include <linux/module.h>
#include "host.h"

static void virtsock_pair_hcall(struct kvm_vcpu *vcpu, u32 op,
				struct virtsock_pair_regs *r)
{
	struct virtsock_regs regs = {
		.rbx = r->rbx, .rcx = r->rcx, .rdx = r->rdx, .rsi = r->rsi,
	};

	virtsock_hcall(vcpu, op, &regs);
	*r = (struct virtsock_pair_regs) {
		.rax = regs.rax, .rbx = regs.rbx, .rcx = regs.rcx,
		.rdx = regs.rdx, .rsi = regs.rsi,
	};
}

static const struct virtsock_pair_hook virtsock_pair_ops = {
	.hcall = virtsock_pair_hcall,
	.reset = virtsock_vm_reset_by_kvm,
};

int virtsock_hook_init(void)
{
	virtsock_pair_set_hook(&virtsock_pair_ops);
	return 0;
}

void virtsock_hook_exit(void)
{
	virtsock_pair_set_hook(NULL);
}
