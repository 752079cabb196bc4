# SPDX-License-Identifier: GPL-2.0-only
# case: kexec under traffic into a kernel that loads the module again; its memory stays its own
# when: once
# clock: yes
# timeout: 480
. "$LAB_REPO/tests/lab/host/life.sh"
needs_virtsock
vm A
vm_own A
traffic A chaos=1
idle A
guest A sh -c 'labkexec load "$1" "$2" "$(cat /proc/cmdline)"' sh \
	"$LAB_GUEST_VMLINUZ" "$LAB_OUT/bare.initrd"
bg now guest A labkexec now
t=$EPOCHREALTIME
idle_host "$t"
vm_wait A
stop now
# Most of it, as nobody can say where the old kernel's ring and buffer were.
keep A
nap 1
bare_load A
until_ok 10 link_up A
traffic_again A
keep_check A
traffic_ends A
exercise A
vm_kill A
