# SPDX-License-Identifier: GPL-2.0-only
# case: a program that calls shutdown() without end takes no memory, and no hypercalls
# timeout: 120
needs_virtsock
vm A
vm_own A

# records: that the guest has sent
records() {
	guest A virtsock -s -j link show | sed -n 's/.*"tx_records":\([0-9]*\).*/\1/p'
}

# The VM stands still: what is for it waits.
rm -f "$LAB_TMP/go"
bg hold guest A vst listen hold port=970
ready hold
bg shut vst connect shut cid="$(cid_of A)" port=970 count=100000 go="$LAB_TMP/go"
ready shut RUNNING
vm_qmp A stop
before=$(slabs)
touch "$LAB_TMP/go"
ready shut DONE
after=$(slabs)
vm_qmp A cont
note "100000 that the guest could not take: $((after - before)) KiB"
[ $((after - before)) -le 4096 ] || fail "they are kept"
stop shut
stop hold

bg hold vst listen hold port=971
ready hold
before=$(records)
bg shut guest A vst connect shut cid=2 port=971 count=10000
ready shut DONE
after=$(records)
note "10000 of the guest's: $((after - before)) records"
[ $((after - before)) -le 100 ] || fail "each was one"
stop shut
stop hold
pair host A echo ping size=200 count=50
pair A host echo ping size=200 count=50
