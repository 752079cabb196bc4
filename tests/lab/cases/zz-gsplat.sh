# case: x
vm A
guest A sh -c 'echo "<4>WARNING: CPU: 0 test" >/dev/kmsg'
