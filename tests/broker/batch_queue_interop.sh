#!/usr/bin/env bash
# A topic with queue.type=BatchCQ goes from a Java 5.5.0 broker to ours and back: the Java client sends batches and
# messages alone and consumes them one by one, with tags and retries, whoever stored them.
. "$SOURCE/tests/support/servers.sh"
need_java
ns=$(free_port)
port=$(free_port)
settings=(brokerName=broker-a mapperFileSizeBatchConsumeQueue=460 mappedFileSizeCommitLog=1048576)
java_broker() {
    peer up -v 5.5.0 -d "$T/java" -n 0 -N "127.0.0.1:$ns" -b "$port" -m 512m $(printf -- '-o %s ' "${settings[@]}") \
        >"$T/java.out"
    wait_for 30 "registration of the Java broker" registered
}
registered() { "$DIST/bin/mqadmin" clusterList -n "127.0.0.1:$ns" | grep -q broker-a; }
client() { # what the program prints
    timeout 120 env HOME="$USER_HOME" "$PEER" java -v 5.5.0 -d "$T/client" BatchQueue "$1" "127.0.0.1:$ns" B "${@:2}" \
        >"$T/client.out" 2>&1 || fail "BatchQueue $*"
    grep -E '^(sent|got|wrong)' "$T/client.out" || true
}
verified() { "$DIST/bin/mqstore" "$T/java/store" verify >"$T/verify.out" || fail "$(cat "$T/verify.out")"; }

our_namesrv ns "$ns"
java_broker
java_compile 5.5.0 "$T/client" "$SOURCE/tests/broker/java/BatchQueue.java"

echo "== on the Java broker"
peer admin -v 5.5.0 -d "$T/admin" updateTopic -n "127.0.0.1:$ns" -c DefaultCluster -t B -r 1 -w 1 \
    -a +queue.type=BatchCQ >"$T/admin.out" 2>&1
grep -q 'create topic to .* success' "$T/admin.out" || fail "updateTopic"
same "sent" "sent 0 3 7 12 18" "$(client send java 3 4 5 6 7)"
same "consumed" "got 25 rising true last 24 again" "$(client consume G '*' 25 - | sed 's/ $//')"
peer_down "$T/java"
verified

echo "== on ours"
our_broker broker-a "$port" "127.0.0.1:$ns" "${settings[@]}" "storePathRootDir=$T/java/store"
ours=$PID
same "sent" "sent 25 28 29 49 50" "$(client send ours 3 0 20 0 2)"
same "the same group goes on" "got 27 rising true last 51 again" "$(client consume G '*' 27 -)"
same "a new group gets all, and one again" "got 51 rising true last 51 again java-5" "$(client consume H '*' 51 java-5)"
same "those with a tag" "got 6 rising true last 45 again" "$(client consume Tagged zero 6 -)"
stop "$ours"
verified

echo "== and back"
java_broker
same "sent" "sent 52 56" "$(client send back 4 3)"
same "the same group goes on" "got 7 rising true last 58 again" "$(client consume G '*' 7 -)"
same "a new group gets all" "got 59 rising true last 58 again" "$(client consume I '*' 59 -)"
peer_down "$T/java"
verified
