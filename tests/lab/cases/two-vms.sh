# SPDX-License-Identifier: GPL-2.0-only
# case: two guests at once, each with its own CID and traffic
# when: once
# timeout: 180
vm A
vm B
bg one vst listen recv port=501 cid=42 size=1-5000 count=2000
bg two vst listen recv port=502 cid=43 size=1-5000 count=2000 seed=9
bg three guest A vst listen recv port=503 size=1-5000 count=2000
bg four guest B vst listen recv port=503 size=1-5000 count=2000 seed=9
for name in one two three four; do
	ready $name
done
bg a guest A vst connect send cid=2 port=501 size=1-5000 count=2000
bg b guest B vst connect send cid=2 port=502 size=1-5000 count=2000 seed=9
bg c vst connect send cid=42 port=503 size=1-5000 count=2000
bg d vst connect send cid=43 port=503 size=1-5000 count=2000 seed=9
for name in a b c d one two three four; do
	ends $name 60
done
# Guests do not reach each other.
bg listen guest B vst listen echo port=504
ready listen
guest A vst connect-error cid=43 port=504 within=30000
# One guest's death is not the other's.
bg server vst listen recv port=505 cid=42 size=4096 count=5000
ready server
bg client guest A vst connect send cid=2 port=505 size=4096 count=5000
vm_kill B
ends client 60
ends server 60
