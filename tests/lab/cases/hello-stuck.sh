# SPDX-License-Identifier: GPL-2.0-only
# case: a VMM whose address space is held at its first HELLO holds up no other VM, no administrator, no program that connects; who waits for a hypercall in a page fault is no hung task
# when: once
# timeout: 180
needs_virtsock
vm A
vm_boot B
vm_own B
vm_load B
pid=$(vm_pid B)
# B asks every two seconds, in vain so far.
insmod "$LAB_REPO/build/$LAB_HOST_KVER/lab/virtsock_hold.ko" pid="$pid"
vm_bind B
inside() {
	cat /proc/"$pid"/task/*/stack 2>/dev/null | grep -q mmu_notifier_register
}
until_ok 20 inside
broken=
# quick COMMAND...: it does not wait for B.
quick() {
	local i

	bg quick "$@"
	for ((i = 0; i < 500 * LAB_SCALE; i++)); do
		[ ! -s "$LAB_TMP/quick.status" ] || break
		nap 0.02
	done
	[ "$(<"$LAB_TMP/quick.status")" = 0 ] || broken+=" '$*': $(tail -n 1 "$LAB_TMP/quick.out");"
}
without() {
	! virtsock vm show | grep -w "$1"
}
quick virtsock vm show
quick virtsock vm set cid 42 name other
quick vst connect-error cid=43 port=1 expect=ENODEV within=5000
# Nor for its end, but who wants to have what it has.
bg del virtsock vm del cid 43
while ! grep -q virtsock_vm_del /proc/[0-9]*/stack; do
	nap 0.02
done 2>/dev/null
quick without 43
quick virtsock vm set cid 42 name again
# Nor does any other family of generic netlink.
quick insmod "$LAB_REPO/build/$LAB_HOST_KVER/lab/virtsock_family.ko"
quick virtsock vm show
quick rmmod virtsock_family
quick virtsock run --cid 60 -- true
bg add virtsock vm add cid 43 pid "$pid"
[ ! -s "$LAB_TMP/del.status" ] || broken+=" (B went on)"
inside || broken+=" (B went on)"
rmmod virtsock_hold
[ -z "$broken" ] || fail "with B's HELLO stuck:$broken"
ends del
ends add
up() {
	virtsock vm show cid 43 | grep -q 'state up'
}
until_ok 20 up
exercise B
pair host A recv send size=1-5000 count=200
vm_kill B

# A hypercall in a page fault may take as long as the VMM likes. Who waits for it is not
# reported for that: the worker that ends the link, and a vCPU that comes back from
# waiting for an answer.
stuck() {
	rm -f "$LAB_TMP/go"
	mkfifo "$LAB_TMP/go"
	bg tiny tinyvm stuck "$LAB_TMP/go"
	ready tiny
	pid=$(sed -n 's/^READY //p' "$LAB_TMP/tiny.out")
	until_ok 10 virtsock vm add cid 60 pid "$pid"
	: >"$LAB_TMP/go"
	ready tiny STUCK
	! grep -q 'NOT STUCK' "$LAB_TMP/tiny.out"
}
tries=1
until stuck; do
	[ $((tries++)) -lt 10 ] || fail "the other vCPU never waited for an answer"
	stop tiny
done
bg del virtsock vm del cid 60
ending() {
	mapfile -t workers < <(grep -ls virtsock_vm_end_work /proc/[0-9]*/stack | tr -dc '0-9\n')
	[ ${#workers[@]} -gt 0 ]
}
until_ok 20 ending
hung=/proc/sys/kernel/hung_task
was=$(<${hung}_timeout_secs)
dir=/sys/kernel/tracing/instances/hung
mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
mkdir $dir
echo 1 >$dir/events/sched/sched_process_hang/enable
# What else is slow meanwhile is no complaint.
echo 0 >${hung}_warnings
echo 1 >${hung}_timeout_secs
# It looks every second, and reports who has not run since the time before the last.
sleep 3
echo "$was" >${hung}_timeout_secs
echo 10 >${hung}_warnings
who=$(printf '|%s' /proc/"$pid"/task/* "${workers[@]}")
who=${who//\/proc\/$pid\/task\//}
found=$(grep -E "pid=(${who#|})$" $dir/trace || :)
echo 0 >$dir/events/sched/sched_process_hang/enable
rmdir $dir
[ ! -s "$LAB_TMP/del.status" ] || fail "the hypercall came back"
echo "+ try $tries; looked for ${who#|}"
[ -z "$found" ] || fail "reported as hung: $found"
stop tiny
ends del
