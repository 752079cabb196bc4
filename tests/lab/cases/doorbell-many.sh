# SPDX-License-Identifier: GPL-2.0-only
# case: a doorbell that names many CPUs wakes one of them, and a broadcast none
# when: once
# timeout: 480
. "$LAB_REPO/tests/lab/host/life.sh"
needs_virtsock
host_load
bad=$LAB_REPO/build/$LAB_GUEST_KVER/lab/virtsock_bad.ko
vector=209

# rung CPU: how often that one had the interrupt, which its kernel has no handler for.
rung() {
	guest B dmesg | grep -cE "No irq handler for $1\.$vector|$1\.$vector No irq handler" || :
}

# heard: more often, on any of them, than $first and $second say
heard() {
	[ $(($(rung 0) + $(rung 1))) -gt $((first + second)) ]
}

# rings MODE DESTINATION [must]: how often on each CPU, in $first and $second, when a
# program of the host has sent something; it must be heard, or may not be.
rings() {
	local arg=$(($2 | vector << 32)) before

	[ "$1" = physical ] || arg=$((arg | 1 << 40))
	PORT=$((PORT + 1))
	rm -f "$LAB_TMP/go"
	bg rings vst listen send port=$PORT type=seq size=1 go="$LAB_TMP/go"
	ready rings
	guest B insmod "$bad" grant=$PORT bell=$arg || {
		guest B dmesg | grep 'virtsock_bad: not ok'
		fail "the guest has no link"
	}
	ready rings RUNNING
	# The link before is still rung for until this one is there.
	before=$(vm_stat B doorbells) first=$(rung 0) second=$(rung 1)
	: >"$LAB_TMP/go"
	[ -z "${3:-}" ] || until_ok 20 heard
	# It is repeated after 0.1 s, as the guest does not call.
	nap $((LAB_SCALE))
	first=$(($(rung 0) - first)) second=$(($(rung 1) - second))
	echo "+ $1 $2: $(($(vm_stat B doorbells) - before)) rings, $first and $second"
	stop rings
	guest B rmmod virtsock_bad
}

# guest_with WORDS...: a guest of two CPUs, and more on its command line
guest_with() {
	if vm_alive B; then
		vm_kill B
	fi
	VM_SMP=2 VM_APPEND="$*" vm_boot B
	vm_own B
	vm_bind B
}

guest_with
guest B sh -c 'dmesg | grep -i "x2apic.*enabled"' || fail "the guest has no x2APIC"
rings physical 0 must
[ "$first" -gt 0 ] && [ "$second" -eq 0 ] || fail "CPU 0: $first and $second"
rings physical 1 must
[ "$first" -eq 0 ] && [ "$second" -gt 0 ] || fail "CPU 1: $first and $second"
rings physical 0xffffffff
[ $((first + second)) -eq 0 ] || fail "a broadcast: $first and $second"
rings logical 0xffffffff
[ $((first + second)) -eq 0 ] || fail "a logical broadcast: $first and $second"
rings logical 3 must
[ $((first + second)) -gt 0 ] && [ $((first * second)) -eq 0 ] ||
	fail "two of a cluster: $first and $second"

guest_with nox2apic
rings physical 1 must
[ "$first" -eq 0 ] && [ "$second" -gt 0 ] || fail "CPU 1 by xAPIC: $first and $second"
rings physical 0xff
[ $((first + second)) -eq 0 ] || fail "a broadcast by xAPIC: $first and $second"
# A later kernel gives its CPUs no logical destinations there.
must=
[[ $LAB_GUEST_KVER != 6.1.* ]] || must=must
rings logical 3 $must
[ $((first * second)) -eq 0 ] || fail "two by xAPIC: $first and $second"
vm_load B
exercise B
vm_kill B
