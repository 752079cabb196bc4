# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# --direct: this machine is the host. It loads the modules into the kernel that
# runs here, so only where that is wanted; needs root, KVM and headers.

bench_direct_prepare() {
	[ "$(id -u)" -eq 0 ] || { echo "--direct needs root" >&2; return 2; }
	[ -e /dev/kvm ] || { echo "--direct needs /dev/kvm" >&2; return 2; }
	HOST_KVER=$(uname -r)
	# shellcheck disable=SC2034 # for boot/prepare.sh
	HOST_KDIR=/lib/modules/$HOST_KVER/build HOST_VMLINUZ='' HOST_MODDIR=/lib/modules/$HOST_KVER
	"$REPO/scripts/deps" lab
	kernel_of GUEST "$GUEST_SERIES"
	lab_programs
	# Modules that are there already, for a host that cannot build them.
	[ -n "${BENCH_BUILT:-}" ] || lab_modules
}

# bench_direct OUT: the same as a boot of the emulated host.
bench_direct() {
	local out=$1 pid status=0

	mkdir -p "$out/cases" /run/lab/vm /run/lab/out
	lab_env "$out"
	(
		# shellcheck disable=SC1091 # written by lab_env
		. "$out/env"
		export LAB_OUT=$out PATH=$BIN:$REPO/build:$PATH
		bash "$SCRIPT" 2>"$out/script.log"
	) | sed 's/^diag /# /' || status=$?
	for pid in /run/lab/vm/*/pid; do
		[ ! -e "$pid" ] || kill "$(<"$pid")" 2>/dev/null || true
	done
	rm -rf /run/lab/vm /run/lab/case
	return "$status"
}
