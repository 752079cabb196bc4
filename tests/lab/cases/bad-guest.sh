# SPDX-License-Identifier: GPL-2.0-only
# case: malformed rings, records and addresses cost a guest its link, nobody else anything
# timeout: 480
needs_virtsock
vm A
vm B
bad=$LAB_REPO/build/$LAB_GUEST_KVER/lab/virtsock_bad.ko

# counter CID NAME: of that VM
counter() {
	virtsock -s -j vm show cid "$1" |
		python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["stats"][sys.argv[1]])' "$2"
}

# malformed CID: how often that VM lost its link to malformed input.
malformed() {
	counter "$1" malformed
}

# moved: bytes that an honest neighbour has sent; it does all the time, content is
# checked.
moved() {
	counter 43 rx_bytes
}

bg honest vst listen drain port=1101 size=4096 buf=65536
ready honest
bg client guest B vst connect flood cid=2 port=1101 size=4096 buf=65536
ready client RUNNING

# epoch_of GUEST: of its link
epoch_of() {
	guest "$1" "$LAB_REPO/build/virtsock" link show | sed -n 's/.*epoch \(0x[0-9a-f]*\).*/\1/p'
}

# The neighbour's epoch, were it known, is of no use.
stolen=$(epoch_of B)
[ "$stolen" != "$(epoch_of A)" ] || fail "two links have one epoch"
guest A insmod "$bad" stolen="$stolen"
guest A rmmod virtsock_bad
[ "$(epoch_of B)" = "$stolen" ] || fail "the neighbour has lost its link"

# Somebody breaks the link that the transport has: both sides learn it.
bg hold vst listen hold port=1102
bg drain vst listen drain port=1103 size=64 expect=ECONNRESET
ready hold
ready drain
bg drain2 guest A vst connect drain cid=2 port=1102 size=64 expect=ECONNRESET
bg hold2 guest A vst connect hold cid=2 port=1103
ready hold2 RUNNING
ready hold RUNNING
epoch=$(epoch_of A)
guest A insmod "$bad" epoch="$epoch"
guest A rmmod virtsock_bad
ends drain 5
ends drain2 5
stop hold
stop hold2
[ "$(malformed 42)" -eq 1 ] || fail "malformed is $(malformed 42), not 1"
dmesg | grep -q 'virtsock: CID 42: .* is malformed' || fail "the log says nothing"
t=$SECONDS
until guest A "$LAB_REPO/build/virtsock" link show | grep -q 'state up'; do
	[ $((SECONDS - t)) -lt 20 ] || fail "the link does not come back"
	nap 0.2
done
guest A dmesg | grep -q 'virtsock: CID 42: link lost' || fail "the guest was not told"
pair host A recv send size=1-5000 count=200

# Everything that a guest can say wrong.
guest A rmmod vmw_vsock_virtsock
guest A insmod "$bad" || {
	guest A dmesg | grep 'virtsock_bad: not ok'
	fail "wrong answers"
}
guest A rmmod virtsock_bad
note "malformed: $(malformed 42)"
[ "$(malformed 42)" -gt 10 ] || fail "malformed is only $(malformed 42)"
lines=$(dmesg | grep -c 'virtsock: CID 42: .* is malformed')
[ "$lines" -le 40 ] || fail "$lines lines in the log"

# From 32-bit code of the guest's kernel, no call is ours.
low=$LAB_REPO/build/$LAB_GUEST_KVER/lab/virtsock_low.ko
guest A insmod "$low" || {
	guest A dmesg | grep 'virtsock_low: '
	fail "wrong answers to 32-bit code"
}
guest A rmmod virtsock_low

# sweep NR DENIED: A asks for each of 65536 ports, of which so many accept, and so many
# are not even looked for.
sweep() {
	local denied said

	denied=$(counter 42 denied_host_ports)
	guest A insmod "$bad" sweep=1 || {
		guest A dmesg | grep 'virtsock_bad: not ok'
		fail "not every port was answered, once"
	}
	guest A rmmod virtsock_bad
	said=$(guest A dmesg | sed -n 's/.*virtsock_bad: \([0-9]* of [0-9]* ports\) .*/\1/p' | tail -n 1)
	[ "$said" = "$1 of 65536 ports" ] || fail "$said accept, not $1"
	denied=$(($(counter 42 denied_host_ports) - denied))
	[ "$denied" -eq "$2" ] || fail "$denied ports were denied, not $2"
}

