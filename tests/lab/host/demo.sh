# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The demo's part on the emulated host; what it prints is what the user sees.
export LAB_CASE=demo LAB_TMP=/run/lab/case/demo
mkdir -p "$LAB_TMP"
# shellcheck source=tests/lab/host/lib.sh
. "$LAB_REPO/tests/lab/host/lib.sh"
# shellcheck source=tests/lab/host/splat.sh
. "$LAB_REPO/tests/lab/host/splat.sh"

step() {
	echo
	echo "==> $*"
}

# on PLACE COMMAND: show a shell command and its output.
on() {
	echo "$1# $2"
	if [ "$1" = host ]; then
		sh -c "$2" 2>&1 | sed 's/^/    /'
	else
		guest A sh -c "$2" 2>&1 | sed 's/^/    /'
	fi
	[ "${PIPESTATUS[0]}" -eq 0 ]
}

# listener PLACE COMMAND: the same in the background, until it listens.
listener() {
	echo "$1# $2 &"
	if [ "$1" = host ]; then
		bg server sh -c "exec ${2/socat/socat -d -d}" >/dev/null
	else
		bg server guest A sh -c "exec ${2/socat/socat -d -d}" >/dev/null
	fi
	ready server listening
}

same() {
	[ "$1" = "$2" ] || fail "$3: the SHA-256 sums differ"
	echo "    equal: the file arrived as it was sent"
}

splat_mark
step "The host loads virtsock_host: nothing in its kernel is patched."
host_load
on host 'uname -r; lsmod | grep -E "^(virtsock|kvm)"'

step "A guest is started by an unmodified QEMU, without any vsock device."
vm_boot A
on guest 'uname -r; grep -ls vsock /sys/bus/*/devices/*/uevent || echo "no vsock device"'

step "The VM, which runs already, gets a CID; the guest loads its module."
echo "host# virtsock vm add pid $(vm_pid A) cid 42"
vm_bind A
echo "guest# insmod virtsock_core.ko; insmod vmw_vsock_virtsock.ko"
vm_load A
on guest 'virtsock link show'

step "Guest to host: socat in the guest connects to socat on the host (CID 2)."
listener host 'socat -u VSOCK-LISTEN:1234 STDOUT'
on guest 'echo "Hello host, this is the guest" | socat -u - VSOCK-CONNECT:2:1234'
ends server >/dev/null
echo "host received: $(grep Hello "$LAB_TMP/server.out")"

step "Host to guest: the same the other way round (the guest's CID is 42)."
listener guest 'socat -u VSOCK-LISTEN:1234 STDOUT'
on host 'echo "Hello guest, this is the host" | socat -u - VSOCK-CONNECT:42:1234'
ends server >/dev/null
echo "guest received: $(grep Hello "$LAB_TMP/server.out")"

step "A file of 32 MiB from the guest to the host."
guest A sh -c 'head -c 33554432 /dev/urandom >/run/lab/sent'
listener host 'socat -u -b 65536 VSOCK-LISTEN:1235 CREATE:/run/lab/received'
on guest 'socat -u -b 65536 OPEN:/run/lab/sent VSOCK-CONNECT:2:1235'
ends server >/dev/null
on guest 'sha256sum /run/lab/sent'
on host 'sha256sum /run/lab/received'
a=$(guest A sh -c 'sha256sum </run/lab/sent')
same "$a" "$(sha256sum </run/lab/received)" "guest to host"

step "A file of 32 MiB from the host to the guest."
head -c 33554432 /dev/urandom >/run/lab/sent
listener guest 'socat -u -b 65536 VSOCK-LISTEN:1235 CREATE:/run/lab/received'
on host 'socat -u -b 65536 OPEN:/run/lab/sent VSOCK-CONNECT:42:1235'
ends server >/dev/null
on host 'sha256sum /run/lab/sent'
on guest 'sha256sum /run/lab/received'
a=$(guest A sh -c 'sha256sum </run/lab/received')
same "$a" "$(sha256sum </run/lab/sent)" "host to guest"

step "A connection that stays open, as ss shows it on both sides."
listener host 'socat VSOCK-LISTEN:1236 PIPE'
echo 'guest# socat VSOCK-CONNECT:2:1236 PIPE &'
bg client guest A socat -d -d VSOCK-CONNECT:2:1236 PIPE >/dev/null
ready client "starting data transfer"
on host 'ss --vsock'
on guest 'ss --vsock'

step "What the host knows about the VM, without and with its counters."
on host 'virtsock vm show'
on host 'virtsock -s vm show'
stop client
stop server

found=$(splat_find) && fail "kernel: $found"
exit 0
