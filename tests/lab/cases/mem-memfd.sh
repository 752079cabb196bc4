# SPDX-License-Identifier: GPL-2.0-only
# case: guest memory is a shared memfd
# when: full
# timeout: 120
host_load
vm_boot B -object memory-backend-memfd,id=ram,size=512M,share=on -machine memory-backend=ram
vm_own B
vm_bind B
vm_load B
grep -q 'memfd:.*memory-backend-memfd' "/proc/$(vm_pid B)/maps" || fail "no memfd"
exercise B
vm_kill B
