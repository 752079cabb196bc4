# SPDX-License-Identifier: GPL-2.0-only
# case: the guest sleeps (to disk) under traffic, and the same VM wakes it, or another QEMU: told, linked again, memory is what it was
# when: once
# clock: yes
# timeout: 480
. "$LAB_REPO/tests/lab/host/life.sh"
needs_virtsock
qemu-img create -q -f raw "$LAB_TMP/disk" 512M
disk=(-drive "file=$LAB_TMP/disk,if=none,id=disk,format=raw" -device virtio-blk-pci,drive=disk)

# sleep_by HOW: its programs go on when it is awake
sleep_by() {
	guest L sh -c 'rm -f /tmp/life/woken; echo "$1" >/sys/power/disk' sh "$1"
	job L sleep sh -c 'echo disk >/sys/power/state && cat /proc/uptime >/tmp/life/woken'
}

was_reset() {
	[ "$(vm_stat L resets)" -gt "$resets" ]
}

bare L "${disk[@]}"
dev=$(guest L cat /sys/block/vda/dev)
guest L sh -c 'mkswap /dev/vda && swapon /dev/vda'

# Nobody resets this VM, so the host cannot see it; and what a program of the host sends
# while the image is written is not in that.
bg drip vst listen flood port=1540 size=1000 slow=50 expect=ECONNRESET
ready drip
job L sip vst connect drain cid=2 port=1540 expect=ECONNRESET
job_ready L sip RUNNING
resets=$(vm_stat L resets)
sleep_by test_resume
job_ends L sleep 120
job_ends L sip
ends drip
was_reset || fail "no goodbye before it slept"
until_ok 10 link_up L

traffic L chaos=1
idle L
keep L 0 30
resets=$(vm_stat L resets)
sleep_by shutdown
until_ok 20 was_reset
idle_host "$EPOCHREALTIME"
vm_alive L || fail "its link ended with the VM"
until ! vm_alive L; do
	nap 0.1
done
rm -rf "$(vm_dir L)"
VM_APPEND=LAB_RESUME=$dev bare_boot L "${disk[@]}"
guest L test -e /tmp/life/keep.pid || fail "the guest was booted, not woken"
job_ends L sleep
vm_bind L
# Since its programs run again, by the guest's own clock: it is less than nothing for
# those that were told before they slept.
idle_guest L "$(guest_us L /tmp/life/woken)"
until_ok 10 link_up L
traffic_moves L
idle_after L
keep_check L
traffic_ends L
exercise L
vm_kill L
