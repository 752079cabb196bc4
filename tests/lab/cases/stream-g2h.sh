# SPDX-License-Identifier: GPL-2.0-only
# case: stream from the guest to the host, content checked
# timeout: 120
vm A
pair host A recv send size=1 count=1
pair host A recv send size=1 count=2000
pair host A recv send size=56 count=20000 seed=2
pair host A recv send size=256 count=20000 seed=3
pair host A recv send size=1-3000 count=2000 seed=4
pair host A recv send size=65536 count=200 seed=5
pair host A recv send size=1000001 count=8 seed=6 chunk=4097
pair host A recv send size=1-100000 count=100 seed=7 nonblock=1
pair host A recv send size=1-100000 count=100 seed=8 et=1
# A window far smaller than the messages.
pair host A recv send size=10000 count=50 seed=9 buf=2048 chunk=333
# The receiver comes late: the sender waits, nothing is lost.
pair host A recv send size=4096 count=500 seed=10 slow=500
