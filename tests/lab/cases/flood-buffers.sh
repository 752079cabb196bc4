# SPDX-License-Identifier: GPL-2.0-only
# case: floods of single bytes: buffers of 128 B to 1 MiB, every kind of writer and reader
# timeout: 900
vm A
flood A set=buffers full=${LAB_FULL:-0}
flood A set=partial full=${LAB_FULL:-0}
