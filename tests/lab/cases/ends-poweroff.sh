# SPDX-License-Identifier: GPL-2.0-only
# case: what a guest sent before it closed and powered off arrives, read late
# when: once
# timeout: 180
. "$LAB_REPO/tests/lab/host/spool.sh"
needs_virtsock
vm A
vm_own A
spool_all close
spool_all half
spool_all hold
bg off guest A busybox poweroff -f
spool_vm_gone A
spool_check close
# It shut down its direction and never closed: the same, for a reader.
spool_check half
# It did neither: all that was sent, then an error, never an end.
spool_check hold
