# SPDX-License-Identifier: GPL-2.0-only
# case: hostile programs of the host (never read, cut, 10,000 half-open connects, a crowd that watches): no long hypercall
# when: once
# clock: yes
# timeout: 240
needs_virtsock
# shellcheck source=tests/lab/host/hostile.sh
. "$LAB_REPO/tests/lab/host/hostile.sh"
vm A
vm_own A
cid=$(cid_of A)

nothing() {
	:
}

# 100 connections that the guest fills and nobody reads.
unread() {
	bg hoard vst hoard port=1500 n=100
	ready hoard
	bg stuff guest A vst stuff cid=2 port=1500 n=100 size=4096
	ready hoard RUNNING
	ready stuff RUNNING
}

# Ended in the middle of messages, by the end that sends and by the other.
cut() {
	local type

	for type in stream seq; do
		PORT=$((PORT + 1))
		bg cut-server guest A vst cut-server type=$type port=$PORT within=3000
		ready cut-server
		vst cut type=$type cid="$cid" port=$PORT within=1500
		ends cut-server
	done
}

# asked PORT LEAST MOST: 5000 connects, half of them given up at once, are answered:
# so many by yes, the rest by no
asked() {
	local said yes no

	said=$(vst half-open cid="$cid" port="$1" n=5000 within=20000) ||
		fail "connects to port $1: $said"
	echo "$said"
	yes=$(sed -n 's/: connected$//p' <<<"$said")
	no=$(sed -n 's/: ECONNRESET$//p' <<<"$said")
	[ "${yes:-0}" -ge "$2" ] && [ "${yes:-0}" -le "$3" ] && [ $((yes + no)) -eq 2500 ] ||
		fail "connects to port $1: ${yes:-none} of 2500 connected, ${no:-none} refused"
}

# To a port where 512 wait for accept() that never comes, and to nobody's.
half_open() {
	bg full guest A vst stand-still port=1501
	ready full
	# One more than the backlog; who gave up may have been let in before that.
	asked 1501 256 513
	asked 1502 0 0
	stop full
}

# All of them at once: the VM stood still while they asked, so no clock of it tells
# anything. What was large before has it give a buffer that has room for 10,922.
at_once() {
	pair A host recv send size=65536 count=40
	vm_qmp A stop
	bg asks vst half-open cid="$cid" port=1502 n=10000 within=20000 nonblock=1 go="$LAB_TMP/go"
	ready asks RUNNING
	vm_qmp A cont
	touch "$LAB_TMP/go"
	ends asks 40
}

# 40 that are full and have 10,000 each wait for room: the guest takes all at once.
crowds() {
	bg drain guest A vst drain port=1503 n=40 buf=8192
	ready drain
	bg crowds vst crowds cid="$cid" port=1503 n=40 chunk=100 within=20000 go="$LAB_TMP/room"
	ready crowds RUNNING
	vm_qmp A stop
	touch "$LAB_TMP/room"
	ready crowds FULL
	vm_qmp A cont
	ends crowds 60
	ends drain
	[ "$(tail -n 1 "$LAB_TMP/crowds.out")" = "$(tail -n 1 "$LAB_TMP/drain.out")" ] ||
		fail "not all arrived"
}

# audience KEY=VALUE...: each message is to wake all that watch.
audience() {
	PORT=$((PORT + 1))
	bg audience vst listen audience port=$PORT type=seq size=56 count=400 "$@"
	ready audience
	guest A vst connect perform cid=2 port=$PORT type=seq size=56 count=400
	ends audience 60
}

watch_on
HOSTILE_SECS=2
beside nothing nothing
beside unread unread
stop stuff
stop hoard
HOSTILE_SECS=5
beside cut cut
# Here, too, workers take their share of the one CPU; without limits 1.4 s and more.
HOSTILE_GAP=1000
beside half-open half_open
HOSTILE_GAP=500
at_once
crowds
# 40,000 by the socket itself, and 360,000 by an epoll that has it
HOSTILE_SECS=4
beside crowd audience chunk=200
# The worker that does it takes its share of the one CPU, in long pieces.
HOSTILE_GAP=1500
beside crowd-behind audience chunk=600 set=behind
watch_off
exercise A
