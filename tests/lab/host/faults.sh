# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Faults on purpose (virtsock_fault), on the host and in guest A.

. "$LAB_REPO/tests/lab/host/splat.sh"

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
