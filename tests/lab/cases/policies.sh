# SPDX-License-Identifier: GPL-2.0-only
# case: the flush policies, changed while the guest runs
# when: once
# timeout: 120
needs_virtsock
vm A
counter=$(vm_kvm A)/hypercalls
params=/sys/module/vmw_vsock_virtsock/parameters

# hypercalls COUNT: for so many messages of 56 bytes in one direction.
hypercalls() {
	bg recv vst listen recv port=1201 size=56 count="$1" counter="$counter"
	ready recv
	guest A vst connect send cid=2 port=1201 size=56 count="$1"
	ends recv 60
	n=$(sed -n 's/^hypercalls //p' "$LAB_TMP/recv.out")
	note "$(guest A cat $params/policy): $n hypercalls for $1 messages"
}

guest A sh -c "echo immediate >$params/policy"
hypercalls 2000
[ "$n" -ge 1500 ] || fail "immediate waits"
pair A host bidi bidi size=1-5000 count=200
guest A sh -c "echo full >$params/policy"
hypercalls 20000
[ "$n" -le 200 ] || fail "full does not wait"
pair A host bidi bidi size=1-5000 count=200
guest A "$LAB_REPO/build/virtsock" link show | grep -q 'policy full' ||
	fail "link show has another policy"
if guest A sh -c "echo lazy >$params/policy"; then
	fail "a policy that does not exist was taken"
fi
if guest A sh -c "echo 0 >$params/flush_usecs"; then
	fail "a deadline of 0 was taken"
fi

# Changed while a stream runs, and nothing is lost.
bg recv vst listen recv port=1202 size=1-200 count=30000
ready recv
bg send guest A vst connect send cid=2 port=1202 size=1-200 count=30000
guest A sh -c "for i in 1 2 3 4 5 6 7 8; do
	for p in immediate full adaptive; do echo \$p >$params/policy; done
done"
ends send 60
ends recv 60
[ "$(guest A cat $params/policy)" = adaptive ] || fail "not adaptive at the end"
