# SPDX-License-Identifier: GPL-2.0-only
# case: the first connection after boot, from either side, in fresh guests
# when: once
# timeout: 900
# LAB_BOOTS says how many boots. The client tries from before the module is
# loaded, so its connection is the first thing that the link carries.
needs_virtsock
host_load
if vm_alive B; then
	vm_kill B
fi
slowest=0
for ((i = 1; i <= ${LAB_BOOTS:-5}; i++)); do
	vm_boot B
	vm_own B
	vm_bind B
	# The address family, but no transport yet
	guest B modprobe vsock
	if ((i % 2)); then
		from=guest
		bg server vst listen echo port=1400
		ready server
		bg client guest B vst first cid=2 port=1400 size=56 within=$((5000 * LAB_SCALE))
	else
		from=host
		bg server guest B vst listen echo port=1400
		ready server
		bg client vst first cid=43 port=1400 size=56 within=$((5000 * LAB_SCALE))
	fi
	ready client TRYING
	vm_load B
	ends client 15
	ends server
	us=$(sed -n 's/.*answered after \([0-9]*\) us.*/\1/p' "$LAB_TMP/client.out")
	[ -n "$us" ] || fail "boot $i: no answer"
	echo "+ boot $i, $from first: $us us"
	((us <= slowest)) || slowest=$us
	vm_kill B
done
note "$((i - 1)) boots, slowest first answer after $slowest us"
