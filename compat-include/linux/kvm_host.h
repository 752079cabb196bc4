/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VIRTSOCK_COMPAT_KVM_HOST_H
#define _VIRTSOCK_COMPAT_KVM_HOST_H

#include_next <linux/kvm_host.h>

/*
 * Does KVM hand all hypercalls of this VM to Hyper-V's or Xen's dispatcher?
 * Hyper-V's: once the guest has said which system it is. It is an option of
 * the kernel since 6.9, and was always there before.
 */
static inline bool virtsock_compat_foreign_hypercalls(struct kvm_vcpu *vcpu)
{
	struct kvm *kvm = vcpu->kvm;

#if defined(CONFIG_KVM_HYPERV) || !defined(VIRTSOCK_HAVE_KVM_HYPERV_OPTION)
	if (vcpu->arch.hyperv_enabled && READ_ONCE(kvm->arch.hyperv.hv_guest_os_id))
		return true;
#endif
	return kvm->arch.xen_hvm_config.flags & KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL;
}

#endif
