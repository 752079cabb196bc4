# SPDX-License-Identifier: GPL-2.0-only
# case: virtsock run binds before QEMU starts; monitor tells what happens
# when: once
# timeout: 120
needs_virtsock
host_load
bg monitor virtsock monitor
vm_boot B
vm_own B
vm_load B
# An unbound VM asks, and the administrator sees it.
ready monitor "unbound"
vm_bind B
ready monitor "link-up"
vm_kill B
ready monitor "vm-exit"
stop monitor

# The binding survives the exec, and goes with the process.
bg run virtsock run --cid 77 -- sleep 1000
# It is bound before it becomes the command.
until_ok 20 sh -c 'virtsock vm show cid 77 2>/dev/null | grep "comm sleep"'
if virtsock run --cid 77 -- true; then
	fail "a CID was given twice"
fi
stop run
if virtsock vm show cid 77; then
	fail "the binding outlived its process"
fi
