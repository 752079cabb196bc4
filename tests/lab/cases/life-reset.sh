# SPDX-License-Identifier: GPL-2.0-only
# case: SIGKILL of the VMM, system_reset, and each way in which a PC reboots, under traffic: told within 2 s, the next kernel's memory stays its own
# when: once
# clock: yes
# timeout: 600
. "$LAB_REPO/tests/lab/host/life.sh"
needs_virtsock
bare L
traffic L chaos=1
# "reboot" says goodbye first; ends-reboot-types has that for each type. The others do
# not: no driver hears of it, and the host has to see the reset itself.
for how in SIGKILL system_reset reboot acpi kbd triple pci; do
	idle L
	t=$EPOCHREALTIME
	case $how in
	SIGKILL)	vm_kill L ;;
	system_reset)	vm_ask L system_reset ;;
	reboot)		bg off guest L reboot -f ;;
	*)		bg off guest L sh -c "echo $how >/sys/kernel/reboot/type && echo b >/proc/sysrq-trigger" ;;
	esac
	note "$how"
	idle_host "$t"
	idle_stop
	if [ "$how" = SIGKILL ]; then
		bare L
	else
		vm_wait L
		[ "$how" = system_reset ] || stop off
		# Most of it, as nobody can say where the old kernel's ring was.
		keep L
		bare_load L
	fi
	traffic_again L
	[ "$how" = SIGKILL ] || keep_check L
done
traffic_ends L
exercise L
vm_kill L
