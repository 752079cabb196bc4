# SPDX-License-Identifier: GPL-2.0-only
# case: a panic under traffic and the kdump kernel, which loads the module; its memory and the dump stay as they are
# when: once
# clock: yes
# timeout: 600
. "$LAB_REPO/tests/lab/host/life.sh"
needs_virtsock
host_load
VM_MEM=$((BARE_MIB * 5 / 2))M VM_APPEND=crashkernel=$((BARE_MIB * 3 / 4))M vm_boot L
vm_own L
vm_bind L
vm_load L
# The host's programs wait for as long as that kernel takes to boot.
traffic L chaos=1 within=$((180000 * LAB_SCALE))
idle L
guest L labkexec crash "$LAB_GUEST_VMLINUZ" "$LAB_OUT/bare.initrd" \
	"console=ttyS0 loglevel=6 panic=0 pci=noearly,lastbus=0 mitigations=off nr_cpus=1 reset_devices LAB_NAME=kdump"
# The next kernel says its version first (host/splat.sh).
touch "$LAB_TMP/panics"
bg crash guest L sh -c 'echo c >/proc/sysrq-trigger'
until_ok 30 grep -q 'Trigger a crash' "$(vm_dir L)/console"
stop crash
vm_wait L
guest L test -e /proc/vmcore || fail "this is not the kdump kernel"
# Nobody has told the host: for it the old link is there, and it rings.
[[ $(virtsock vm show cid "$(vm_cid L)") = *"state up"* ]] || fail "the old link has ended"
keep L 70
# All that the old kernel had, with its ring and what was to receive from the host,
# whose programs go on to send.
core() {
	guest L vst sum go=/proc/vmcore
}
began=$SECONDS
dump=$(core)
note "the dump: ${dump#* of }, $((SECONDS - began)) s"
nap 1
[ "$(core)" = "$dump" ] || fail "the dump changes before the link is there"
# Its HELLO is what the host learns it by.
t=$EPOCHREALTIME
bare_load L
idle_host "$t"
until_ok 10 link_up L
traffic_again L
[ "$(core)" = "$dump" ] || fail "the dump changes under the new link"
keep_check L
traffic_ends L
exercise L
vm_kill L
