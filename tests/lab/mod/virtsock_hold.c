// SPDX-License-Identifier: GPL-2.0-only
/*
 * On the host: a process, pid=, whose address space nobody can change as long as
 * this is loaded, as if it stood still in a page fault of its own.
 */
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>

static int pid;
module_param(pid, int, 0444);
MODULE_PARM_DESC(pid, "of the process");

static struct mm_struct *mm;

static int __init hold_init(void)
{
	struct pid *struct_pid = find_get_pid(pid);
	struct task_struct *task = get_pid_task(struct_pid, PIDTYPE_TGID);

	put_pid(struct_pid);
	if (!task)
		return -ESRCH;
	mm = get_task_mm(task);
	put_task_struct(task);
	if (!mm)
		return -ESRCH;
	mmap_read_lock(mm);
	return 0;
}

static void __exit hold_exit(void)
{
	mmap_read_unlock_non_owner(mm);
	mmput(mm);
}

module_init(hold_init);
module_exit(hold_exit);
MODULE_DESCRIPTION("virtsock: a process whose address space is held");
MODULE_LICENSE("GPL");
