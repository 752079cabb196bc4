# SPDX-License-Identifier: GPL-2.0-only
# case: virtsock link down and up in the guest
# timeout: 120
needs_virtsock
vm A
bg listener guest A vst listen echo port=801 n=2 expect=ECONNRESET
ready listener
bg drain vst listen drain port=802 size=64 expect=ECONNRESET
ready drain
bg hold guest A vst connect drain cid=2 port=802 expect=ECONNRESET
bg hostside vst connect drain cid=42 port=801 expect=ECONNRESET
# connected PLACE: to its listener, and from its client
connected() {
	local ss=(ss -H --vsock state established)

	[ "$1" = host ] || ss=(guest "$1" "${ss[@]}")
	[ "$("${ss[@]}" | grep -cE ':80[12]( |$)')" -eq 2 ]
}

until_ok 20 connected host
until_ok 20 connected A
guest A virtsock link show
guest A virtsock link down
ends drain 5
ends hold 5
ends hostside 5
guest A vst connect-error cid=2 port=802 within=30000
vst connect-error cid=42 port=801 within=30000
link_again A
# The listener has survived; its first connection was reset.
vst connect ping cid=42 port=801 count=20 size=200
pair host A recv send size=1-5000 count=500
pair A host recv send size=1-5000 count=500
