# SPDX-License-Identifier: GPL-2.0-only
# case: KVM's module for this CPU stays until the last VM that is held has ended
# when: once
# timeout: 120
needs_virtsock
vm A
if vm_alive B; then
	vm_kill B
fi
vendor=$(lsmod | sed -n 's/^\(kvm_amd\|kvm_intel\) .*/\1/p')

# A program that has its socket locked keeps the link's end waiting for seconds,
# and with it the VM, when QEMU and its files are gone.
bg stuck vst stuck port=895 n=1 size=4096
ready stuck
bg stuff guest A vst stuff cid=2 port=895 n=1 size=4096
ready stuck RUNNING
ready stuff RUNNING
pid=$(vm_pid A)
vm_kill A
[ ! -e "/proc/$pid" ] || fail "QEMU is still there"
if said=$(rmmod "$vendor" 2>&1); then
	fail "$vendor was unloaded before the VM had ended"
fi
[[ $said == *"in use"* ]] || fail "rmmod $vendor said: $said"
ends_any stuff

# Then it is nobody's.
until_ok 30 rmmod "$vendor"
pkill -KILL vst
ends_any stuck
modprobe "$vendor"
vm A
exercise A
