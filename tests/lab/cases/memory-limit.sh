# SPDX-License-Identifier: GPL-2.0-only
# case: a VMM's cgroup pays for what its VM sends to who does not read, and bounds it
# when: once
# timeout: 240
#
# The program takes a buffer of 160 MiB, the cgroup has 96 MiB. The VM has to wait at
# the limit, or is killed for it where QEMU itself wants memory then; nothing else is.
touch "$LAB_TMP/ooms"
. "$LAB_REPO/tests/lab/host/life.sh"
needs_virtsock
vm A
if vm_alive B; then
	vm_kill B
fi
# What the guest uses is there before, and so not charged to the cgroup.
VM_MEM=384M vm_boot B -object memory-backend-ram,id=all,size=384M,prealloc=on \
	-machine memory-backend=all
vm_own B

cgroup=$LAB_TMP/cgroup
vmm=$cgroup/vmm
mkdir "$cgroup"
mount -t cgroup2 none "$cgroup"
echo +memory >"$cgroup/cgroup.subtree_control"
mkdir "$vmm"
echo 96M >"$vmm/memory.max"
pid=$(vm_pid B)
echo "$pid" >"$vmm/cgroup.procs"
vm_bind B
vm_load B
exercise B

# used MIB: the cgroup has so much, or more
used() {
	[ "$(<"$vmm/memory.current")" -ge $(($1 << 20)) ]
}

# killed: the kernel has, for want of memory in the cgroup
killed() {
	! grep -q '^oom_kill 0$' "$vmm/memory.events"
}

# freed: what the VM had sent
freed() {
	! used 48
}

# waits: the VM was told to
waits() {
	killed || [ "$(vm_stat B stops)" -gt "$stops" ]
}

# slab: bytes of the kernel's that the cgroup pays for
slab() {
	sed -n 's/^slab_unreclaimable //p' "$vmm/memory.stat"
}

# What small packets for a locked socket are put together in is the VM's as well: 1 MiB
# in packets of 16 bytes, in pieces of a page.
bg stuck vst stuck port=1271 cid=43 buf=2097152
ready stuck
guest B rmmod vmw_vsock_virtsock
before=$(slab)
guest B insmod "$LAB_REPO/build/$LAB_GUEST_KVER/lab/virtsock_bad.ko" flood=1271 stream=1 bytes=1048576
ready stuck RUNNING
# paid CMP KIB: so much more than before
paid() {
	[ $((($(slab) - before) >> 10)) "$1" "$2" ]
}

# A worker puts together what has come at once.
until_ok 20 paid -lt 4096
until_ok 20 paid -gt 512
note "1 MiB in packets of 16 bytes for a locked socket: $((($(slab) - before) >> 10)) KiB of the cgroup's"
pkill -KILL vst
ends_any stuck
guest B rmmod virtsock_bad
vm_load B
until_ok 20 link_up B
exercise B

freed || fail "the cgroup has $(<"$vmm/memory.current") bytes before"
stops=$(vm_stat B stops)
bg hold vst listen hold port=1270 cid=43 buf=167772160
ready hold
bg flood guest B vst connect flood cid=2 port=1270 size=65536 buf=167772160 \
	expect=ECONNRESET,EPIPE
until_ok 60 waits
killed || used 64 || fail "it waits, and the cgroup has $(<"$vmm/memory.current") bytes"
note "the cgroup has $(($(<"$vmm/memory.current") >> 20)) MiB of 96; $(tr '\n' ' ' <"$vmm/memory.events")"
exercise A
stop hold
# At once: the VM may be unable to say that it has heard of it.
until_ok 2 freed
if killed; then
	! kill -0 "$pid" 2>/dev/null || fail "the kernel killed something else"
	note "B was killed"
else
	ends flood 60
	exercise B
fi
vm_kill B
umount "$cgroup"
