# SPDX-License-Identifier: GPL-2.0-only
# case: 64 programs that never read leave another connection its throughput
# when: once
# clock: yes
# timeout: 240
vm A

# took NAME: what vst gauge measured, in us.
took() {
	sed -n 's/^took \([0-9]*\) us$/\1/p' "$LAB_TMP/$1.out"
}

# gauge RECEIVER SENDER: one connection's time for 64 MiB, in $us.
gauge() {
	bg gauge vst_at "$1" listen gauge port=880 size=16384 count=4096
	ready gauge
	vst_at "$2" connect pump cid="$(cid_of "$1")" port=880 size=16384 count=4096
	ends gauge >/dev/null
	us=$(took gauge)
	[ -n "$us" ] || fail "no time for a connection"
}

# hoard RECEIVER SENDER SIZE: 64 connections that are full, and stay so.
hoard() {
	bg hoard vst_at "$1" hoard port=881 n=64 size="$3" type="$4"
	ready hoard
	bg stuff vst_at "$2" stuff cid="$(cid_of "$1")" port=881 n=64 size="$3" type="$4"
	ready hoard RUNNING
	ready stuff RUNNING
}

median() {
	printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"
}

# compare RECEIVER SENDER SIZE TYPE: alone and beside them, in turns.
compare() {
	local alone=() beside=() i a b

	# Something else may run on this machine: 4 more where 3 do not do.
	for i in 1 2 3 4 5 6 7; do
		gauge "$1" "$2"
		alone+=("$us")
		hoard "$@"
		gauge "$1" "$2"
		beside+=("$us")
		stop stuff
		stop hoard
		a=$(median "${alone[@]}")
		b=$(median "${beside[@]}")
		[ "$i" -ne 3 ] || [ $((100 * a)) -lt $((80 * b)) ] || break
	done
	note "$2 to $1, 64 full of $4 messages of $3 bytes: $((100 * a / b)) % of the throughput alone (us: ${alone[*]}; ${beside[*]})"
	[ $((100 * a)) -ge $((80 * b)) ] || late "less than 80 %"
}

for size in 8192 65536; do
	compare host A "$size" stream
	compare A host "$size" stream
done
if [ -n "${LAB_FULL:-}" ]; then
	for type in stream seq; do
		compare host A 200 $type
		compare A host 200 $type
	done
	compare host A 8192 seq
	compare A host 8192 seq
fi
