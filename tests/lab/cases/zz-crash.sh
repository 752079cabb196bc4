# case: x
[ -e /run/lab/out/crashed ] || { touch /run/lab/out/../out/crashed; }
echo c >/proc/sysrq-trigger
