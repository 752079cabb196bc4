# SPDX-License-Identifier: GPL-2.0-only
# case: SIGKILL of the VMM, system_reset, and each way in which a PC reboots, under traffic: told within 2 s, the next kernel's memory stays its own
# when: once
# clock: yes
# timeout: 400
. "$LAB_REPO/tests/lab/host/life.sh"
needs_virtsock
bare L
traffic L chaos=1
for how in SIGKILL system_reset acpi kbd triple pci sysrq; do
	idle L
	t=$EPOCHREALTIME
	case $how in
	SIGKILL)	vm_kill L ;;
	system_reset)	vm_ask L system_reset ;;
	sysrq)		bg off guest L sh -c 'echo b >/proc/sysrq-trigger' ;;
	*)		bg off guest L sh -c "echo $how >/sys/kernel/reboot/type && reboot -f" ;;
	esac
	note "$how"
	idle_host "$t"
	idle_stop
	if [ "$how" = SIGKILL ]; then
		bare L
	else
		vm_wait L
		[ "$how" = system_reset ] || stop off
		# Where the old kernel's ring and buffer were, too
		keep L 100
		bare_load L
	fi
	traffic_again L
	[ "$how" = SIGKILL ] || keep_check L
done
traffic_ends L
exercise L
vm_kill L
