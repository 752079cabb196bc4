# SPDX-License-Identifier: GPL-2.0-only
# case: both ends send and neither reads; others go on, and all of it arrives
# timeout: 300
vm A
flood A set=both full=${LAB_FULL:-0}
