# SPDX-License-Identifier: GPL-2.0-only
# case: sockmap: redirected to and from unix and TCP sockets, at volume
# timeout: 120
# shellcheck source=tests/lab/host/api.sh
. "$LAB_REPO/tests/lab/host/api.sh"
vm A
api sockmap
