# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What became of an emulated host (L1) that did not end in order: is it a
# failure, or may it be booted once more?
#
# A hang is a failure, and so is a crash, in whatever code: what virtsock breaks
# need not show it in a trace. Some things are the emulation's own:
#
# - QEMU itself died (of a signal, or with an error), and neither the host nor a
#   guest had complained.
# - "int3" in the kernel of an emulated host with more than one CPU, where there is
#   no breakpoint: TCG may run that of a patching of the text when the patching is
#   over (splat_stale). Of 36 boots with five CPUs on two, two met one.
# - A guest of an emulated host that overflows the stack on which its kernel is
#   entered and left: only the kernel's own first and last instructions run there,
#   with none of a module. Where one of them faults that the kernel knows no way out
#   of, as after flags that TCG got wrong (lab_accel), the handlers run on it too.
#   Of some thousand guests one met it. The case is tried once more.

# shellcheck source=tests/lab/host/splat.sh
. "$REPO/tests/lab/host/splat.sh"

# lab_since LOG MARK: the console after its last line that ends with MARK; all
# of it if there is none.
lab_since() {
	tr -d '\r\000' <"$1" | splat_races | awk -v mark="$2" '
	{ line[NR] = $0 }
	mark != "" && substr($0, length($0) - length(mark) + 1) == mark { from = NR }
	END { for (i = from + 1; i <= NR; i++) print line[i] }'
}

# lab_between LOG: the first complaint outside of all cases, which no case saw.
lab_between() {
	tr -d '\r\000' <"$1" | splat_races | awk -v splat="$SPLAT" '
	/virtsock-lab: begin / { inside = 1 }
	/virtsock-lab: end / { inside = 0 }
	!inside && !found && $0 ~ splat { print; found = 1 }'
}

# lab_guests OUT: what its guests said, those of earlier cases as well, which may have
# run on; but for panics that a case has caused, and single steps.
lab_guests() {
	local log LAB_EMULATED=''

	case $(lab_accel) in *tcg*) LAB_EMULATED=1 ;; esac
	for log in "$1"/guest-*.log; do
		[ -e "$log" ] || continue
		tr -d '\r\000' <"$log" | splat_asked | splat_step | splat_races
	done
}

# lab_int3 FIRST < CONSOLE: is the complaint FIRST of this console that known one?
lab_int3() {
	[ "$HOST_SMP" -gt 1 ] || return
	case $(lab_accel) in *tcg*) ;; *) return 1 ;; esac
	awk -v first="$1" '$0 == first { on = 1 } on { print }' | splat_stale
}

# lab_once_more LOOKS TEXT: may a case that failed for TEXT have another try? By a
# clock (host/lib.sh), where its header says that it LOOKS at one: others may have had
# the CPU.
lab_once_more() {
	case $1:$2 in
	yes:late:*)	return ;;
	*:'kernel: guest '*'] BUG: ENTRY_TRAMPOLINE stack guard page was hit'*) ;;
	*)		return 1 ;;
	esac
	case $(lab_accel) in *tcg*) ;; *) return 1 ;; esac
}

# lab_judge OUT MARK: a boot that did not end in order and whose case began with
# MARK; $hang is set if it was silent. True if that is a failure. Says in $why
# what it was.
lab_judge() {
	local out=$1 said first guest status

	# shellcheck disable=SC2034 # for the caller
	verdict=''
	said=$(lab_since "$out/host.log" "$2")
	first=$(grep -aE -m 1 "$SPLAT" <<<"$said") || true
	guest=$(lab_guests "$out" | grep -aE -m 1 "$SPLAT") || true
	status=$(cat "$out/qemu.status" 2>/dev/null) || true
	if [ -n "$first" ] && [ -z "$guest" ] && lab_int3 "$first" <<<"$said"; then
		verdict="the emulation of several CPUs: $first"
		return 1
	elif [ -n "$hang" ]; then
		verdict="the host hangs, see hang.log and host.log"
	elif [ -n "$first" ]; then
		verdict="the host crashed: $first"
	elif [ -n "$guest" ]; then
		verdict="the host ended early, a guest had said: $guest"
	elif [ "${status:-0}" = timeout ]; then
		verdict="the host was still not done when its time was over"
	elif [ "${status:-0}" -ne 0 ]; then
		verdict="QEMU died, with status $status and without a message"
		return 1
	else
		verdict="the host ended early, without a message"
	fi
}

# lab_hung OUT STATUS: read returned STATUS; was it because nothing came for too
# long? Then asks what all tasks, or at least the CPUs, are doing, and sets
# $hang. Always false, to end the loop.
lab_hung() {
	local out=$1 i

	if [ "$2" -gt 128 ]; then
		echo "# the emulated host no longer answers; see host.log and hang.log"
		# shellcheck disable=SC2016 # expanded over there
		timeout 20 "$BIN/labctl" "$out" \
			sh -c 'for c in w t l; do echo $c >/proc/sysrq-trigger; done' || true
		sleep 3
		lab_hang "$out"
		lab_stop "$out"
		# QEMU removes that file when it ends.
		for ((i = 0; i < 50; i++)); do
			[ -e "$out/pid" ] || break
			sleep 0.1
		done
		[ ! -e "$out/pid" ] || kill -9 "$(<"$out/pid")" || true
		# shellcheck disable=SC2034 # for the caller
		hang=1
	fi
	return 1
}
