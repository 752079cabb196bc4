# SPDX-License-Identifier: GPL-2.0-only
# case: the balloon is inflated and deflated under traffic: no connection breaks, memory is what it was
# when: once
# timeout: 480
. "$LAB_REPO/tests/lab/host/life.sh"
needs_virtsock
bare L -device virtio-balloon-pci

total() {
	guest L sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo
}

base=$(total)

# taken CMP KIB: what the balloon has, compared
taken() {
	[ $((base - $(total))) "$1" "$2" ]
}

resets=$(vm_stat L resets)
traffic L
keep L 0 40
for i in 1 2; do
	vm_ask L "balloon $((BARE_MIB - 40))"
	until_ok 60 taken -ge 40000
	traffic_moves L
	vm_ask L "balloon $BARE_MIB"
	until_ok 60 taken -le 100
	traffic_moves L
done
keep_check L
[ "$(vm_stat L resets)" = "$resets" ] || fail "the link was reset"
traffic_ends L
exercise L
vm_kill L
