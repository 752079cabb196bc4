// SPDX-License-Identifier: GPL-2.0-only
/*
 * The counts of what was run, written when the tests are over. This kernel is a
 * program, so the compiler's own library does that, with files of the host.
 */
#include <linux/init.h>
#include <linux/notifier.h>
#include <linux/reboot.h>

void __gcov_dump(void);

static int coverage_end(struct notifier_block *nb, unsigned long action, void *data)
{
	__gcov_dump();
	return NOTIFY_DONE;
}

static struct notifier_block coverage_nb = {
	.notifier_call = coverage_end,
};

static int __init coverage_init(void)
{
	return register_reboot_notifier(&coverage_nb);
}
core_initcall(coverage_init);
