// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmw_vsock_virtsock: the guest's AF_VSOCK transport (G2H). Socket semantics
 * are virtio_transport_common's; ours are the link and when it is flushed.
 */
#include <linux/cc_platform.h>
#include <linux/kvm_para.h>
#include <linux/module.h>
#include "guest.h"

static char *policy = "adaptive";
static unsigned int flush_usecs = 50;

static int virtsock_param_changed(const char *val, const struct kernel_param *kp);

static u32 virtsock_get_local_cid(void)
{
	return READ_ONCE(virtsock_link.cid);
}

static int virtsock_guest_sock_init(struct vsock_sock *vsk, struct vsock_sock *psk)
{
	struct virtsock_link *l = &virtsock_link;
	int err = virtsock_sock_init(vsk, psk);

	if (err)
		return err;
	if (atomic_inc_return(&l->socks) == 1)
		virtsock_alive(l);
	return 0;
}

static void virtsock_guest_sock_destruct(struct vsock_sock *vsk)
{
	struct virtsock_link *l = &virtsock_link;

	/*
	 * A connect() to another transport reassigns a socket of which packets
	 * may still wait; they refer to the state that goes now. At the end of
	 * a socket, when nobody refers to it, there are none: they hold it.
	 */
	if (refcount_read(&sk_vsock(vsk)->sk_refcnt))
		virtsock_tx_forget(l, vsk);
	virtio_transport_destruct(vsk);
	atomic_dec(&l->socks);
}

static int virtsock_cancel_pkt(struct vsock_sock *vsk)
{
	return virtsock_tx_cancel(&virtsock_link, vsk);
}

static VIRTSOCK_COMPAT_SEND_PKT(virtsock_send_pkt)
{
	return virtsock_tx(&virtsock_link, skb);
}

static VIRTSOCK_COMPAT_STREAM_ALLOW(virtsock_stream_allow)
{
	return true;
}

static VIRTSOCK_COMPAT_SEQPACKET_ALLOW(virtsock_seqpacket_allow)
{
	return true;
}

static int virtsock_notify_poll_in(struct vsock_sock *vsk, size_t target,
				   bool *ready)
{
	int err = virtio_transport_notify_poll_in(vsk, target, ready);

	if (!err && !*ready)
		virtsock_about_to_wait(&virtsock_link, vsk, false);
	return err;
}

static int virtsock_notify_recv_pre_block(struct vsock_sock *vsk, size_t target,
					  struct vsock_transport_recv_notify_data *data)
{
	virtsock_about_to_wait(&virtsock_link, vsk, true);
	return virtio_transport_notify_recv_pre_block(vsk, target, data);
}

static int virtsock_notify_send_pre_block(struct vsock_sock *vsk,
					  struct vsock_transport_send_notify_data *data)
{
	virtsock_about_to_wait(&virtsock_link, vsk, false);
	return virtio_transport_notify_send_pre_block(vsk, data);
}

/* The only sign that a reader of messages is about to wait */
static u32 virtsock_guest_seqpacket_has_data(struct vsock_sock *vsk)
{
	u32 count = virtsock_seqpacket_has_data(vsk);

	if (!count)
		virtsock_about_to_wait(&virtsock_link, vsk, true);
	return count;
}

struct virtio_transport virtsock_transport = {
	.transport = {
		.module			= THIS_MODULE,
		.get_local_cid		= virtsock_get_local_cid,
		.init			= virtsock_guest_sock_init,
		.destruct		= virtsock_guest_sock_destruct,
		.release		= virtsock_sock_release,
		.connect		= virtio_transport_connect,
		.shutdown		= virtio_transport_shutdown,
		.cancel_pkt		= virtsock_cancel_pkt,

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
		.stream_allow		= virtsock_stream_allow,

		.seqpacket_dequeue	= virtsock_seqpacket_dequeue,
		.seqpacket_enqueue	= virtsock_seqpacket_enqueue,
		.seqpacket_allow	= virtsock_seqpacket_allow,
		.seqpacket_has_data	= virtsock_guest_seqpacket_has_data,

		.notify_poll_in		= virtsock_notify_poll_in,
		.notify_poll_out	= virtio_transport_notify_poll_out,
		.notify_recv_init	= virtio_transport_notify_recv_init,
		.notify_recv_pre_block	= virtsock_notify_recv_pre_block,
		.notify_recv_pre_dequeue = virtio_transport_notify_recv_pre_dequeue,
		.notify_recv_post_dequeue = virtio_transport_notify_recv_post_dequeue,
		.notify_send_init	= virtsock_notify_send_init,
		.notify_send_pre_block	= virtsock_notify_send_pre_block,
		.notify_send_pre_enqueue = virtio_transport_notify_send_pre_enqueue,
		.notify_send_post_enqueue = virtio_transport_notify_send_post_enqueue,
		.notify_buffer_size	= virtsock_notify_buffer_size,
		VIRTSOCK_COMPAT_OPS
	},
	.send_pkt = virtsock_send_pkt,
};

