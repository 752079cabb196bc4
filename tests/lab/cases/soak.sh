# SPDX-License-Identifier: GPL-2.0-only
# case: LAB_MINUTES of random connections: nothing lost, all counts agree, memory stays flat
# timeout: 18000
# when: soak
# Programs check content and order. After each minute both kernels' counters must
# be equal; after each second part of one, in which all connections are closed in
# order, those of the programs as well. Where connections break off, programs have
# sent as much as the kernels, or more, and received as much, or less.
. "$LAB_REPO/tests/lab/host/life.sh"
needs_virtsock
VM_MEM=512M bare L
within=$((60000 * LAB_SCALE))
conns=0

# sums: what storm programs say at last, from stdin: messages, bytes out, bytes in, and
# in sums_conns how many connections they had
sums() {
	local line

	sums=(0 0 0 0) sums_conns=0
	while read -r line; do
		[[ $line =~ ([0-9]+)\ messages\ sent,\ ([0-9]+)\ received.*connections:\ ([0-9]+),.*\;\ ([0-9]+)\ bytes\ out,\ ([0-9]+)\ in ]] ||
			fail "no sums in: $line"
		sums[0]=$((sums[0] + BASH_REMATCH[1])) sums[1]=$((sums[1] + BASH_REMATCH[2]))
		sums[2]=$((sums[2] + BASH_REMATCH[4])) sums[3]=$((sums[3] + BASH_REMATCH[5]))
		sums_conns=$((sums_conns + BASH_REMATCH[3]))
	done
}

# storm SECS [KEY=VALUE...]: both directions, all kinds of ends; then its sums in
# sent (by the host), rcvd, guest_sent, guest_rcvd: bytes; the same of messages in
# those with _msgs
storm() {
	local secs=$1 name n
	shift

	bg hs vst storm-server port=1500 within=$within "$@"
	ready hs
	job L gs vst storm-server port=1510 within=$within "$@"
	job_ready L gs
	job L gc vst storm cid=2 port=1500 n=8 count=1000000000 seed=$((seed * 2)) within=$within "$@"
	bg hc vst storm cid=47 port=1510 n=8 count=1000000000 seed=$((seed * 2 + 1)) within=$within "$@"
	seed=$((seed + 1))
	for ((n = 0; n < secs; n++)); do
		nap 1
		[ ! -s "$LAB_TMP/hs.status" ] && [ ! -s "$LAB_TMP/hc.status" ] || break
	done
	pkill -TERM -P "$(<"$LAB_TMP/hc.pid")" || :
	job_kill L gc TERM
	ends hc $((90 * LAB_SCALE)) >/dev/null
	job_ends L gc $((90 * LAB_SCALE)) >/dev/null
	ends hs $((90 * LAB_SCALE)) >/dev/null
	job_ends L gs $((90 * LAB_SCALE)) >/dev/null
	sums < <(for name in hc hs; do tail -n 1 "$LAB_TMP/$name.out"; done)
	sent_msgs=${sums[0]} rcvd_msgs=${sums[1]} sent=${sums[2]} rcvd=${sums[3]}
	conns=$((conns + sums_conns))
	sums < <(for name in gc gs; do guest L tail -n 1 "/tmp/life/$name.out"; done)
	guest_sent_msgs=${sums[0]} guest_rcvd_msgs=${sums[1]}
	guest_sent=${sums[2]} guest_rcvd=${sums[3]}
}

# of TEXT NAME: that counter in it
of() {
	[[ $1 =~ \"$2\":\ ?([0-9]+) ]] || fail "no counter $2 in $1"
	echo "${BASH_REMATCH[1]}"
}

# Both sides have counted the same. Sets vm to the host's counters.
agree() {
	local link name

	vm=$(virtsock -s -j vm show cid 47)
	link=$(guest L virtsock -s -j link show)
	for name in bytes messages records; do
		[ "$(of "$vm" "tx_$name")" = "$(of "$link" "rx_$name")" ] || return
		[ "$(of "$vm" "rx_$name")" = "$(of "$link" "tx_$name")" ] || return
	done
	[ "$(of "$vm" hypercalls)" = "$(of "$link" hypercalls)" ]
}

# The vsock core keeps a socket for 8 s where its peer does not answer.
no_sockets() {
	[ "$(</sys/module/virtsock_host/refcnt)" = 0 ] &&
		[ "$(guest L cat /sys/module/vmw_vsock_virtsock/refcnt)" = 0 ]
}

seed=1
storm 15
guest L mkdir -p "$LAB_TMP"
until_ok 30 agree
until_ok 30 no_sockets
vst leak-mark go="$LAB_TMP/mark"
guest L vst leak-mark go="$LAB_TMP/mark"
resets=$(vm_stat L resets) conns=0 total=0
end=$((SECONDS + LAB_MINUTES * 60))
while [ $SECONDS -lt $end ]; do
	before=$vm
	storm 45
	until_ok 30 agree
	down=$(($(of "$vm" tx_bytes) - $(of "$before" tx_bytes)))
	up=$(($(of "$vm" rx_bytes) - $(of "$before" rx_bytes)))
	[ "$guest_rcvd" -le $down ] && [ $down -le "$sent" ] &&
		[ "$rcvd" -le $up ] && [ $up -le "$guest_sent" ] ||
		fail "programs: host $sent out, $rcvd in, guest $guest_sent out, $guest_rcvd in; kernel: $down to the guest, $up to the host"
	before=$vm
	storm 10 full=1
	until_ok 30 agree
	[ $(($(of "$vm" tx_bytes) - $(of "$before" tx_bytes))) -eq "$sent" ] &&
		[ $(($(of "$vm" rx_bytes) - $(of "$before" rx_bytes))) -eq "$rcvd" ] &&
		[ "$sent" -eq "$guest_rcvd" ] && [ "$rcvd" -eq "$guest_sent" ] &&
		[ "$sent_msgs" -eq "$guest_rcvd_msgs" ] && [ "$rcvd_msgs" -eq "$guest_sent_msgs" ] ||
		fail "programs: host $sent out, $rcvd in, guest $guest_sent out, $guest_rcvd in; messages: $sent_msgs, $rcvd_msgs, $guest_sent_msgs, $guest_rcvd_msgs; kernel: $before; $vm"
	echo "+ $conns connections, seed $seed: host $(of "$vm" tx_bytes) bytes out, $(of "$vm" rx_bytes) in; SUnreclaim $(sed -n 's/^SUnreclaim: *//p' /proc/meminfo)"
done
note "$conns connections, $(of "$vm" tx_bytes) bytes to the guest, $(of "$vm" rx_bytes) to the host, in $LAB_MINUTES minutes"
# What a pass says is worth something only with many of them.
[ $conns -ge $((50 * LAB_MINUTES / LAB_SCALE)) ] || fail "only $conns connections"
[ "$(vm_stat L resets)" = "$resets" ] || fail "the link was reset"
[ "$(of "$vm" malformed)" = 0 ] || fail "something was malformed"
# No more than 5000 connections may leave by accident (leak-5000), however many there were.
leaks=''
vst leak-check go="$LAB_TMP/mark" n=5000 || leaks=' host'
guest L vst leak-check go="$LAB_TMP/mark" n=5000 || leaks+=' guest'
[ -z "$leaks" ] || fail "left behind on:$leaks"
vm_kill L
