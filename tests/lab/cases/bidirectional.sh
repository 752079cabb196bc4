# SPDX-License-Identifier: GPL-2.0-only
# case: both directions of one connection at the same time
# timeout: 120
vm A
for client in A host; do
	server=host
	[ $client = host ] && server=A
	pair $server $client bidi bidi size=1-8192 count=2000
	pair $server $client bidi bidi size=65536 count=200 seed=3
	pair $server $client bidi bidi type=seq size=1-32768 count=300 seed=5
done
