#!/usr/bin/env bash
# Our broker registered at real Java name servers of three releases serves our client, and a Java 4.2.0 one.
. "$SOURCE/tests/support/servers.sh"
need_java
for version in 4.2.0 5.3.3 5.5.0; do
    ns=$(free_port)
    peer up -v $version -d "$T/java-$version" -n "$ns" -b 0
    PIDS+=("$(cat "$T/java-$version/namesrv.pid")")
    port=$(free_port)
    our_broker "broker-$version" "$port" "127.0.0.1:$ns"
    broker=$PID
    export NAMESRV_ADDR=127.0.0.1:$ns
    timeout 60 "$DIST/bin/mqproducer" --count 100 >"$T/sent"
    same "sent by $version" 100 "$(grep -c '^SendResult \[sendStatus=SEND_OK' "$T/sent")"
    timeout 60 "$DIST/bin/mqconsumer" --count 100 >"$T/received"
    same "received by $version" 100 "$(grep -c 'Receive New Messages' "$T/received")"
    timeout 120 env HOME="$USER_HOME" "$PEER" example -d "$T/client" quickstart.Producer >"$T/java-sent"
    same "sent by Java through $version" 1000 "$(grep -c 'sendStatus=SEND_OK' "$T/java-sent")"
    stop "$broker"
    # the broker took itself off the name server
    timeout 60 "$DIST/bin/mqproducer" --count 1 >"$T/none" 2>&1 && fail "sent without a broker" || true
    peer down -d "$T/java-$version"
done
