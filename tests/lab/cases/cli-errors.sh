# SPDX-License-Identifier: GPL-2.0-only
# case: wrong arguments: usage and 2; other errors: words and other codes
# when: once
# timeout: 180
needs_virtsock
vm A

# err STATUS TEXT ARGS...: virtsock fails so, with TEXT on stderr only. A
# STATUS of x is any but 0 and 2, e any but 0.
err() {
	local want=$1 text=$2 status=0
	shift 2

	virtsock "$@" >"$LAB_TMP/o" 2>"$LAB_TMP/e" || status=$?
	echo "virtsock $*: $status: $(<"$LAB_TMP/e")"
	case $want:$status in
	e:0|x:0|x:2)	fail "virtsock $*: exit status $status" ;;
	e:*|x:*|"$status:$status") ;;
	*)		fail "virtsock $*: exit status $status, not $want" ;;
	esac
	[ ! -s "$LAB_TMP/o" ] || fail "virtsock $*: the error went to stdout"
	grep -qiE "$text" "$LAB_TMP/e" || fail "virtsock $*: no '$text' on stderr"
	STATUS=$status
}

err 2 usage nonsense
err 2 usage vm nonsense
err 2 usage vm add
err 2 usage vm add pid
err 2 . vm add pid abc cid 50
err 2 . vm add pid 1 cid abc
err e . vm add pid 1 cid 4294967296
err 2 usage --nonsense vm show
err 2 usage vm del
err x 'no such|process' vm add pid 999999 cid 50
nopid=$STATUS
err x 'VM|KVM|virtual machine' vm add pid $$ cid 50
err x 'use|exists' vm add pid "$(vm_pid A)" cid 42
used=$STATUS
for cid in 0 1 2; do
	err x 'reserved|invalid' vm add pid "$(vm_pid A)" cid $cid
done
reserved=$STATUS
err x . vm del cid 777
for pair in "$nopid $used" "$used $reserved" "$nopid $reserved"; do
	read -r a b <<<"$pair"
	[ "$a" != "$b" ] || fail "two kinds of error share exit status $a"
done
virtsock vm show | grep -w 42
virtsock -j vm show | python3 -m json.tool
pair host A recv send count=50
