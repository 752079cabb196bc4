# SPDX-License-Identifier: GPL-2.0-only
# case: the doorbell's CPU goes, another one is added and taken out, under traffic: no connection breaks
# when: once
# timeout: 480
. "$LAB_REPO/tests/lab/host/life.sh"
needs_virtsock
VM_SMP=2,sockets=3,maxcpus=3 bare L
irq=$(guest L sh -c "sed -n 's/^ *\([0-9]*\):.*virtsock.*/\1/p' /proc/interrupts")
cpus=/sys/devices/system/cpu

# rang CPU BEFORE: more often than that; all CPUs before it are online
rings() {
	guest L awk -v irq="$irq:" -v col=$(($1 + 2)) '$1 == irq { print $col }' /proc/interrupts
}

rang() {
	[ "$(rings "$1")" -gt "$2" ]
}

# The doorbell goes there, and rings.
aim() {
	local before

	before=$(rings "$1")
	guest L sh -c "echo $1 >/proc/irq/$irq/smp_affinity_list"
	until_ok 30 rang "$1" "$before"
}

resets=$(vm_stat L resets)
traffic L
for i in 1 2; do
	aim 1
	guest L sh -c "echo 0 >$cpus/cpu1/online"
	[ "$(guest L cat "/proc/irq/$irq/effective_affinity_list")" != 1 ] ||
		fail "the doorbell stayed on CPU 1"
	traffic_moves L
	guest L sh -c "echo 1 >$cpus/cpu1/online"
done

# The box has a third CPU from now on: it is reset, the VM is not.
vm_hmp L "device_add host-x86_64-cpu,id=new,socket-id=2,core-id=0,thread-id=0"
until_ok 30 guest L test -e $cpus/cpu2/online
guest L sh -c "[ \$(cat $cpus/cpu2/online) = 1 ] || echo 1 >$cpus/cpu2/online"
aim 2
traffic_moves L
vm_hmp L "device_del new"
until_ok 30 guest L test ! -e $cpus/cpu2/online
traffic_moves L
[ "$(vm_stat L resets)" = "$resets" ] || fail "the link was reset"
traffic_ends L
exercise L
vm_kill L
