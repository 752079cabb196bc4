# SPDX-License-Identifier: GPL-2.0-only
# case: vsockmon shows each record as one packet, the same on both sides; tcpdump reads it
# when: once
# timeout: 180
vm A
mon='modprobe vsockmon && ip link add vsockmon0 type vsockmon && ip link set vsockmon0 up'
sh -c "$mon"
guest A sh -c "$mon"

# stat NAME: a counter of the VM, as its host has it.
stat() {
	virtsock -s -j vm show cid 42 |
		python3 -c "import json,sys; print(json.load(sys.stdin)[0]['stats']['$1'])"
}

# monitored NAME KEY=VALUE...: bidi between guest and host, with its content
# compared to what both devices show; their packets are in NAME.host and .guest.
monitored() {
	local name=$1 side
	shift

	PORT=$((PORT + 2))
	bg "$name.host" vst monitor dev=vsockmon0 cid=42 port=$PORT "$@"
	bg "$name.guest" guest A vst monitor dev=vsockmon0 cid=42 port=$PORT "$@"
	ready "$name.host"
	ready "$name.guest"
	bg server vst_at "${server/guest/A}" listen bidi port=$PORT "$@"
	ready server
	vst_at "${client/guest/A}" connect bidi cid=$cid port=$PORT "$@"
	ends server 60
	# Nobody listens there: the end of the capture.
	vst_at "${client/guest/A}" connect-error cid=$cid port=$((PORT + 1)) within=30000 >/dev/null
	ends "$name.host" 60 >/dev/null
	ends "$name.guest" 60 >/dev/null
	for side in host guest; do
		note "$name: $side sees $(tail -n 1 "$LAB_TMP/$name.$side.out")"
	done
}

# Content, addresses and operations, whatever the packets are.
for server in host guest; do
	client=guest cid=2
	[ $server = host ] || client=host cid=42
	monitored "$server-small" size=1-300 count=1000
	monitored "$server-large" size=1-200000 count=6 seed=3
	monitored "$server-seq" type=seq size=1-9000 count=40 seed=5
done

# What tcpdump makes of it, on either side.
PORT=$((PORT + 2))
bg dump-host tcpdump -lnvi vsockmon0
bg dump-guest guest A tcpdump -lnvi vsockmon0
ready dump-host 'listening on vsockmon0'
ready dump-guest 'listening on vsockmon0'
bg server vst listen echo port=$PORT
ready server
guest A vst connect ping cid=2 port=$PORT count=3 size=300
ends server
for side in host guest; do
	ready dump-$side DISCONNECT
	stop dump-$side
	dump=$LAB_TMP/dump-$side.out
	for op in CONNECT PAYLOAD DISCONNECT; do
		grep -P "^\t42\.[0-9]+ > 2\.$PORT $op, length" "$dump" ||
			fail "tcpdump shows no $op to the server on the $side"
	done
	grep -P "^\t2\.$PORT > 42\.[0-9]+ PAYLOAD, length 376$" "$dump" ||
		fail "tcpdump shows no PAYLOAD from the server on the $side"
	[ "$(grep -c 'VIRTIO (len 300, type STREAM, op RW,' "$dump")" -eq 6 ] ||
		fail "tcpdump does not show six messages of 300 bytes on the $side"
done

# One packet for each record, on the side that sends as on the one that
# receives: little enough that no kernel cuts a record into pieces.
needs_virtsock
broken=
for server in host guest; do
	client=guest cid=2
	[ $server = host ] || client=host cid=42
	for type in stream seq; do
		name=$server-$type
		records=$(($(stat tx_records) + $(stat rx_records)))
		monitored "$name" type=$type size=1-400 count=60
		records=$(($(stat tx_records) + $(stat rx_records) - records))
		for dir in to-server to-client; do
			grep "^$dir" "$LAB_TMP/$name.host.out" >"$LAB_TMP/$dir.host"
			grep "^$dir" "$LAB_TMP/$name.guest.out" >"$LAB_TMP/$dir.guest"
			diff "$LAB_TMP/$dir.host" "$LAB_TMP/$dir.guest" ||
				broken="$broken${broken:+, }$name $dir"
		done
		for side in host guest; do
			packets=$(sed -n 's/^packets //p' "$LAB_TMP/$name.$side.out")
			[ "$packets" -eq "$records" ] ||
				broken="$broken${broken:+, }$name: $packets packets on the $side of $records records"
		done
	done
done
ip link del vsockmon0
guest A ip link del vsockmon0
[ -z "$broken" ] || fail "not one packet per record: $broken"
