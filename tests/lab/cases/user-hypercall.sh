# SPDX-License-Identifier: GPL-2.0-only
# case: a hypercall from guest user space is refused by KVM
# when: once
# timeout: 60
vm A
nr=0x56534b00
header=$LAB_REPO/include/uapi/linux/virtsock.h
if [ -e "$header" ]; then
	found=$(sed -nE 's/^#define[ \t]+VIRTSOCK_H(C|CALL|YPERCALL)[A-Z_]*[ \t]+(0x[0-9a-fA-F]+).*/\2/p' "$header" | head -n 1)
	nr=${found:-$nr}
fi
note "hypercall number $nr"

# What is not one of ours does not come to us at all: the end of the module would wait
# for it.
dir=/sys/kernel/tracing/instances/hook
hook_on() {
	mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
	mkdir $dir
	trap 'say_rest; hook_off' EXIT
	echo virtsock_emulate_hypercall >$dir/set_ftrace_filter
	echo function >$dir/current_tracer
}

hooked() {
	grep -c virtsock_emulate_hypercall $dir/trace || :
}

hook_off() {
	trap say_rest EXIT
	echo nop >$dir/current_tracer
	rmdir $dir
}

if [ "$LAB_TRANSPORT" = virtsock ]; then
	# Nobody else is to call meanwhile, an idle link is enough for that.
	guest A rmmod vmw_vsock_virtsock
	hook_on
	before=$(hooked)
	for other in 1 $((nr - 1)) $((nr + 5)) $((nr + (1 << 32))); do
		guest A vst vmcall nr=$other
	done
	[ "$(hooked)" -eq "$before" ] || fail "$(($(hooked) - before)) calls of others passed our hook"
	guest A vst vmcall nr=$nr
	[ "$(hooked)" -eq $((before + 1)) ] || fail "ours did not pass our hook"
	hook_off
	vm_load A
fi

before=
[ "$LAB_TRANSPORT" = vhost ] || before=$(virtsock vm show)
for off in 0 1 2 3 4 5 6 7; do
	guest A vst vmcall nr=$((nr + off))
	guest A setpriv --reuid 65534 --clear-groups vst vmcall nr=$((nr + off))
done
[ "$LAB_TRANSPORT" = vhost ] || [ "$before" = "$(virtsock vm show)" ] ||
	fail "vm show differs after refused hypercalls"
pair host A recv send size=1-5000 count=200
