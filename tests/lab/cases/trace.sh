# SPDX-License-Identifier: GPL-2.0-only
# case: tracepoints add up to the counters on both sides; a drop says which packet and why
# when: once
# timeout: 180
needs_virtsock
vm A
# An instance of tracefs of our own, at the same place on either side.
dir=/sys/kernel/tracing/instances/lab
make="mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing; mkdir -p $dir"
sh -c "$make"
guest A sh -c "$make"

broken=
# check NAME COMMAND...: a subtest; COMMAND's words are shown where it fails.
check() {
	local name=$1
	shift
	if "$@"; then
		note "ok $name"
	else
		note "not ok $name: $*"
		broken="$broken${broken:+, }$name"
	fi
}

# The same, and there was something to count.
same() {
	[ "$1" -eq "$2" ] && [ "$1" -gt 0 ]
}

# trace 0|1: events off or on, on both sides. counters FILE: those of both sides.
trace() {
	echo "$1" >$dir/events/virtsock/enable
	guest A sh -c "echo $1 >$dir/events/virtsock/enable"
}

counters() {
	virtsock -s -j vm show cid 42 >"$1.host"
	guest A virtsock -s -j link show >"$1.guest"
}

still() {
	counters "$LAB_TMP/still"
	cmp -s "$LAB_TMP/still.host" "$1.host" && cmp -s "$LAB_TMP/still.guest" "$1.guest"
}

rest() {
	counters "$1"
	still "$1"
}

# traced COMMAND...: its events are in $LAB_TMP/trace.host and .guest, and the
# counters before and after it in before.* and after.*. Not all events and
# counts may be of the same hypercalls if one is made just then, as an idle guest
# does now and then: such a time is not taken.
traced() {
	local try

	for try in 1 2 3 4 5; do
		until_ok 20 rest "$LAB_TMP/before"
		trace 1
		if still "$LAB_TMP/before"; then
			"$@"
			until_ok 20 rest "$LAB_TMP/after"
		fi
		trace 0
		if [ -e "$LAB_TMP/after.host" ] && still "$LAB_TMP/after"; then
			cat $dir/trace >"$LAB_TMP/trace.host"
			guest A cat $dir/trace >"$LAB_TMP/trace.guest"
		fi
		echo >$dir/trace
		guest A sh -c "echo >$dir/trace"
		[ ! -e "$LAB_TMP/trace.guest" ] || return 0
		note "try $try: the link was not idle"
		rm -f "$LAB_TMP"/after.*
	done
	fail "the link does not come to rest"
}

# counted SIDE NAME...: how much these counters have grown, together.
counted() {
	local side=$1
	shift
	python3 -c '
import json, sys
def stats(when):
    found = json.load(open(sys.argv[1] + "/" + when + "." + sys.argv[2]))
    return (found[0] if isinstance(found, list) else found)["stats"]
before, after = stats("before"), stats("after")
print(sum(after[name] - before[name] for name in sys.argv[3:]))
' "$LAB_TMP" "$side" "$@"
}

# events SIDE EVENT [PATTERN]: how many; sum SIDE EVENT FIELD: what is in them.
events() {
	grep " virtsock_$2: " "$LAB_TMP/trace.$1" | grep -cE -- "${3:-}" || :
}

sum() {
	awk -v event="virtsock_$2:" -v field="$3=" '
	index($0, " " event " ") {
		for (i = 1; i <= NF; i++)
			if (index($i, field) == 1)
				sum += substr($i, length(field) + 1)
	}
	END { printf "%d\n", sum }' "$LAB_TMP/trace.$1"
}

# complete SIDE: no event was overwritten.
complete() {
	awk '/entries-in-buffer/ { split($3, n, "/"); full = n[1] == n[2] && n[1] > 0 }
	END { exit !full }' FS='[ :]+' "$LAB_TMP/trace.$1"
}

traffic() {
	pair host A recv send size=56 count=20000
	pair host A recv send size=65536 count=20
	pair A host recv send size=1-5000 count=300
	pair A host recv send type=seq size=1-5000 count=100
	pair host A echo ping size=56 count=100
}

traced traffic
for side in host guest; do
	check complete.$side complete $side
done

for field in bytes messages records; do
	check vm_pull.$field same "$(sum host vm_pull $field)" "$(counted host rx_$field)"
	check vm_push.$field same "$(sum host vm_push $field)" "$(counted host tx_$field)"
	check link_flush.$field same "$(sum guest link_flush $field)" "$(counted guest tx_$field)"
