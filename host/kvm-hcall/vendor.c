// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM's end runs code of the vendor's module, kvm_amd or kvm_intel. Its files
 * hold that module; a reference to struct kvm outlives them, and does not.
 */
#include <linux/fdtable.h>
#include <linux/module.h>
#include "host.h"

struct virtsock_vendor {
	const struct kvm_vcpu *vcpu;
	struct module *module;
};

static int virtsock_vendor_match(const void *arg, struct file *file, unsigned int fd)
{
	struct virtsock_vendor *v = (struct virtsock_vendor *)arg;

	/* That of its statistics is kvm.ko's, has the same, and no ioctl(). */
	if (file->private_data != v->vcpu || !file->f_op->unlocked_ioctl)
		return 0;
	/* The file has a reference, so there is one to be had. */
	__module_get(file->f_op->owner);
	v->module = file->f_op->owner;
	return 1;
}

/**
 * virtsock_vendor_get() - hold the module whose code runs a VM
 * @vcpu: the caller
 *
 * Only the files of KVM say which it is: the descriptor that this thread is in
 * KVM_RUN by has @vcpu.
 *
 * Context: vCPU thread.
 * Return: the module with a reference, NULL where KVM is built in; or
 * ERR_PTR(-ENOENT) where another thread has just closed that descriptor.
 */
struct module *virtsock_vendor_get(struct kvm_vcpu *vcpu)
{
	struct virtsock_vendor v = { .vcpu = vcpu };

	if (!iterate_fd(current->files, 0, virtsock_vendor_match, &v))
		return ERR_PTR(-ENOENT);
	return v.module;
}
