# SPDX-License-Identifier: GPL-2.0-only
# case: calls from 64-bit and real mode, of a VM in a VM, to a VMM that wants Xen's; memory goes away under a link
# when: once
# timeout: 180
needs_virtsock
host_load
magic=56534b21
enosys=fc18

# tiny MODE: a VM of one instruction, bound to CID 60; what it got is in $said.
tiny() {
	local pid

	rm -f "$LAB_TMP/go"
	mkfifo "$LAB_TMP/go"
	bg tiny tinyvm "$1" "$LAB_TMP/go"
	ready tiny
	pid=$(sed -n 's/^READY //p' "$LAB_TMP/tiny.out")
	until_ok 10 virtsock vm add cid 60 pid "$pid"
	: >"$LAB_TMP/go"
	ends tiny
	said=$(tail -n 1 "$LAB_TMP/tiny.out")
	echo "+ tinyvm $1: $said"
}

tiny long
[ "$said" = "answer 0 ${magic}0000003c" ] || fail "64-bit mode: $said"
# KVM's own answer, with half of the bits; RBX as it was.
tiny real
[ "$said" = "answer ffff$enosys 1" ] || fail "real mode: $said"

# The vendor's module is the one that is held from then on, whatever the descriptor
# is that comes first.
vendor=$(lsmod | sed -n 's/^\(kvm_amd\|kvm_intel\) .*/\1/p')
refs() {
	cat "/sys/module/$vendor/refcnt"
}
rm -f "$LAB_TMP/go"
mkfifo "$LAB_TMP/go"
bg tiny tinyvm stats "$LAB_TMP/go"
ready tiny
until_ok 10 virtsock vm add cid 60 pid "$(sed -n 's/^READY //p' "$LAB_TMP/tiny.out")"
before=$(refs)
: >"$LAB_TMP/go"
ready tiny "answer 0 "
# In 6.1 a VM holds it by itself, and no descriptor does.
more=1
[[ $LAB_HOST_KVER != 6.1.* ]] || more=0
[ "$(refs)" -eq $((before + more)) ] ||
	fail "$vendor has $(refs) users after HELLO, $before before"
: >"$LAB_TMP/go"
ends tiny
fewer() {
	[ "$(refs)" -lt "$before" ]
}
until_ok 20 fewer

# Links whose memory goes away, each in its own way. Nobody else has a part in it.
tiny gone
sed -n '/^not ok/,/^#/p' "$LAB_TMP/tiny.out"
[[ $said == *" passed, 0 failed" ]] || fail "memory that went away: $said"

# A VMM that boots its VM anew in the same process keeps its CID.
tiny again
sed -n '/^not ok/,/^#/p' "$LAB_TMP/tiny.out"
[[ $said == *" passed, 0 failed" ]] || fail "a second VM in a process: $said"

# KVM gives it to the VMM: KVM_EXIT_XEN.
if [[ $LAB_HOST_KVER == 6.1.* ]]; then
	note "this kernel was built without CONFIG_KVM_XEN"
else
	tiny xen
	[ "$said" = "exit 34" ] || fail "Xen: $said"
	dmesg | grep "virtsock: CID 60: process .* cannot have a link: Hyper-V or Xen" ||
		fail "the host's log does not say that Xen's calls are in the way"
fi

# The KVM in the guest answers its own guest, and the guest's link is the guest's.
vm A
epoch() {
	virtsock -s vm show cid 42 | sed -n 's/.*\(epoch 0x[0-9a-f]*\).*/\1/p'
}
before=$(epoch)
[ -n "$before" ] || fail "no link"
guest A modprobe "$vendor"
said=$(guest A tinyvm long | tail -n 1)
[ "$said" = "answer ffffffffffff$enosys 1" ] || fail "a VM in the guest: $said"
[ "$(epoch)" = "$before" ] || fail "the guest has another link"
guest A rmmod "$vendor" kvm
exercise A

# What each call leaves in the cache is not for the guest to find. KVM asks for the
# flush itself where a vCPU had left its CPU, so many calls come in a row.
bad=$LAB_REPO/build/$LAB_GUEST_KVER/lab/virtsock_bad.ko
params=/sys/module/virtsock_l1d/parameters
insmod "$LAB_REPO/build/$LAB_HOST_KVER/lab/virtsock_l1d.ko"
guest A rmmod vmw_vsock_virtsock
guest A insmod "$bad" storm=300
guest A rmmod virtsock_bad
note "$(<$params/calls) calls, $(<$params/bad) without the flush of the L1 data cache"
[ "$(<$params/calls)" -gt 100 ] || fail "too few calls were seen"
[ "$(<$params/bad)" -eq 0 ] || fail "calls do not ask for the flush"
rmmod virtsock_l1d
vm_load A
exercise A
