# case: x
# timeout: 5
sleep 100
