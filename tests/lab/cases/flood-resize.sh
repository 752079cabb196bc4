# SPDX-License-Identifier: GPL-2.0-only
# case: buffers that shrink below what is queued, or grow, in mid-connection
# timeout: 300
vm A
flood A set=resize full=${LAB_FULL:-0}
