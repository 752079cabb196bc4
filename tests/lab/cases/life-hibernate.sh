# SPDX-License-Identifier: GPL-2.0-only
# case: the guest sleeps (to disk) under traffic, and another QEMU wakes it: linked again, memory is what it was
# when: once
# clock: yes
# timeout: 480
. "$LAB_REPO/tests/lab/host/life.sh"
needs_virtsock
qemu-img create -q -f raw "$LAB_TMP/disk" 512M
disk=(-drive "file=$LAB_TMP/disk,if=none,id=disk,format=raw" -device virtio-blk-pci,drive=disk)

bare L "${disk[@]}"
dev=$(guest L cat /sys/block/vda/dev)
guest L sh -c 'mkswap /dev/vda && swapon /dev/vda'
traffic L chaos=1
idle L
keep L 0 30
guest L sh -c 'echo shutdown >/sys/power/disk'
job L sleep sh -c 'echo disk >/sys/power/state && cat /proc/uptime >/tmp/life/woken'
until ! vm_alive L; do
	nap 0.1
done
idle_host "$EPOCHREALTIME"
rm -rf "$(vm_dir L)"
VM_APPEND=LAB_RESUME=$dev bare_boot L "${disk[@]}"
guest L test -e /tmp/life/keep.pid || fail "the guest was booted, not woken"
job_ends L sleep
vm_bind L
# Since its programs run again, by the guest's own clock
idle_guest L "$(guest_us L /tmp/life/woken)"
until_ok 10 link_up L
traffic_moves L
idle_after L
keep_check L
traffic_ends L
exercise L
vm_kill L
