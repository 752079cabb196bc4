# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Guests (L2) on the emulated host: an unmodified QEMU with no vsock device,
# unless the transport under test is vhost-vsock.
#
# A guest NAME has a directory /run/lab/vm/NAME: pid, cid, bound, console,
# qmp (socket), agentN (sockets of its command channel).

VM_PORTS=6

# The modules of the checkout and what they stand on, on either side.
# shellcheck disable=SC2016 # expanded over there
LOAD='set -e
	dir=$LAB_REPO/build/$1
	modprobe -a vmw_vsock_virtio_transport_common vsock_diag
	for mod in virtsock_core "$2"; do
		[ -d "/sys/module/$mod" ] || insmod "$dir/$mod.ko"
	done'

vm_dir() {
	echo "/run/lab/vm/$1"
}

vm_cid() {
	case $1 in
	A)	echo 42 ;;
	B)	echo 43 ;;
	C)	echo 44 ;;
	D)	echo 45 ;;
	L)	echo 47 ;;
	*)	echo 46 ;;
	esac
}

vm_pid() {
	cat "/run/lab/vm/$1/pid"
}

vm_alive() {
	[ -e "/run/lab/vm/$1/pid" ] && kill -0 "$(vm_pid "$1")" 2>/dev/null
}

# vm_boot NAME [QEMU option...]: start and wait until it takes commands.
# VM_MEM and VM_SMP say how large, VM_APPEND has words for its kernel, VM_ACCEL
# options of QEMU's accelerator, each after a comma; an option
# given again replaces ours.
vm_boot() {
	local i

	for i in 1 2 3; do
		vm_start "$@"
		! vm_up "$1" || return 0
		vm_again "$1" || break
	done
	fail "guest $1 does not come up"
}

# The same without waiting.
vm_start() {
	local name=$1 dir console i args=()
	shift

	dir=$(vm_dir "$name")
	# Of an earlier case; nobody would find it any more.
	! vm_alive "$name" || vm_kill "$name"
	rm -rf "$dir"
	mkdir -p "$dir"
	console=$LAB_OUT/guest-$name.$LAB_CASE.log
	# One for each boot, so that splat_guests sees what ended meanwhile.
	for ((i = 2; ; i++)); do
		[ -e "$console" ] || break
		console=$LAB_OUT/guest-$name.$LAB_CASE.$i.log
	done
	ln -s "$console" "$dir/console"
	vm_cid "$name" >"$dir/cid"
	for ((i = 0; i < VM_PORTS; i++)); do
		args+=(-chardev "socket,id=a$i,path=$dir/agent$i,server=on,wait=off")
		args+=(-device "virtserialport,chardev=a$i,name=agent$i")
	done
	[ "$LAB_TRANSPORT" = vhost ] &&
		args+=(-device "vhost-vsock-pci,guest-cid=$(vm_cid "$name")")
	setsid qemu-system-x86_64 -nodefaults -M q35 -accel "kvm${VM_ACCEL:-}" -cpu host \
		-m "${VM_MEM:-512M}" -smp "${VM_SMP:-1}" -nic none -display none \
		-serial "file:$console" \
		-qmp "unix:$dir/qmp,server=on,wait=off" \
		-virtfs local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap \
		-device virtio-serial-pci,max_ports=16 "${args[@]}" \
		-kernel "$LAB_GUEST_VMLINUZ" -initrd "$LAB_OUT/guest.initrd" \
		-append "console=ttyS0 loglevel=5 panic=0 pci=noearly,lastbus=0 mitigations=off ${LAB_WATCHDOG:-} LAB_INIT=/run/lab/bin/labagent LAB_NAME=guest-$name LAB_SCALE=$LAB_SCALE LAB_HUNG=$LAB_HUNG LAB_LESS=$LAB_LESS LAB_REPO=$LAB_REPO LAB_KVER=$LAB_GUEST_KVER LAB_MODDIR=$LAB_GUEST_MODDIR ${VM_APPEND:-}" \
		"$@" </dev/null >"$dir/qemu.log" 2>&1 &
	echo $! >"$dir/pid"
}

# Wait until the guest takes commands.
vm_wait() {
	vm_up "$1" || fail "guest $1 does not come up"
}

vm_up() {
	local dir

	dir=$(vm_dir "$1")
	until [ -S "$dir/agent$((VM_PORTS - 1))" ]; do
		vm_alive "$1" || { cat "$dir/qemu.log"; fail "QEMU of $1 ended"; }
		sleep 0.05
	done
	timeout $((240 * LAB_SCALE)) labctl "$dir" true || { cat "$dir/qemu.log"; return 1; }
}

