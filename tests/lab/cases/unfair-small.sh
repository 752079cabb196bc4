# SPDX-License-Identifier: GPL-2.0-only
# case: 64 programs stand still with their socket locked, full of small messages; others go on
# clock: yes
# timeout: 300
# when: once
needs_virtsock
vm A
vm_own A
# Much less than an skb for each of those messages
virtsock vm set cid 42 backlog 262144

# best PLACE PEER: the shortest of 5 times for 16 MiB, in $us.
best() {
	local i t

	us=
	for i in 1 2 3 4 5; do
		bg gauge vst_at "$1" listen gauge port=901 size=16384 count=1024
		ready gauge
		vst_at "$2" connect pump cid="$(cid_of "$1")" port=901 size=16384 count=1024
		ends gauge
		t=$(sed -n 's/^took \([0-9]*\) us$/\1/p' "$LAB_TMP/gauge.out")
		[ -n "$us" ] && [ "$us" -le "$t" ] || us=$t
	done
}

# small TYPE BUF PORT SIZE: to as many connections
small() {
	local alone

	best host A
	alone=$us
	bg stuck vst stuck port="$3" n=64 type="$1" buf="$2"
	ready stuck
	bg stuff guest A vst stuff cid=2 port="$3" n=64 type="$1" size="$4"
	ready stuck RUNNING
	ready stuff RUNNING
	pair host A echo ping size=200 count=200
	pair A host echo ping size=200 count=200
	best host A
	note "64 stuck, full of $1, $4 bytes each: $((100 * alone / us)) % of the throughput alone"
	[ $((100 * alone)) -ge $((80 * us)) ] || late "less than 80 %"
	stop stuff
	pkill -KILL vst
	ends_any stuck
}

small stream 2048 902 1
small seq 32768 903 1
# An skb of these takes six times as much.
small stream 65536 904 200
pair host A recv send size=1-5000 count=500
