# SPDX-License-Identifier: GPL-2.0-only
# case: the guest sleeps (to RAM), busy and idle: told within 2 s of waking, linked again, memory is what it was
# when: once
# clock: yes
# timeout: 480
. "$LAB_REPO/tests/lab/host/life.sh"
needs_virtsock

asleep() {
	[[ $(vm_ask L "info status") = *suspended* ]]
}

for load in chaos=1 ''; do
	# One for each: after a sleep its firmware leaves it without PMBASE.
	bare L
	guest L sh -c 'echo deep >/sys/power/mem_sleep'
	[ -z "$load" ] || traffic L "$load"
	idle L
	keep L
	bg sleep guest L sh -c 'echo mem >/sys/power/state; cat /proc/uptime >/tmp/life/woken'
	until_ok 60 asleep
	[ ! -s "$LAB_TMP/idle.status" ] || fail "falling asleep broke a connection"
	t=$EPOCHREALTIME
	vm_ask L system_wakeup
	idle_host "$t"
	# How long the kernel takes to wake does not count.
	until_ok 30 guest L test -s /tmp/life/woken
	idle_guest L "$(guest_us L /tmp/life/woken)"
	stop sleep
	until_ok 10 link_up L
	[ -z "$load" ] || traffic_moves L
	idle_after L
	keep_check L
	[ -z "$load" ] || traffic_ends L
	exercise L
	vm_kill L
done
