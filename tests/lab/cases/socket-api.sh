# SPDX-License-Identifier: GPL-2.0-only
# case: the socket API: connect, bind, poll, close, flags, iovecs, signals
# timeout: 180
# shellcheck source=tests/lab/host/api.sh
. "$LAB_REPO/tests/lab/host/api.sh"
vm A
api conn bind poll close share flags iovec signal
