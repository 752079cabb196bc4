# SPDX-License-Identifier: GPL-2.0-only
# case: a deliberate data race is found, and taken for a failure
# when: debug
# timeout: 600
# complaints: they are what this is about
#
# For 6.12-kcsan with two CPUs: a race takes two that run at once. On the host only:
# where two vCPUs of an emulated host race for long, one of them may hang in an
# interrupt. The guest has the same kernel, and debug-faults shows that what it
# says is found.
. "$LAB_REPO/tests/lab/host/faults.sh"
needs_debug kcsan
found host race 'BUG: KCSAN: data-race in .*fault_race'
