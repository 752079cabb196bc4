# SPDX-License-Identifier: GPL-2.0-only
# case: savevm breaks nothing; loadvm, busy and idle: told within 2 s, linked again, memory is what it was
# when: once
# clock: yes
# timeout: 480
. "$LAB_REPO/tests/lab/host/life.sh"
needs_virtsock

# hmp COMMAND: which says nothing
hmp() {
	local said

	said=$(vm_ask L "$1")
	[[ $said =~ ^\{\"return\":\ ?\"\"\} ]] || fail "$1: $said"
}

qemu-img create -q -f qcow2 "$LAB_TMP/disk" 1G
bare L -drive "file=$LAB_TMP/disk,if=none,id=disk,format=qcow2" \
	-device virtio-blk-pci,drive=disk
traffic L chaos=1
idle L
keep L
resets=$(vm_stat L resets)
hmp "savevm one"
traffic_moves L
[ "$(vm_stat L resets)" = "$resets" ] || fail "savevm reset the link"
[ ! -s "$LAB_TMP/idle.status" ] || fail "savevm broke a connection"

hmp "loadvm one"
t=$EPOCHREALTIME
idle_guest L "$t"
idle_host "$t"
until_ok 10 link_up L
traffic_moves L
idle_after L
keep_check L
traffic_ends L

# In a guest that has nothing else to do; it had another link by then.
idle L
keep L
hmp "savevm two"
guest L virtsock link down
guest L virtsock link up
until_ok 10 link_up L
idle_stop
ends idle 5
ends full 5
hmp "loadvm two"
t=$EPOCHREALTIME
idle_guest L "$t"
until_ok 10 link_up L
job_kill L idle-peer
job_kill L full-peer
vst connect ping cid="$(vm_cid L)" port=1532 count=20 size=200
job_ends L listener
keep_check L
exercise L
vm_kill L
