# SPDX-License-Identifier: GPL-2.0-only
# case: a program stands still inside recv(), its large buffer is filled; others go on
# timeout: 120
vm A
# The host takes 8 MiB for all that it cannot deliver.
args=(n=24 buf=33554432 within=10000)
bg server vst engulf-server port=1190 "${args[@]}"
ready server
guest A vst engulf cid=2 port=1190 size=65536 count=400 "${args[@]}"
ends server
bg server guest A vst engulf-server port=1191 "${args[@]}"
ready server
vst engulf cid=42 port=1191 size=65536 count=400 "${args[@]}"
ends server
