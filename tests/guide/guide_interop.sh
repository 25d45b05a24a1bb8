#!/usr/bin/env bash
# The 4.2.0 start guide, word for word, and its Java programs against our servers.
. "$SOURCE/tests/support/servers.sh"
need_java

echo "== the launchers, as people type them"
cp -r "$DIST" "$T/dist" # an installation of its own: mqshutdown stops the servers of its own installation only
cd "$T/dist"
port=$(free_port)
printf '%s\n' brokerIP1=127.0.0.1 "listenPort=$port" "storePathRootDir=$T/store" >"$T/broker.conf"
ns=$(free_port)
echo "listenPort=$ns" >"$T/namesrv.conf"
same "nothing to stop" "No mqbroker running." "$(sh bin/mqshutdown broker || true)"
nohup sh bin/mqnamesrv -c "$T/namesrv.conf" >"$T/ns.out" 2>&1 &
ns_pid=$!
PIDS+=("$ns_pid")
logs=$HOME/logs/rocketmqlogs
wait_for 5 "boot line of the name server" grep -q "The Name Server boot success. serializeType=JSON" "$logs/namesrv.log"
nohup sh bin/mqbroker -n "localhost:$ns" -c "$T/broker.conf" >"$T/broker.out" 2>&1 &
broker_pid=$!
PIDS+=("$broker_pid")
wait_for 5 "boot line of the broker" \
    grep -q "The broker\[.*, 127.0.0.1:$port\] boot success. serializeType=JSON and name server is localhost:$ns" "$logs/broker.log"
export NAMESRV_ADDR=localhost:$ns
sh bin/tools.sh org.apache.rocketmq.example.quickstart.Producer >"$T/sent"
same "sent" 1000 "$(grep -c '^SendResult \[sendStatus=SEND_OK, msgId=' "$T/sent")"
timeout 30 sh bin/tools.sh org.apache.rocketmq.example.quickstart.Consumer --count 1000 >"$T/received"
same "received" 1000 "$(grep -c '^ConsumeMessageThread_[0-9]* Receive New Messages: \[MessageExt' "$T/received")"

echo "== the Java 4.2.0 programs"
timeout 120 env HOME="$USER_HOME" "$PEER" example -d "$T/java" quickstart.Producer >"$T/java-sent"
same "sent by Java" 1000 "$(grep -c 'SendResult \[sendStatus=SEND_OK, msgId=' "$T/java-sent")"
start java-consumer env HOME="$USER_HOME" "$PEER" example -d "$T/java" quickstart.Consumer
consumer=$PID
# our consumer has moved the group's offsets over the first 1000 messages: Java reads the other 1000
received() { [ "$(grep -c 'Receive New Messages: \[MessageExt' "$T/java-consumer.out")" -ge 1000 ]; }
wait_for 60 "1000 messages at the Java consumer" received
kill "$consumer"

java_compile 4.2.0 "$T/java" "$SOURCE"/tests/guide/java/*.java
java_420() { timeout 120 env HOME="$USER_HOME" "$PEER" java -v 4.2.0 -d "$T/java" "$@"; }
java_420 TestProducer >"$T/test-producer"
same "TestProducer" "sent 100 found 10" "$(grep -E '^(sent|found)' "$T/test-producer" | tr '\n' ' ' | sed 's/ $//')"
same "PullConsumer" "pulled 2000" "$(java_420 PullConsumer TopicTest | grep pulled)"

echo "== stop"
same "stop broker" "The mqbroker($broker_pid) is running... Send shutdown request to mqbroker($broker_pid) OK" \
    "$(sh bin/mqshutdown broker | tr '\n' ' ' | sed 's/ $//')"
wait_for 10 "end of the broker" gone "$broker_pid"
same "stop name server" "The mqnamesrv($ns_pid) is running... Send shutdown request to mqnamesrv($ns_pid) OK" \
    "$(sh bin/mqshutdown namesrv | tr '\n' ' ' | sed 's/ $//')"
wait_for 10 "end of the name server" gone "$ns_pid"
[ ! -e "$T/store/abort" ] || fail "the broker left its abort file: not a clean stop"
