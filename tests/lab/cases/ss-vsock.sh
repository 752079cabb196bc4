# SPDX-License-Identifier: GPL-2.0-only
# case: ss --vsock shows listeners and connections of both sides, and no longer than they are
# timeout: 180
vm A

# shown PLACE STATE LOCAL PEER: ss there has one such line; prints it without
# its type, which ss does not know of messages.
shown() {
	local line

	line=$(awk -v s="$2" -v l="$3" -v p="$4" \
		'$2 == s && $5 ~ "^" l "$" && $6 ~ "^" p "$" { print $5, $6 }' "$LAB_TMP/ss.$1")
	[ "$(wc -w <<<"$line")" -eq 2 ] || fail "$1: not one socket $2 $3 $4: $line"
	echo "$line"
}

look() {
	ss --vsock -an >"$LAB_TMP/ss.host"
	guest A ss --vsock -an >"$LAB_TMP/ss.guest"
}

bg server vst listen hold port=3001
bg server2 guest A vst listen hold port=3002 type=seq
ready server
ready server2
bg client guest A vst connect hold cid=2 port=3001
bg client2 vst connect hold cid=42 port=3002 type=seq
for name in client client2 server server2; do
	ready $name RUNNING
done
look
cat "$LAB_TMP/ss.host" "$LAB_TMP/ss.guest"
shown host LISTEN '\\*:3001' '\\*:\\*'
shown guest LISTEN '\\*:3002' '\\*:\\*'
# The peer's port is the one that the peer has.
peer=$(shown host ESTAB 2:3001 '42:[0-9]+')
shown guest ESTAB "(42|\\\\*):${peer##*:}" 2:3001
peer=$(shown guest ESTAB 42:3002 '2:[0-9]+')
shown host ESTAB "(2|\\\\*):${peer##*:}" 42:3002

for name in client client2 server server2; do
	stop $name
done
t=$SECONDS
until look && ! grep -E ':300[12]([^0-9]|$)' "$LAB_TMP/ss.host" "$LAB_TMP/ss.guest"; do
	[ $((SECONDS - t)) -lt 20 ] || fail "sockets are left"
	nap 0.2
done
