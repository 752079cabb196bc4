# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# For cases about what a VM or a module may meet: traffic in both directions that
# goes on meanwhile, programs that wait, memory that must not change.
#
#   job G NAME CMD...	in the guest, in the background; it outlives the
#			connection to its QEMU
#   traffic G [K=V...]	storms in both directions; with chaos=1 their connections
#			may break, but what arrives is right, and a broken one
#			does not look like one that was closed
#   traffic_again G	the guest's programs once more, after it was booted
#   traffic_moves G	until both directions have moved
#   traffic_ends G	they end, in order
#   idle G		programs that only wait, to receive and to send; a listener
#			that must survive
#   idle_host T, idle_guest G T	they were told, 2 s after T at most
#   idle_after G	the listener is there; what is left of them ends
#   keep G, keep_check G	free memory full of a pattern

job() {
	local guest=$1 name=$2
	shift 2

	echo "+ job $guest $name: $*"
	guest "$guest" sh -c 'set -e
		mkdir -p /tmp/life
		cd /tmp/life
		name=$1
		shift
		rm -f "$name.status" "$name.when"
		: >"$name.out"
		{
			set +e
			"$@" >"$name.out" 2>&1 &
			echo $! >"$name.pid"
			wait $!
			status=$?
			sed -n "s/^ended at //p" "$name.out" >"$name.when"
			echo $status >"$name.status"
		} </dev/null >/dev/null 2>&1 &' job "$name" "$@"
}

job_says() {
	guest "$1" grep -qF "$3" "/tmp/life/$2.out"
}

job_ready() {
	until_ok 30 job_says "$1" "$2" "${3:-READY}"
}

job_kill() {
	guest "$1" sh -c 'kill "-$2" "$(cat "/tmp/life/$1.pid")"' job "$2" "${3:-KILL}"
}

# job_ends GUEST NAME [SECS]: as ends
job_ends() {
	local status secs=$((${3:-30} * LAB_SCALE)) began=$SECONDS

	until status=$(guest "$1" cat "/tmp/life/$2.status" 2>/dev/null) && [ -n "$status" ]; do
		if [ $((SECONDS - began)) -ge "$secs" ]; then
			guest "$1" cat "/tmp/life/$2.out" || :
			fail "$2 in the guest did not end within $secs s"
		fi
		nap 0.05
	done
	guest "$1" cat "/tmp/life/$2.out" | sed "s/^/$2: /"
	[ "$status" = 0 ] ||
		fail "$2 in the guest: $(guest "$1" tail -n 1 "/tmp/life/$2.out")"
}

# What those had to say when a case failed (lib.sh)
say_more() {
	local dir

	for dir in /run/lab/vm/*; do
		[ -e "$dir/own" ] || continue
		echo "+ jobs in ${dir##*/}:"
		timeout $((10 * LAB_SCALE)) labctl "$dir" sh -c 'cd /tmp/life && tail -n 3 ./*.out ./*.status' || :
	done
}

# since T: ms since $EPOCHREALTIME was T
since() {
	echo $(((${EPOCHREALTIME/./} - ${1/./}) / 1000))
}

# What a guest has that mounts nothing of its host; a kernel that looks for faults
# takes more of it.
BARE_MIB=256
case $LAB_GUEST_KVER in
*-debug|*-kcsan) BARE_MIB=512 ;;
esac

# Such a guest (boot/bare): with modules, without link.
bare_boot() {
	VM_MEM=${VM_MEM:-${BARE_MIB}M} vm_boot "$@" -initrd "$LAB_OUT/bare.initrd"
	vm_own "$1"
}

bare_load() {
	guest "$1" sh -c 'set -e
		for mod in virtsock_core vmw_vsock_virtsock; do
			[ -d "/sys/module/$mod" ] || insmod "/bare/$mod.ko"
		done'
}

bare() {
	host_load
	bare_boot "$@"
	vm_bind "$1"
	bare_load "$1"
}

link_up() {
	[[ $(guest "$1" virtsock link show) = *"state up"* ]]
}

# vm_stat GUEST NAME: a counter of the VM, on the host
vm_stat() {
	local all

	all=$(virtsock -s -j vm show cid "$(vm_cid "$1")")
	all=${all#*\"$2\":}
	echo $((${all%%[,\}]*}))
}

traffic_guest() {
	local guest=$1
	shift

	job "$guest" gs vst storm-server port=1510 "$@"
	job_ready "$guest" gs
	job "$guest" gc vst storm cid=2 port=1500 n=3 count=100000000 seed=$RANDOM "$@"
}

