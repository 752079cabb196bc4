/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pair's KVM: as much of it as the host's module uses, over this kernel's
 * own memory and its own local APICs. Names of its own, as the real one may be
 * loaded, too.
 */
#ifndef _VIRTSOCK_PAIR_KVM_HOST_H
#define _VIRTSOCK_PAIR_KVM_HOST_H

#include <linux/kvm_types.h>
#include <linux/mm.h>
#include <linux/rcuwait.h>
#include <linux/refcount.h>
#include <linux/types.h>

struct kvm_lapic {
	int unused;
};

/* No VMM logs what is written here. */
struct kvm_dirty_ring {
	u32 dirty_index;
	u32 reset_index;
	u32 soft_limit;
};

struct kvm_vcpu {
	struct kvm *kvm;
	struct kvm_dirty_ring dirty_ring;
	struct rcuwait wait;
	u64 requests;
	struct {
		struct kvm_lapic *apic;
		u64 apic_base;
	} arch;
};

struct kvm {
	refcount_t users_count;
	struct mm_struct *mm;
	u32 dirty_ring_size;
	struct kvm_lapic apic;
	struct kvm_vcpu vcpu;
	int runners;
};

struct virtsock_pair_regs {
	u64 rax, rbx, rcx, rdx, rsi;
};

/**
 * struct virtsock_pair_hook - what the host's module does for a VM
 * @hcall: a hypercall; thread of the VMM
 * @reset: the VM is reset; preemption off
 */
struct virtsock_pair_hook {
	void (*hcall)(struct kvm_vcpu *vcpu, u32 op, struct virtsock_pair_regs *r);
	void (*reset)(struct kvm *kvm);
};

/**
 * struct virtsock_pair_range - memory of the VM's
 * @gfn: its first page
 * @pages: how many
 */
struct virtsock_pair_range {
	gfn_t gfn;
	u64 pages;
};

long virtsock_pair_hypercall(u32 op, unsigned long *regs);
void virtsock_pair_set_hook(const struct virtsock_pair_hook *hook);
void virtsock_pair_get(struct kvm *kvm);
void virtsock_pair_put(struct kvm *kvm);
void virtsock_pair_memory(const struct virtsock_pair_range *ranges);
bool virtsock_pair_visible(gfn_t gfn);
int virtsock_pair_copy(u64 gpa, void *buf, size_t len, bool write);
void virtsock_pair_send_ipi(struct kvm_lapic *apic, u32 icr_low, u32 icr_high);

#define kvm_get_kvm		virtsock_pair_get
#define kvm_put_kvm		virtsock_pair_put
#define kvm_apic_send_ipi	virtsock_pair_send_ipi

static inline struct kvm_vcpu *kvm_get_vcpu(struct kvm *kvm, int i)
{
	return &kvm->vcpu;
}

static inline struct rcuwait *kvm_arch_vcpu_get_wait(struct kvm_vcpu *vcpu)
{
	return &vcpu->wait;
}

/* Nobody makes requests here, and no hardware wants to be told. */
#define KVM_REQUEST_MASK	0xff
#define KVM_REQ_STEAL_UPDATE	8

static inline void vcpu_put(struct kvm_vcpu *vcpu)
{
}

static inline void vcpu_load(struct kvm_vcpu *vcpu)
{
}

/* Here memory does not change. */
static inline void kvm_vcpu_srcu_read_lock(struct kvm_vcpu *vcpu)
{
}

static inline void kvm_vcpu_srcu_read_unlock(struct kvm_vcpu *vcpu)
{
}

static inline gfn_t gpa_to_gfn(gpa_t gpa)
{
	return gpa >> PAGE_SHIFT;
}

static inline int kvm_vcpu_read_guest(struct kvm_vcpu *vcpu, gpa_t gpa,
				      void *data, unsigned long len)
{
	return virtsock_pair_copy(gpa, data, len, false);
}

static inline int kvm_vcpu_write_guest(struct kvm_vcpu *vcpu, gpa_t gpa,
				       const void *data, unsigned long len)
{
	return virtsock_pair_copy(gpa, (void *)data, len, true);
}

static inline bool kvm_vcpu_is_visible_gfn(struct kvm_vcpu *vcpu, gfn_t gfn)
{
	return virtsock_pair_visible(gfn);
}

#endif
