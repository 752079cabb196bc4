# SPDX-License-Identifier: GPL-2.0-only
# case: connections that are being made when their link ends
# timeout: 200
needs_virtsock
vm A
go=$LAB_TMP/go
guest A mkdir -p "$LAB_TMP"

# connecting PLACE PORT: from there to the other, whose listener stands still
connecting() {
	local from=$1 port=$2 to=host
	[ "$from" = host ] && to=A

	rm -f "$go"
	guest A rm -f "$go"
	bg "stall.$port" vst_at $to stall port="$port" within=1000 go="$go"
	ready "stall.$port" RUNNING
	bg "pending.$port" vst_at "$from" pending cid="$(cid_of $to)" port="$port" \
		expect=ECONNRESET within=5000 slow="${3:-0}"
	ready "pending.$port"
}

# Those that wait are told; then the listener's program lets go, and what is
# left of the old link's packets makes no connection.
ended() {
	local port=$1

	ready "pending.$port" ENDED
	touch "$go"
	guest A touch "$go"
	ends "stall.$port"
	ends "pending.$port"
}

back() {
	until_ok 20 sh -c "labctl /run/lab/vm/A virtsock link show | grep -q 'state up'"
	pair host A recv send size=1-5000 count=100
}

for from in A host; do
	connecting $from 810
	guest A virtsock link down
	ended 810
	guest A virtsock link up
	back

	connecting $from 811
	virtsock vm del cid 42
	ended 811
	vm_bind A
	back

	# There is a next link already when the listener's program lets go.
	connecting $from 812 500
	guest A virtsock link down
	guest A virtsock link up
	back
	ended 812
	back
done

# Its peer has gone, and answers nothing.
vm_qmp A stop
bg pending vst pending cid=42 port=813 expect=ECONNRESET within=5000
ready pending
vm_kill A
ends pending 15
vm A
back
