# SPDX-License-Identifier: GPL-2.0-only
# case: socat, both ways, 1 MiB
# timeout: 90
vm A
head -c 1048576 /dev/urandom >"$LAB_TMP/out"
sum=$(sha256sum <"$LAB_TMP/out")

bg server socat -d -d -u VSOCK-LISTEN:1234 "CREATE:$LAB_TMP/in"
ready server listening
guest A sh -c 'head -c 1048576 /dev/urandom >/run/lab/sent
	socat -u OPEN:/run/lab/sent VSOCK-CONNECT:2:1234'
ends server
[ "$(guest A sh -c 'sha256sum </run/lab/sent')" = "$(sha256sum <"$LAB_TMP/in")" ] ||
	fail "guest to host: the file differs"

bg server guest A socat -d -d -u VSOCK-LISTEN:1234 CREATE:/run/lab/received
ready server listening
socat -u "OPEN:$LAB_TMP/out" VSOCK-CONNECT:42:1234
ends server
[ "$(guest A sh -c 'sha256sum </run/lab/received')" = "$sum" ] ||
	fail "host to guest: the file differs"

# There and back through a program on the other side.
bg server guest A socat -t 10 -d -d VSOCK-LISTEN:1235 EXEC:/usr/bin/rev
ready server listening
answer=$(echo "hello guest" | socat -t 10 - VSOCK-CONNECT:42:1235)
[ "$answer" = "tseug olleh" ] || fail "answer: $answer"
ends server
