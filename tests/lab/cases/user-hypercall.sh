# SPDX-License-Identifier: GPL-2.0-only
# case: a hypercall from guest user space is refused by KVM
# when: once
# timeout: 60
vm A
nr=0x56534b00
header=$LAB_REPO/include/uapi/linux/virtsock.h
if [ -e "$header" ]; then
	found=$(sed -nE 's/^#define[ \t]+VIRTSOCK_H(C|CALL|YPERCALL)[A-Z_]*[ \t]+(0x[0-9a-fA-F]+).*/\2/p' "$header" | head -n 1)
	nr=${found:-$nr}
fi
note "hypercall number $nr"
before=
[ "$LAB_TRANSPORT" = vhost ] || before=$(virtsock vm show)
for off in 0 1 2 3 4 5 6 7; do
	guest A vst vmcall nr=$((nr + off))
	guest A setpriv --reuid 65534 --clear-groups vst vmcall nr=$((nr + off))
done
[ "$LAB_TRANSPORT" = vhost ] || [ "$before" = "$(virtsock vm show)" ] ||
	fail "vm show differs after refused hypercalls"
pair host A recv send size=1-5000 count=200
