# SPDX-License-Identifier: GPL-2.0-only
#
# What a kernel's headers have, where its version does not tell: vsock changes
# inside stable series.

vsock-h := $(srctree)/include/net/af_vsock.h
virtio-vsock-h := $(srctree)/include/linux/virtio_vsock.h
kvm-h := $(srctree)/arch/x86/include/asm/kvm_host.h
irq-h := $(srctree)/include/linux/irq.h
has = $(shell grep -q $(1) $(2) && echo -D$(3))

# Patterns have dots for parentheses, which make would count.
virtsock-have := \
	$(call has,'buf_used;',$(virtio-vsock-h),VIRTSOCK_HAVE_BUF_USED) \
	$(call has,'virtio_vsock_skb_put',$(virtio-vsock-h),VIRTSOCK_HAVE_SKB_PUT) \
	$(call has,'.\*unsent_bytes.',$(vsock-h),VIRTSOCK_HAVE_UNSENT_BYTES) \
	$(call has,CONFIG_KVM_HYPERV,$(kvm-h),VIRTSOCK_HAVE_KVM_HYPERV_OPTION) \
	$(call has,IRQCHIP_MOVE_DEFERRED,$(irq-h),VIRTSOCK_HAVE_MOVE_DEFERRED) \
	$(call has,'send_pkt..struct sk_buff .* net',$(virtio-vsock-h),VIRTSOCK_HAVE_NET_ARG) \
	$(call has,'stream_allow..struct vsock_sock',$(vsock-h),VIRTSOCK_HAVE_ALLOW_VSK)

ccflags-y += $(virtsock-have)
