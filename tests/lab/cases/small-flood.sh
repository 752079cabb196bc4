# SPDX-License-Identifier: GPL-2.0-only
# case: 200,000 messages of 1 to 64 bytes, the receiver late
# timeout: 300
vm A
pair host A recv send size=1-64 count=200000 slow=2000
pair A host recv send size=1-64 count=200000 slow=2000
# Messages of a seqpacket socket cannot be merged on the way.
pair host A recv send type=seq size=1-64 count=30000 slow=2000
pair A host recv send type=seq size=1-64 count=30000 slow=2000
