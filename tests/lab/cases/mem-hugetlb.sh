# SPDX-License-Identifier: GPL-2.0-only
# case: guest memory is a shared memfd of 2 MiB pages
# when: once
# timeout: 300
host_load
pages=/sys/kernel/mm/hugepages/hugepages-2048kB
echo 1 >/proc/sys/vm/compact_memory
echo 260 >$pages/nr_hugepages
[ "$(<$pages/free_hugepages)" -ge 256 ] || fail "the host has $(<$pages/free_hugepages) huge pages"
vm_boot B -machine memory-backend=ram \
	-object memory-backend-memfd,id=ram,size=512M,share=on,hugetlb=on,hugetlbsize=2M,prealloc=on
vm_own B
[ "$(<$pages/free_hugepages)" -le 4 ] || fail "the guest's memory is not in huge pages"
vm_bind B
vm_load B
exercise B
vm_kill B
until_ok 20 eval '[ "$(<$pages/free_hugepages)" -ge 256 ]'
echo 0 >$pages/nr_hugepages
