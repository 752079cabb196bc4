# SPDX-License-Identifier: GPL-2.0-only
# case: SO_RCVLOWAT, timeouts, buffer sizes, SIOCINQ and SIOCOUTQ
# timeout: 180
# shellcheck source=tests/lab/host/api.sh
. "$LAB_REPO/tests/lab/host/api.sh"
vm A
api lowat timeo bufsize queue
