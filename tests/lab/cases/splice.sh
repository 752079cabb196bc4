# SPDX-License-Identifier: GPL-2.0-only
# case: sendfile, splice, vmsplice, tee
# timeout: 120
# shellcheck source=tests/lab/host/api.sh
. "$LAB_REPO/tests/lab/host/api.sh"
vm A
api splice
