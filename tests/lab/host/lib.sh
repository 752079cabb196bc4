# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What a case can use. Cases run with -e: a command that fails ends the case.
#
#   vm A			a guest that is up and linked (CID 42; B has 43)
#   guest A CMD...	run CMD in the guest: its output, its status
#   bg NAME CMD...	run CMD (also 'guest A CMD') in the background
#   ready NAME		until it printed READY
#   ends NAME [SECS]	until it ended; fails unless it ended with 0
#   (seconds are multiplied by LAB_SCALE)
#   fail TEXT, skip TEXT, note TEXT
set -eEu

# shellcheck source=tests/lab/host/vm.sh
. "$LAB_REPO/tests/lab/host/vm.sh"

# Is this a kernel that looks for faults? All is slow there, and less is sent.
slow_kernel() {
	[ "$LAB_LESS" -gt 1 ]
}

# No hypercall takes as long, as a power of two of ns: 0.5 s on an emulated CPU that
# others share, 16 times that on a slow kernel
LONGEST_CALL=29
if slow_kernel; then
	LONGEST_CALL=33
fi

fail() {
	trap - ERR
	echo "FAIL: $*"
	exit 1
}

# late TEXT: a failure by a clock: tests/lab/run tries it once more.
late() {
	fail "late: $*"
}

skip() {
	echo "SKIP: $*"
	exit 4
}

# note TEXT: a diagnostic line in the lab's output.
note() {
	echo "# $*"
}

# What the programs in the background had to say when a case failed.
say_rest() {
	local status=$? out

	[ "$status" -ne 0 ] && [ "$status" -ne 4 ] || return 0
	for out in "$LAB_TMP"/*.out; do
		[ -e "$out" ] || continue
		echo "+ ${out##*/} $(<"${out%.out}.status"):"
		tail -n 5 "$out"
	done
	echo "+ sockets and programs at the end:"
	ss --vsock -a
	for out in /run/lab/vm/*; do
		[ -e "$out/pid" ] || continue
		echo "+ guest ${out##*/}:"
		timeout $((5 * LAB_SCALE)) labctl "$out" sh -c 'ss --vsock -a
			ps -eo pid,ppid,stat,wchan:24,time,args | grep -v "\[.*\]$"' || :
	done
	! declare -F say_more >/dev/null || say_more
}

trap say_rest EXIT
trap 'echo "FAIL: ${BASH_SOURCE[0]##*/}:$LINENO: $BASH_COMMAND: status $?"' ERR

# nap SECS: sleep without a fork.
exec {NAP}<> <(:)
nap() {
	read -rt "$1" -u "$NAP" _ || :
}

# needs_debug [VARIANT]: for a kernel that looks for faults on both sides.
needs_debug() {
	local kver variant=${1:-debug}

	for kver in "$LAB_HOST_KVER" "$LAB_GUEST_KVER"; do
		[ "${kver##*-}" = "$variant" ] ||
			fail "only for --host 6.12-$variant --guest 6.12-$variant"
	done
}

needs_virtsock() {
	[ "$LAB_TRANSPORT" = virtsock ] || skip "for virtsock only"
}

guest() {
	local name=$1
	shift
	labctl "/run/lab/vm/$name" "$@"
}

bg() {
	local name=$1
	shift
	echo "+ bg $name: $*"
	: >"$LAB_TMP/$name.out"
	: >"$LAB_TMP/$name.status"
	(
		trap - ERR
		set +eE
		"$@" >"$LAB_TMP/$name.out" 2>&1
		echo $? >"$LAB_TMP/$name.status"
	) &
	echo $! >"$LAB_TMP/$name.pid"
}

# Wait for a line of NAME's output, READY unless said otherwise.
ready() {
	local name=$1 line=${2:-READY} i over=

	for ((i = 0; i < 1500 * LAB_SCALE; i++)); do
		[ -s "$LAB_TMP/$name.status" ] && over=1
		case $(<"$LAB_TMP/$name.out") in
		*"$line"*) return ;;
		esac
		if [ -n "$over" ]; then
			cat "$LAB_TMP/$name.out"
			fail "$name ended before it was ready"
		fi
		nap 0.02
	done
	fail "$name is not ready after $((30 * LAB_SCALE)) s"
}

