# SPDX-License-Identifier: GPL-2.0-only
# case: programs that stand still with their socket locked stall no vCPU, and nobody else
# when: once
# clock: yes
# timeout: 240
needs_virtsock
vm A
# 20 of them, more than there are lanes; each has more to receive.
bg stuck vst stuck port=890 n=20 size=4096
ready stuck
bg stuff guest A vst stuff cid=2 port=890 n=20 size=4096
ready stuck RUNNING
ready stuff RUNNING
# Some more that are stopped.
bg stopped vst hoard port=891 n=1
ready stopped
bg flood guest A vst stuff cid=2 port=891 n=1 size=4096
nap 0.2
pkill -STOP -P "$(<"$LAB_TMP/stopped.pid")"
ready flood RUNNING

# The vCPU runs on while all of this is full,
bg spin guest A vst spin within=3000
# connections are made, in both directions, over every lane,
bg server vst conns-server port=892 n=100
ready server
guest A vst conns cid=2 port=892 n=100 size=3000
ends server
bg server guest A vst conns-server port=893 n=100
ready server
vst conns cid=42 port=893 n=100 size=3000
ends server
ends spin
gap=$(sed -n 's/^longest gap \([0-9]*\) us$/\1/p' "$LAB_TMP/spin.out")
[ "$gap" -le 1500000 ] || late "the vCPU stood still for $((gap / 1000)) ms"
# and answers come.
pair host A echo ping size=200 count=500
pair A host echo ping size=200 count=500

# The link can be ended beside them, and made anew.
t=${EPOCHREALTIME/./}
guest A virtsock link down
note "link down beside 20 stuck programs took $(((${EPOCHREALTIME/./} - t) / 1000)) ms"
guest A virtsock link up
t=$SECONDS
until guest A virtsock link show | grep -q 'state up'; do
	[ $((SECONDS - t)) -lt 10 ] || late "the link does not come back"
	nap 0.1
done
pair host A recv send size=1-5000 count=500
pkill -CONT -P "$(<"$LAB_TMP/stopped.pid")"
stop stopped
stop flood
stop stuff
pkill -KILL vst
ends_any stuck
pair host A recv send size=1-5000 count=500
guest A virtsock link down
guest A rmmod vmw_vsock_virtsock
virtsock vm del --all
if vm_alive B; then
	vm_own B
fi
rmmod virtsock_host
rm -f /run/lab/loaded
host_load
vm_bind A
vm_load A
pair A host recv send size=1-5000 count=200
