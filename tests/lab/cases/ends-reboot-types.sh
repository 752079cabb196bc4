# SPDX-License-Identifier: GPL-2.0-only
# case: the same for each way in which a PC reboots, and without a word before
# timeout: 400
# when: full
. "$LAB_REPO/tests/lab/host/spool.sh"
needs_virtsock
vm A
vm_own A
for how in acpi kbd triple pci; do
	spool_all close
	bg reboot guest A sh -c "echo $how >/sys/kernel/reboot/type && busybox reboot -f"
	spool_link_gone A
	stop reboot
	spool_check close
	vm_wait A
	vm_load A
done
# At once: no driver hears of it. What was closed had left the guest before.
spool_all close
bg reboot guest A sh -c 'echo b >/proc/sysrq-trigger'
spool_link_gone A
stop reboot
spool_check close
vm_wait A
vm_load A
pair host A recv send size=1-5000 count=200
