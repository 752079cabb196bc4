# SPDX-License-Identifier: GPL-2.0-only
# case: a message is read while the next has only begun: its credit leaves room for what large ones take
# timeout: 120
needs_virtsock
vm A

# The reader's buffer takes 455 packets. It reads the first message while only the
# beginning of the second fits behind it, and announces how many may follow; then it
# stands still. The writer uses that up but for one, and begins a message of four
# packets, if it may; what must not happen is that these do not fit.
server='
import select, socket, sys
s = socket.socket(socket.AF_VSOCK, socket.SOCK_SEQPACKET)
s.bind((socket.VMADDR_CID_ANY, 3460))
s.listen()
print("READY", flush=True)
c, peer = s.accept()
said = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
said.bind((socket.VMADDR_CID_ANY, 3461))
said.listen()
print("LISTENING", flush=True)
p, peer = said.accept()
assert p.recv(1) == b"2"	# the second has begun
want = [262000, 1000] + 452 * [1] + [250000]
got = [len(c.recv(300000))]
# The last begins, or the writer waits for us.
print("begins:", select.select([p], [], [], 2)[0] != [], flush=True)
broken = select.poll()
broken.register(c, select.POLLERR | select.POLLHUP)
assert not broken.poll(1000), c.recv(1)
while len(got) < len(want):
    got.append(len(c.recv(300000)))
assert got == want, got
print("done")
'
client='
import socket, sys, threading
c = socket.socket(socket.AF_VSOCK, socket.SOCK_SEQPACKET)
c.connect((int(sys.argv[1]), 3460))
while True:
    try:
        p = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
        p.connect((int(sys.argv[1]), 3461))
        break
    except ConnectionResetError:
        p.close()
c.send(bytes(262000))
# It stands in this send() until the first is read.
second = threading.Thread(target=c.send, args=(bytes(1000),))
second.start()
second.join(1)
assert second.is_alive(), "the buffer is too large for this"
p.send(b"2")
second.join()
for i in range(452):
    c.send(b"x")
p.send(b"3")
c.send(bytes(250000))
print("sent")
p.recv(1)
'
at() {
	local where=$1
	shift

	case $where in
	host)	/usr/bin/python3 -c "$@" ;;
	*)	guest "$where" /usr/bin/python3 -c "$@" ;;
	esac
}

for way in "host A" "A host"; do
	read -r to from <<<"$way"
	bg server at "$to" "$server"
	ready server
	bg client at "$from" "$client" "$(cid_of "$to")"
	ends server 60
	ends client
	note "$from to $to: $(grep begins "$LAB_TMP/server.out")"
done
