# case: x
echo "<4>BUG: test" >/dev/kmsg
