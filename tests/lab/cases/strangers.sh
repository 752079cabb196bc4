# SPDX-License-Identifier: GPL-2.0-only
# case: a guest cannot answer, feed or end what a program of the host has with another guest
# timeout: 480
needs_virtsock
vm A
vm B
vm_own A
vm_own B
bad=$LAB_REPO/build/$LAB_GUEST_KVER/lab/virtsock_bad.ko
count() {
	virtsock -s -j vm show cid 42 | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p"
}

busy() {
	[ "$(count rx_records)" -gt $((before + 10)) ]
}

connected() {
	ss -H --vsock | grep -q "ESTAB.*:$1 "
}

# attack PORT [FROM]: for 3 s, in the background; returns when it has begun. FROM is
# the port of the connection's other end: only the CID is another then.
attack() {
	before=$(count rx_records) malformed=$(count malformed)
	bg attack guest A insmod "$bad" stranger="$1" from="${2:-1}"
	until_ok 10 busy
}

attacked() {
	ends attack 20
	guest A rmmod virtsock_bad
	[ "$(count malformed)" = "$malformed" ] || fail "it was not let in at all"
}

guest A rmmod vmw_vsock_virtsock

# A connection to B: it is fed while the reader has not begun, and goes on after.
bg reader guest B vst listen recv port=1300 size=65536 count=80 slow=12000
ready reader
bg writer vst connect send cid=43 port=1300 lport=5555 size=65536 count=80
until_ok 5 connected 5555
for from in 1 1300; do
	attack 5555 $from
	connected 5555 || fail "it has ended already: $(cat "$LAB_TMP/writer.out")"
	attacked
done
ends writer 30
ends reader 30

# A connect() to B, which stands still: nobody else answers it, or refuses it.
for from in 1 1301; do
	vm_qmp B stop
	attack 5556 $from
	vst connect-error cid=43 port=1301 lport=5556 expect=ETIMEDOUT within=10000
	vm_qmp B cont
	attacked
done

# A listener is for everybody who asks, and for nothing else that comes.
bg server vst listen echo port=1302
ready server
attack 1302
attacked
guest B vst connect ping cid=2 port=1302 count=10 size=100
ends server