# listeners: below port 65536, where the guest may come in
listeners() {
	ss -H --vsock -ln | awk '{ n = split($5, a, ":"); if (a[n] < 65536) print a[n] }'
}

# Each port: first those of its policy, then all; two of them have a program.
bg within vst listen hold port=5003
bg without vst listen hold port=6000
ready within
ready without
virtsock vm set cid 42 host-ports 5000-5007
began=$SECONDS
sweep 1 65528
virtsock vm set cid 42 host-ports all
sweep "$(listeners | wc -l)" 0
note "131072 connects: $((SECONDS - began)) s, listeners: $(listeners | tr '\n' ' ')"
stop within
stop without

# Links without end: those of others do not wait for the end of each.
guest A insmod "$bad" relink=2000 || {
	guest A dmesg | grep 'virtsock_bad: not ok'
	fail "a guest begins links as fast as it can"
}
note "$(guest A dmesg | sed -n 's/.*virtsock_bad: \([0-9]* links in .*\)/\1/p')"
guest A rmmod virtsock_bad

# 16384 messages for a program that does not read, where some 450 have credit.
bg unread vst listen hold port=1104 type=seq
ready unread
before=$(slabs)
guest A insmod "$bad" flood=1104 || {
	guest A dmesg | grep 'virtsock_bad: not ok'
	fail "the flood was not taken"
}
n=$(($(slabs) - before))
note "256 KiB in messages of 16 bytes: $n KiB"
[ "$n" -le 6144 ] || fail "messages beyond their credit took $n KiB"
guest A rmmod virtsock_bad
stop unread

# For a program that has closed its socket, with credit for all of them
bg unread vst listen hold port=1105 type=seq buf=16777216
ready unread
bg flood guest A insmod "$bad" flood=1105 closed=1
ready unread RUNNING
stop unread
before=$(slabs)
ends flood 60
n=$(($(slabs) - before))
note "the same for a socket that is closed: $n KiB"
[ "$n" -le 2048 ] || fail "messages for a closed socket took $n KiB"
guest A rmmod virtsock_bad

# stands PROGRAM: it waits for room, in af_vsock, as kernels name it.
stands() {
	case $(<"/proc/$1/wchan") in
	wait_woken|vsock_connectible_sendmsg) ;;
	*)	return 1 ;;
	esac
}

# A program that may send 2^31 messages, which the guest does not take. There is a
# bound in memory: twice its buffer, and 1 MiB.
bg lured vst listen flood port=1106 type=seq size=1 buf=8388608 expect=ECONNRESET,EPIPE
ready lured
before=$(slabs)
guest A insmod "$bad" grant=1106
ready lured RUNNING
until_ok 30 stands "$(pgrep -P "$(<"$LAB_TMP/lured.pid")")"
n=$(($(slabs) - before))
note "8 MiB in messages of one byte, for a guest that takes none: $n KiB"
# What looks for faults takes more for each.
[ "$n" -le 20480 ] || slow_kernel || fail "messages that the guest does not take have $n KiB"
[ "$n" -ge 8192 ] || fail "only $n KiB: the program was not lured"
guest A rmmod virtsock_bad
vm_load A
ends lured
pair host A recv send size=1-5000 count=200
pair A host recv send size=1-5000 count=200

moves() {
	[ "$(moved)" -gt "$bytes" ]
}

bytes=$(moved)
until_ok 10 moves
for name in honest client; do
	[ ! -s "$LAB_TMP/$name.status" ] || fail "$name of the neighbour ended: $(<"$LAB_TMP/$name.out")"
done
note "the neighbour has sent $(($(moved) >> 20)) MiB"
stop honest
stop client
[ "$(malformed 43)" -eq 0 ] || fail "the neighbour lost its link"
