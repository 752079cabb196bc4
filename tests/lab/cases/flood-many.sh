# SPDX-License-Identifier: GPL-2.0-only
# case: 64 sockets with small buffers flood at once; one half is read much later
# timeout: 300
vm A
bg server vst crowd-server port=1090 n=64 count=50
ready server
guest A vst crowd cid=2 port=1090 n=64 count=50
ends server
