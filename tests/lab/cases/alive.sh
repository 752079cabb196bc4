# SPDX-License-Identifier: GPL-2.0-only
# case: with connections, a guest asks whether the link lives a second after its last call, whenever that was
# when: once
# clock: yes
# timeout: 300
needs_virtsock
vm A
dir=/sys/kernel/tracing/instances/alive
mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
mkdir -p $dir
trap 'say_rest; echo 0 >$dir/events/enable; rmdir $dir' EXIT

bg hold vst listen hold port=1540
ready hold
bg peer guest A vst connect hold cid=2 port=1540
ready peer RUNNING

# Calls between two that ask, at all distances from them, and then none. The host
# has the hypercalls' times.
echo 1 >$dir/events/virtsock/virtsock_vm_hypercall/enable
for i in {1..8}; do
	vst connect-error cid=42 port=1542 within=30000
	nap 2.3
done
echo 0 >$dir/events/virtsock/virtsock_vm_hypercall/enable
gaps=$(awk '/ virtsock_vm_hypercall: cid=42 / {
		for (i = 1; i <= NF && $i !~ /^[0-9]+\.[0-9]+:$/; i++);
		now = $i * 1000
		if (last) printf "%d\n", now - last
		last = now
	}' $dir/trace | sort -rn | head -n 8 | tr '\n' ' ')
note "the longest times without a call, in ms: $gaps"
read -ra gap <<<"$gaps"
[ "${gap[7]}" -ge 500 ] || fail "there was no time without calls"
# One is for an emulated CPU that does other things.
[ "${gap[1]}" -lt 1400 ] || late "the guest asked too late"
stop peer
stop hold
