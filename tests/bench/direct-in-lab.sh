# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The emulated host takes the part of real hardware: it runs --direct itself.
# Its raw results go where the machine finds them.
out=$LAB_OUT
echo "diag --direct on the emulated host"
BENCH_BUILT=1 "$LAB_REPO/tests/bench/run" --direct --quick >&2
status=$?
# shellcheck disable=SC2012 # names of our own making
newest=$(ls -td "$LAB_REPO"/build/bench/*/1 | head -n 1)
cp "$newest/bench.jsonl" "$out/"
exit "$status"
