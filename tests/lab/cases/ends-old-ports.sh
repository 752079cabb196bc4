# SPDX-License-Identifier: GPL-2.0-only
# case: a socket left from an earlier link does nothing to a new one
# timeout: 120
needs_virtsock
vm A
for type in stream seq; do
	# Closed in order by the guest, and not read yet, when the link ends.
	rm -f "$LAB_TMP/go"
	bg old vst late port=850 n=1 type=$type size=1000 count=50 go="$LAB_TMP/go" expect=success
	ready old
	guest A vst spool cid=2 port=850 lport=5000 type=$type size=1000 count=50
	ready old RUNNING
	guest A virtsock link down
	link_again A
	# The same ports again.
	bg new vst listen echo port=850 type=$type
	ready new
	rm -f "$LAB_TMP/stop"
	bg ping guest A vst connect ping cid=2 port=850 lport=5000 type=$type size=100 \
		count=500
	looks=0
	until ss --vsock -H state established | grep -q ':850 '; do
		looks=$((looks + 1))
		[ $looks -lt $((400 * LAB_SCALE)) ] || fail "no new connection"
		nap 0.05
	done
	# What the old one has to say now is nobody's business.
	touch "$LAB_TMP/go"
	ends old
	ends ping
	ends new
done
