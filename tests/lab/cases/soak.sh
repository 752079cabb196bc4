# SPDX-License-Identifier: GPL-2.0-only
# case: LAB_MINUTES of random connections: nothing lost, all counts agree, memory stays flat
# timeout: 18000
# when: soak
# Programs check content and order. After each minute both kernels' counters must
# be equal; after each second part of one, in which all connections are closed in
# order, those of the programs as well.
. "$LAB_REPO/tests/lab/host/life.sh"
needs_virtsock
VM_MEM=512M bare L
within=$((60000 * LAB_SCALE))
conns=0

# storm SECS [KEY=VALUE...]: both directions, all kinds of ends; then its sums in
# sent (by the host), rcvd
storm() {
	local secs=$1 name out in n
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
	sent=0 rcvd=0
	for name in hc hs; do
		[[ $(tail -n 1 "$LAB_TMP/$name.out") =~ connections:\ ([0-9]+),.*\;\ ([0-9]+)\ bytes\ out,\ ([0-9]+)\ in ]]
		conns=$((conns + BASH_REMATCH[1])) sent=$((sent + BASH_REMATCH[2])) rcvd=$((rcvd + BASH_REMATCH[3]))
	done
	for name in gc gs; do
		[[ $(guest L tail -n 1 "/tmp/life/$name.out") =~ \;\ ([0-9]+)\ bytes\ out,\ ([0-9]+)\ in ]]
		out=$((${out:-0} + BASH_REMATCH[1])) in=$((${in:-0} + BASH_REMATCH[2]))
	done
	guest_sent=$out guest_rcvd=$in
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
	storm 45
	until_ok 30 agree
	before=$vm
	storm 10 full=1
	until_ok 30 agree
	[ $(($(of "$vm" tx_bytes) - $(of "$before" tx_bytes))) -eq "$sent" ] &&
		[ $(($(of "$vm" rx_bytes) - $(of "$before" rx_bytes))) -eq "$rcvd" ] &&
		[ "$sent" -eq "$guest_rcvd" ] && [ "$rcvd" -eq "$guest_sent" ] ||
		fail "programs: host $sent out, $rcvd in, guest $guest_sent out, $guest_rcvd in; kernel: $before; $vm"
	echo "+ $conns connections, seed $seed: host $(of "$vm" tx_bytes) bytes out, $(of "$vm" rx_bytes) in; SUnreclaim $(sed -n 's/^SUnreclaim: *//p' /proc/meminfo)"
done
note "$conns connections, $(of "$vm" tx_bytes) bytes to the guest, $(of "$vm" rx_bytes) to the host, in $LAB_MINUTES minutes"
[ "$(vm_stat L resets)" = "$resets" ] || fail "the link was reset"
[ "$(of "$vm" malformed)" = 0 ] || fail "something was malformed"
# No more than 5000 connections may leave by accident (leak-5000), however many there were.
leaks=''
vst leak-check go="$LAB_TMP/mark" n=5000 || leaks=' host'
guest L vst leak-check go="$LAB_TMP/mark" n=5000 || leaks+=' guest'
[ -z "$leaks" ] || fail "left behind on:$leaks"
vm_kill L
