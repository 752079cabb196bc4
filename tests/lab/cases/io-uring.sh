# SPDX-License-Identifier: GPL-2.0-only
# case: io_uring: accept, connect, send, recv, poll, cancel, zero-copy
# timeout: 120
# shellcheck source=tests/lab/host/api.sh
. "$LAB_REPO/tests/lab/host/api.sh"
vm A
api uring
