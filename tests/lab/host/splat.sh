# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Kernel complaints on L1 and in its guests, from splat_mark on.

SPLAT='BUG:|WARNING:|Oops|general protection|KASAN|UBSAN|KFENCE|Call Trace'
SPLAT="$SPLAT|refcount_t|possible circular locking|inconsistent lock state"
SPLAT="$SPLAT|suspicious RCU usage|rcu_.*stall|blocked for more than"
SPLAT="$SPLAT|soft lockup|hard LOCKUP|Kernel panic|unable to handle"
SPLAT="$SPLAT|list_(add|del) corruption|double free|scheduling while atomic"
SPLAT="$SPLAT|sleeping function called|unregister_netdevice: waiting"
# What die() of any kernel says: "Oops: int3: 0000 [#1]", "divide error: 0000 [#1]"
SPLAT="$SPLAT|: [0-9a-f]{4} \\[#[0-9]+\\]"

splat_mark() {
	local log

	dmesg -C
	rm -f /run/lab/mark.*
	for log in /run/lab/vm/*/console; do
		[ -e "$log" ] || continue
		stat -L -c %s "$log" >"/run/lab/mark.$(basename "${log%/console}")"
	done
}

# New output of each guest's console, with its name; and all output of those
# that were booted since, as they may be gone by now.
splat_guests() {
	local log vm from

	for log in /run/lab/vm/*/console; do
		[ -e "$log" ] || continue
		vm=$(basename "${log%/console}")
		from=0
		[ -e "/run/lab/mark.$vm" ] && from=$(cat "/run/lab/mark.$vm")
		[ "$(stat -L -c %s "$log")" -ge "$from" ] || from=0
		tail -c "+$((from + 1))" "$log" | tr -d '\r' | sed "s/^/guest $vm: /"
	done
	for log in "$LAB_OUT"/guest-*."${LAB_CASE:-none}"{,.[0-9]*}.log; do
		[ -e "$log" ] || continue
		vm=${log##*/guest-}
		tr -d '\r' <"$log" | sed "s/^/guest ${vm%%.*}, of this case: /"
	done
}

# What TCG alone can be blamed for: it gives guests of an emulated host the trap
# flag now and then, in any code and early at boot, and the kernel of the guest
# says once that nobody had asked for a single step. Nothing else has that line.
# Only a whole report with no other complaint in it is left out.
splat_step() {
	if [ -z "${LAB_EMULATED:-}" ]; then
		cat
		return
	fi
	awk -v splat="${SPLAT//\\/\\\\}" '
	function flush() { printf "%s", block; block = ""; on = step = other = 0 }
	/------------\[ cut here \]/ { flush(); on = 1 }
	!on { print; next }
	{ block = block $0 "\n" }
	/WARNING: .* exc_debug_kernel\+/ { step = 1; next }
	$0 ~ splat && !/Call Trace/ { other = 1 }
	/---\[ end trace/ { if (step && !other) block = ""; flush() }
	END { flush() }'
}

splat_show() {
	dmesg | sed 's/^/host: /'
	splat_guests | splat_step
}

splat_find() {
	splat_show | grep -E -m 1 "$SPLAT"
}
