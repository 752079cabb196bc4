# SPDX-License-Identifier: GPL-2.0-only
# case: no in-kernel APIC, Hyper-V's hypercalls: both sides say why there is no link
# when: once
# timeout: 240
needs_virtsock
host_load
bg monitor virtsock monitor

# link WORDS, log WORDS...: what the guest's command and log say.
link() {
	guest B "$LAB_REPO/build/virtsock" link show | tee -a "$LAB_TMP/said" | grep -q "$1"
}

log() {
	guest B dmesg | grep -q "virtsock: $1"
}

# both REASON WORDS: each side has that reason, and the words that cure it.
both() {
	until_ok 20 link "reason $1: .*$2"
	log "\(no link yet\|.*link lost\).*: .*$2" || fail "the guest's log does not say: $2"
	virtsock vm show cid 43
	virtsock vm show cid 43 | grep -q "reason $1: .*$2" || fail "the host does not show why"
	dmesg | grep "virtsock: CID 43: process $(vm_pid B) (.*) cannot have a link: .*$2" ||
		fail "the host's log does not say: $2"
	until_ok 10 grep "refused cid 43 pid $(vm_pid B) comm .* reason $1: .*$2" "$LAB_TMP/monitor.out"
}

# The local APIC is QEMU's (which asks KVM for asynchronous page faults then,
# without an APIC to tell of them, and aborts). Its name would look like two lines.
vm_boot B -machine kernel-irqchip=off -cpu host,-kvm-asyncpf-int \
	-name $'B,process=qemu\nCID 99: up'
vm_own B
vm_bind B
vm_load B
both no-apic kernel_irqchip=off
if dmesg | grep -E '^(\[[^]]*\] )?CID 99'; then
	fail "the VMM has written a line of the host's log"
fi
calls() {
	[ "$(guest B "$LAB_REPO/build/virtsock" -s -j link show |
	     python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["stats"]["hypercalls"])')" -ge 4 ]
}
until_ok 30 calls
[ "$(dmesg | grep -c 'CID 43: process')" -eq 1 ] || fail "the host's log repeats itself"
[ "$(guest B dmesg | grep -c 'virtsock: no link yet')" -eq 1 ] || fail "the guest's log repeats itself"
vm_kill B

# Hyper-V's features are there, but this guest prefers KVM's.
vm_boot B -cpu host,hv-relaxed,hv-vapic,hv-time,hv-vpindex,hv-synic,hv-stimer,hv-crash
vm_own B
vm_bind B
vm_load B
exercise B
bg drain vst listen drain port=1801 size=4096 expect=ECONNRESET
bg hold guest B vst listen drain port=1802 size=4096 expect=ECONNRESET
ready drain
ready hold
bg peer guest B vst connect hold cid=2 port=1801
bg peer2 vst connect hold cid=43 port=1802
ready peer RUNNING
ready peer2 RUNNING

# Now it names itself to Hyper-V, as a guest does that wants its hypercalls.
guest_os() {
	guest B python3 -c "import os
os.pwrite(os.open('/dev/cpu/0/msr', os.O_WRONLY), ($1).to_bytes(8, 'little'), 0x40000000)"
}
guest B modprobe msr allow_writes=on
guest_os 0x8100000000000000
both hyperv 'start it without hv-\*'
ends drain 20
ends hold 20
stop peer
stop peer2
virtsock vm show cid 43 | grep -q 'state down' || fail "the host's link is not down"
guest_os 0
until_ok 20 link 'state up'
if virtsock vm show cid 43 | grep reason; then
	fail "the host has a reason for a link that is up"
fi
exercise B
vm_kill B
stop monitor
