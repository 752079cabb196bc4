# SPDX-License-Identifier: GPL-2.0-only
# case: MSG_ZEROCOPY: content, completions, their order, no memory
# timeout: 120
# shellcheck source=tests/lab/host/api.sh
. "$LAB_REPO/tests/lab/host/api.sh"
vm A
api zerocopy
