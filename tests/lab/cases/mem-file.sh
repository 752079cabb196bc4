# SPDX-License-Identifier: GPL-2.0-only
# case: guest memory is a file: tmpfs and ext4, shared and private
# when: full
# timeout: 300
host_load
image=/dev/shm/ext4.img dir=/run/lab/ext4
truncate -s 700M $image
mkfs.ext4 -q -F -O ^has_journal -E nodiscard $image
mkdir -p $dir
modprobe loop
mount -o loop $image $dir

for place in /dev/shm $dir; do
	for share in on off; do
		note "$place, share=$share"
		vm_boot B -machine memory-backend=ram \
			-object memory-backend-file,id=ram,size=512M,mem-path=$place/ram,share=$share
		vm_own B
		vm_bind B
		vm_load B
		grep -q " $place/ram" "/proc/$(vm_pid B)/maps" || fail "no such mapping"
		exercise B
		# Pages that are written back are written to again.
		[ $share = off ] || sync -f $place/ram
		exercise B
		vm_kill B
		rm -f $place/ram
	done
done
umount $dir
rm $image
