# SPDX-License-Identifier: GPL-2.0-only
# case: a port where nobody listens: refused
# timeout: 180
vm A
# The common code of every virtio transport reports ECONNRESET.
for type in stream seq; do
	guest A vst connect-error cid=2 port=7777 type=$type within=30000 \
		expect=ECONNREFUSED,ECONNRESET
	vst connect-error cid=42 port=7777 type=$type within=30000 \
		expect=ECONNREFUSED,ECONNRESET
done
# A listener of the other type is not one either.
bg server vst listen echo port=7778
ready server
guest A vst connect-error cid=2 port=7778 type=seq within=30000 \
	expect=ECONNREFUSED,ECONNRESET
vst connect-error cid=42 port=7779 within=30000 expect=ECONNREFUSED,ECONNRESET
# The link is fine.
guest A vst connect ping cid=2 port=7778 count=10 size=100
