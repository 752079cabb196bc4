# SPDX-License-Identifier: GPL-2.0-only
# case: seqpacket from the host to the guest, content, MSG_EOR, MSG_TRUNC
# timeout: 120
vm A
pair A host recv send type=seq size=1 count=1
pair A host recv send type=seq size=1 count=1000
pair A host recv send type=seq size=56 count=5000 seed=2
pair A host recv send type=seq size=1-3000 count=2000 seed=3 eor=1
pair A host recv send type=seq size=65536 count=100 seed=4
pair A host recv send type=seq size=1-65536 count=200 seed=5 eor=1 trunc=1
pair A host recv send type=seq size=4096 count=1000 seed=6 nonblock=1
pair A host recv send type=seq size=4096 count=1000 seed=7 et=1
# Who does not wait sends all of a message or none of it. Over vhost-vsock the
# core sends what fits, and then says EAGAIN.
if [ "$LAB_TRANSPORT" = virtsock ]; then
	pair A host recv send type=seq size=1-65536 count=300 seed=8 nonblock=1
	pair A host recv send type=seq size=1-65536 count=300 seed=9 et=1
	pair A host recv send type=seq size=1-200000 count=100 seed=10 et=1
fi
