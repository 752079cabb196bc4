// SPDX-License-Identifier: GPL-2.0-only
/* The pair's KVM has no vendors. */
#include "host.h"

struct module *virtsock_vendor_get(struct kvm_vcpu *vcpu)
{
	return NULL;
}
