// SPDX-License-Identifier: GPL-2.0-only
/*
 * On the host: does each hypercall of ours tell KVM to flush the L1 data cache?
 * When KVM has done its part of a call the flag is taken away, as an emulated CPU
 * has KVM's emulator skip the instruction, which sets it; where virtsock_hcall()
 * begins it must be there again.
 */
#include <linux/kprobes.h>
#include <linux/kvm_host.h>
#include <linux/module.h>

static unsigned int calls;
module_param(calls, uint, 0444);
MODULE_PARM_DESC(calls, "hypercalls seen");

static unsigned int bad;
module_param(bad, uint, 0444);
MODULE_PARM_DESC(bad, "of these, without the flag");

static struct kvm_vcpu *l1d_vcpu(struct pt_regs *regs)
{
	return (struct kvm_vcpu *)regs_get_kernel_argument(regs, 0);
}

static int l1d_skip(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	*(struct kvm_vcpu **)ri->data = l1d_vcpu(regs);
	return 0;
}

static int l1d_skipped(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	(*(struct kvm_vcpu **)ri->data)->arch.l1tf_flush_l1d = false;
	return 0;
}

static struct kretprobe l1d_kvm = {
	.kp.symbol_name	= "kvm_skip_emulated_instruction",
	.entry_handler	= l1d_skip,
	.handler	= l1d_skipped,
	.data_size	= sizeof(struct kvm_vcpu *),
	.maxactive	= 64,
};

static int l1d_call(struct kprobe *p, struct pt_regs *regs)
{
	calls++;
	if (!l1d_vcpu(regs)->arch.l1tf_flush_l1d)
		bad++;
	return 0;
}

static struct kprobe l1d_ours = {
	.symbol_name	= "virtsock_hcall",
	.pre_handler	= l1d_call,
};

static int __init l1d_init(void)
{
	int err = register_kprobe(&l1d_ours);

	if (err)
		return err;
	err = register_kretprobe(&l1d_kvm);
	if (err)
		unregister_kprobe(&l1d_ours);
	return err;
}

static void __exit l1d_exit(void)
{
	unregister_kretprobe(&l1d_kvm);
	unregister_kprobe(&l1d_ours);
}

module_init(l1d_init);
module_exit(l1d_exit);
MODULE_DESCRIPTION("virtsock: is the L1 data cache flushed after hypercalls?");
MODULE_LICENSE("GPL");
