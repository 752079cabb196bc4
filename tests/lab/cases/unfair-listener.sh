# SPDX-License-Identifier: GPL-2.0-only
# case: programs that stand still with a listener locked stall nobody but who connects to them
# clock: yes
# timeout: 240
# when: once
needs_virtsock
vm A
if vm_alive B; then
	vm_own B
fi
dir=$LAB_TMP
guest A mkdir -p "$dir"

# others: connections over most lanes, in both directions, and traffic.
others() {
	bg server vst conns-server port=896 n=40
	ready server
	guest A vst conns cid=2 port=896 n=40 size=3000
	ends server
	bg server guest A vst conns-server port=897 n=40
	ready server
	vst conns cid=42 port=897 n=40 size=3000
	ends server
}

up() {
	until_ok 10 guest A sh -c 'virtsock link show | grep -q "state up"'
}

on() {
	if [ "$1" = host ]; then
		shift
		"$@"
	else
		guest "$@"
	fi
}

# locked LISTENER DIALER PORT: first both sides stand still, then the dialers.
locked() {
	on "$1" rm -f "$dir/stand"
	on "$2" rm -f "$dir/dial"
	bg stand vst_at "$1" stand port="$3" n=40 size=20000 go="$dir/stand"
	ready stand
	ready stand RUNNING
	bg stuck vst_at "$2" dial-stuck cid="$(cid_of "$1")" port="$3" n=20 size=20000 go="$dir/dial"
	ready stuck RUNNING
	bg dial vst_at "$2" dial cid="$(cid_of "$1")" port="$3" n=20 size=20000
	ready dial RUNNING
	others
	on "$1" touch "$dir/stand"
	ready stand GREETED
	ends dial
	others
	on "$2" touch "$dir/dial"
	ends stuck
	ends stand
}

locked host A 898
locked A host 899

# Who calls them does not fill the host's memory, nor stop the VM.
rm -f "$dir/stand"
virtsock vm set cid 42 backlog 262144
bg stand vst stand port=900 n=1 go="$dir/stand"
ready stand RUNNING
bg dial guest A vst dial cid=2 port=900 n=900
ready dial RUNNING
sed -n 's/^.* refused$/# &/p' "$LAB_TMP/dial.out"
refused=$(sed -n 's/^\([0-9]*\) of [0-9]* refused$/\1/p' "$LAB_TMP/dial.out")
[ "$refused" -ge 300 ] || fail "$refused of 900 refused"
others

# The link can be ended beside them, and made anew.
t=${EPOCHREALTIME/./}
guest A virtsock link down
note "link down beside a stuck listener took $(((${EPOCHREALTIME/./} - t) / 1000)) ms"
guest A virtsock link up
up
others
stop dial
virtsock vm del --all
rmmod virtsock_host
rm -f /run/lab/loaded
stop stand
host_load
vm_bind A
up
others
