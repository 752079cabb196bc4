# SPDX-License-Identifier: GPL-2.0-only
# case: the same subtests over the kernel's own loopback: what they stand on
# when: full
# timeout: 300
# shellcheck source=tests/lab/host/api.sh
. "$LAB_REPO/tests/lab/host/api.sh"
modprobe vsock_loopback
API_FAILED='' API_CID=1
api_at host host all
modprobe -r vsock_loopback
[ -z "$API_FAILED" ] || fail "$API_FAILED"
