# SPDX-License-Identifier: GPL-2.0-only
# case: a guest with 4 CPUs: many connections at once, the doorbell's CPU goes offline
# when: once
# timeout: 240
needs_virtsock
host_load
if vm_alive B; then
	vm_kill B
fi
VM_SMP=4 vm_boot B
vm_own B
vm_bind B
vm_load B

# All directions and both types at the same time.
for i in 1 2 3 4; do
	bg "to$i" vst listen recv port=$((1300 + i)) size=1-9000 count=3000 seed=$i
	bg "from$i" guest B vst listen recv port=$((1310 + i)) type=seq size=1-9000 count=1500 seed=$i
done
for i in 1 2 3 4; do
	ready "to$i"
	ready "from$i"
done
for i in 1 2 3 4; do
	bg "a$i" guest B vst connect send cid=2 port=$((1300 + i)) size=1-9000 count=3000 seed=$i
done
for i in 1 2 3 4; do
	bg "b$i" vst connect send cid=43 port=$((1310 + i)) type=seq size=1-9000 count=1500 seed=$i
done
for i in 1 2 3 4; do
	ends "a$i" 100
	ends "b$i" 100
	ends "to$i" 100
	ends "from$i" 100
done

# The interrupt follows when its CPU goes, and comes back to none in particular.
irq=$(guest B sh -c "sed -n 's/^ *\([0-9]*\):.*virtsock.*/\1/p' /proc/interrupts")
for cpu in 1 2 3; do
	guest B sh -c "echo $cpu >/proc/irq/$irq/smp_affinity_list"
	pair B host recv send size=1-5000 count=200
	guest B sh -c "echo 0 >/sys/devices/system/cpu/cpu$cpu/online"
	pair B host recv send size=1-5000 count=200
	guest B sh -c "echo 1 >/sys/devices/system/cpu/cpu$cpu/online"
done
pair host B bidi bidi type=seq size=1-5000 count=500
vm_kill B
