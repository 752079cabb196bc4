# SPDX-License-Identifier: GPL-2.0-only
# case: nbdkit --vsock on the host, nbdcopy in the guest
# when: once
# timeout: 120
vm A
bg server nbdkit -f --vsock -P "$LAB_TMP/nbd.pid" memory 8M
for ((i = 0; i < 500; i++)); do
	[ -s "$LAB_TMP/nbd.pid" ] && break
	nap 0.02
done
guest A nbdinfo --size nbd+vsock://2
guest A sh -ec '
	head -c 8388608 /dev/urandom >/run/lab/disk
	nbdcopy /run/lab/disk nbd+vsock://2
	nbdcopy nbd+vsock://2 /run/lab/back
	cmp /run/lab/disk /run/lab/back'
kill "$(<"$LAB_TMP/nbd.pid")"
ends server
