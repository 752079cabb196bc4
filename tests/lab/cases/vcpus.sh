# SPDX-License-Identifier: GPL-2.0-only
# case: guests with 1, 2 and 8 CPUs; under traffic the doorbell moves, its CPU goes, another is added
# when: full
# timeout: 500
needs_virtsock
host_load

# Does the guest hear the host, and the host the guest?
alive() {
	vst connect ping cid=43 port=1921 size=64 count=3
	guest B vst connect ping cid=2 port=1920 size=64 count=3
}

# resets: how often the host has ended the link.
resets() {
	virtsock -s -j vm show cid 43 |
		python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["stats"]["resets"])'
}

# rings CPU: how often the doorbell rang there; CPUs before it are online.
rings() {
	guest B awk -v irq="$irq:" -v col=$(($1 + 2)) '$1 == irq { print $col }' /proc/interrupts
}

# With 2 CPUs the guest is silent, and hears the host by its doorbell only.
for smp in 1 2 8; do
	VM_SMP=$smp,sockets=$((smp + 1)),maxcpus=$((smp + 1)) vm_boot B
	vm_own B
	vm_bind B
	vm_load B
	[ "$(guest B nproc)" -eq $smp ] || fail "the guest has not $smp CPUs"
	exercise B
	bg echo vst listen echo port=1920 n=1000
	bg echo2 guest B vst listen echo port=1921 n=1000
	bg echo3 vst listen echo port=1922
	for name in echo echo2 echo3; do
		ready $name
	done
	[ $smp = 2 ] || bg long guest B vst connect ping cid=2 port=1922 size=9000 count=10000000
	alive
	irq=$(guest B sh -c "sed -n 's/^ *\([0-9]*\):.*virtsock.*/\1/p' /proc/interrupts")
	for ((cpu = 1; cpu < smp; cpu++)); do
		guest B sh -c "echo $cpu >/proc/irq/$irq/smp_affinity_list"
		before=$(rings $cpu)
		alive
		[ $smp = 8 ] || [ "$(rings $cpu)" -gt "$before" ] ||
			fail "the doorbell does not ring on CPU $cpu"
		now=$(guest B cat /proc/irq/$irq/effective_affinity_list)
		[ "$now" = $cpu ] || fail "the doorbell is on CPU $now, not $cpu"
		guest B sh -c "echo 0 >/sys/devices/system/cpu/cpu$cpu/online"
		alive
		now=$(guest B cat /proc/irq/$irq/effective_affinity_list)
		[ "$now" != $cpu ] || fail "the doorbell stayed on CPU $cpu"
		[ $((cpu % 2)) -eq 0 ] ||
			guest B sh -c "echo 1 >/sys/devices/system/cpu/cpu$cpu/online"
		alive
	done
	# A CPU that comes into the box is reset; the VM is not.
	cpu=$smp
	vm_hmp B "device_add host-x86_64-cpu,id=new,socket-id=$cpu,core-id=0,thread-id=0"
	until_ok 30 guest B test -e /sys/devices/system/cpu/cpu$cpu/online
	guest B sh -c "cd /sys/devices/system/cpu/cpu$cpu
		[ \$(cat online) = 1 ] || echo 1 >online
		echo $cpu >/proc/irq/$irq/smp_affinity_list"
	alive
	now=$(guest B cat /proc/irq/$irq/effective_affinity_list)
	[ "$now" = $cpu ] || fail "the doorbell is on CPU $now, not on the new one"
	vm_hmp B "device_del new"
	until_ok 30 guest B test ! -e /sys/devices/system/cpu/cpu$cpu/online
	alive
	[ "$(resets)" -eq 0 ] || fail "the link was reset"
	if [ $smp != 2 ]; then
		[ ! -s "$LAB_TMP/long.status" ] || fail "the traffic ended: $(<"$LAB_TMP/long.out")"
		stop long
	fi
	exercise B
	vm_kill B
	stop echo
	stop echo3
done
