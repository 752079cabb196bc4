# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Boot the emulated host (L1).

# Accelerate it only where the CPU shows svm or vmx and KVM allows nesting: a
# bare /dev/kvm proves nothing.
lab_accel() {
	local param

	if grep -qwE 'svm|vmx' /proc/cpuinfo && [ -w /dev/kvm ]; then
		for param in /sys/module/kvm_{amd,intel}/parameters/nested; do
			if [ -e "$param" ] && grep -q '[1Y]' "$param"; then
				echo "-accel kvm -cpu host"
				return
			fi
		done
	fi
	# TCG emulates rep movsb byte by byte, hence no erms and fsrm; its
	# XSETBV escapes the host's KVM, so a guest would warn about XSAVE; and an
	# interrupt that follows its cmpxchg16b may find part of a pointer in the
	# flags, with which the kernel goes on: string operations go backwards, or
	# IRET fails. Without cx16 SLUB has no use for that.
	echo "-accel tcg,thread=multi -cpu max,-erms,-fsrm,-xsave,-cx16"
}

# An emulated CPU stands still for as long as the machine below it does, once for
# 26 s. What hangs in the kernel hangs for longer than that.
LAB_WATCHDOG='sysctl.kernel.watchdog_thresh=30 rcupdate.rcu_cpu_stall_timeout=75'

# After how many seconds a task hangs
LAB_HUNG=${LAB_HUNG:-$((40 * ${LAB_SCALE:-1}))}

# lab_env OUT: what L1 has to know, as shell assignments.
lab_env() {
	local emulated='' initrd

	case $(lab_accel) in *tcg*) emulated=1 ;; esac
	cat >"$1/env" <<-END
	export LAB_REPO=$REPO LAB_TRANSPORT=$TRANSPORT LAB_SCALE=${LAB_SCALE:-1}
	export LAB_HUNG=$LAB_HUNG
	export LAB_FULL=${LAB_FULL:-} LAB_LESS=${LAB_LESS:-1}
	export LAB_MESSAGES=${LAB_MESSAGES:-100000}
	export LAB_OPS=${LAB_OPS:-20000} LAB_SEED=${LAB_SEED:-}
	export LAB_EMULATED=$emulated LAB_WATCHDOG="$LAB_WATCHDOG"
	export LAB_BOOTS=${LAB_BOOTS:-5} LAB_MINUTES=${LAB_MINUTES:-60}
	export LAB_HOST_KVER=$HOST_KVER LAB_GUEST_KVER=$GUEST_KVER
	export LAB_GUEST_VMLINUZ=$GUEST_VMLINUZ LAB_GUEST_MODDIR=$GUEST_MODDIR
	export LAB_CASES="$CASES" LAB_SCRIPT=$SCRIPT LAB_KEEP=$KEEP
	END
	initrd=$(lab_initrd "$GUEST_KVER" "$GUEST_MODDIR")
	cp "$initrd" "$1/guest.initrd"
	[ "$TRANSPORT" != virtsock ] ||
		cp "$(lab_bare "$initrd" "$GUEST_KVER" "$GUEST_MODDIR")" "$1/bare.initrd"
}

# lab_boot OUT SECONDS: starts L1 in the background; sets BOOT_PID. Results
# arrive in OUT/result; the last one is "gone", when QEMU has ended. Its exit
# status, or "timeout", is in OUT/qemu.status then.
lab_boot() {
	local out=$1 status=0 began=$SECONDS

	lab_env "$out"
	mkdir -p "$out/cases"
	: >"$out/result"
	(
		lab_qemu "$out" "$2" </dev/null >"$out/qemu.log" 2>&1 || status=$?
		[ $((SECONDS - began)) -lt "$2" ] || status=timeout
		echo "$status" >"$out/qemu.status"
		printf '\ngone\n' >>"$out/result"
	) &
	# shellcheck disable=SC2034 # for the caller
	BOOT_PID=$!
	lab_nudge "$out" "$BOOT_PID" >/dev/null 2>&1 &
}

# lab_nudge OUT PID: press a key every two seconds, as long as PID is there. An
# emulated CPU that halts may sleep through the interrupt that made a task
# runnable, and through its own timer, until another device interrupts it. That
# is all a key does: no task waits for one, so none that was forgotten wakes.
lab_nudge() {
	until [ -S "$1/nudge" ]; do
		kill -0 "$2" || return 0
		sleep 0.2
	done
	while kill -0 "$2" && echo 'sendkey shift'; do
		sleep 2
	done | socat - "UNIX-CONNECT:$1/nudge"
}

# lab_qemu OUT SECONDS: runs it.
lab_qemu() {
	local out=$1 accel initrd i ports=()

	for i in 0 1 2 3; do
		ports+=(-chardev "socket,id=a$i,path=$out/agent$i,server=on,wait=off")
		ports+=(-device "virtserialport,chardev=a$i,name=agent$i")
	done
	initrd=$(lab_initrd "$HOST_KVER" "$HOST_MODDIR")
	read -ra accel <<<"$(lab_accel)"
	timeout -k 5 "$2" qemu-system-x86_64 -pidfile "$out/pid" -nodefaults -M q35 "${accel[@]}" \
		-m "${LAB_MEM:-4G}" -smp "$HOST_SMP" -nic none -display none \
		-no-reboot -monitor "unix:$out/monitor,server=on,wait=off" \
		-chardev "socket,id=nudge,path=$out/nudge,server=on,wait=off" \
		-mon chardev=nudge,mode=readline \
		-serial "file:$out/host.log" \
		-serial "file:$out/result" \
		-device virtio-serial-pci "${ports[@]}" \
		-virtfs local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap \
		-virtfs "local,path=$out,mount_tag=out,security_model=none" \
		-kernel "$HOST_VMLINUZ" -initrd "$initrd" \
		-append "console=ttyS0 loglevel=5 panic=-1 mitigations=off $LAB_WATCHDOG LAB_INIT=$REPO/tests/lab/host/init LAB_SCALE=${LAB_SCALE:-1} LAB_HUNG=$LAB_HUNG LAB_REPO=$REPO LAB_KVER=$HOST_KVER LAB_MODDIR=$HOST_MODDIR"
}

lab_stop() {
	kill "$(<"$1/pid")" 2>/dev/null || true
}

# lab_hang OUT: what the CPUs of an L1 that no longer answers are doing.
lab_hang() {
	local i

	for i in 1 2 3; do
		# shellcheck disable=SC2016 # $pc is for the monitor
		printf '%s\n' 'info registers -a' 'x/8i $pc' |
			timeout 5 socat -t 2 - "UNIX-CONNECT:$1/monitor"
	done >"$1/hang.log" 2>&1 || true
}
