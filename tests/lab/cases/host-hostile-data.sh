# SPDX-License-Identifier: GPL-2.0-only
# case: host programs that look, keep, splice, tee and redirect (sockmap) while the guest rewrites its buffers: content is right, no long hypercall
# when: once
# clock: yes
# timeout: 240
needs_virtsock
# shellcheck source=tests/lab/host/api.sh
. "$LAB_REPO/tests/lab/host/api.sh"
# shellcheck source=tests/lab/host/hostile.sh
. "$LAB_REPO/tests/lab/host/hostile.sh"
vm A
vm_own A

# The sender has one buffer for all of its messages.
keeps() {
	pair host A holder send size=65536 count=60 slow=5
	pair host A holder send size=1-9000 count=400 chunk=3000 slow=2
	pair host A holder send type=seq size=1-200000 count=60 slow=5
	pair host A holder send type=seq size=100 count=300 slow=1
}

redirects() {
	API_FAILED=''
	api_at host A sockmap.to-vsock sockmap.from-unix sockmap.to-unix-reader sockmap.moved
	[ -z "$API_FAILED" ] || fail "broken: $API_FAILED"
}

watch_on
HOSTILE_SECS=6
beside keeps keeps
beside redirects redirects
watch_off
