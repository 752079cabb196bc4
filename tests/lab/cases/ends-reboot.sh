# SPDX-License-Identifier: GPL-2.0-only
# case: what a guest sent before it closed and rebooted arrives, read late
# when: once
# timeout: 180
. "$LAB_REPO/tests/lab/host/spool.sh"
needs_virtsock
vm A
vm_own A
spool_all close
bg reboot guest A busybox reboot -f
spool_link_gone A
stop reboot
spool_check close
vm_kill A
