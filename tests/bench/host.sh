# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The benchmark's part on the host, emulated or real: the guest's networks, the
# guests, then drive/. What it prints is progress; results go to LAB_OUT.
export LAB_CASE=bench LAB_TMP=/run/lab/case/bench
mkdir -p "$LAB_TMP"
# shellcheck source=tests/lab/host/lib.sh
. "$LAB_REPO/tests/lab/host/lib.sh"

# tap NAME ADDRESS
tap() {
	ip tuntap add dev "$1" mode tap
	ip addr add "$2" dev "$1"
	ip link set "$1" up
}

# shellcheck disable=SC2054 # QEMU's commas
# The two networks of the first guest, and a slot for a vsock device.
nets=(-netdev tap,id=n0,ifname=vsbench0,script=no,downscript=no,vhost=on
      -device virtio-net-pci,netdev=n0,romfile=,mac=52:54:00:00:77:00
      -netdev tap,id=n1,ifname=vsbench1,script=no,downscript=no
      -device e1000,netdev=n1,romfile=,mac=52:54:00:00:77:01)
# shellcheck disable=SC2054
slot=(-device pcie-root-port,id=hot,chassis=1)

guest_nets() {
	# shellcheck disable=SC2016 # expanded over there
	guest A sh -ec 'net() {
			modprobe $1
			for dev in /sys/class/net/*; do
				[ $(cat $dev/address) = $2 ] || continue
				ip addr add $3/24 dev ${dev##*/}
				ip link set ${dev##*/} up
			done
		}
		ip link set lo up
		net virtio_net 52:54:00:00:77:00 10.77.0.2
		net e1000 52:54:00:00:77:01 10.77.1.2 >/dev/null 2>&1 &'
}

case ${1:-} in
boot)	# boot NAME VCPUS: one more guest, for drive/
	VM_SMP=$3 VM_MEM=${VM_MEM:-384M} vm_boot "$2" "${slot[@]}"
	exit ;;
esac

modprobe -a tun vhost_net
tap vsbench0 10.77.0.1/24
tap vsbench1 10.77.1.1/24
trap 'ip link del vsbench0; ip link del vsbench1' EXIT
# And one for memory.
VM_MEM=${VM_MEM:-768M,slots=1,maxmem=1G} vm_boot A "${nets[@]}" "${slot[@]}"
guest_nets
/usr/bin/python3 -B "$LAB_REPO/tests/bench/drive/main.py"
