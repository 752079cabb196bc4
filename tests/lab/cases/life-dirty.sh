# SPDX-License-Identifier: GPL-2.0-only
# case: KVM's ring of dirty pages takes what one hypercall writes to the guest
# when: once
# clock: yes
# timeout: 480
. "$LAB_REPO/tests/lab/host/life.sh"
needs_virtsock
host_load
# The least that QEMU takes. Each page of each piece has an entry there; KVM
# complains where there is none.
VM_ACCEL=,dirty-ring-size=1024 vm_boot B
vm_own B
vm_bind B
vm_load B

# Messages that are not copied to the batch first, and more than one batch waits.
for ((i = 0; i < 16; i++)); do
	job B "in$i" vst listen recv port=$((1930 + i)) type=seq size=4096 \
		count=$((LAB_MESSAGES / 500)) seed=$i
	job_ready B "in$i"
done
# Logged are the pages written while QEMU finds out how many they are.
said=$(vm_ask B "calc_dirty_rate -r 60")
[[ $said == *measur* ]] || fail "calc_dirty_rate: $said"
for ((i = 0; i < 16; i++)); do
	bg "out$i" vst connect send cid=43 port=$((1930 + i)) type=seq size=4096 \
		count=$((LAB_MESSAGES / 500)) seed=$i
done
for ((i = 0; i < 16; i++)); do
	ends "out$i" 100
	job_ends B "in$i"
done
said=$(vm_ask B "info dirty_rate")
[[ $said == *measuring* ]] || fail "the log was off before the end: $said"
exercise B
vm_kill B
