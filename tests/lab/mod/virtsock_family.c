// SPDX-License-Identifier: GPL-2.0-only
/*
 * On the host: a module that comes with a family of generic netlink, as many do. It
 * has to wait for all requests that are under way, and new ones for it.
 */
#include <linux/module.h>
#include <net/genetlink.h>

static struct genl_family family = {
	.name = "virtsock_test",
	.version = 1,
	.module = THIS_MODULE,
};

static int __init family_init(void)
{
	return genl_register_family(&family);
}

static void __exit family_exit(void)
{
	genl_unregister_family(&family);
}

module_init(family_init);
module_exit(family_exit);
MODULE_DESCRIPTION("virtsock: another family of generic netlink");
MODULE_LICENSE("GPL");
