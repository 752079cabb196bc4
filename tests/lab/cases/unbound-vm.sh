# SPDX-License-Identifier: GPL-2.0-only
# case: a guest whose VM is not bound is told so; vm add makes it work
# when: once
# timeout: 180
needs_virtsock
host_load
vm_boot B
vm_own B
vm_load B
guest B dmesg | grep -i virtsock || fail "the guest's log does not mention virtsock"
guest B dmesg | grep -iE 'virtsock.*(bound|bind|vm add)' ||
	fail "the guest's log does not say that the VM is not bound"
guest B vst connect-error cid=2 port=1 within=30000
vst connect-error cid=43 port=1 within=30000
bg echo vst listen echo port=950 n=1
ready echo
vm_bind B
t=$SECONDS
until guest B vst connect ping cid=2 port=950 count=5 size=64; do
	[ $((SECONDS - t)) -lt 60 ] || fail "no link 60 s after vm add"
	nap 0.5
done
note "the link came up within $((SECONDS - t)) s of vm add"
pair host B recv send size=1-5000 count=200
pair B host recv send size=1-5000 count=200
