# SPDX-License-Identifier: GPL-2.0-only
# case: deliberate faults are found on either side, and taken for failures
# when: debug
# timeout: 300
# complaints: they are what this is about
#
# KASAN and lockdep report once in a kernel's life: nothing else runs in this
# boot, and those two come last.
. "$LAB_REPO/tests/lab/host/faults.sh"
needs_debug
host_load
vm A
vm_own A

# kmemleak says so when it has searched, of what is older than 5 s
searched() {
	on "$1" sh -c 'cd /sys/kernel/debug; echo scan >kmemleak; grep -q virtsock_fault kmemleak'
}

for side in host guest; do
	found $side rcu 'suspicious RCU usage'
	found $side sleep 'sleeping function called from invalid context'
	found $side shift 'UBSAN: shift-out-of-bounds'
	found $side index 'UBSAN: array-index-out-of-bounds'
	found $side object 'ODEBUG: free active'
	found $side list 'list_add (double add|corruption)'
	found $side leak 'kmemleak: [0-9]+ new suspected'
	found $side order 'possible circular locking dependency'
done
found host freed 'BUG: KASAN: .*use-after-free in'
found guest beyond 'BUG: KASAN: vmalloc-out-of-bounds in'
