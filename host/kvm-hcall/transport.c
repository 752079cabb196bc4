// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtsock_host: the host's AF_VSOCK transport (H2G), as far as it is not the
 * core's: the module, and who carries the packets.
 */
#include <linux/fdtable.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include "host.h"

struct workqueue_struct *virtsock_lane_wq;
struct workqueue_struct *virtsock_host_wq;
struct workqueue_struct *virtsock_sent_wq;
struct workqueue_struct *virtsock_kick_wq;
struct workqueue_struct *virtsock_free_wq;

static const struct virtsock_side_ops virtsock_host_ops = {
	.owner	= THIS_MODULE,
	.tx	= virtsock_host_tx,
	.append	= virtsock_host_append,
	.about_to_wait = virtsock_host_about_to_wait,
	.forget	= virtsock_host_forget,
};

static int virtsock_is_vhost(const void *data, struct file *file, unsigned int fd)
{
	struct module *owner = file->f_op->owner;

	return owner && !strcmp(owner->name, "vhost_vsock");
}

/* Who keeps vhost_vsock from being unloaded? */
static void virtsock_name_holders(void)
{
	struct task_struct *task;

	rcu_read_lock();
	for_each_process(task) {
		task_lock(task);
		if (task->files && iterate_fd(task->files, 0, virtsock_is_vhost, NULL))
			pr_err("virtsock: vhost_vsock is used by process %d (%s)\n",
			       task_tgid_nr(task), task->comm);
		task_unlock(task);
	}
	rcu_read_unlock();
}

static void virtsock_host_wqs_free(void)
{
	struct workqueue_struct *wqs[] = {
		/* A worker there may hold the last reference to a VM */
		virtsock_sent_wq,
		virtsock_host_wq,
		/* VMs are freed there, after their lanes and their doorbells */
		virtsock_free_wq, virtsock_lane_wq, virtsock_kick_wq
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(wqs); i++)
		if (wqs[i])
			destroy_workqueue(wqs[i]);
}

static int __init virtsock_host_wqs(void)
{
	virtsock_host_wq = alloc_workqueue("virtsock_host", WQ_UNBOUND | WQ_HIGHPRI, 0);
	virtsock_kick_wq = alloc_workqueue("virtsock_kick", WQ_UNBOUND | WQ_HIGHPRI, 0);
	virtsock_free_wq = alloc_workqueue("virtsock_free", WQ_UNBOUND, 0);
	virtsock_sent_wq = alloc_workqueue("virtsock_sent", WQ_UNBOUND, 0);
	virtsock_lane_wq = alloc_workqueue("virtsock_lanes", WQ_UNBOUND |
					   WQ_HIGHPRI | WQ_MEM_RECLAIM, 0);
	if (virtsock_host_wq && virtsock_kick_wq && virtsock_free_wq && virtsock_sent_wq &&
	    virtsock_lane_wq)
		return 0;
	virtsock_host_wqs_free();
	return -ENOMEM;
}

static int __init virtsock_host_init(void)
{
	int err;

	err = virtsock_host_wqs();
	if (err)
		return err;
	/* The table is empty: whoever says HELLO is told that it is unbound. */
	err = virtsock_hook_init();
	if (err)
		goto err_wqs;
	/* Last: from here on a program may have a socket that holds us. */
	err = virtsock_side_register(&virtsock_host_side, &virtsock_host_ops,
				     VSOCK_TRANSPORT_F_H2G);
	if (err) {
		if (err == -EBUSY) {
			pr_err("virtsock: another host transport is loaded, and the kernel takes one: stop the VMs that use it, then modprobe -r vhost_vsock\n");
			virtsock_name_holders();
		}
		goto err_hook;
	}
	virtsock_control_host(&virtsock_vm_ops);
	return 0;

err_hook:
	virtsock_hook_exit();
err_wqs:
	virtsock_host_wqs_free();
	return err;
}

static void __exit virtsock_host_exit(void)
{
	virtsock_control_host(NULL);
	virtsock_vm_del_all();
	virtsock_hook_exit();
	/* Attached meanwhile: none, as the table was empty. */
	virtsock_side_unregister(&virtsock_host_side);
	/* None is at work that saw a link: those may have the last reference, too */
	flush_workqueue(virtsock_kick_wq);
	virtsock_host_wqs_free();
	rcu_barrier();
}

module_init(virtsock_host_init);
module_exit(virtsock_host_exit);
MODULE_DESCRIPTION("virtsock: AF_VSOCK transport to KVM guests by hypercall");
MODULE_LICENSE("GPL");
