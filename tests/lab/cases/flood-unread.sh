# SPDX-License-Identifier: GPL-2.0-only
# case: seqpacket messages unread until the sender blocks; then all of them arrive
# timeout: 300
vm A
flood A set=unread full=${LAB_FULL:-0}
