# SPDX-License-Identifier: GPL-2.0-only
# case: the modules refuse to load where they cannot work, and say what to do
# when: once
# timeout: 200
needs_virtsock
for name in A B; do
	if vm_alive $name; then
		vm_kill $name
	fi
done
if [ -d /sys/module/virtsock_host ]; then
	virtsock vm del all
	rmmod virtsock_host
fi
rm -f /run/lab/loaded
modprobe -a kvm vmw_vsock_virtio_transport_common vsock_diag
vendor=$(lsmod | sed -n 's/^\(kvm_amd\|kvm_intel\) .*/\1/p')
dir=$LAB_REPO/build/$LAB_HOST_KVER
[ -d /sys/module/virtsock_core ] || insmod "$dir/virtsock_core.ko"
ftrace=/proc/sys/kernel/ftrace_enabled
lp=/sys/kernel/livepatch/virtsock_lp

# refused ERROR WORDS MODULE: insmod says ERROR, the log WORDS. No program sees
# a transport meanwhile: it could use it.
refused() {
	local said seen

	rm -f "$LAB_TMP/go"
	bg cid vst no-transport go="$LAB_TMP/go"
	ready cid
	seen=$(dmesg | wc -l)
	if said=$(insmod "$dir/$3.ko" 2>&1); then
		fail "$3 is loaded"
	fi
	echo "$said"
	touch "$LAB_TMP/go"
	ends cid
	dmesg | tail -n +$((seen + 1)) | tee "$LAB_TMP/new"
	[[ $said = *"$1"* ]] || fail "insmod $3 said: $said"
	[ -z "$2" ] || grep -q "$2" "$LAB_TMP/new" || fail "the log does not say: $2"
}

# ended STATE: the livepatch's transition has come to its end.
ended() {
	[ ! -e $lp ] || [ "$(<$lp/transition)" = 0 ]
}

# A host that is emulated is no KVM guest.
if ! grep -qw kvm-clock /sys/devices/system/clocksource/clocksource0/available_clocksource; then
	refused 'No such device' 'virtsock: this is not a KVM guest.* load virtsock_host' vmw_vsock_virtsock
fi

# Ftrace is off.
echo 0 >$ftrace
refused 'resource busy' 'virtsock: cannot hook .*: ftrace is off; sysctl kernel.ftrace_enabled=1' virtsock_host
echo 1 >$ftrace

# A livepatch is there first.
insmod "$dir/lab/virtsock_lp.ko"
until_ok 60 ended
refused 'resource busy' 'virtsock: cannot hook kvm_emulate_hypercall: a livepatch has it; disable that one first' virtsock_host
echo 0 >$lp/enabled
until_ok 60 test ! -e $lp
rmmod virtsock_lp

# No KVM at all, then no vendor's module: the latter may come later.
until_ok 20 rmmod "$vendor"
rmmod kvm
refused 'Unknown symbol' 'virtsock_host: Unknown symbol kvm_' virtsock_host
modprobe kvm
insmod "$dir/virtsock_host.ko"
touch /run/lab/loaded
modprobe "$vendor"

# We are there first: the livepatch is refused, ftrace stays on.
if said=$(insmod "$dir/lab/virtsock_lp.ko" 2>&1); then
	fail "virtsock_lp is loaded"
fi
[[ $said = *'resource busy'* ]] || fail "insmod said: $said"
if sh -c "echo 0 >$ftrace"; then
	fail "ftrace was switched off under the hook"
fi
[ "$(<$ftrace)" = 1 ] || fail "ftrace is off"
vm A
exercise A
