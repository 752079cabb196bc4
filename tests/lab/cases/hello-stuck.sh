# SPDX-License-Identifier: GPL-2.0-only
# case: a VMM whose address space is held at its first HELLO holds up no other VM, no administrator, and no program that connects
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
