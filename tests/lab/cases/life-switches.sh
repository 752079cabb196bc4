# SPDX-License-Identifier: GPL-2.0-only
# case: kprobes, ftrace and tracing are switched off under traffic: it goes on, and a reset is noticed
# when: once
# clock: yes
# timeout: 480
. "$LAB_REPO/tests/lab/host/life.sh"
needs_virtsock

# sysctl refuses, or does nothing: what is checked is what follows.
switches() {
	local file

	for file in debug/kprobes/enabled debug/tracing/tracing_on; do
		echo "$1" >"/sys/kernel/$file"
	done
	echo "$1" >/proc/sys/kernel/ftrace_enabled || :
}

bare L
traffic L chaos=1
idle L
resets=$(vm_stat L resets)
trap 'say_rest; switches 1' EXIT
switches 0
[ "$(</sys/kernel/debug/kprobes/enabled)" = 0 ] || fail "kprobes are not off"
note "kernel.ftrace_enabled is $(</proc/sys/kernel/ftrace_enabled) after it was set to 0"
traffic_moves L
[ "$(vm_stat L resets)" = "$resets" ] || fail "that reset the link"
for name in idle full; do
	[ ! -s "$LAB_TMP/$name.status" ] || fail "that broke a connection"
done
t=$EPOCHREALTIME
vm_ask L system_reset
idle_host "$t"
vm_wait L
bare_load L
traffic_again L
traffic_ends L
exercise L
vm_kill L
