// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmw_vsock_virtsock: the guest's AF_VSOCK transport (G2H), as far as it is
 * not the core's: the module, its parameters, and who carries the packets.
 */
#include <linux/cc_platform.h>
#include <linux/kvm_para.h>
#include <linux/module.h>
#include "guest.h"

static char *policy = "adaptive";
static unsigned int flush_usecs = 50;

static int virtsock_param_changed(const char *val, const struct kernel_param *kp);

static int virtsock_guest_tx(struct sk_buff *skb)
{
	return virtsock_tx(&virtsock_link, skb);
}

static bool virtsock_guest_append(struct vsock_sock *vsk, struct msghdr *msg,
				  u32 len)
{
	return virtsock_tx_append(&virtsock_link, vsk, msg, len);
}

static void virtsock_guest_forget(struct vsock_sock *vsk, bool sync)
{
	if (sync)
		virtsock_tx_forget(&virtsock_link, vsk);
	else
		virtsock_tx_cancel(&virtsock_link, vsk);
}

static void virtsock_guest_about_to_wait(struct vsock_sock *vsk,
					 enum virtsock_wait wait)
{
	virtsock_about_to_wait(&virtsock_link, vsk, wait);
}

static void virtsock_guest_opened(void)
{
	virtsock_alive(&virtsock_link);
}

static const struct virtsock_side_ops virtsock_guest_ops = {
	.owner		= THIS_MODULE,
	.tx		= virtsock_guest_tx,
	.append		= virtsock_guest_append,
	.forget		= virtsock_guest_forget,
	.about_to_wait	= virtsock_guest_about_to_wait,
	.opened		= virtsock_guest_opened,
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

/* Parameters can be written as long as there is a module: do they reach the link? */
static void virtsock_set_ready(bool ready)
{
	kernel_param_lock(THIS_MODULE);
	virtsock_ready = ready;
	kernel_param_unlock(THIS_MODULE);
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
	virtsock_set_ready(true);

	err = virtsock_side_register(&virtsock_guest_side, &virtsock_guest_ops,
				     VSOCK_TRANSPORT_F_G2H);
	if (err) {
		if (err == -EBUSY)
			pr_err("virtsock: another guest transport is loaded, and the kernel takes one; try: modprobe -r vmw_vsock_virtio_transport hv_sock vmw_vsock_vmci_transport\n");
		virtsock_set_ready(false);
		virtsock_link_exit(l);
		return err;
	}
	virtsock_control_guest(&virtsock_link_ops);
	virtsock_link_start(l);
	return 0;
}

static void __exit virtsock_guest_exit(void)
{
	virtsock_set_ready(false);
	virtsock_control_guest(NULL);
	virtsock_side_unregister(&virtsock_guest_side);
	virtsock_link_exit(&virtsock_link);
}

module_init(virtsock_guest_init);
module_exit(virtsock_guest_exit);
MODULE_DESCRIPTION("virtsock: AF_VSOCK transport of a KVM guest by hypercall");
MODULE_LICENSE("GPL");
