# SPDX-License-Identifier: GPL-2.0-only
# case: python3's AF_VSOCK, both ways
# when: once
# timeout: 90
vm A
server='
import socket, sys
s = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
s.bind((socket.VMADDR_CID_ANY, 3456))
s.listen()
print("READY", flush=True)
c, peer = s.accept()
print("peer", peer[0], flush=True)
with c.makefile("rwb") as f:
    for line in f:
        f.write(line.upper())
        f.flush()
'
client='
import socket, sys
s = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
s.settimeout(20)
s.connect((int(sys.argv[1]), 3456))
with s.makefile("rwb") as f:
    for i in range(200):
        f.write(b"line %d\n" % i)
        f.flush()
        assert f.readline() == b"LINE %d\n" % i
print("done")
'
bg server /usr/bin/python3 -c "$server"
ready server
guest A /usr/bin/python3 -c "$client" 2
ends server
grep -x 'peer 42' "$LAB_TMP/server.out"

bg server guest A /usr/bin/python3 -c "$server"
ready server
/usr/bin/python3 -c "$client" 42
ends server
grep -x 'peer 2' "$LAB_TMP/server.out"
