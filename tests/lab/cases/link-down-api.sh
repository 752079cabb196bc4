# SPDX-License-Identifier: GPL-2.0-only
# case: a link ends with sockets in a sockmap, in a ring, with zero-copy sends
# timeout: 180
needs_virtsock
vm A
port=1100
for scene in zerocopy sockmap uring; do
	for subject in A host; do
		if [ $subject = A ]; then peer=host; else peer=A; fi
		role=hold port=$((port + 1))
		[ $scene = sockmap ] && role=flood
		bg peer vst_at $peer listen $role port=$port size=5000 n=2 \
			expect=ECONNRESET
		ready peer
		if [ $subject = A ]; then
			bg scene guest A vsapi solo $scene 2 $port
		else
			bg scene vsapi solo $scene 42 $port
		fi
		ready scene
		guest A virtsock link down
		ends scene
		stop peer
		link_again A
	done
done
# Everything is given back: the module goes, and what comes next works.
pair host A recv send size=1-5000 count=200
pair A host recv send size=1-5000 count=200
