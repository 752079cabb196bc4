# SPDX-License-Identifier: GPL-2.0-only
# case: the host merges equal pages and builds huge ones while traffic runs
# when: full
# timeout: 300
host_load
ksm=/sys/kernel/mm/ksm thp=/sys/kernel/mm/transparent_hugepage
echo always >$thp/enabled
echo always >$thp/defrag
echo 50 >$thp/khugepaged/scan_sleep_millisecs
echo 4096 >$thp/khugepaged/pages_to_scan
vm_boot B -machine mem-merge=on
vm_own B
vm_bind B
vm_load B

# Equal pages, enough of them to keep both busy.
bg fill guest B python3 -c 'import signal
x = bytearray(b"virtsock") * (16 << 20)
print("READY", flush=True)
signal.pause()'
until_ok 90 grep READY "$LAB_TMP/fill.out"
echo 0 >$ksm/sleep_millisecs
echo 2000 >$ksm/pages_to_scan
echo 20 >$ksm/sleep_millisecs
echo 1 >$ksm/run

# Ring and buffers lie idle and equal (zeroes) until they were merged, too.
scans=$(<$ksm/full_scans)
until_ok 120 eval '[ "$(<$ksm/full_scans)" -ge $((scans + 2)) ]'
note "$(<$ksm/pages_sharing) pages are shared"
[ "$(<$ksm/pages_sharing)" -gt 10000 ] || fail "nothing was merged"
exercise B

# And in the middle of it: merged, broken, merged again.
bg long vst listen bidi port=1900 size=1-30000 count=3000
ready long
bg peer guest B vst connect bidi cid=2 port=1900 size=1-30000 count=3000
for i in 1 2 3; do
	guest B sh -c 'echo 3 >/proc/sys/vm/drop_caches'
	pair host B bidi bidi size=1-5000 count=100 seed=$i
	echo 2 >$ksm/run
	echo 1 >$ksm/run
done
ends peer 120
ends long 120
stop fill
echo 2 >$ksm/run
echo 0 >$ksm/run
vm_kill B
