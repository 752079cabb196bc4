# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Connections that guest A fills while nobody on the host reads.
#
#   spool_all END		fill them; end them by close, half or hold
#   spool_check END		read them: all is there, and then the right end

SPOOL=(
	"type=stream size=1-300 count=100000"
	"type=stream size=65536 count=100 slow=1"
	"type=seq size=1-200 count=100000"
	"type=seq size=20000 count=100"
)
declare -A SPOOL_PORT=()

spool_all() {
	local i port args end=$1

	SPOOL_PORT[$end]=${SPOOL_PORT[$end]:-$((2000 + 10 * ${#SPOOL_PORT[@]}))}
	rm -f "$LAB_TMP/go.$end"
	for i in "${!SPOOL[@]}"; do
		port=$((SPOOL_PORT[$end] + i))
		read -ra args <<<"${SPOOL[i]}"
		bg "late.$end.$i" vst late port=$port n=3 "${args[@]}" \
			go="$LAB_TMP/go.$end" expect="$(spool_errno "$end")"
		ready "late.$end.$i"
		guest A vst spool cid=2 port=$port n=3 "${args[@]}" end="$end" \
			>"$LAB_TMP/spool.$end.$i"
		ready "late.$end.$i" RUNNING
	done
}

spool_errno() {
	if [ "$1" = hold ]; then
		echo ECONNRESET
	else
		echo success
	fi
}

# Until the VM has gone, and its binding with it.
spool_vm_gone() {
	local pid

	pid=$(vm_pid "$1")
	while [ -d "/proc/$pid" ]; do
		nap 0.1
	done
	while virtsock vm show | grep -q "^cid $(vm_cid "$1"):"; do
		nap 0.1
	done
}

# Until it has no link.
spool_link_gone() {
	until virtsock vm show | grep "^cid $(vm_cid "$1"):" | grep -q 'state down'; do
		nap 0.1
	done
}

spool_check() {
	local i end=$1

	touch "$LAB_TMP/go.$end"
	for i in "${!SPOOL[@]}"; do
		ends "late.$end.$i" >"$LAB_TMP/late.log"
		grep '^conn' "$LAB_TMP/spool.$end.$i" >"$LAB_TMP/sent"
		grep '^conn' "$LAB_TMP/late.$end.$i.out" >"$LAB_TMP/read"
		if ! diff "$LAB_TMP/sent" "$LAB_TMP/read"; then
			fail "$end, ${SPOOL[i]}: not what was sent"
		fi
		note "$end, ${SPOOL[i]}: $(awk '{ b += $4; m += $6 }
			END { print b " bytes, " m " messages" }' "$LAB_TMP/read")"
	done
}
