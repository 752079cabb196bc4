# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# For cases in which programs of the host mean harm to a guest: how long its
# hypercalls take and how much they do, and what its other programs notice.
#
#   watch_on		from now on; the guest's name is A
#   beside NAME CMD...	CMD, while a program of the guest wants to be woken each
#			ms, and another asks the host for answers
#   watch_off		fails where a hypercall was long, or did too much
#
# The bounds in records, packets and bytes are those of Documentation/security.md,
# and hard ones. Those in time are generous: an emulated CPU, which others share,
# does in them what a real one does in a hundredth.

# ms that a program of the guest may be late
HOSTILE_GAP=500

hostile_dir=/sys/kernel/tracing/instances/hostile
hostile_call=$hostile_dir/events/virtsock/virtsock_vm_hypercall
hostile_hist='hist:keys=duration.log2:sort=duration'
# A record of 64 KiB may pass 1 MiB; one that is large becomes several packets on 6.1.
hostile_pull='bytes >= 1114112 || records > 4096 || packets > 4608'
hostile_push='bytes > 1048576 || records > 4096 || packets > 1024'

# hostile_never EVENT FILTER: what matches is kept to be shown.
hostile_never() {
	local event=$hostile_dir/events/virtsock/virtsock_vm_$1

	echo "$2" >"$event/filter"
	echo 1 >"$event/enable"
}

hostile_off() {
	# It may not have come to have these.
	echo 0 >$hostile_dir/events/virtsock/enable || :
	echo "!$hostile_hist" >$hostile_call/trigger || :
	rmdir $hostile_dir
}

watch_on() {
	mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
	# Of a case that failed
	[ ! -d $hostile_dir ] || hostile_off
	mkdir $hostile_dir
	echo "$hostile_hist" >$hostile_call/trigger
	hostile_never pull "$hostile_pull"
	hostile_never push "$hostile_push"
}

# The longest so far, as a power of two of ns that none has reached.
hostile_longest() {
	echo $(($(sed -n 's/.*duration: ~ 2^\([0-9]*\).*/\1/p' $hostile_call/hist |
		sort -n | tail -n 1) + 1))
}

beside() {
	local name=$1 secs=${HOSTILE_SECS:-4} us
	shift

	PORT=$((PORT + 1))
	bg echo vst listen echo port=$PORT
	ready echo
	bg tick guest A vst tick within=$((secs * 1000))
	ready tick RUNNING
	bg ping guest A vst connect ping cid=2 port=$PORT count=300 size=100
	"$@"
	ends ping 60
	ends echo
	ends tick 60
	us=$(sed -n 's/^late by \([0-9]*\) us .*/\1/p' "$LAB_TMP/tick.out")
	note "$name: $(tail -n 1 "$LAB_TMP/tick.out"); hypercalls so far below $(((1 << $(hostile_longest)) / 1000)) us"
	[ "$us" -le $((HOSTILE_GAP * LAB_SCALE * 1000)) ] ||
		late "$name: a program of the guest was woken $((us / 1000)) ms late"
}

watch_off() {
	local longest

	cat $hostile_call/hist
	longest=$(hostile_longest)
	[ "$longest" -gt 1 ] || fail "no hypercall was measured"
	echo 0 >$hostile_dir/events/virtsock/enable
	grep -v '^#' $hostile_dir/trace >"$LAB_TMP/too-much" || :
	hostile_off
	if [ -s "$LAB_TMP/too-much" ]; then
		head -n 20 "$LAB_TMP/too-much"
		fail "$(wc -l <"$LAB_TMP/too-much") hypercalls did more than they may"
	fi
	[ "$longest" -le "$LONGEST_CALL" ] ||
		late "a hypercall took more than $(((1 << (longest - 1)) / 1000000)) ms"
}
