# clusters.sh - what cluster_test.sh and java_interop.sh try, for whatever servers NAMESRV_ADDR names.

# drive WHAT: all of cluster_driver.c
drive() {
    timeout 400 "$BUILD/tests/tests_client_cluster_driver" >"$T/driver.out" 2>&1 || fail "the client with $1"
}

# A producer and two consumers of one group go on while one of two brokers is killed; nothing acknowledged on the
# broker that stays is lost, and the two share the queues.  one_of_two_is_killed PID
one_of_two_is_killed() {
    local options=(--topic Killed --group G-Killed) consumers=()
    timeout 90 "$BUILD/tests/tests_client_cluster_driver" --create Killed 2 || fail "no topic on both brokers"
    for i in 1 2; do
        start "consumer$i" "$DIST/bin/mqconsumer" "${options[@]}"
        consumers+=("$PID")
    done
    wait_for 30 "start of the consumers" grep -q "Consumer Started" "$T/consumer2.out"
    start producer timeout 120 "$DIST/bin/mqproducer" --topic Killed --count 20000
    both_share() { grep -q "Receive New" "$T/consumer1.out" && grep -q "Receive New" "$T/consumer2.out"; }
    wait_for 30 "messages at both consumers" both_share
    wait_for 30 "messages on broker-b" grep -q "brokerName=broker-b" "$T/producer.out"
    kill -9 "$1"
    ! gone "$PID" || fail "the producer had ended before the broker was killed"
    wait_for 90 "end of the producer" gone "$PID"
    same "messages sent in spite of it" 20000 "$(grep -c 'SEND_OK' "$T/producer.out")"
    all_received() { [ "$(missing)" = 0 ]; }
    wait_for 60 "all messages of broker-a" all_received
    for pid in "${consumers[@]}"; do stop "$pid"; done
}
ids() { # ids BROKER FILE...: of the messages that it acknowledged
    local broker=$1
    shift
    grep -h "brokerName=$broker" "$@" | grep -o ' msgId=[0-9A-F]*' | sort -u
}
received() { grep -oh ' msgId=[0-9A-F]*' "$T"/consumer?.out | sort -u; }
missing() { comm -23 <(ids broker-a "$T/producer.out") <(received) | wc -l; }
