# SPDX-License-Identifier: GPL-2.0-only
# case: shutdown(SHUT_WR), then the rest of the other direction
# timeout: 120
vm A
for type in stream seq; do
	pair host A half-second half-first type=$type size=1-4000 count=100 delay=200
	pair A host half-second half-first type=$type size=1-4000 count=100 delay=200
	pair host A half-first half-second type=$type size=1-4000 count=100
	pair A host half-first half-second type=$type size=1-4000 count=100
done
