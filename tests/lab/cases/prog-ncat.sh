# SPDX-License-Identifier: GPL-2.0-only
# case: ncat --vsock, both ways
# when: once
# timeout: 90
vm A
guest A sh -c 'head -c 300000 /dev/urandom >/run/lab/sent'
head -c 300000 /dev/urandom >"$LAB_TMP/out"

ncat_listen() {
	ncat -v --vsock -l 2345 --recv-only >"$LAB_TMP/in"
}
bg server ncat_listen
ready server Listening
guest A sh -c 'ncat --vsock --send-only 2 2345 </run/lab/sent'
ends server
[ "$(guest A sh -c 'sha256sum </run/lab/sent')" = "$(sha256sum <"$LAB_TMP/in")" ] ||
	fail "guest to host: the data differs"

bg server guest A sh -c 'ncat -v --vsock -l 2345 --recv-only >/run/lab/received'
ready server Listening
ncat --vsock --send-only 42 2345 <"$LAB_TMP/out"
ends server
[ "$(guest A sh -c 'sha256sum </run/lab/received')" = "$(sha256sum <"$LAB_TMP/out")" ] ||
	fail "host to guest: the data differs"
