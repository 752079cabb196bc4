# SPDX-License-Identifier: GPL-2.0-only
# case: a VM's policy: bytes and hypercalls a second; who is beyond them waits, and loses nothing
# when: once
# clock: yes
# timeout: 240
needs_virtsock
vm A
vm B
# Where this fails on the way, the policy stays.
vm_own A
count() {
	virtsock -s -j vm show cid "${2:-42}" | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p"
}

more() {
	[ "$(count "$1")" -gt "$2" ]
}

# So many connections are there.
connected() {
	[ "$(ss -H --vsock | grep -c ESTAB)" = "$1" ]
}

# How long the reader in the background took, in ms; ends NAME before.
took() {
	sed -n 's/^received .* in \([0-9]*\) ms$/\1/p' "$LAB_TMP/$1.out"
}

# within NAME LEAST MOST: a limit that does nothing is too fast, one that has
# somebody wait for nothing too slow. The machine is an emulated one.
within() {
	local ms

	ms=$(took "$1")
	note "$1: $ms ms, $2 to $3 expected"
	[ "$ms" -ge "$2" ] || fail "$1: too fast"
	[ "$ms" -le $(($3 * LAB_SCALE)) ] || late "$1: too slow"
}

# move NAME PLACE PLACE KEY=VALUE...: from the second place to the first, which
# is the one that listens
move() {
	local name=$1 to=$2 from=$3
	shift 3

	PORT=$((PORT + 1))
	bg "$name" vst_at "$to" listen recv port=$PORT "$@"
	ready "$name"
	bg "$name-send" vst_at "$from" connect send cid="$(cid_of "$to")" \
		port=$PORT "$@"
}

over() {
	ends "$1-send" 60
	ends "$1" 60
}

# 4 MiB at 1 MiB a second take 4 s, but for a tenth at the beginning and what is
# on its way; each direction has as much, so both at once take no longer.
four=(size=65536 count=64)
virtsock vm set cid 42 rate 1M
rx=$(count limited_rx) tx=$(count limited_tx)
move up host A "${four[@]}"
move down A host "${four[@]}"
# A neighbour does not notice, nor does who moves little.
pair host B recv send size=65536 count=320
within server 0 8000
pair B host recv send size=65536 count=320
within server 0 8000
over up
over down
within up 3500 9000
within down 3500 9000
more limited_rx "$rx" || fail "limited_rx is $(count limited_rx)"
more limited_tx "$tx" || fail "limited_tx is $(count limited_tx)"
[ "$(count limited_rx 43)/$(count limited_tx 43)" = 0/0 ] || fail "B was limited"

# Small messages: they and their records' headers count.
move small-up host A size=56 count=20000
over small-up
slow_kernel || within small-up 700 6000
move small-down A host type=seq size=1000 count=2000
over small-down
slow_kernel || within small-down 1500 9000

# At the least rate a record is more than a burst, and a connect would wait for
# too long behind others' data. What waits goes on at once when the limit is taken
# away. There is enough of it to be looked at for a while.
sixteen=(size=65536 count=256)
move up host A "${sixteen[@]}"
move down A host "${sixteen[@]}"
until_ok 5 connected 2
virtsock vm set cid 42 rate 64K
# One record each second
until_ok 10 more limited_rx $(($(count limited_rx) + 2))
virtsock vm set cid 42 rate none
over up
over down
within up 0 12000
within down 0 12000

