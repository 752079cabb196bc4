# SPDX-License-Identifier: GPL-2.0-only
# case: 1,000,000 messages of 1 to 64 bytes from the guest to the host
# when: once
# timeout: 400
vm A
pair host A recv send size=1-64 count=1000000 seed=21
# Those of a seqpacket socket are not merged on the way: they take longer.
count=300000
if [ -n "$LAB_FULL" ]; then
	count=1000000
fi
pair host A recv send type=seq size=1-64 count=$count seed=22
