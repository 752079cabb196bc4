// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults on purpose, one for each tool of a kernel that looks for them: where
 * these are not found, it means nothing that none was found in virtsock.
 */
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/vmalloc.h>

static char *kind = "";
module_param(kind, charp, 0444);
MODULE_PARM_DESC(kind, "which fault");

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static DEFINE_SPINLOCK(spin);
static int __rcu *shared;
static int raced, seen;
static LIST_HEAD(list);
static struct list_head entry;
static struct {
	u8 table[8];
	u8 behind[8];	/* what is beyond the table is not beyond the object */
} data;

struct fault_object {
	struct timer_list timer;
};

/* Read one byte, wherever that is; the compiler is not to know. */
static void touch(u8 *p)
{
	OPTIMIZER_HIDE_VAR(p);
	(void)READ_ONCE(*p);
}

static void fault_freed(void)
{
	u8 *p = kmalloc(64, GFP_KERNEL);

	kfree(p);
	touch(p + 8);
}

static void fault_beyond(void)
{
	u8 *p = vmalloc(100);

	touch(p + 104);
	vfree(p);
}

/* Alone either order is fine. */
static void fault_order(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);

	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void fault_sleep(void)
{
	spin_lock(&spin);
	might_sleep();
	spin_unlock(&spin);
}

static void fault_rcu(void)
{
	(void)rcu_dereference(shared);
}

static void fault_shift(void)
{
	int by = 33;

	OPTIMIZER_HIDE_VAR(by);
	WRITE_ONCE(data.behind[0], 1 << by);
}

static void fault_index(void)
{
	/* Right behind the end may be pointed to. */
	int at = ARRAY_SIZE(data.table) + 1;

	OPTIMIZER_HIDE_VAR(at);
	(void)READ_ONCE(data.table[at]);
}

static int fault_racer(void *counter)
{
	while (!kthread_should_stop()) {
		(*(int *)counter)++;
		cond_resched();
	}
	return 0;
}

/* Reads that are not marked, enough for some to be watched, beside a writer. */
static void fault_race(void)
{
	struct task_struct *racer;
	unsigned int cpu;
	int i;

	migrate_disable();
	cpu = cpumask_any_but(cpu_online_mask, smp_processor_id());
	racer = kthread_create(fault_racer, &raced, "fault_racer");
	if (cpu >= nr_cpu_ids || IS_ERR(racer))
		goto out;
	kthread_bind(racer, cpu);
	wake_up_process(racer);
	while (!READ_ONCE(raced))
		cond_resched();
	for (i = 0; i < 20000; i++) {
		WRITE_ONCE(seen, raced);
		barrier();
	}
out:
	if (!IS_ERR(racer))
		kthread_stop(racer);
	migrate_enable();
}

static void fault_timer_fn(struct timer_list *t)
{
}

static void fault_object(void)
{
	struct fault_object *o = kmalloc(sizeof(*o), GFP_KERNEL);

	if (!o)
		return;
	timer_setup(&o->timer, fault_timer_fn, 0);
	mod_timer(&o->timer, jiffies + 1000 * HZ);
	kfree(o);
}

static void fault_list(void)
{
	list_add(&entry, &list);
	list_add(&entry, &list);
}

static void fault_leak(void)
{
	u8 *p = kmalloc(72, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(p);
}

static const struct {
	const char *name;
	void (*make)(void);
} faults[] = {
	{ "freed", fault_freed },
	{ "beyond", fault_beyond },
	{ "order", fault_order },
	{ "sleep", fault_sleep },
	{ "rcu", fault_rcu },
	{ "shift", fault_shift },
	{ "index", fault_index },
	{ "object", fault_object },
	{ "list", fault_list },
	{ "leak", fault_leak },
	{ "race", fault_race },
};

static int __init fault_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		if (!strcmp(faults[i].name, kind)) {
			faults[i].make();
			return 0;
		}
	}
	return -EINVAL;
}

static void __exit fault_exit(void)
{
}

module_init(fault_init);
module_exit(fault_exit);
MODULE_DESCRIPTION("virtsock: faults that are to be found");
MODULE_LICENSE("GPL");
