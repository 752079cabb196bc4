# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The subtests of vsapi (prog/vsapi), for cases that source this.
#
#   api NAME...			groups or group.test, the subject in the guest
#				and then on the host
#   api_at SUBJECT HELPER NAME...	one of the two; a place is 'host' or a guest
#
# A case that uses api_at itself sets API_FAILED='' before and looks at it
# afterwards.

API_PORT=5000

# What the vsock core or its common code cannot do, whatever the transport.
# lowat.partial: room is counted in whole packets, so a reader that took part
# of one and waits for nearly all of the buffer waits for ever.
# uring.connect: the io_uring of 6.1 takes any wake-up for the end of connect().
# lowat.edge: nobody is told there when the mark is raised.
API_KNOWN='stream.lowat.partial'
case "$LAB_HOST_KVER $LAB_GUEST_KVER" in
*6.1.*)	API_KNOWN+=' stream.uring.connect seqpacket.uring.connect stream.lowat.edge' ;;
esac

# What the peers cannot do and virtsock can: buffers smaller than the bookkeeping
# of one message, and a buffer that becomes smaller while data is on its way.
# uring.connect: the request that is freed makes its socket look writable.
API_KNOWN_PEERS='stream.bufsize.before seqpacket.bufsize.before
	stream.bufsize.before-one seqpacket.bufsize.before-one
	stream.bufsize.connected seqpacket.bufsize.connected
	seqpacket.bufsize.zero seqpacket.bufsize.zero-connected
	stream.bufsize.shrink seqpacket.bufsize.shrink
	stream.bufsize.flow seqpacket.bufsize.flow
	stream.bufsize.grown seqpacket.bufsize.grown
	stream.lowat.own stream.lowat.raised stream.lowat.large stream.lowat.edge
	stream.uring.connect seqpacket.uring.connect'
API_KNOWN_PEERS=${API_KNOWN_PEERS//[$'\n\t']/ }

api_run() {
	local place=$1
	shift
	if [ "$place" = host ]; then
		"$@"
	else
		guest "$place" "$@"
	fi
}

api_at() {
	local subject=$1 helper=$2 known=$API_KNOWN failed
	shift 2

	[ "$LAB_TRANSPORT" = virtsock ] && [ -z "${API_CID:-}" ] ||
		known+=" $API_KNOWN_PEERS"
	API_PORT=$((API_PORT + 1))
	bg helper api_run "$helper" vsapi serve $API_PORT
	ready helper
	echo "+ subject $subject, helper $helper"
	api_run "$subject" env "VSAPI_KNOWN=$known" \
		vsapi run "${API_CID:-$(cid_of "$helper")}" $API_PORT "$@" |
		tee "$LAB_TMP/api.ktap" || :
	failed=$(sed -n 's/^FAIL: //p' "$LAB_TMP/api.ktap" | tr '\n' ' ')
	grep -q '^[1-9][0-9]* passed, [0-9]* failed$' "$LAB_TMP/api.ktap" ||
		failed+='(ended early)'
	[ -z "$failed" ] || API_FAILED+="subject on $subject: $failed"
	ends_any helper
}

api() {
	API_FAILED=''
	api_at A host "$@"
	api_at host A "$@"
	[ -z "$API_FAILED" ] || fail "$API_FAILED"
}