static const struct kernel_param_ops virtsock_policy_ops = {
	.set = virtsock_param_changed,
	.get = param_get_charp,
};

static const struct kernel_param_ops virtsock_usecs_ops = {
	.set = virtsock_param_changed,
	.get = param_get_uint,
};

module_param_cb(policy, &virtsock_policy_ops, &policy, 0644);
MODULE_PARM_DESC(policy, "when to flush: immediate, full, adaptive (default)");
module_param_cb(flush_usecs, &virtsock_usecs_ops, &flush_usecs, 0644);
MODULE_PARM_DESC(flush_usecs, "wait in us for company to a message (default 50; up to 10 times that where a flush costs more)");

static bool virtsock_ready;

/* Context: process, kernel_param_lock held. */
static int virtsock_param_changed(const char *val, const struct kernel_param *kp)
{
	unsigned int usecs;
	int i, err;

	if (kp->ops == &virtsock_policy_ops) {
		char name[16];

		strscpy(name, val, sizeof(name));
		i = match_string(virtsock_policy_names, VIRTSOCK_POLICY_NR,
				 strim(name));
		if (i < 0)
			return -EINVAL;
		policy = (char *)virtsock_policy_names[i];
	} else {
		err = kstrtouint(val, 0, &usecs);
		if (err)
			return err;
		if (!usecs || usecs > 100000)
			return -ERANGE;
		flush_usecs = usecs;
	}
	if (virtsock_ready)
		virtsock_flush_param(&virtsock_link,
				     match_string(virtsock_policy_names,
						  VIRTSOCK_POLICY_NR, policy),
				     flush_usecs * 1000ULL);
	return 0;
}

static int __init virtsock_guest_init(void)
{
	struct virtsock_link *l = &virtsock_link;
	int err;

	if (!kvm_para_available()) {
		pr_err("virtsock: this is not a KVM guest, or its VMM hides KVM (kvm=off); on a host load virtsock_host instead\n");
		return -ENODEV;
	}
	if (cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT)) {
		pr_err("virtsock: a confidential VM hides its memory from the host; use virtio-vsock\n");
		return -EOPNOTSUPP;
	}

	err = virtsock_link_init(l);
	if (err)
		return err;
	virtsock_sched_init(&l->sched,
			    match_string(virtsock_policy_names,
					 VIRTSOCK_POLICY_NR, policy),
			    flush_usecs * 1000ULL, VIRTSOCK_BATCH_BYTES);
	kernel_param_lock(THIS_MODULE);
	virtsock_ready = true;
	kernel_param_unlock(THIS_MODULE);

	err = vsock_core_register(&virtsock_transport.transport,
				  VSOCK_TRANSPORT_F_G2H);
	if (err) {
		if (err == -EBUSY)
			pr_err("virtsock: another guest transport is loaded, and the kernel takes one; try: modprobe -r vmw_vsock_virtio_transport hv_sock vmw_vsock_vmci_transport\n");
		virtsock_link_exit(l);
		return err;
	}
	virtsock_control_guest(&virtsock_link_ops);
	virtsock_link_start(l);
	return 0;
}

static void __exit virtsock_guest_exit(void)
{
	virtsock_control_guest(NULL);
	vsock_core_unregister(&virtsock_transport.transport);
	virtsock_link_exit(&virtsock_link);
}

module_init(virtsock_guest_init);
module_exit(virtsock_guest_exit);
MODULE_DESCRIPTION("virtsock: AF_VSOCK transport of a KVM guest by hypercall");
MODULE_LICENSE("GPL");
