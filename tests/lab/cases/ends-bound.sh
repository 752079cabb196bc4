# SPDX-License-Identifier: GPL-2.0-only
# case: the port of a socket that has no link any more: refused at once
# timeout: 100
needs_virtsock
vm A
for type in stream seq; do
	bg hb vst bound cid=42 port=7777 lport=6000 type=$type
	ready hb
	bg gb guest A vst bound cid=2 port=7777 lport=6001 type=$type
	ready gb
	guest A virtsock link down
	guest A virtsock link up
	until_ok 20 sh -c "labctl /run/lab/vm/A virtsock link show | grep -q 'state up'"
	guest A vst connect-error cid=2 port=6000 type=$type within=30000 \
		expect=ECONNREFUSED,ECONNRESET
	vst connect-error cid=42 port=6001 type=$type within=30000 \
		expect=ECONNREFUSED,ECONNRESET
	stop hb
	guest A pkill vst
	ends_any gb
done
