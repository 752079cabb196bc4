// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtsock_host: the host's AF_VSOCK transport (H2G). Socket semantics are
 * virtio_transport_common's.
 */
#include <linux/fdtable.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include "host.h"

struct workqueue_struct *virtsock_lane_wq;
struct workqueue_struct *virtsock_host_wq;

static u32 virtsock_host_local_cid(void)
{
	return VMADDR_CID_HOST;
}

static void virtsock_host_sock_destruct(struct vsock_sock *vsk)
{
	/*
	 * A connect() to another transport reassigns a socket of which packets
	 * may still wait; they refer to the state that goes now. At the end of
	 * a socket, when nobody refers to it, there are none: they hold it.
	 */
	if (refcount_read(&sk_vsock(vsk)->sk_refcnt))
		virtsock_host_cancel(vsk, true);
	virtio_transport_destruct(vsk);
}

static int virtsock_host_cancel_pkt(struct vsock_sock *vsk)
{
	return virtsock_host_cancel(vsk, false);
}

static VIRTSOCK_COMPAT_SEND_PKT(virtsock_host_send_pkt)
{
	return virtsock_host_tx(skb);
}

static VIRTSOCK_COMPAT_STREAM_ALLOW(virtsock_host_stream_allow)
{
	return true;
}

static VIRTSOCK_COMPAT_SEQPACKET_ALLOW(virtsock_host_seqpacket_allow)
{
	return true;
}

struct virtio_transport virtsock_host_transport = {
	.transport = {
		.module			= THIS_MODULE,
		.get_local_cid		= virtsock_host_local_cid,
		.init			= virtsock_sock_init,
		.destruct		= virtsock_host_sock_destruct,
		.release		= virtsock_sock_release,
		.connect		= virtio_transport_connect,
		.shutdown		= virtio_transport_shutdown,
		.cancel_pkt		= virtsock_host_cancel_pkt,

		.dgram_bind		= virtio_transport_dgram_bind,
		.dgram_dequeue		= virtio_transport_dgram_dequeue,
		.dgram_enqueue		= virtio_transport_dgram_enqueue,
		.dgram_allow		= virtio_transport_dgram_allow,

		.stream_dequeue		= virtsock_stream_dequeue,
		.stream_enqueue		= virtsock_stream_enqueue,
		.stream_has_data	= virtio_transport_stream_has_data,
		.stream_has_space	= virtsock_stream_has_space,
		.stream_rcvhiwat	= virtio_transport_stream_rcvhiwat,
		.stream_is_active	= virtio_transport_stream_is_active,
		.stream_allow		= virtsock_host_stream_allow,

		.seqpacket_dequeue	= virtsock_seqpacket_dequeue,
		.seqpacket_enqueue	= virtsock_seqpacket_enqueue,
		.seqpacket_allow	= virtsock_host_seqpacket_allow,
		.seqpacket_has_data	= virtsock_seqpacket_has_data,

		.notify_poll_in		= virtio_transport_notify_poll_in,
		.notify_poll_out	= virtio_transport_notify_poll_out,
		.notify_recv_init	= virtio_transport_notify_recv_init,
		.notify_recv_pre_block	= virtio_transport_notify_recv_pre_block,
		.notify_recv_pre_dequeue = virtio_transport_notify_recv_pre_dequeue,
		.notify_recv_post_dequeue = virtio_transport_notify_recv_post_dequeue,
		.notify_send_init	= virtsock_notify_send_init,
		.notify_send_pre_block	= virtio_transport_notify_send_pre_block,
		.notify_send_pre_enqueue = virtio_transport_notify_send_pre_enqueue,
		.notify_send_post_enqueue = virtio_transport_notify_send_post_enqueue,
		.notify_buffer_size	= virtsock_notify_buffer_size,
		VIRTSOCK_COMPAT_OPS
	},
	.send_pkt = virtsock_host_send_pkt,
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

static int __init virtsock_host_init(void)
{
	int err;

	virtsock_host_wq = alloc_workqueue("virtsock_host", WQ_UNBOUND | WQ_HIGHPRI, 0);
	if (!virtsock_host_wq)
		return -ENOMEM;
	virtsock_lane_wq = alloc_workqueue("virtsock_lanes", WQ_UNBOUND |
					   WQ_HIGHPRI | WQ_MEM_RECLAIM, 0);
	if (!virtsock_lane_wq) {
		err = -ENOMEM;
		goto err_wq;
	}

	err = vsock_core_register(&virtsock_host_transport.transport,
				  VSOCK_TRANSPORT_F_H2G);
	if (err) {
		if (err == -EBUSY) {
			pr_err("virtsock: another host transport is loaded, and the kernel takes one: stop the VMs that use it, then modprobe -r vhost_vsock\n");
			virtsock_name_holders();
		}
		goto err_lanes;
	}
	err = virtsock_hook_init();
	if (err)
		goto err_core;
	virtsock_control_host(&virtsock_vm_ops);
	return 0;

err_core:
	vsock_core_unregister(&virtsock_host_transport.transport);
err_lanes:
	destroy_workqueue(virtsock_lane_wq);
err_wq:
	destroy_workqueue(virtsock_host_wq);
	return err;
}

static void __exit virtsock_host_exit(void)
{
	virtsock_control_host(NULL);
	virtsock_vm_del_all();
	virtsock_hook_exit();
	/* Attached meanwhile: none, as the table was empty. */
	vsock_core_unregister(&virtsock_host_transport.transport);
	/* VMs are freed there, after their lanes */
	destroy_workqueue(virtsock_host_wq);
	destroy_workqueue(virtsock_lane_wq);
	rcu_barrier();
}

module_init(virtsock_host_init);
module_exit(virtsock_host_exit);
MODULE_DESCRIPTION("virtsock: AF_VSOCK transport to KVM guests by hypercall");
MODULE_LICENSE("GPL");
