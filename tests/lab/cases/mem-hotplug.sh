# SPDX-License-Identifier: GPL-2.0-only
# case: memory is plugged in and taken out while traffic runs
# when: once
# timeout: 600
. "$LAB_REPO/tests/lab/host/life.sh"
needs_virtsock
host_load
VM_MEM=256M,slots=4,maxmem=2G vm_boot B
vm_own B
vm_bind B
vm_load B

total() {
	guest B sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo
}
base=$(total)

# grown CMP KIB: how much the guest has got, compared.
grown() {
	[ $(($(total) - base)) "$1" "$2" ]
}

# Traffic both ways, content checked, while memory comes.
traffic B

auto=/sys/devices/system/memory/auto_online_blocks
guest B sh -c "echo online_kernel >$auto"
vm_hmp B "object_add memory-backend-ram,id=m1,size=128M"
vm_hmp B "device_add pc-dimm,id=d1,memdev=m1"
until_ok 60 grown -gt 100000
guest B sh -c "echo online_movable >$auto"
vm_hmp B "object_add memory-backend-memfd,id=m2,size=128M,share=on"
vm_hmp B "device_add pc-dimm,id=d2,memdev=m2"
until_ok 60 grown -gt 200000

# More than the guest had at first: what is sent lies in the new memory.
guest B sh -c 'mkdir -p /tmp/fill && mount -t tmpfs -o size=200m fill /tmp/fill &&
	head -c 160M /dev/zero >/tmp/fill/zeros' || fail "the guest has no 160 MiB"
exercise B
traffic_ends B
# Ring and buffers, too, perhaps.
until_ok 30 guest B rmmod vmw_vsock_virtsock
vm_load B
exercise B
guest B umount /tmp/fill

# And out again.
resets=$(vm_stat B resets)
traffic B
keep B 0 40
vm_hmp B "device_del d2"
until_ok 60 grown -lt 200000
until_ok 60 vm_hmp B "object_del m2"
traffic_moves B
keep_check B
traffic_ends B
exercise B
[ "$(vm_stat B resets)" -eq "$resets" ] || fail "the link has ended meanwhile"
vm_kill B
