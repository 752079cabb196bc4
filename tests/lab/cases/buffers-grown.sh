# SPDX-License-Identifier: GPL-2.0-only
# case: large buffers are bounded by memory, given back, and can be turned off
# timeout: 180
# shellcheck source=tests/lab/host/api.sh
. "$LAB_REPO/tests/lab/host/api.sh"
needs_virtsock
vm A
P=/sys/module/virtsock_core/parameters

given_back() {
	[ "$(cat $P/buffers_grown_kb)" = 0 ] &&
		[ "$(guest A cat $P/buffers_grown_kb)" = 0 ]
}

# grown KB: sockets of the host that move much, one after the other, with this
# buffer_kb. The most that they had beyond the default is in $most then, and
# what failed as it needs the larger buffer in $API_FAILED.
grown() {
	local watcher

	echo "$1" >$P/buffer_kb
	while :; do
		cat $P/buffers_grown_kb
		nap 0.02
	done >"$LAB_TMP/seen" &
	watcher=$!
	API_FAILED=''
	api_at A host bufsize.grown
	kill $watcher
	wait $watcher || :
	most=$(sort -n "$LAB_TMP/seen" | tail -n 1)
	note "buffer_kb $1: $most KiB"
	until_ok 10 given_back
}

was=$(cat $P/buffer_kb)
share=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) / 32))

grown "$was"
[ -z "$API_FAILED" ] || fail "$API_FAILED"
[ "$most" = $((2 * (was - 256))) ] || fail "by default: $most KiB"
# Nearly all of the share is one socket's, and then a little more than all.
grown $((share / 2))
[ "$most" = $((2 * (share / 2 - 256))) ] || fail "within the share: $most KiB"
grown $((share / 2 + 1024))
[ "$most" = 0 ] && [ -n "$API_FAILED" ] || fail "beyond the share: $most KiB"
grown 256
[ "$most" = 0 ] && [ -n "$API_FAILED" ] || fail "turned off: $most KiB"
echo "$was" >$P/buffer_kb
