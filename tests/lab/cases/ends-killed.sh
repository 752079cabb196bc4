# SPDX-License-Identifier: GPL-2.0-only
# case: what a guest sent before it closed and was killed arrives, read late
# timeout: 180
. "$LAB_REPO/tests/lab/host/spool.sh"
needs_virtsock
vm A
spool_all close
spool_all hold
# Killed with nothing closed: what the host had by then, then an error.
kill -9 "$(vm_pid A)"
spool_vm_gone A
spool_check close
spool_check hold
rm -rf "$(vm_dir A)"
