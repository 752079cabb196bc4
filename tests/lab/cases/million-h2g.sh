# SPDX-License-Identifier: GPL-2.0-only
# case: 1,000,000 messages of 1 to 64 bytes from the host to the guest
# when: once
# timeout: 400
vm A
pair A host recv send size=1-64 count=1000000 seed=23
# Those of a seqpacket socket are not merged on the way: they take longer.
count=300000
if [ -n "$LAB_FULL" ]; then
	count=1000000
fi
pair A host recv send type=seq size=1-64 count=$count seed=24