done
check vm_pull.fast same "$(sum host vm_pull fast)" "$(counted host fast)"
check vm_pull.packets same "$(sum host vm_pull packets)" "$(counted host fast deferred)"
check vm_doorbell same "$(events host vm_doorbell)" "$(counted host doorbells)"
check vm_doorbell.vector same "$(events host vm_doorbell)" \
	"$(events host vm_doorbell 'cid=42 apic=[01] vector=(3[2-9]|[4-9].|1..|2..) logical=[01]$')"
check link_doorbell same "$(events guest link_doorbell 'cid=42$')" "$(counted guest doorbells)"

for where in 'host vm' 'guest link'; do
	read -r side object <<<"$where"
	event=${object}_hypercall
	check $event same "$(events $side $event 'cid=42 ')" "$(counted $side hypercalls)"
	check $event.flush same "$(events $side $event 'cid=42 op=FLUSH result=0 flags=[A-Z_|]+ duration=[1-9]')" \
		"$(counted $side flushes polls)"
done
check hypercalls same "$(events host vm_hypercall 'cid=42 ')" "$(events guest link_hypercall)"
check hypercalls.duration [ "$(sum guest link_hypercall duration)" -gt "$(sum host vm_hypercall duration)" ]

check link_flush same "$(events guest link_flush)" "$(counted guest flushes polls)"
check link_flush.reason same "$(events guest link_flush)" "$(events guest link_flush 'reason=[a-z]+ ')"
check link_flush.data [ "$(events guest link_flush 'reason=data .* messages=[1-9].* age=[1-9]')" -ge 1 ]
check link_flush.control [ "$(events guest link_flush 'reason=control .* waits=0')" -ge 5 ]
check link_flush.answers [ "$(events guest link_flush 'reason=(reply|block) .* messages=1 records=1 waits=1')" -ge 50 ]
check link_flush.doorbell [ "$(events guest link_flush 'reason=doorbell bytes=0')" -ge 1 ]
check no-drop [ "$(events host drop 'op=RW')$(events guest drop 'op=RW')" = 00 ]

# dropped SIDE PATTERN: one packet, and why.
dropped() {
	local n

	n=$(events "$1" drop "$2")
	[ "$n" -eq 1 ] || { sed "s/^/trace: /" "$LAB_TMP/trace.$1"; false; }
}

refused() {
	guest A vst connect-error cid=2 port=3001 within=30000
	guest A vst connect-error cid=43 port=3002 within=30000
	vst connect-error cid=42 port=3003 within=30000
	vst connect-error cid=77 port=3004 within=30000 expect=ENODEV
}

rm -f "$LAB_TMP"/trace.* "$LAB_TMP"/after.*
traced refused
check drop.no-socket.host dropped host \
	' 42:[0-9]+ -> 2:3001 len=0 type=STREAM op=REQUEST reason=no-socket$'
check drop.no-route dropped host \
	' 42:[0-9]+ -> 43:3002 len=0 type=STREAM op=REQUEST reason=no-route$'
check drop.no-socket.guest dropped guest \
	' 2:[0-9]+ -> 42:3003 len=0 type=STREAM op=REQUEST reason=no-socket$'
check drop.no-link dropped host \
	' 2:[0-9]+ -> 77:3004 len=0 type=STREAM op=REQUEST reason=no-link$'

# What a VM that stands still has not taken when its link ends.
echo 1 >$dir/events/virtsock/virtsock_drop/enable
vm_qmp A stop
bg waits vst connect-error cid=42 port=3005 expect=ECONNRESET within=60000
until_ok 20 sh -c 'ss --vsock -anH | grep -q "SYN-SENT.*42:3005"'
virtsock vm del cid 42
ends waits
vm_qmp A cont
cat $dir/trace >"$LAB_TMP/trace.host"
check drop.link-end dropped host \
	' 2:[0-9]+ -> 42:3005 len=0 type=STREAM op=REQUEST reason=link-end$'
echo 0 >$dir/events/virtsock/enable
vm_bind A
up() {
	until_ok 20 guest A sh -c 'virtsock link show | grep -q "state up"'
}
up

# Modules go and come while they are traced.
trace 1
guest A virtsock link down
guest A rmmod vmw_vsock_virtsock virtsock_core
check unloaded guest A [ ! -e $dir/events/virtsock ]
vm_load A
up
trace 1
pair host A recv send size=1-5000 count=100
guest A cat $dir/trace >"$LAB_TMP/trace.guest"
check reloaded [ "$(sum guest link_flush messages)" -ge 100 ]
trace 0
rmdir $dir
guest A rmdir $dir
[ -z "$broken" ] || fail "broken: $broken"
