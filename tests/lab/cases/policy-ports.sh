# SPDX-License-Identifier: GPL-2.0-only
# case: a VM's policy: ports that either side may connect to and may not; nobody else is concerned
# when: once
# timeout: 120
needs_virtsock
vm A
vm B
# Where this fails on the way, the policy stays.
vm_own A
count() {
	virtsock -s -j vm show cid "${2:-42}" | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p"
}

counts() {
	local n

	n=$(count denied_host_ports)/$(count denied_guest_ports)
	[ "$n" = "$1" ] || fail "denied, by the guest and by the host: $n, not $1"
}

# Its connection is there, and cannot be over before the reader begins.
connected() {
	ss -H --vsock | grep -q "ESTAB.*:$1 "
}

traces=/sys/kernel/tracing/instances/policy
mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
mkdir -p $traces
echo 1 >$traces/events/virtsock/virtsock_drop/enable

# Listeners on ports that are allowed or not; three rounds each.
for port in 1210 1215 1220; do
	bg host$port vst listen echo port=$port n=3
	bg guest$port guest A vst listen echo port=$port n=3
	bg other$port guest B vst listen echo port=$port n=3
done
for port in 1210 1215 1220; do
	ready host$port
	ready guest$port
	ready other$port
done
ping=(count=5 size=100)
counts 0/0

# Guest to host: what is not allowed looks like a port where nobody listens.
virtsock vm set cid 42 host-ports 1210,1214-1216,4294967295
for type in stream seq; do
	guest A vst connect-error cid=2 port=1220 type=$type within=30000 expect=ECONNRESET
	guest A vst connect-error cid=2 port=1213 type=$type within=30000 expect=ECONNRESET
done
counts 4/0
guest A vst connect-error cid=2 port=1216 within=30000 expect=ECONNRESET
counts 4/0
guest A vst connect ping cid=2 port=1210 "${ping[@]}"
guest A vst connect ping cid=2 port=1215 "${ping[@]}"
grep -q '42:[0-9]* -> 2:1220 .*op=REQUEST reason=policy' $traces/trace ||
	fail "the trace does not say why: $(cat $traces/trace)"
# Of the other direction nothing was said, nor of another VM.
vst connect ping cid=42 port=1220 "${ping[@]}"
guest B vst connect ping cid=2 port=1220 "${ping[@]}"

# Host to guest: refused at once, and by name.
virtsock vm set cid 42 guest-ports 1215
for type in stream seq; do
	vst connect-error cid=42 port=1210 type=$type within=30000 expect=EACCES
done
counts 4/2
grep -q '2:[0-9]* -> 42:1210 .*op=REQUEST reason=policy' $traces/trace ||
	fail "the trace does not say why: $(cat $traces/trace)"
vst connect-error cid=42 port=1216 within=30000 expect=EACCES
counts 4/3
vst connect ping cid=42 port=1215 "${ping[@]}"
vst connect ping cid=43 port=1210 "${ping[@]}"
# The first list is as it was.
guest A vst connect-error cid=2 port=1220 within=30000 expect=ECONNRESET
guest A vst connect ping cid=2 port=1215 "${ping[@]}"
counts 5/3
virtsock vm show cid 42 | grep -qx '    host-ports 1210,1214-1216,4294967295 guest-ports 1215' ||
	fail "shown: $(virtsock vm show cid 42)"

# Connections stay when their port is not allowed any more; new ones are not made.
virtsock vm set cid 42 host-ports all guest-ports all
bg up vst listen recv port=1230 size=65536 count=80 slow=4000
bg down guest A vst listen recv port=1231 size=65536 count=80 slow=4000
ready up
ready down
bg up-send guest A vst connect send cid=2 port=1230 size=65536 count=80
bg down-send vst connect send cid=42 port=1231 size=65536 count=80
until_ok 3 connected 1230
until_ok 3 connected 1231
virtsock vm set cid 42 host-ports none guest-ports none
guest A vst connect-error cid=2 port=1210 within=30000 expect=ECONNRESET
vst connect-error cid=42 port=1210 within=30000 expect=EACCES
counts 6/4
for name in up-send up down-send down; do
	ends $name
done

# A policy is the binding's, not the link's.
guest A virtsock link down
guest A virtsock link up
until_ok 20 sh -c 'virtsock vm show cid 42 | grep -q "state up"'
guest A vst connect-error cid=2 port=1210 within=30000 expect=ECONNRESET
vst connect-error cid=42 port=1215 within=30000 expect=EACCES
counts 7/5
virtsock vm set cid 42 host-ports all guest-ports all
guest A vst connect ping cid=2 port=1210 "${ping[@]}"
vst connect ping cid=42 port=1215 "${ping[@]}"
counts 7/5

# With the CID from the beginning; what is no list changes nothing.
virtsock vm del cid 42
virtsock vm add pid "$(vm_pid A)" cid 42 host-ports 1220 guest-ports none
until_ok 20 sh -c 'virtsock vm show cid 42 | grep -q "state up"'
guest A vst connect-error cid=2 port=1210 within=30000 expect=ECONNRESET
guest A vst connect ping cid=2 port=1220 "${ping[@]}"
! virtsock vm set cid 42 host-ports 23-22 || fail "23-22 is no range"
guest A vst connect-error cid=2 port=1210 within=30000 expect=ECONNRESET
counts 2/0
rmdir $traces
