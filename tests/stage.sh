# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Stages of make check, and what they say in the end. For tests/check, which
# sets $logs, a folder; counts are in $passed, $failed and $skipped.
#
#   stage NAME COMMAND...	one that counts: "N passed, N failed" is its last line
#   beside NAME COMMAND...	have such a one run beside what follows, once those
#				before it in this lane have ended: it needs a CPU
#				and no clock; "stage NAME" is where it counts
#   step NAME COMMAND...	one that has an exit status only
#   failures			what failed, for the end of the output
# shellcheck disable=SC2034 # for the caller
passed=0 failed=0 skipped=0 failures=() logs=${logs:?}
declare -A begun=()
begun_last=''

beside() {
	local name=$1

	shift
	echo "# stage $name runs beside others: $*"
	# shellcheck disable=SC2016 # for the other bash
	setsid bash -c 'took=$1 last=$2
		shift 2
		[ -z "$last" ] || tail --pid="$last" -s 0.2 -f /dev/null
		SECONDS=0
		"$@"
		status=$?
		echo "$SECONDS" >"$took"
		exit "$status"' lane "$logs/$name.took" "$begun_last" "$@" \
		>"$logs/$name.log" 2>&1 </dev/null &
	begun[$name]=$! begun_last=$!
}

# To be called at the end, whatever the reason for that is.
forsake() {
	local pid

	for pid in "${begun[@]}"; do
		# It may not have a group of its own yet.
		kill -- "-$pid" 2>/dev/null || kill "$pid" 2>/dev/null
	done
}

# execute NAME COMMAND...: sets $log and $status.
execute() {
	local name=$1 start=$SECONDS took

	shift
	log=$logs/$name.log
	if [ -n "${begun[$name]:-}" ]; then
		echo "# stage $name"
		wait "${begun[$name]}"
		status=$?
		unset "begun[$name]"
		sed -E 's/^([0-9]+ passed, [0-9]+ failed)$/# \1/' "$log"
		[ ! -s "$logs/$name.took" ] ||
			took="$(<"$logs/$name.took") s beside others, of which we waited for"
	else
		echo "# stage $name: $*"
		# Only our own total may stand alone on a line.
		"$@" 2>&1 </dev/null | tee "$log" |
			sed -u -E 's/^([0-9]+ passed, [0-9]+ failed)$/# \1/'
		status=${PIPESTATUS[0]}
	fi
	echo "# stage $name took ${took:-} $((SECONDS - start)) s" | tr -s ' '
}

broken() {
	failed=$((failed + 1))
	failures+=("$1:not ok $1 # $2")
	echo "not ok $1 # $2"
}

stage() {
	local name=$1 log status good='' bad='' line

	execute "$@"
	if [[ $(tail -n 1 "$log") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
		good=${BASH_REMATCH[1]} bad=${BASH_REMATCH[2]}
		passed=$((passed + good)) failed=$((failed + bad))
	fi
	skipped=$((skipped + $(grep -cE '^ *ok .*# SKIP' "$log")))
	while read -r line; do
		failures+=("$name:$line")
	done < <(grep -E '^ *not ok ' "$log")
	if [ -z "$good" ]; then
		broken "$name" "exit status $status, no count at the end"
	elif [ $((good + bad)) -eq 0 ]; then
		broken "$name" "exit status $status, it ran nothing"
	elif [ "$status" -gt 128 ]; then
		broken "$name" "killed by signal $((status - 128))"
	elif [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
		broken "$name" "exit status $status, though it counts no failure"
	elif [ "$status" -eq 0 ] && [ "$bad" -ne 0 ]; then
		broken "$name" "exit status 0, though it does not count as passed"
	elif [ "$bad" -eq 0 ] && grep -qE '^ *not ok ' "$log"; then
		broken "$name" "a failure that it does not count"
	fi
}

step() {
	local name=$1 log status

	execute "$@"
	if [ "$status" -eq 0 ]; then
		passed=$((passed + 1))
		echo "ok $name"
	else
		broken "$name" "exit status $status"
	fi
}

# clue FILE COUNT: those lines of a log that are most likely to tell: from a
# kernel's complaint on, or around the failure, or its end.
clue() {
	local file=$1 count=$2 from

	from=$(grep -anE -m 1 "$SPLAT" "$file" | cut -d: -f1)
	if [ -z "$from" ]; then
		from=$(grep -an '^FAIL: ' "$file" | tail -n 1 | cut -d: -f1)
		[ -z "$from" ] || from=$((from > count / 2 ? from - count / 2 : 1))
	fi
	if [ -n "$from" ]; then
		tail -n "+$from" "$file" | head -n "$count"
	else
		tail -n "$count" "$file"
	fi
}

# case_log STAGE LINE: the log of the case that this "not ok" is about, or of the
# host if that broke, in the newest boot that has it; nothing if there is none.
case_log() {
	local dir file word rest mark

	read -r _ _ _ word rest <<<"$2"
	mark="(begin|virtsock-pair:) $word"
	case $word:$rest in
	guest:'is '*)	# guest is client, 22 NAME
		read -r word rest <<<"${rest#is }"
		mark="conformance: ${word%,} ${rest%% *} [0-9]+"
		word=conformance/${word%,}-${rest%% *} ;;
	esac
	for dir in $(grep -oE 'logs in [^ ]+' "$logs/$1.log" | cut -d' ' -f3 | tac); do
		for file in "$dir/cases/$word.log" "$dir/$word"-*.log "$dir/dmesg.$word"; do
			case $2 in *'# '*'the host '*) file=$dir/host.log ;; esac
			[ -s "$file" ] || continue
			[ "$file" != "$dir/host.log" ] || grep -aqE "$mark"$'\r?$' "$file" || continue
			echo "$file"
			return
		done
	done
}

# before STAGE LINE COUNT: the diagnostic lines above this "not ok"; the end of
# the stage's log if that is about the stage itself.
before() {
	local at

	at=$(grep -anF -m 1 -- "$2" "$logs/$1.log" | cut -d: -f1)
	if [ -n "$at" ]; then
		head -n $((at - 1)) "$logs/$1.log" | tail -n "$3" | grep -E '^ *#'
	else
		tail -n "$3" "$logs/$1.log"
	fi
}

# At most 58 lines: clues to the first three failures, then all, or many of them.
failures() {
	local entry stage line file n=0

	for entry in "${failures[@]:0:3}"; do
		stage=${entry%%:*} line=${entry#*:}
		file=$(case_log "$stage" "$line")
		echo "# clue to $stage: ${line%% #*}${file:+, $file}"
		if [ -n "$file" ]; then
			clue "$file" 11
		else
			before "$stage" "$line" 11
		fi | cut -c1-160 | tr -d '\r' | sed 's/^/#   /'
	done
	for entry in "${failures[@]}"; do
		[ $((n += 1)) -le 20 ] || continue
		echo "# failed: ${entry%%:*}: ${entry#*:}" | cut -c1-300
	done
	[ "$n" -le 20 ] || echo "# and $((n - 20)) more"
}

# shellcheck source=tests/lab/host/splat.sh
. tests/lab/host/splat.sh
