# SPDX-License-Identifier: GPL-2.0-only
# case: vm del --all and rmmod on the host under two VMs that live, one busy, one idle; then both are back
# when: once
# clock: yes
# timeout: 480
. "$LAB_REPO/tests/lab/host/life.sh"
needs_virtsock
bare L
bare M
# Other guests lose their link with it.
for vm in /run/lab/vm/*; do
	vm_own "${vm##*/}"
done

gone() {
	until_ok 20 rmmod virtsock_host
	rm -f /run/lab/loaded
}

back() {
	host_load
	vm_bind L
	vm_bind M
	until_ok 20 link_up L
	until_ok 20 link_up M
}

traffic L chaos=1
idle M
keep L 80
keep M 80
t=$EPOCHREALTIME
virtsock vm del --all
idle_host "$t"
idle_guest M "$t"
[ -z "$(virtsock vm show)" ] || fail "VMs are left: $(virtsock vm show)"
gone
back
traffic_moves L
keep_check L
keep_check M
idle_after M
traffic_ends L
# Bound VMs, no socket: the module may go all the same, and takes the links along.
gone
back
exercise L
exercise M
vm_kill L
vm_kill M
