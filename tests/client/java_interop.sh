#!/usr/bin/env bash
# The client against Java name servers and brokers, the oldest and the newest that we promise; and what Java's own
# mqadmin sees of our consumers and makes them do.
. "$SOURCE/tests/support/servers.sh"
. "$SOURCE/tests/client/clusters.sh"
need_java
dirs=()
return_status() { return "$1"; }
java_down() {
    local status=$?
    for dir in "${dirs[@]}"; do peer down -d "$dir" || true; done
    set +e
    return_status $status # what cleanup looks at
    cleanup
}
trap java_down EXIT
java_up() { # java_up DIR ARGS...
    dirs+=("$1")
    timeout 120 "${PEER_RUN[@]}" up -d "$@" >/dev/null
}
PEER_RUN=(env HOME="$USER_HOME" "$PEER")

admin() { timeout 60 "${PEER_RUN[@]}" admin -v 5.3.3 "$@" -n "$NAMESRV_ADDR" 2>&1; }

# What mqadmin asks is relayed by the broker to our consumer.
java_admin_reaches_our_consumer() {
    timeout 60 "$DIST/bin/mqproducer" --topic Asked --count 40 >"$T/asked.sent"
    start asked "$DIST/bin/mqconsumer" --topic Asked --group G-Asked
    wait_for 60 "40 messages" test_count 40
    admin consumerConnection -g G-Asked >"$T/connection"
    grep -q "Asked" "$T/connection" || fail "consumerConnection does not show the subscription: $(cat "$T/connection")"
    local id
    id=$(grep -o '[0-9.]*@[0-9]*#[0-9]*' "$T/connection" | head -1)
    admin consumerStatus -g G-Asked -i "$id" >"$T/status"
    grep -q "Asked" "$T/status" || fail "consumerStatus has no running info: $(cat "$T/status")"
    admin queryMsgById -t Asked -g G-Asked -d "$id" -i "$(grep -o 'offsetMsgId=[0-9A-F]*' "$T/asked.sent" | head -1 | cut -d= -f2)" >"$T/direct"
    grep -q "CR_SUCCESS" "$T/direct" || fail "the message was not consumed directly: $(cat "$T/direct")"
    wait_for 10 "the message consumed directly" test_count 41
    admin resetOffsetByTime -g G-Asked -t Asked -s 0 >"$T/reset"
    wait_for 60 "all messages again after the reset" test_count 81
    stop "$PID"
}
test_count() { [ "$(grep -c 'Receive New Messages' "$T/asked.out")" -ge "$1" ]; }

for version in 4.2.0 5.3.3; do
    ns=$(free_port)
    export NAMESRV_ADDR=127.0.0.1:$ns
    java_up "$T/java-$version" -v $version -n "$ns" -b "$(free_port)" -m 400m
    drive "Java $version"
    java_admin_reaches_our_consumer
    rm -f "$T"/asked*
    [ $version = 5.3.3 ] || peer down -d "$T/java-$version"
done

java_up "$T/java-b" -v 5.3.3 -n 0 -N "$NAMESRV_ADDR" -b "$(free_port)" -m 400m -o brokerName=broker-b
one_of_two_is_killed "$(peer pid -d "$T/java-b")"
