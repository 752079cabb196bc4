# SPDX-License-Identifier: GPL-2.0-only
# case: 5000 connections, opened and closed in each way, leave nothing behind
# when: once
# timeout: 300
needs_virtsock
vm A

# churn N: so many connections, of both types and in both directions.
churn() {
	local type n=$(($1 / 4))

	for type in stream seq; do
		bg churn vst churn-server type=$type port=870 n=$n
		ready churn
		guest A vst churn cid=2 type=$type port=870 n=$n
		ends churn
		bg churn guest A vst churn-server type=$type port=871 n=$n
		ready churn
		vst churn cid=42 type=$type port=871 n=$n
		ends churn
	done
}

# Whatever is allocated once is there.
churn 400
until_ok 30 at_rest A
guest A mkdir -p "$LAB_TMP"
guest A vst leak-mark go="$LAB_TMP/mark"
vst leak-mark go="$LAB_TMP/mark"
t=${EPOCHREALTIME/./}
churn 5000
note "5000 connections in $(((${EPOCHREALTIME/./} - t) / 1000)) ms"
leaks=''
vst leak-check go="$LAB_TMP/mark" n=5000 || leaks=' host'
guest A vst leak-check go="$LAB_TMP/mark" n=5000 || leaks+=' guest'
[ -z "$leaks" ] || fail "left behind on:$leaks"
