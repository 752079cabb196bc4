// SPDX-License-Identifier: GPL-2.0-only
/* virtsock_core: the module that the guest's and the host's transport share */
#include <linux/module.h>
#include <virtsock/control.h>
#include <virtsock/core.h>

static int __init virtsock_core_init(void)
{
	int err = virtsock_netlink_init();

	if (!err)
		virtsock_pool_init();
	return err;
}

static void __exit virtsock_core_exit(void)
{
	virtsock_netlink_exit();
	virtsock_pool_exit();
}

module_init(virtsock_core_init);
module_exit(virtsock_core_exit);
MODULE_DESCRIPTION("virtsock: records, credit, delivery and control");
MODULE_LICENSE("GPL");
