# SPDX-License-Identifier: GPL-2.0-only
# case: a guest with 4 CPUs: many connections, all kinds of ends, link down and up under load
# when: once
# timeout: 900
needs_virtsock
host_load
if vm_alive B; then
	vm_kill B
fi
VM_SMP=4 vm_boot B
vm_own B
vm_bind B
vm_load B
within=$((60000 * LAB_SCALE))

# storm PORT N COUNT [KEY=VALUE...]: both directions at once
storm() {
	local port=$1 n=$2 count=$3
	shift 3

	bg hs vst storm-server port="$port" within=$within "$@"
	bg gs guest B vst storm-server port=$((port + 10)) within=$within "$@"
	ready hs
	ready gs
	bg gc guest B vst storm cid=2 port="$port" n="$n" count="$count" seed="$port" within=$within "$@"
	bg hc vst storm cid=43 port=$((port + 10)) n="$n" count="$count" seed="$port" within=$within "$@"
}

storm_ends() {
	local name

	for name in gc hc gs hs; do
		ends $name 400
		note "$name: $(tail -n 1 "$LAB_TMP/$name.out")"
	done
}

storm 1400 8 $((LAB_MESSAGES / 2))
storm_ends

# Connections break; what arrives is right, and none ends as if it were closed.
storm 1420 8 $((LAB_MESSAGES / 20)) chaos=1
times=0
until [ -s "$LAB_TMP/gc.status" ] && [ -s "$LAB_TMP/hc.status" ]; do
	nap 0.5
	guest B virtsock link down
	guest B virtsock link up
	times=$((times + 1))
	[ $times -lt 200 ] || fail "the storm does not end"
done
storm_ends
note "the link went down $times times"

storm 1440 4 $((LAB_MESSAGES / 20))
storm_ends
vm_kill B
