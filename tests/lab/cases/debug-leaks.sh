# SPDX-License-Identifier: GPL-2.0-only
# case: what all cases before have used is free: kmemleak finds nothing, loaded or not
# when: debug
# timeout: 300
needs_debug
vm A
vm_own A
exercise A

# Two searches: what changes between them is in use. Only what is older than
# 5 s is reported, so the first one is preceded by as much.
SEARCH='cd /sys/kernel/debug || exit
	sleep 6
	echo scan >kmemleak && echo scan >kmemleak && cat kmemleak'

# lockdep gives up for good when it has complained, or has no more room.
LOCKDEP='grep -q "debug_locks: *1" /proc/lockdep_stats'

# none WHEN
none() {
	sh -c "$SEARCH" >"$LAB_TMP/leaks.host"
	guest A sh -c "$SEARCH" >"$LAB_TMP/leaks.guest"
	cat "$LAB_TMP"/leaks.*
	[ ! -s "$LAB_TMP/leaks.host" ] || fail "the host has leaks $1"
	[ ! -s "$LAB_TMP/leaks.guest" ] || fail "the guest has leaks $1"
}

none "with the modules loaded"
virtsock vm del all
guest A rmmod vmw_vsock_virtsock virtsock_core
rmmod virtsock_host virtsock_core
rm -f /run/lab/loaded
none "when the modules are gone"
sh -c "$LOCKDEP" || fail "lockdep is off on the host"
guest A sh -c "$LOCKDEP" || fail "lockdep is off in the guest"