# What the host's programs ask waits behind that as well, for 16 s and more; but what
# the guest sends does not wait for them.
virtsock vm set cid 42 rate 1M
PORT=$((PORT + 1))
go=$LAB_TMP/go
guest A mkdir -p "$LAB_TMP"
bg few vst listen recv port=$PORT size=1000 count=4
ready few
bg few-send guest A vst connect send cid=2 port=$PORT size=1000 count=4 go="$go"
ready few-send RUNNING
move down A host "${sixteen[@]}"
until_ok 5 connected 2
virtsock vm set cid 42 rate 64K
until_ok 10 more limited_tx $(($(count limited_tx) + 2))
bg asks vst half-open cid=42 port=4999 n=2600 within=60000
ready asks RUNNING
t0=$EPOCHREALTIME
guest A touch "$go"
ends few 30
ms=$(((${EPOCHREALTIME/./} - ${t0/./}) / 1000))
note "beside 1300 connects that wait: $ms ms"
[ $ms -le 6000 ] || late "what the guest sends waits for connects of the host"
virtsock vm set cid 42 rate none
# Its close() waits for an answer that is behind all that.
ends few-send
ends asks 60
over down
rx=$(count limited_rx) tx=$(count limited_tx)
exercise A
[ "$(count limited_rx)/$(count limited_tx)" = "$rx/$tx" ] ||
	fail "limited without a limit"

# A round takes a hypercall or two, so 600 of them at 200 a second 3 s or more.
virtsock vm set cid 42 calls 200
t0=$EPOCHREALTIME before=$(count hypercalls) limited=$(count limited_calls)
PORT=$((PORT + 1))
bg echo vst listen echo port=$PORT
ready echo
guest A vst connect ping cid=2 port=$PORT count=600 size=100
ends echo
calls=$(($(count hypercalls) - before)) limited=$(($(count limited_calls) - limited))
ms=$(((${EPOCHREALTIME/./} - ${t0/./}) / 1000))
note "calls: $calls in $ms ms, $limited of them too many"
[ $limited -gt 0 ] || fail "none was too many"
slow_kernel || [ $ms -ge 2500 ] || fail "too fast"
[ $((calls - limited)) -le $((ms / 5 + 40)) ] || fail "more than 200 a second"
# A guest that is told to call later does not go on calling.
[ $limited -le $((calls / 2)) ] || fail "it calls again and again"
exercise A

# A link comes up at the least that may be set, and all works, both ways.
virtsock vm set cid 42 calls 100 rate 1M
guest A virtsock link down
guest A virtsock link up
until_ok 20 sh -c 'virtsock vm show cid 42 | grep -q "state up"'
virtsock vm show cid 42 | grep -qx '    rate 1048576 calls 100' ||
	fail "shown: $(virtsock vm show cid 42)"
pair host A bidi bidi size=1-20000 count=100
pair A host bidi bidi type=seq size=1-20000 count=100 seed=2
for limit in "rate 65535" "rate 64G1" "rate 65G" "calls 99"; do
	# shellcheck disable=SC2086 # two words
	! virtsock vm set cid 42 $limit || fail "$limit was taken"
done
virtsock vm show cid 42 | grep -qx '    rate 1048576 calls 100' ||
	fail "what was refused changed something: $(virtsock vm show cid 42)"
virtsock vm set cid 42 calls none rate none
exercise A

# A guest that calls without end gets as much as it is allowed, and its neighbour
# does not notice. It is one hypercall in many that does anything.
bad=$LAB_REPO/build/$LAB_GUEST_KVER/lab/virtsock_bad.ko
virtsock vm set cid 42 calls 500
guest A rmmod vmw_vsock_virtsock
before=$(count hypercalls) limited=$(count limited_calls) t0=$EPOCHREALTIME
bg storm guest A insmod "$bad" storm=3000
pair host B recv send size=65536 count=160
pair B host bidi bidi size=1-20000 count=100
ends storm 20
calls=$(($(count hypercalls) - before)) limited=$(($(count limited_calls) - limited))
ms=$(((${EPOCHREALTIME/./} - ${t0/./}) / 1000))
note "storm: $calls calls in $ms ms, $limited of them too many"
[ $((calls - limited)) -le $((ms / 2 + 60)) ] || fail "more than 500 a second"
[ $limited -gt $((calls / 2)) ] || fail "that was no storm"
guest A rmmod virtsock_bad
