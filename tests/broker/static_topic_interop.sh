#!/usr/bin/env bash
# A static topic on a Java 5.5.0 broker and one of ours: made and moved by the Java mqadmin, sent to and consumed in order
# by the Java client. Each broker serves what the other has.
. "$SOURCE/tests/support/servers.sh"
need_java
ns=$(free_port)
port=$(free_port)
java_port=$(free_port)
our_namesrv ns "$ns"
our_broker broker-b "$port" "127.0.0.1:$ns"
peer up -v 5.5.0 -d "$T/java" -n 0 -N "127.0.0.1:$ns" -b "$java_port" -m 512m -o brokerName=broker-a >"$T/java.out"
java_compile 5.5.0 "$T/client" "$SOURCE/tests/broker/java/StaticTopic.java"
client() { # what the program prints about queues and totals
    timeout 120 env HOME="$USER_HOME" "$PEER" java -v 5.5.0 -d "$T/client" StaticTopic "$1" "127.0.0.1:$ns" S "${@:2}" \
        >"$T/client.out" 2>&1 || fail "StaticTopic $*"
    grep -E '^(sent|queue|got)' "$T/client.out" || true
}
admin() {
    peer admin -v 5.5.0 -d "$T/admin" "$@" -n "127.0.0.1:$ns" >"$T/admin.out" 2>&1
    grep -q 'mapping data is written' "$T/admin.out" || fail "mqadmin $*"
    ! grep -q Exception "$T/admin.out" || fail "mqadmin $*"
}
each() { # each FORMAT: the line of queue 0, 1 and so on
    for id in 0 1 2 3; do printf "$1\n" $id; done
}
registered() { "$DIST/bin/mqadmin" clusterList -n "127.0.0.1:$ns" | grep -q broker-a; }
wait_for 30 "registration of the Java broker" registered

echo "== on the Java broker"
admin updateStaticTopic -t S -qn 4 -b broker-a
same "sent" "$(each 'sent __syslo__global__ %d 0..9')" "$(client send one 10)"
same "consumed" "$(each 'queue %d got 10 rising true first 0 last 9')" "$(client consume G 40 | grep queue | sed 's/=[^ ]*//')"
between=$(date +%s%3N)

echo "== moved to ours"
admin remappingStaticTopic -t S -b broker-b
same "sent" "$(each 'sent __syslo__global__ %d 10000..10009')" "$(client send two 10)"
same "offsets" "$(each "queue %d min 0 max 10010 at 10000 earliest true group 10")" "$(client offsets G "$between")"
same "the same group goes on" "got 40" "$(client consume G 40 | tail -1)"
same "a new group gets all" "$(each 'queue %d got 20 rising true first 0 last 10009')" \
    "$(client consume H 80 | grep queue | sed 's/=[^ ]*//')"
same "offsets" "$(each "queue %d min 0 max 10010 at 10000 earliest true group 10010")" "$(client offsets H "$between")"

routes=$("$DIST/bin/mqadmin" topicRoute -n "127.0.0.1:$ns" -t S)
grep -q '"broker-b":{"bname":"broker-b","currIdMap":{"0":0,"1":1,"2":2,"3":3}' <<<"$routes" || fail "route: $routes"

echo "== and back, so that the Java broker serves our part"
admin remappingStaticTopic -t S -b broker-a
same "sent" "$(each 'sent __syslo__global__ %d 20000..20004')" "$(client send three 5)"
same "a new group gets all" "$(each 'queue %d got 25 rising true first 0 last 20004')" \
    "$(client consume I 100 | grep queue | sed 's/=[^ ]*//')"
