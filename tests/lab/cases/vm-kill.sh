# SPDX-License-Identifier: GPL-2.0-only
# case: SIGKILL of the VM in mid-transfer: ECONNRESET, the CID works again
# clock: yes
# timeout: 180
vm A
bg drain vst listen drain port=601 size=4096 expect=ECONNRESET
bg hold guest A vst listen hold port=602
bg seq vst listen drain port=603 type=seq size=4096 expect=ECONNRESET
bg idle vst listen drain port=604 size=4096 expect=ECONNRESET
for name in drain hold seq idle; do
	ready $name
done
bg flood1 guest A vst connect flood cid=2 port=601 size=4096
bg flood2 vst connect flood cid=42 port=602 size=4096 expect=ECONNRESET,EPIPE
bg flood3 guest A vst connect flood cid=2 port=603 type=seq size=4096
bg hold2 guest A vst connect hold cid=2 port=604
ready flood1 RUNNING
ready flood2 RUNNING
ready flood3 RUNNING
ready hold2 RUNNING
t=$EPOCHREALTIME
vm_kill A
for name in drain flood2 seq idle; do
	ends $name 5
	ms=$(ended_after $name "$t")
	note "$name ended $ms ms after the kill began"
	[ "$LAB_TRANSPORT" != virtsock ] || [ "$ms" -le $((2000 * LAB_SCALE)) ] ||
		late "that is more than 2 s"
done
# The same CID, a new VM.
vm A
pair host A recv send size=1-5000 count=500
pair A host recv send size=1-5000 count=500
