# SPDX-License-Identifier: GPL-2.0-only
# case: large messages that nobody reads stay what they are, whatever comes after
# timeout: 180
needs_virtsock
vm A
ARGS="size=65536 count=100 slow=1"

# Where packets refer to the buffer that a batch came in, a dozen connections
# that are not read hold all of these buffers, and more than that.
# unread WHO-READS WHO-SENDS CID: both as in "guest A"
unread() {
	local reads=$1 sends=$2 cid=$3 type go

	go=$([ -n "$reads" ] && echo /tmp/go || echo "$LAB_TMP/go")
	$reads rm -f "$go"
	for type in stream seq; do
		bg "late.$type" $reads vst late port=120 n=6 type=$type $ARGS go="$go" \
			expect=success
		ready "late.$type"
		$sends vst spool cid="$cid" port=120 n=6 type=$type $ARGS end=close \
			>"$LAB_TMP/spool.$type"
		ready "late.$type" RUNNING
		# Others have theirs meanwhile, both ways.
		bg bidi $reads vst listen bidi port=121 size=1-65536 count=300
		ready bidi
		$sends vst connect bidi cid="$cid" port=121 size=1-65536 count=300
		ends bidi
		$reads touch "$go"
		ends "late.$type"
		grep '^conn' "$LAB_TMP/spool.$type" >"$LAB_TMP/sent"
		grep '^conn' "$LAB_TMP/late.$type.out" >"$LAB_TMP/got"
		cmp "$LAB_TMP/sent" "$LAB_TMP/got" || fail "$type: not what was sent"
		note "$type: $(awk '{ n += $4 } END { print n }' "$LAB_TMP/got") bytes, read late"
		$reads rm -f "$go"
	done
}

unread "" "guest A" 2
unread "guest A" "" "$(cid_of A)"
