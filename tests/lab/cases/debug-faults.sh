# SPDX-License-Identifier: GPL-2.0-only
# case: deliberate faults are found on either side, and taken for failures
# when: debug
# timeout: 300
# complaints: they are what this is about
#
# KASAN and lockdep report once in a kernel's life: nothing else runs in this
# boot, and those two come last.
. "$LAB_REPO/tests/lab/host/splat.sh"
needs_debug
host_load
vm A
vm_own A

# on SIDE COMMAND...
on() {
	local side=$1
	shift

	case $side in
	host)	"$@" ;;
	guest)	guest A "$@" ;;
	esac
}

# said SIDE PATTERN: a complaint of that side, of those the lab looks for
said() {
	splat_show | sed -n "s/^$1[^:]*: //p" | grep -E "$SPLAT" | grep -E "$2"
}

# found SIDE KIND PATTERN
found() {
	local mod

	mod=$LAB_REPO/build/$(on "$1" uname -r)/lab/virtsock_fault.ko
	if said "$1" "$3"; then
		fail "$1: $3, before there was a fault"
	fi
	on "$1" insmod "$mod" kind="$2"
	[ "$2" != leak ] || until_ok 60 searched "$1"
	until_ok 10 said "$1" "$3"
	on "$1" rmmod virtsock_fault
	note "$1: $2 is found"
}

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
