# SPDX-License-Identifier: GPL-2.0-only
# case: rmmod fails while sockets exist and disturbs nothing; then it works
# timeout: 180
needs_virtsock
vm A
bg hold vst listen hold port=902
ready hold
bg hold2 guest A vst connect hold cid=2 port=902
ready hold2 RUNNING
bg server vst listen recv port=901 size=1-4000 count=30000
ready server
bg client guest A vst connect send cid=2 port=901 size=1-4000 count=30000
bg server2 guest A vst listen recv port=903 size=1-4000 count=30000
ready server2
bg client2 vst connect send cid=42 port=903 size=1-4000 count=30000
if rmmod virtsock_host; then
	fail "rmmod on the host worked with a socket open"
fi
if guest A rmmod vmw_vsock_virtsock; then
	fail "rmmod in the guest worked with a socket open"
fi
for name in client server client2 server2; do
	ends $name 60
done
stop hold
stop hold2
# Other guests lose their link with it.
if vm_alive B; then
	vm_own B
fi
virtsock vm del --all
guest A rmmod vmw_vsock_virtsock
rmmod virtsock_host
rm -f /run/lab/loaded
virtsock vm show && fail "vm show works without the module"
host_load
vm_bind A
vm_load A
pair host A recv send size=1-5000 count=500
pair A host recv send size=1-5000 count=500
