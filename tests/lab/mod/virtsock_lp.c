// SPDX-License-Identifier: GPL-2.0-only
/*
 * A livepatch of the function that virtsock_host hooks. Its replacement does
 * nothing: no VM may run while it is in force.
 */
#include <linux/livepatch.h>
#include <linux/module.h>

struct kvm_vcpu;

static int lp_emulate_hypercall(struct kvm_vcpu *vcpu)
{
	return 1;
}

static struct klp_func lp_funcs[] = {
	{
		.old_name = "kvm_emulate_hypercall",
		.new_func = lp_emulate_hypercall,
	},
	{ }
};

static struct klp_object lp_objects[] = {
	{
		.name = "kvm",
		.funcs = lp_funcs,
	},
	{ }
};

static struct klp_patch lp_patch = {
	.mod = THIS_MODULE,
	.objs = lp_objects,
};

static int __init lp_init(void)
{
	return klp_enable_patch(&lp_patch);
}

/* Only once the patch is disabled: enabled, it holds the module. */
static void __exit lp_exit(void)
{
}

module_init(lp_init);
module_exit(lp_exit);
MODULE_DESCRIPTION("virtsock: a livepatch that is in the way");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
