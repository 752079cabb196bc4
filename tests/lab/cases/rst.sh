# SPDX-License-Identifier: GPL-2.0-only
# case: a peer that closes with data unread wakes the blocked writer
# timeout: 120
vm A
for type in stream seq; do
	for place in host A; do
		client=host
		[ $place = host ] && client=A
		pair $place $client quit flood type=$type size=4096 delay=1000 \
			expect=EPIPE,ECONNRESET
	done
done
