# SPDX-License-Identifier: GPL-2.0-only
# case: KVM hidden from the guest, hypercalls that trap, half of the irqchip in user space
# when: full
# timeout: 240
needs_virtsock
host_load

insmod_b() {
	guest B sh -c "set -e
		cd $LAB_REPO/build/$LAB_GUEST_KVER
		modprobe vmw_vsock_virtio_transport_common
		[ -d /sys/module/virtsock_core ] || insmod virtsock_core.ko
		insmod vmw_vsock_virtsock.ko"
}

vm_boot B -cpu host,kvm=off
vm_own B
vm_bind B
if insmod_b; then
	fail "the module is loaded without KVM in sight"
fi
guest B dmesg | grep 'virtsock: this is not a KVM guest, or its VMM hides KVM (kvm=off)' ||
	fail "the log does not say why"
vm_kill B

# This kernel takes the CPU for Intel's and its instruction for a hypercall's.
# KVM puts AMD's in its place, or cannot, as the text is read-only: no oops.
if grep -q AuthenticAMD /proc/cpuinfo; then
	vm_boot B -cpu host,vendor=GenuineIntel
	vm_own B
	vm_bind B
	insmod_b
	guest B "$LAB_REPO/build/virtsock" link show | tee "$LAB_TMP/link"
	if grep -q 'state up' "$LAB_TMP/link"; then
		exercise B
	else
		grep -q 'reason strange' "$LAB_TMP/link" || fail "no reason is given"
		guest B dmesg | grep 'virtsock: no link yet (-1): .*another vendor.s CPU' ||
			fail "the log does not say why"
	fi
	guest B rmmod vmw_vsock_virtsock
	vm_kill B
fi

# The local APIC in the kernel, the rest in QEMU: all that is needed.
vm_boot B -machine kernel-irqchip=split
vm_own B
vm_bind B
vm_load B
exercise B
vm_kill B
