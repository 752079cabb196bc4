# SPDX-License-Identifier: GPL-2.0-only
# case: system_reset in mid-transfer: ECONNRESET, all works after the boot
# clock: yes
# timeout: 240
vm A
bg drain vst listen drain port=701 size=4096 expect=ECONNRESET
bg hold guest A vst listen hold port=702
bg idle vst listen drain port=703 size=4096 expect=ECONNRESET
for name in drain hold idle; do
	ready $name
done
bg flood1 guest A vst connect flood cid=2 port=701 size=4096
bg flood2 vst connect flood cid=42 port=702 size=4096 expect=ECONNRESET,EPIPE
bg hold2 guest A vst connect hold cid=2 port=703
ready flood1 RUNNING
ready flood2 RUNNING
ready hold2 RUNNING
t=$EPOCHREALTIME
vm_qmp A system_reset
for name in flood1 hold hold2; do
	stop $name
done
if [ "$LAB_TRANSPORT" = virtsock ]; then
	for name in drain flood2 idle; do
		ends $name 5
		ms=$(ended_after $name "$t")
		note "$name ended $ms ms after the reset was asked for"
		[ "$ms" -le $((2000 * LAB_SCALE)) ] || late "that is more than 2 s"
	done
fi
vm_wait A
vm_load A
pair host A recv send size=1-5000 count=500
pair A host recv send size=1-5000 count=500
pair host A bidi bidi type=seq size=1-5000 count=200
