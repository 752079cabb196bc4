# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The part on the emulated host (L1): boots one guest and runs the tests that
# $LAB_CASES names between host and guest, DIRECTION/TEST/TRIES/TIMES each.
#
# DIRECTION is the guest's part, client or server; TEST a number of vsock_test,
# or diag or uring for the two other programs. It is run until it passes, TRIES
# times at most, or TIMES times whatever happens. What it prints:
#
#	begin DIRECTION TEST RUN
#	run DIRECTION TEST pass|skip|fail MS REASON
#	done DIRECTION TEST
#
# Logs: conformance/DIRECTION-TEST-RUN.log in the lab's output.
export LAB_CASE=conformance LAB_TMP=/run/lab/case/conformance
suite=$LAB_REPO/build/conformance/suite
logs=$LAB_OUT/conformance
host_ip=192.168.77.1 guest_ip=192.168.77.2
mkdir -p "$LAB_TMP" "$logs"
# shellcheck source=tests/lab/host/lib.sh
. "$LAB_REPO/tests/lab/host/lib.sh"
# shellcheck source=tests/lab/host/splat.sh
. "$LAB_REPO/tests/lab/host/splat.sh"

limit=$((30 * LAB_SCALE))
serial=0

# The tests talk about what they do over TCP: a network of two.
boot() {
	modprobe tun
	vm_boot A -netdev tap,id=net,ifname=lab0,script=no,downscript=no \
		-device virtio-net-pci,netdev=net,romfile=
	ip addr replace $host_ip/24 dev lab0
	ip link set lab0 up
	guest A sh -c "modprobe virtio_net && cd /sys/class/net &&
		for dev in e*; do ip addr add $guest_ip/24 dev \$dev &&
		ip link set \$dev up; done && ip link set lo up"
	vm_bind A
	vm_load A
}

# Until neither side has a socket left: vsock_diag_test counts all there are.
quiet() {
	local i

	for ((i = 0; i < 100; i++)); do
		if [ -z "$(ss --vsock -a -H)" ] &&
		   [ -z "$(guest A ss --vsock -a -H)" ]; then
			return
		fi
		nap 0.2
	done
}

# spawn SIDE PLACE PROGRAM...: in the background, ended after the limit.
spawn() {
	local side=$1 place=$2

	shift 2
	if [ "$place" = guest ]; then
		bg "$side" guest A timeout -k 1 $limit "$@"
	else
		bg "$side" timeout -k 1 $limit "$@"
	fi >/dev/null
}

ended() {
	[ -s "$LAB_TMP/$1.status" ]
}

# await SECS TEST...: until the command TEST is true; false if it never is.
await() {
	local i max=$(($1 * LAB_SCALE * 50))

	shift
	for ((i = 0; i < max; i++)); do
		"$@" && return
		nap 0.02
	done
	return 1
}

listens() {
	ended server && return
	case $(<"$LAB_TMP/server.out") in
	*"Control socket listening"*) return ;;
	esac
	return 1
}

both_ended() { ended server && ended client; }
failed() { ended "$1" && [ "$(<"$LAB_TMP/$1.status")" != 0 ]; }
over() { both_ended || failed server || failed client; }

# What a side has to say about its failure: its status and its last line. One
# that still runs waits for the other, which has failed, and is ended.
verdict() {
	local side=$1 status line

	if ! ended "$side"; then
		pkill -TERM -P "$(<"$LAB_TMP/$side.pid")"
		await 5 ended "$side" || reason+="${reason:+; }$side: stuck"
		return
	fi
	status=$(<"$LAB_TMP/$side.status")
	[ "$status" != 0 ] || return 0
	line=$(tail -n 1 "$LAB_TMP/$side.out")
	[ "$status" != 124 ] || line="timeout after $limit s; $line"
	reason+="${reason:+; }$side: ${line:-status $status}"
}

# One run of one test.
run() {
	local direction=$1 test=$2 n=$3 program pick=() log t0 ms
	local server=host server_cid=42 client=guest client_cid=2 ip=$host_ip
	local side args control port reason=''

	case $test in
	diag)	program=vsock_diag_test; quiet ;;
	uring)	program=vsock_uring_test ;;
	*)	program=vsock_test pick=("--pick=$test") ;;
	esac
	if [ "$direction" = server ]; then
		server=guest server_cid=2 client=host client_cid=42 ip=$guest_ip
	fi
	# Ports of their own, so that no run meets what another has left.
	serial=$((serial + 1))
	control=$((20000 + serial))
	port=$((30000 + 4 * serial))
	log=$logs/$direction-$test-$n.log
	echo "conformance: $direction $test $n" >/dev/kmsg
	echo "begin $direction $test $n"

	t0=$EPOCHREALTIME
	spawn server $server "$suite/$program" --mode=server "${pick[@]}" \
		--control-port=$control --peer-cid=$server_cid --peer-port=$port
	await 20 listens || reason="the server does not start"
	spawn client $client "$suite/$program" --mode=client "${pick[@]}" \
		--control-host=$ip --control-port=$control \
		--peer-cid=$client_cid --peer-port=$port
	await 40 over || reason="no end"
	# The other one may have something to say as well.
	await 2 both_ended
	verdict server
	verdict client
	ms=$(((${EPOCHREALTIME/./} - ${t0/./}) / 1000))
	for side in server client; do
		echo "== $side"
		cat "$LAB_TMP/$side.out"
	done >"$log"
	if [ -z "$reason" ]; then
		# Some tests pass over what the kernel does not have.
		reason=$(<"$log")
		case $reason in
		*'Test skipped, '*)
			reason=${reason#*Test skipped, }
			echo "run $direction $test skip $ms ${reason%%$'\n'*}" ;;
		*)	echo "run $direction $test pass $ms" ;;
		esac
		return
	fi
	if ! timeout $limit labctl /run/lab/vm/A true; then
		echo "run $direction $test fail $ms crash: the guest no longer answers; $reason"
		echo "diag the guest is booted anew"
		vm_kill A
		boot
		return 2
	fi
	echo "run $direction $test fail $ms $reason"
	return 1
}

splat_mark
host_load
boot
# From here on a command that fails is a result.
trap - ERR EXIT
set +eE
echo "diag the guest is up"
for word in $LAB_CASES; do
	IFS=/ read -r direction test tries times <<<"$word"
	for ((n = 1; n <= (times ? times : tries); n++)); do
		run "$direction" "$test" "$n"
		# What broke the guest is not tried again.
		[ $? -eq 1 ] || [ "$times" -gt 0 ] || break
	done
	echo "done $direction $test"
done
splat_show >"$logs/kernel.log"
echo "kernel $(splat_find)"
