# SPDX-License-Identifier: GPL-2.0-only
# case: programs that never close do not keep the modules of a link that ended
# timeout: 240
needs_virtsock
vm A
if vm_alive B; then
	vm_own B
fi
go=$LAB_TMP/go
guest A mkdir -p "$LAB_TMP"
guest A rm -f "$go"

# There are programs on both sides, in both directions.
start() {
	local type port=$1

	for type in stream seq; do
		bg "hs.$type" vst cling-server type=$type port="$port" go="$go"
		ready "hs.$type"
		bg "gc.$type" guest A vst cling cid=2 type=$type port="$port" go="$go" within=20000
		ready "gc.$type"
		bg "gs.$type" guest A vst cling-server type=$type port="$port" go="$go"
		ready "gs.$type"
		bg "hc.$type" vst cling cid=42 type=$type port="$port" go="$go"
		ready "hc.$type"
		port=$((port + 1))
	done
}

tried() {
	local name

	for name in "$@"; do
		ready "$name.stream" TRIED
		ready "$name.seq" TRIED
	done
}

start 860
if guest A rmmod vmw_vsock_virtsock 2>/dev/null; then
	fail "rmmod in the guest with sockets open"
fi
guest A virtsock link down
guest A rmmod vmw_vsock_virtsock
if rmmod virtsock_host 2>/dev/null; then
	# Their link has ended, too.
	note "the host's module went as well"
	rm -f /run/lab/loaded
else
	fail "the host's module is held by sockets without a link"
fi
# No transport is there, and each socket is used once more.
touch "$go"
guest A touch "$go"
tried hs gs hc gc
if rmmod virtsock_core 2>/dev/null; then
	fail "the sockets are still open"
fi
host_load
vm_bind A
vm_load A
# The listeners of the same programs serve again.
for port in 860 861; do
	type=stream
	[ $port = 861 ] && type=seq
	vst connect ping cid=42 port=$port type=$type count=20 size=200
	guest A vst connect ping cid=2 port=$port type=$type count=20 size=200
done
pair host A recv send size=1-5000 count=200

# The same by the host's command, and their end as well.
virtsock vm del --all
rmmod virtsock_host
rm -f /run/lab/loaded
until_ok 10 guest A rmmod vmw_vsock_virtsock 2>/dev/null
for name in hs gs hc gc; do
	stop $name.stream
	stop $name.seq
done
guest A sh -c 'pkill vst || :'
until_ok 10 guest A rmmod virtsock_core
pkill -s 0 vst || :
until_ok 10 rmmod virtsock_core 2>/dev/null
host_load
vm_bind A
vm_load A
pair host A recv send size=1-5000 count=200
pair A host bidi bidi type=seq size=1-5000 count=200
