# SPDX-License-Identifier: GPL-2.0-only
# case: a VM that is bound to nothing says HELLO without end: others keep half of their throughput, logs stay short
# when: once
# clock: yes
# timeout: 180
needs_virtsock
vm A
vm_own A
if vm_alive B; then
	vm_kill B
fi
vm_boot B
vm_own B
module=$LAB_REPO/build/$LAB_GUEST_KVER/lab/virtsock_bad.ko
secs=12

bg monitor virtsock monitor
bg server vst listen drain port=1204 size=4096
ready server
bg client guest A vst connect flood cid=2 port=1204 size=4096
ready client RUNNING

# rate SECS: what A moves from now on, in KiB/s
rate() {
	local bytes time

	bytes=$(moved) time=${EPOCHREALTIME/./}
	nap "$1"
	rate=$((($(moved) - bytes) * 1000000 / 1024 / (${EPOCHREALTIME/./} - time)))
}

moved() {
	virtsock -s -j vm show cid 42 | grep -oE '"rx_bytes": ?[0-9]+' | grep -oE '[0-9]+$'
}

# Without virtsock, B could take as much of the CPU.
bg burn guest B sh -c 'while :; do :; done'
rate 5
stop burn
busy=$rate

lines=$(dmesg | wc -l)
bg flood guest B insmod "$module" hellos=$((secs * 1000))
ready monitor unbound
rate 5
# The table of VMs is not held up.
began=$SECONDS
virtsock run --cid 60 -- true
virtsock vm set cid 42 name neighbour
[ $((SECONDS - began)) -le 5 ] || late "to add a VM and to name one took $((SECONDS - began)) s"
ends flood 60
lines=$(($(dmesg | wc -l) - lines))
said=$(guest B dmesg | sed -n 's/.*virtsock_bad: \([0-9]* calls in .*\)/\1/p')
calls=${said%% *}
guest B rmmod virtsock_bad
stop monitor
events=$(grep -c unbound "$LAB_TMP/monitor.out")
note "$said; neighbour, in KiB/s: $busy beside a busy VM, $rate beside this one; $events events, $lines lines"
[ "$calls" -ge 1000 ] || fail "that was no flood"
[ $((2 * rate)) -ge "$busy" ] || late "the neighbour has less than half of its throughput"
# 5 in 5 s, and the flood may begin and end within such a time
[ "$events" -le $((5 * (secs / 5 + 2))) ] || fail "$events events"
[ "$lines" -le 10 ] || fail "$lines lines in the log"
for name in server client; do
	[ ! -s "$LAB_TMP/$name.status" ] || fail "$name ended: $(<"$LAB_TMP/$name.out")"
done
stop server
stop client

# Whoever asks in vain is not held against it.
vm_bind B
vm_load B
until_ok 30 sh -c 'virtsock vm show cid 43 | grep -qw up'
pair host B recv send size=1-5000 count=200
vm_kill B
