# SPDX-License-Identifier: GPL-2.0-only
# case: a guest attacks its host at random: no complaint, no leak, and its neighbour keeps half of its throughput
# when: once
# clock: yes
# timeout: 600
needs_virtsock
host_load
seed=${LAB_SEED:-$RANDOM}
note "LAB_SEED=$seed LAB_OPS=$LAB_OPS"
module=$LAB_REPO/build/$LAB_GUEST_KVER/lab/virtsock_attack.ko
for name in A B; do
	if vm_alive $name; then
		vm_kill $name
	fi
done
# The attacker has a device with memory of its own, ivshmem.
VM_SMP=2 vm_boot A -object memory-backend-ram,id=bar,size=4M,share=on \
	-device ivshmem-plain,memdev=bar
vm_own A
vm_bind A
vm_boot B
vm_own B
vm_bind B
vm_load B

# attack OPS: as the case's last but one step, or to have all there that is
# allocated once.
attack() {
	guest A insmod "$module" "ops=$1" "seed=$seed" bait=5000 victim=1401 neighbour=43
}

say_attack() {
	guest A dmesg | grep 'virtsock_attack:' || :
}

# forgotten CID: the kernel has no socket to it any more.
forgotten() {
	! ss --vsock -anH | grep -qE "(^| )$1:"
}

bait_off() {
	virtsock vm del cid 42
	stop bait
	until_ok 30 forgotten 42
}

# The honest neighbour sends and receives, all the time; content is checked.
neighbour_on() {
	local name

	bg to vst listen drain port=1401 size=4096
	bg from guest B vst listen drain port=1402 size=4096
	ready to
	ready from
	bg client guest B vst connect flood cid=2 port=1401 size=4096
	bg server vst connect flood cid=43 port=1402 size=4096
	for name in to from client server; do
		ready $name RUNNING
	done
}

# Who receives goes first: the others are told by an error.
neighbour_off() {
	stop to
	stop from
	stop client
	stop server
}

dir=/sys/kernel/tracing/instances/attack
event=$dir/events/virtsock/virtsock_vm_hypercall
hist='hist:keys=duration.log2:sort=duration if cid == 42'
mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing

# How long the attacker's hypercalls take, from now on.
trace_on() {
	mkdir $dir
	echo "$hist" >$event/trigger
}

trace_off() {
	echo "!$hist" >$event/trigger
	rmdir $dir
}

bg bait vst bait port=5000 cid=42
ready bait
exercise B
trace_on
neighbour_on
if ! attack 1500; then
	say_attack
	fail "the host answers what it must not"
fi
guest A rmmod virtsock_attack
trace_off
bait_off
neighbour_off
until_ok 30 forgotten 43
vst leak-mark go="$LAB_TMP/mark"

vm_bind A
bg bait vst bait port=5000 cid=42
ready bait
neighbour_on

# counter NAME: of the neighbour.
counter() {
	virtsock -s -j vm show cid 43 | grep -oE "\"$1\": ?[0-9]+" | grep -oE '[0-9]+$'
}

# lap: what the neighbour has moved since the last time, in KiB/s: $rate.
lap() {
	local now bytes

	bytes=$(($(counter rx_bytes) + $(counter tx_bytes)))
	now=${EPOCHREALTIME/./}
	[ -z "${lap_bytes:-}" ] ||
		rate=$(((bytes - lap_bytes) * 1000000 / 1024 / (now - lap_time)))
	lap_bytes=$bytes lap_time=$now
}

# over SECS: the same, from now on.
over() {
	lap
	nap "$1"
	lap
}

# Without virtsock, the VM could take as much of the CPU.
burning() {
	bg burn1 guest A sh -c 'while :; do :; done'
	bg burn2 guest A sh -c 'while :; do :; done'
	over 8
	stop burn1
	stop burn2
}

over 5
idle=$rate
burning
before=$rate

trace_on
began=$SECONDS
lap
start_bytes=$lap_bytes start_time=$lap_time least=
bg attack attack "$LAB_OPS"
while [ ! -s "$LAB_TMP/attack.status" ]; do
	i=0
	while [ $i -lt 50 ] && [ ! -s "$LAB_TMP/attack.status" ]; do
		nap 0.1
		i=$((i + 1))
	done
	lap
	# The last piece may be too short to mean anything.
	[ $i -lt 50 ] || [ "${least:-$rate}" -lt "$rate" ] || least=$rate
done
under=$(((lap_bytes - start_bytes) * 1000000 / 1024 / (lap_time - start_time)))
say_attack
ends attack
note "$(guest A dmesg | sed -n 's/.*virtsock_attack: \([0-9]* operations.*\)/\1/p' | tail -n 1), in $((SECONDS - began)) s"
cat $event/hist
# The power of two that none has reached
longest=$(($(sed -n 's/.*duration: ~ 2^\([0-9]*\).*/\1/p' $event/hist | sort -n | tail -n 1) + 1))
trace_off
[ "$longest" -gt 1 ] || fail "no hypercall was measured"
[ ! -s "$LAB_TMP/bait.status" ] || fail "the bait ended: $(tail -n 1 "$LAB_TMP/bait.out")"
note "longest hypercall: below $(((1 << longest) / 1000000)) ms"
guest A rmmod virtsock_attack
burning
after=$rate
base=$(((before + after) / 2))
note "neighbour, in KiB/s: $idle beside an idle VM, $before and $after beside a busy one, $under under attack, at least $least"
[ $((2 * under)) -ge $base ] || late "the neighbour has less than half of its throughput"
[ $((4 * ${least:-$under})) -ge $base ] || late "the neighbour had less than a quarter for 5 s"
[ "$(counter malformed)" -eq 0 ] || fail "the neighbour lost its link"
for name in to from client server; do
	[ ! -s "$LAB_TMP/$name.status" ] || fail "$name of the neighbour ended: $(<"$LAB_TMP/$name.out")"
done
[ "$longest" -le "$LONGEST_CALL" ] ||
	late "a hypercall took more than $(((1 << (longest - 1)) / 1000000)) ms"

virtsock -s vm show cid 42
neighbour_off
bait_off
until_ok 30 forgotten 43
vst leak-check go="$LAB_TMP/mark" n=5000 || fail "something was left behind"
virtsock vm del --all
until_ok 30 rmmod virtsock_host
until_ok 30 rmmod virtsock_core
rm -f /run/lab/loaded
vm_kill A
vm_kill B
