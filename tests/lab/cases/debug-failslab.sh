# SPDX-License-Identifier: GPL-2.0-only
# case: allocations fail under traffic, on either side: nothing is lost or reset
# when: debug
# timeout: 400
needs_debug
needs_virtsock
# Six programs in the guest, and commands beside them
VM_PORTS=8
! vm_alive A || vm_own A
vm A
vm_own A
guest A mkdir -p "$LAB_TMP"

# Slabs and pages that a function of these modules, or one that it calls, asks for
# are refused every now and then: INJECT MODULES IGNORE PERCENT. IGNORE=Y spares
# what may wait for memory. With MODULES=off it ends; says how many there were.
# shellcheck disable=SC2016 # expanded over there
INJECT='cd /sys/kernel/debug || exit
	for what in failslab fail_page_alloc; do
		cd $what || exit
		echo 0 >probability
		if [ "$1" = off ]; then
			echo "$what $((1000000 - $(cat times)))"
		else
			set -- "$1" "$2" "$3" $(awk -v mods="$1" '\''
				$4 ~ "^\\[(" mods ")\\]$" && $2 ~ /[tT]/ {
					if (!from || $1 < from) from = $1
					if ($1 > to) to = $1
				}
				END { print from, substr(to, 1, 13) "fff" }'\'' /proc/kallsyms)
			[ "$5" != fff ] || exit
			echo 0 >verbose
			echo 1 >interval
			echo 0 >space
			echo 1000000 >times
			echo 32 >stacktrace-depth
			echo 0x$4 >require-start
			echo 0x$5 >require-end
			echo "$2" >ignore-gfp-wait
			[ ! -e min-order ] || echo 0 >min-order
			echo "$3" >probability
		fi
		cd ..
	done'

# inject HOST-MODULES GUEST-MODULES IGNORE PERCENT
inject() {
	sh -c "$INJECT" inject "$1" "$3" "$4"
	guest A sh -c "$INJECT" inject "$2" "$3" "$4"
}

# injected NAME SIDE...: end that; all four were asked, and those for slabs said no on
# these sides, often enough to count.
injected() {
	local what n side=host

	sh -c "$INJECT" inject off >"$LAB_TMP/injected"
	guest A sh -c "$INJECT" inject off >>"$LAB_TMP/injected"
	note "$1: refused on host and guest: $(tr '\n' ' ' <"$LAB_TMP/injected")"
	shift
	[ "$(wc -l <"$LAB_TMP/injected")" -eq 4 ] || fail "no fault injection"
	while read -r what n; do
		case $what:" $* " in
		failslab:*" $side "*)	[ "$n" -ge 20 ] || fail "only $n refused on $side" ;;
		fail_page_alloc:*)	side=guest ;;
		esac
	done <"$LAB_TMP/injected"
}

# Connections that are there before, with content that is checked.
STREAMS=(
	"host A type=stream size=1-300 count=20000"
	"A host type=stream size=1-300 count=20000"
	"host A type=stream size=65536 count=200"
	"A host type=stream size=65536 count=200"
	"host A type=seq size=1-20000 count=1000"
	"A host type=seq size=1-20000 count=1000"
)

# traffic MODULES... as for inject
traffic() {
	local i server client args go=$LAB_TMP/go

	rm -f "$go"
	guest A rm -f "$go"
	for i in "${!STREAMS[@]}"; do
		read -r server client args <<<"${STREAMS[i]}"
		read -ra args <<<"$args port=$((1500 + i)) seed=$i go=$go"
		bg "server$i" vst_at "$server" listen recv "${args[@]}"
		ready "server$i"
		bg "client$i" vst_at "$client" connect send cid="$(cid_of "$server")" "${args[@]}"
		ready "client$i" RUNNING
	done
	inject "$@"
	touch "$go"
	guest A touch "$go"
	for i in "${!STREAMS[@]}"; do
		ends "server$i" 90
		ends "client$i"
	done
}

# stat NAME: of the VM, as the host has it.
stat() {
	virtsock -s -j vm show cid 42 |
		python3 -c "import json,sys; print(json.load(sys.stdin)[0]['stats']['$1'])"
}

before=$(stat resets):$(stat malformed)
traffic 'virtsock_host|virtsock_core' 'vmw_vsock_virtsock|virtsock_core' Y 5
# The host takes packets in the vCPU's thread, which may wait for memory.
injected "what may not wait" guest
# A program that asks for a packet may be told that there is no memory. But not
# who delivers or flushes one.
traffic virtsock_host vmw_vsock_virtsock N 5
injected "what may wait, too" host guest
[ "$(stat resets):$(stat malformed)" = "$before" ] || fail "the link was lost"
exercise A