ends() {
	local name=$1 secs=$((${2:-30} * LAB_SCALE)) i

	for ((i = 0; i < secs * 50; i++)); do
		if [ -s "$LAB_TMP/$name.status" ]; then
			sed "s/^/$name: /" "$LAB_TMP/$name.out"
			[ "$(<"$LAB_TMP/$name.status")" = 0 ] ||
				fail "$name: $(tail -n 1 "$LAB_TMP/$name.out")"
			return 0
		fi
		nap 0.02
	done
	fail "$name did not end within $secs s"
}

# pair SERVER-SIDE CLIENT-SIDE: run vst between two places, where a place is
# 'host' or a guest's name. The server's address is found from the places.
#   pair host A recv send type=seq size=100 count=10
vst_at() {
	local place=$1
	shift
	if [ "$place" = host ]; then
		vst "$@"
	else
		guest "$place" vst "$@"
	fi
}

cid_of() {
	if [ "$1" = host ]; then
		echo 2
	else
		vm_cid "$1"
	fi
}

PORT=1000
pair() {
	local server=$1 client=$2 srole=$3 crole=$4 t0=$EPOCHREALTIME ms
	shift 4

	PORT=$((PORT + 1))
	bg server vst_at "$server" listen "$srole" port=$PORT "$@"
	ready server
	vst_at "$client" connect "$crole" cid="$(cid_of "$server")" port=$PORT "$@"
	ends server 60
	ms=$(((${EPOCHREALTIME/./} - ${t0/./}) / 1000))
	echo "+ pair $server $client $srole $crole $*: $ms ms"
}

# flood GUEST KEY=VALUE...: a series of connections between a guest, whose
# program connects, and the host.
flood() {
	local guest=$1
	shift

	PORT=$((PORT + 2))
	bg server vst flood-server port=$PORT "$@"
	ready server
	if ! guest "$guest" vst flood cid=2 port=$PORT "$@"; then
		virtsock -s vm show || :
		guest "$guest" virtsock -s link show || :
		ss --vsock -am
		guest "$guest" ss --vsock -am
		fail "flood $*: $(tail -n 1 "$LAB_TMP/server.out")"
	fi
	ends server 60
}

# exercise NAME: that guest and the host, all directions and types.
exercise() {
	pair host "$1" bidi bidi size=1-20000 count=300
	pair "$1" host bidi bidi type=seq size=1-20000 count=200 seed=2
	pair host "$1" recv send size=65536 count=60 seed=3
	pair "$1" host recv send size=65536 count=60 seed=4
}

# slabs: KiB in slabs that the kernel cannot give back. What is free and only kept
# is given back before, and what KASAN keeps to see whether it is used.
slabs() {
	local cache

	for cache in /sys/kernel/slab/{kmalloc-,skbuff}*; do
		echo 1 >"$cache/shrink"
	done
	sed -n 's/^SUnreclaim: *\([0-9]*\) kB/\1/p' /proc/meminfo
}

# ended_after NAME T: how many ms after $EPOCHREALTIME was T it ended, whenever one looks
ended_after() {
	local when

	when=$(stat -c %.6Y "$LAB_TMP/$1.status")
	echo $(((${when/./} - ${2/./}) / 1000))
}

# until_ok SECS COMMAND...: until it succeeds. So long is waited in all, looks not
# counted: where the machine stands still for as long, there are as many looks.
until_ok() {
	local secs=$(($1 * LAB_SCALE)) look
	shift

	for ((look = 0; look < secs * 5; look++)); do
		! "$@" || return 0
		nap 0.2
	done
	fail "not within $secs s: $*"
}

# at_rest [GUEST]: no socket keeps a module, as the vsock core does for 8 s where its
# peer does not answer
at_rest() {
	[ "$(</sys/module/virtsock_host/refcnt)" = 0 ] || return
	[ -z "${1:-}" ] ||
		[ "$(guest "$1" cat /sys/module/vmw_vsock_virtsock/refcnt)" = 0 ]
}

# link_again GUEST: up, which the command does not wait for
link_again() {
	guest "$1" virtsock link up
	until_ok 20 guest "$1" sh -c 'virtsock link show | grep -q "state up"'
}

# Stop a background program of this case.
stop() {
	pkill -KILL -P "$(<"$LAB_TMP/$1.pid")" || :
	ends_any "$1"
}

ends_any() {
	local i

	for ((i = 0; i < 250 * LAB_SCALE; i++)); do
		[ -s "$LAB_TMP/$1.status" ] && return
		nap 0.02
	done
	fail "$1 cannot be stopped"
}
