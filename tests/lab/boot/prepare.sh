# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What a boot of the lab needs: kernels, modules, programs, initramfs images.
# Sets HOST_* and GUEST_* (KVER, KDIR, VMLINUZ, MODDIR) and BIN.

lab_programs() {
	local src=$REPO/tests/lab/prog

	BIN=$REPO/build/lab/bin
	mkdir -p "$BIN"
	lab_cc vst "$src"/vst/*.c "$src/content.c"
	lab_cc vsapi "$src"/vsapi/*.c "$src/content.c"
	lab_cc labagent "$src/agent/labagent.c"
	lab_cc labctl "$src/agent/labctl.c"
	lab_cc labkexec "$src/agent/labkexec.c"
	lab_cc nlraw "-I$REPO/include/uapi" "$src"/nlraw/*.c
	lab_cc tinyvm "-I$REPO/include/uapi" "$src"/tinyvm/*.c
}

lab_cc() {
	local out=$BIN/$1 newest
	shift

	if [ -e "$out" ]; then
		newest=$(find "$REPO/tests/lab/prog" -name '*.[ch]' -newer "$out")
		[ -n "$newest" ] || return 0
	fi
	gcc -O2 -Wall -Wextra -D_GNU_SOURCE -static -o "$out.$$" "$@"
	mv "$out.$$" "$out"
}

# kernel_of PREFIX SERIES: PREFIX_KVER and the others.
kernel_of() {
	local line

	while read -r line; do
		declare -g "$1_$line"
	done < <("$REPO/scripts/kernels" path "$2")
	local kver=$1_KVER
	[ -n "${!kver:-}" ]
}

# The modules under test, for both kernels, and the command.
lab_modules() {
	local kver kdir side

	[ "$TRANSPORT" = virtsock ] || return 0
	for side in HOST GUEST; do
		kver=${side}_KVER kdir=${side}_KDIR
		make -s -C "$REPO" modules "KVER=${!kver}" "KDIR=${!kdir}" >&2
		make -s -C "$REPO" lab-modules "KVER=${!kver}" "KDIR=${!kdir}" >&2
	done
	make -s -C "$REPO" command >&2
}

# initrd KVER MODDIR: the path of a current image.
lab_initrd() {
	local out=$REPO/build/lab/initrd-$1.img

	if [ ! -e "$out" ] || [ -n "$(find "$REPO/tests/lab/boot" "$BIN" "$2/modules.dep" -newer "$out" | head -n 1)" ]; then
		"$REPO/tests/lab/boot/initrd" "$out" "$1" "$2" "$BIN" >&2
	fi
	echo "$out"
}

# lab_bare BASE KVER MODDIR: the same for a guest that mounts nothing; BASE is
# the image for other guests.
lab_bare() {
	local out=$REPO/build/lab/bare-$2.img

	if [ ! -e "$out" ] || [ -n "$(find "$1" "$REPO/tests/lab/boot" "$REPO/build/virtsock" "$REPO/build/$2"/*.ko -newer "$out" | head -n 1)" ]; then
		"$REPO/tests/lab/boot/bare" "$out" "$1" "$2" "$3" "$REPO" >&2
	fi
	echo "$out"
}

lab_prepare() {
	"$REPO/scripts/deps" lab
	kernel_of HOST "$HOST_SERIES"
	kernel_of GUEST "$GUEST_SERIES"
	lab_programs
	lab_modules
}
