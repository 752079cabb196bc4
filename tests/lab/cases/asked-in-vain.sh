# SPDX-License-Identifier: GPL-2.0-only
# case: a program that asks a VM which stands still for connections, and closes, takes no memory
# timeout: 120
needs_virtsock
vm A
vm_own A

pair host A echo ping size=200 count=50
vm_qmp A stop
# Some go to per-CPU lists and the like.
vst ask cid="$(cid_of A)" port=77 n=1000
before=$(slabs)
vst ask cid="$(cid_of A)" port=77 n=10000
after=$(slabs)
vm_qmp A cont
note "10000 that were closed: $((after - before)) KiB"
[ $((after - before)) -le 4096 ] || fail "they are still there"
# None of it is in the way of who comes next.
pair host A echo ping size=200 count=50
pair A host echo ping size=200 count=50
