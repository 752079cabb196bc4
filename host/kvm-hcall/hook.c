// SPDX-License-Identifier: GPL-2.0-only
/*
 * Into KVM without changing it. kvm_emulate_hypercall() is diverted here by
 * ftrace where RAX has a number of ours; it is called first, with all its checks
 * (CPL, Xen, Hyper-V), and only where KVM itself does not know that number the
 * call is ours. A second, passive ftrace_ops sees the reset of a VM.
 */
#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/srcu.h>
#include <uapi/linux/kvm_para.h>
#include "host.h"

/* Hypercalls in flight: the module's text stays until they are done */
DEFINE_STATIC_SRCU(virtsock_hook_srcu);

/* Context: vCPU thread, kvm->srcu held, preemptible, may sleep. */
static noinline int virtsock_emulate_hypercall(struct kvm_vcpu *vcpu)
{
	unsigned long *gpr = vcpu->arch.regs;
	struct virtsock_regs regs;
	int idx, ret;
	u32 op;

	idx = srcu_read_lock(&virtsock_hook_srcu);
	op = gpr[VCPU_REGS_RAX] - VIRTSOCK_HC_BASE;
	regs.rbx = gpr[VCPU_REGS_RBX];
	regs.rcx = gpr[VCPU_REGS_RCX];
	regs.rdx = gpr[VCPU_REGS_RDX];
	regs.rsi = gpr[VCPU_REGS_RSI];

	/*
	 * Never as a tail call: the diversion lets a call through by its
	 * return address, which must be ours.
	 */
	ret = kvm_emulate_hypercall(vcpu);
	barrier();

	if (vcpu->arch.exception.pending || vcpu->arch.hflags & HF_GUEST_MASK)
		goto out;
	/*
	 * KVM takes hypercalls for code that leaves no secrets in the L1 data cache
	 * (kvm-intel.vmentry_l1d_flush=cond, for L1TF). Sockets do.
	 */
	vcpu->arch.l1tf_flush_l1d = true;
	if (virtsock_compat_foreign_hypercalls(vcpu)) {
		if (op == VIRTSOCK_HC_HELLO && regs.rbx == VIRTSOCK_ABI_VERSION)
			virtsock_hcall_foreign(vcpu);
	} else if (ret == 1 && gpr[VCPU_REGS_RAX] == (unsigned long)-KVM_ENOSYS) {
		virtsock_hcall(vcpu, op, &regs);
		gpr[VCPU_REGS_RAX] = regs.rax;
		gpr[VCPU_REGS_RBX] = regs.rbx;
		gpr[VCPU_REGS_RCX] = regs.rcx;
		gpr[VCPU_REGS_RDX] = regs.rdx;
	}
out:
	srcu_read_unlock(&virtsock_hook_srcu, idx);
	return ret;
}

/*
 * KVM's own calls are left alone: one may stand in a page fault for as long as its
 * VMM likes, and the module's end must not wait for it.
 */
static void notrace virtsock_divert(unsigned long ip, unsigned long parent_ip,
				    struct ftrace_ops *ops,
				    struct ftrace_regs *fregs)
{
	unsigned long hook = (unsigned long)virtsock_emulate_hypercall;
	struct kvm_vcpu *vcpu = virtsock_compat_ftrace_arg0(fregs);

	if (vcpu->arch.regs[VCPU_REGS_RAX] - VIRTSOCK_HC_BASE < VIRTSOCK_HC_NR &&
	    !within_module(parent_ip, THIS_MODULE))
		virtsock_compat_ftrace_set_ip(fregs, hook);
}

static void notrace virtsock_mpstate(unsigned long ip, unsigned long parent_ip,
				     struct ftrace_ops *ops,
				     struct ftrace_regs *fregs)
{
	struct kvm_vcpu *vcpu = virtsock_compat_ftrace_arg0(fregs);

	/* CPU hot-add initialises the new vCPU: that is no reset of the VM. */
	if (vcpu->vcpu_id == vcpu->kvm->arch.bsp_vcpu_id)
		virtsock_vm_reset_by_kvm(vcpu->kvm);
}

/* PERMANENT: sysctl kernel.ftrace_enabled=0 must not take the hook away */
static struct ftrace_ops virtsock_hcall_ops = {
	.func	= virtsock_divert,
	.flags	= FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT |
		  FTRACE_OPS_FL_RECURSION | VIRTSOCK_COMPAT_FTRACE_FLAGS,
};

static struct ftrace_ops virtsock_reset_ops = {
	.func	= virtsock_mpstate,
	.flags	= FTRACE_OPS_FL_PERMANENT | FTRACE_OPS_FL_RECURSION |
		  VIRTSOCK_COMPAT_FTRACE_FLAGS,
};

static int virtsock_hook(struct ftrace_ops *ops, char *name)
{
	int err = ftrace_set_filter(ops, name, strlen(name), 1);

	if (!err)
		err = register_ftrace_function(ops);
	/* The passive one conflicts with nobody, and comes first. */
	if (err == -EBUSY && ops->flags & FTRACE_OPS_FL_IPMODIFY)
		pr_err("virtsock: cannot hook %s: a livepatch has it; disable that one first (see /sys/kernel/livepatch and /sys/kernel/tracing/enabled_functions)\n",
		       name);
	else if (err == -EBUSY)
		pr_err("virtsock: cannot hook %s: ftrace is off; sysctl kernel.ftrace_enabled=1\n",
		       name);
	else if (err)
		pr_err("virtsock: cannot hook %s (%d): is the kernel without CONFIG_DYNAMIC_FTRACE_WITH_ARGS?\n",
		       name, err);
	if (err)
		ftrace_free_filter(ops);
	return err;
}

/* Unregister, and wait until nobody is in our functions any more. */
static void virtsock_unhook(struct ftrace_ops *ops)
{
	unregister_ftrace_function(ops);
	ftrace_free_filter(ops);
}

/**
 * virtsock_hook_init() - start to see hypercalls and resets
 *
 * Context: process, module init.
 * Return: 0; -EBUSY where another IPMODIFY user (a livepatch) holds the
 * function; another negative errno of ftrace.
 */
int virtsock_hook_init(void)
{
	int err = virtsock_hook(&virtsock_reset_ops, "kvm_arch_vcpu_ioctl_set_mpstate");

	if (err)
		return err;
	err = virtsock_hook(&virtsock_hcall_ops, "kvm_emulate_hypercall");
	if (err)
		virtsock_unhook(&virtsock_reset_ops);
	return err;
}

/**
 * virtsock_hook_exit() - stop
 *
 * A thread may sleep in a hypercall (the SRCU section covers it) or be
 * preempted just outside of that section (RCU tasks cover it).
 *
 * Context: process, module exit.
 */
void virtsock_hook_exit(void)
{
	virtsock_unhook(&virtsock_hcall_ops);
	virtsock_unhook(&virtsock_reset_ops);
	synchronize_srcu(&virtsock_hook_srcu);
	synchronize_rcu_tasks();
}