traffic() {
	local guest=$1
	shift

	STORM=("within=$((60000 * LAB_SCALE))" "$@")
	bg hs vst storm-server port=1500 "${STORM[@]}"
	ready hs
	traffic_guest "$guest" "${STORM[@]}"
	bg hc vst storm cid="$(vm_cid "$guest")" port=1510 n=3 count=100000000 \
		seed=$RANDOM "${STORM[@]}"
	traffic_moves "$guest"
}

traffic_again() {
	traffic_guest "$1" "${STORM[@]}"
	traffic_moves "$1"
}

moved() {
	local name

	for name in hs hc; do
		[ ! -s "$LAB_TMP/$name.status" ] ||
			fail "$name: $(tail -n 1 "$LAB_TMP/$name.out")"
	done
	[ $(($(vm_stat "$1" tx_bytes) - $2)) -gt 200000 ] &&
		[ $(($(vm_stat "$1" rx_bytes) - $3)) -gt 200000 ]
}

traffic_moves() {
	until_ok 30 moved "$1" "$(vm_stat "$1" tx_bytes)" "$(vm_stat "$1" rx_bytes)"
}

traffic_ends() {
	local name

	pkill -TERM -P "$(<"$LAB_TMP/hc.pid")"
	job_kill "$1" gc TERM
	ends hc 60
	job_ends "$1" gc 60
	ends hs 60
	job_ends "$1" gs 60
	for name in hc hs; do
		note "$name: $(tail -n 1 "$LAB_TMP/$name.out")"
	done
}

# Nobody sends on these connections: what tells their readers is the transport.
idle() {
	bg idle vst listen drain port=1530 expect=ECONNRESET
	ready idle
	job "$1" idle-peer vst connect hold cid=2 port=1530
	job_ready "$1" idle-peer RUNNING
	bg hold vst listen hold port=1531
	ready hold
	job "$1" idle vst connect drain cid=2 port=1531 expect=ECONNRESET
	ready hold RUNNING
	# What these have sent fills the window, and nobody reads it.
	bg full vst listen flood port=1533 size=4096 buf=65536 expect=ECONNRESET
	ready full
	job "$1" full-peer vst connect hold cid=2 port=1533
	ready full RUNNING
	bg hold-full vst listen hold port=1534
	ready hold-full
	job "$1" full vst connect flood cid=2 port=1534 size=4096 buf=65536 expect=ECONNRESET
	job_ready "$1" full RUNNING
	job "$1" listener vst listen echo port=1532
	job_ready "$1" listener
}

# idle_host T: since then
idle_host() {
	local name

	for name in idle full; do
		ends $name 10
		idle_within host $name "$(ended_after $name "$1")"
	done
}

# guest_us GUEST FILE: when it had the uptime that is in the file, in us of the host's
# clock, rather too late than too early: to ask takes 0.2 s at most
guest_us() {
	local at now before after i _

	for i in {1..10}; do
		before=${EPOCHREALTIME/./}
		{
			read -r at _
			read -r now _
		} < <(guest "$1" cat "$2" /proc/uptime)
		after=${EPOCHREALTIME/./}
		[ $((after - before)) -gt 200000 ] || break
	done
	echo $((after - (10#${now/./} - 10#${at/./}) * 10000))
}

# idle_guest GUEST T: since then
idle_guest() {
	local name

	for name in idle full; do
		job_ends "$1" $name 10
		idle_within guest $name $((($(guest_us "$1" "/tmp/life/$name.when") - ${2/./}) / 1000))
	done
}

idle_within() {
	local -A what=([idle]=reader [full]=writer)

	note "a blocked ${what[$2]} of the $1 was told after $3 ms"
	[ "$3" -le $((2000 * LAB_SCALE)) ] || late "that is more than 2 s"
}

# The host's programs that are at the other end
idle_stop() {
	stop hold
	stop hold-full
}

# The listener in the guest was there before; then what is left of them ends.
idle_after() {
	vst connect ping cid="$(vm_cid "$1")" port=1532 count=20 size=200
	job_ends "$1" listener
	job_kill "$1" idle-peer
	job_kill "$1" full-peer
	idle_stop
}

keep() {
	guest "$1" rm -f /tmp/life-go
	job "$1" keep vst keep n="${2:-64}" count="${3:-0}" go=/tmp/life-go
	until_ok 90 job_says "$1" keep READY
}

# No figure of a few pages: what is not there cannot be written to.
keep_check() {
	local kept

	guest "$1" touch /tmp/life-go
	job_ends "$1" keep 60
	kept=$(guest "$1" tail -n 1 /tmp/life/keep.out)
	note "$kept"
	[ "${kept%% *}" -ge 16 ] || fail "that is too little to say anything"
}