# vm_again NAME: was it the emulation that stopped its boot? Then that boot, with
# its console, is nothing that the case has to answer for.
vm_again() {
	local console

	console=$(readlink "$(vm_dir "$1")/console")
	[ -n "${LAB_EMULATED:-}" ] && [ "$(nproc)" -gt 1 ] || return
	splat_stale <"$console" || return
	vm_kill "$1"
	mv "$console" "$console.again"
	note "the emulation of several CPUs stopped the boot of guest $1, once more"
}

vm_kill() {
	local pid

	pid=$(vm_pid "$1")
	# It may have ended by itself.
	kill -9 "$pid" 2>/dev/null || :
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.02
	done
	rm -rf "$(vm_dir "$1")"
}

# vm_qmp NAME COMMAND: a QMP command without arguments.
vm_qmp() {
	printf '%s\n' '{"execute":"qmp_capabilities"}' "{\"execute\":\"$2\"}" |
		socat -t 2 - "UNIX-CONNECT:$(vm_dir "$1")/qmp" >/dev/null
}

# vm_hmp NAME COMMAND: a command of QEMU's monitor; fails if it says anything, or
# QEMU does not answer.
vm_hmp() {
	local said

	said=$(vm_ask "$1" "$2") || { echo "$said"; return 1; }
	case $said in
	'{"return": ""}'*) ;;
	*)	echo "$2: $said"; return 1 ;;
	esac
}

# vm_ask NAME COMMAND: the same; prints what it says, when QEMU is done with it.
vm_ask() {
	local line said='' n=0 in out pid

	coproc VM_QMP { exec socat - "UNIX-CONNECT:$(vm_dir "$1")/qmp"; }
	in=${VM_QMP[0]} out=${VM_QMP[1]} pid=$VM_QMP_PID
	printf '%s\n' '{"execute":"qmp_capabilities"}' \
		"{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"$2\"}}" \
		>&"$out"
	while [ "$n" -lt 2 ] && read -r -t $((60 * LAB_SCALE)) -u "$in" line; do
		case $line in
		'{"return"'*|'{"error"'*)
			n=$((n + 1)) said=$line ;;
		esac
	done
	exec {in}<&- {out}>&-
	kill "$pid" 2>/dev/null || :
	wait "$pid" 2>/dev/null || :
	[ "$n" -eq 2 ] || fail "QEMU of $1 does not answer: $2"
	echo "$said"
}

# The debugfs directory of the VM: KVM's own counters.
vm_kvm() {
	echo /sys/kernel/debug/kvm/"$(vm_pid "$1")"-*
}

# vm_bind NAME: what an administrator does on the host.
vm_bind() {
	local dir

	dir=$(vm_dir "$1")
	[ "$LAB_TRANSPORT" = vhost ] ||
		virtsock vm add pid "$(vm_pid "$1")" cid "$(cat "$dir/cid")"
	touch "$dir/bound"
}

# vm_load NAME: what an administrator does in the guest.
vm_load() {
	if [ "$LAB_TRANSPORT" = vhost ]; then
		guest "$1" modprobe -a vmw_vsock_virtio_transport vsock_diag
	else
		guest "$1" sh -c "$LOAD" load "$LAB_GUEST_KVER" vmw_vsock_virtsock
	fi
	touch "$(vm_dir "$1")/loaded"
}

# vm NAME: a guest that is up, bound and loaded; an earlier one will do.
vm() {
	local dir

	dir=$(vm_dir "$1")
	host_load
	if vm_alive "$1" && [ -e "$dir/loaded" ] && [ -e "$dir/bound" ] &&
	   [ ! -e "$dir/own" ] && timeout $((20 * LAB_SCALE)) labctl "$dir" true; then
		return
	fi
	if vm_alive "$1"; then
		vm_kill "$1"
	fi
	vm_boot "$1"
	vm_bind "$1"
	vm_load "$1"
}

# vm_own NAME: no later case may use this guest.
vm_own() {
	touch "$(vm_dir "$1")/own"
}

host_load() {
	[ -e /run/lab/loaded ] && return
	if [ "$LAB_TRANSPORT" = vhost ]; then
		modprobe -a vhost_vsock vsock_diag
	else
		sh -c "$LOAD" load "$LAB_HOST_KVER" virtsock_host
	fi
	touch /run/lab/loaded
}
