# SPDX-License-Identifier: GPL-2.0-only
# case: without CAP_NET_ADMIN nothing can be bound or removed
# when: once
# timeout: 180
needs_virtsock
vm A
nobody="setpriv --reuid 65534 --regid 65534 --clear-groups"
for cmd in "vm add pid $$ cid 99" "vm del cid 42" "vm del --all"; do
	# shellcheck disable=SC2086 # words
	if out=$($nobody virtsock $cmd 2>&1); then
		fail "$cmd worked without a privilege"
	fi
	echo "$cmd: $out"
	case $out in
	*[Pp]ermission*|*"not permitted"*|*CAP_NET_ADMIN*) ;;
	*)	fail "$cmd: the message does not speak of permission: $out" ;;
	esac
done
# A user namespace's root has no say either.
if out=$(unshare -Urn virtsock vm del cid 42 2>&1); then
	fail "the root of a user namespace removed a VM"
fi
echo "$out"
virtsock vm show
pair host A recv send count=50
