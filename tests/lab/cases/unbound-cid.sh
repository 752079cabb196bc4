# SPDX-License-Identifier: GPL-2.0-only
# case: connects to CIDs that nobody has fail promptly
# timeout: 180
vm A
vst connect-error cid=4242 port=1 within=30000 \
	expect=ENODEV,EHOSTUNREACH,ENETUNREACH,ETIMEDOUT,ECONNRESET
guest A vst connect-error cid=4242 port=1 within=30000 \
	expect=ENODEV,EHOSTUNREACH,ENETUNREACH,ETIMEDOUT,ECONNRESET
pair host A recv send count=10
