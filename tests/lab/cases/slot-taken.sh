# SPDX-License-Identifier: GPL-2.0-only
# case: another transport has the slot: load fails with the cause and the cure
# when: once
# timeout: 120
needs_virtsock
vm A
vm_own A
if vm_alive B; then
	vm_own B
fi
virtsock vm del --all

# The guest: virtio's transport is there first.
guest A rmmod vmw_vsock_virtsock
guest A modprobe vmw_vsock_virtio_transport
if guest A insmod "$LAB_REPO/build/$LAB_GUEST_KVER/vmw_vsock_virtsock.ko"; then
	fail "two guest transports are loaded"
fi
guest A dmesg | grep 'virtsock: another guest transport.*modprobe -r vmw_vsock_virtio_transport' ||
	fail "the guest's log does not name the cure"
guest A modprobe -r vmw_vsock_virtio_transport
guest A insmod "$LAB_REPO/build/$LAB_GUEST_KVER/vmw_vsock_virtsock.ko"

# The host: vhost_vsock is there first, and somebody uses it.
rmmod virtsock_host
rm -f /run/lab/loaded
modprobe vhost_vsock
exec 9<>/dev/vhost-vsock
if insmod "$LAB_REPO/build/$LAB_HOST_KVER/virtsock_host.ko"; then
	fail "two host transports are loaded"
fi
dmesg | grep 'virtsock: another host transport.*modprobe -r vhost_vsock' ||
	fail "the log does not name the cure"
dmesg | grep "virtsock: vhost_vsock is used by process $$ \|virtsock: vhost_vsock is used by process $BASHPID " ||
	fail "the log does not name the process"
exec 9>&-
modprobe -r vhost_vsock
host_load
vm_bind A
t=$SECONDS
until guest A "$LAB_REPO/build/virtsock" link show | grep -q 'state up'; do
	[ $((SECONDS - t)) -lt 20 ] || fail "no link after the module came back"
	nap 0.2
done
pair host A recv send size=1-5000 count=200
pair A host recv send size=1-5000 count=200

# We are there first: the others do not get in, nothing happens to us.
bg server vst listen echo port=1701
ready server
bg ping guest A vst connect ping cid=2 port=1701 size=2000 count=2000
if guest A modprobe vmw_vsock_virtio_transport || modprobe vhost_vsock; then
	fail "a second transport is loaded"
fi
ends ping
ends server
