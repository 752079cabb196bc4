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
# What only a kernel that looks for faults says (6.12-debug). SLUB's
# complaints are "BUG kmalloc-64 (Tainted: G ...): ".
SPLAT="$SPLAT|ODEBUG: |kmemleak: [0-9]+ new suspected|BUG [-a-zA-Z0-9_]+ \\("
SPLAT="$SPLAT|trying to register non-static key|list_add double add"
# What die() of any kernel says: "Oops: int3: 0000 [#1]", "divide error: 0000 [#1]".
# The awk of Debian 12 has no {4}.
SPLAT="$SPLAT|: [0-9a-f][0-9a-f][0-9a-f][0-9a-f] \\[#[0-9]+\\]"

# Where each guest's console is, and how much of it there was
splat_mark() {
	local log

	dmesg -C
	for log in /run/lab/vm/*/console; do
		[ -e "$log" ] || continue
		echo "$(stat -L -c %s "$log") $(readlink "$log")"
	done >/run/lab/marks
}

# New output of each guest that was there, though it may be gone by now, and all of
# those that were booted since; with their names.
splat_guests() {
	local log vm from

	while read -r from log; do
		[ -e "$log" ] || continue
		vm=${log##*/guest-}
		tail -c "+$((from + 1))" "$log" | tr -d '\r' | sed "s/^/guest ${vm%%.*}: /"
	done </run/lab/marks
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

# The other thing of TCG's, where it emulates several CPUs: one of them may run the
# breakpoint of a patching of the kernel's text that is over, in any code, and the
# kernel no longer knows of it. Is that the first complaint of this console? The
# report shows the code that was run; where the byte before the trap's address is
# no breakpoint, nothing but a CPU that runs what is not there can have trapped.
splat_stale() {
	tr -d '\r' | awk -v splat="${SPLAT//\\/\\\\}" '
	over { next }	# to the end, or who writes is told of a broken pipe
	!on && $0 ~ splat { on = /(^| )int3: 0000 \[#1\]/; over = !on }
	on && /RIP: 0010:/ { kernel = 1 }
	on && /---\[ end trace|Modules linked in:/ { over = 1 }
	on && /Code: / {
		stale = kernel && /Code: .* [0-9a-f][0-9a-f] <[0-9a-f][0-9a-f]>/ &&
			!/( cc| cd 03) </
		over = 1
	}
	END { exit !stale }'
}

# Data races (6.12-kcsan) of code that is not ours are not ours to mend, and there
# are many: only a report with a function of virtsock's on one of its stacks counts.
splat_races() {
	awk '/BUG: KCSAN: / { on = 1; block = ""; ours = 0 }
	!on { print; next }
	{ block = block $0 "\n" }
	/virtsock/ { ours = 1 }
	/==========/ { if (ours) printf "%s", block; on = 0 }
	END { if (on) printf "%s", block }'
}

# Without what a guest said of a panic that somebody has asked it for: all from the
# key to the next kernel's first line.
splat_asked() {
	awk '/sysrq: Trigger a crash/ { on = 1 }
	/Linux version / { on = 0 }
	!on { print }'
}

# The same where the case itself has, which it says by a file "panics"
splat_panic() {
	if [ -e "${LAB_TMP:-/nowhere}/panics" ]; then
		splat_asked
	else
		cat
	fi
}

# A process that the kernel killed as its cgroup had no more memory, which the case
# has caused and says by a file "ooms": that whole report, and no other one.
splat_oom() {
	if [ ! -e "${LAB_TMP:-/nowhere}/ooms" ]; then
		cat
		return
	fi
	awk '/ invoked oom-killer: / { on = 1; block = "" }
	!on { print; next }
	{ block = block $0 "\n" }
	/ Memory cgroup out of memory: / { block = ""; on = 0 }
	END { printf "%s", block }'
}

splat_show() {
	dmesg | splat_oom | splat_races | sed 's/^/host: /'
	splat_guests | splat_panic | splat_step | splat_races
}

splat_find() {
	splat_show | grep -E -m 1 "$SPLAT"
}
