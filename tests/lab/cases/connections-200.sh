# SPDX-License-Identifier: GPL-2.0-only
# case: 200 connections at once, each with checked data
# timeout: 180
vm A
for place in host A; do
	client=host
	[ $place = host ] && client=A
	PORT=$((PORT + 1))
	bg server vst_at $place conns-server port=$PORT n=200
	ready server
	vst_at $client conns cid="$(cid_of $place)" port=$PORT n=200 size=20000
	ends server
done
