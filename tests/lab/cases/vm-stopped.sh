# SPDX-License-Identifier: GPL-2.0-only
# case: connect() to a stopped VM, SYN-SENT in ss, sends that it never takes
# timeout: 180
vm A
vm_own A
bg server guest A vst listen hold port=1201 n=20
ready server
bg unsent vsapi solo unsent 42 1201
ready unsent CONNECTED
vm_qmp A stop
bg waits vst connect hold cid=42 port=1201
until_ok 20 sh -c 'ss --vsock -anH | grep -E "^v_str +SYN-SENT .*\*:[0-9]+ +42:1201 *$"'
bg stopped vsapi solo stopped 42 1201
ready stopped
stop waits
vm_qmp A cont
kill -ALRM "$(pgrep -f '^vsapi solo stopped')"
ends stopped
# Sent to a stopped VM and not taken: unsent, and given back at the end.
vm_qmp A stop
kill -USR1 "$(pgrep -f '^vsapi solo unsent')"
ready unsent
ss --vsock -anH
if [ "$LAB_TRANSPORT" = virtsock ]; then
	virtsock vm del cid 42
else
	vm_kill A
fi
ends unsent
vm_qmp A cont 2>/dev/null || :
