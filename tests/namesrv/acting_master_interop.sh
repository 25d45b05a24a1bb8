#!/usr/bin/env bash
# A Java 5.3.3 master and its slave at our name server: the slave learns of its master, and when that dies the slave is
# told (905), acts in its place and is shown as id 0 without write permission.
. "$SOURCE/tests/support/servers.sh"
need_java
ns=$(free_port)
our_namesrv namesrv "$ns" supportActingMaster=true notifyMinBrokerIdChanged=true
log=$HOME/logs/rocketmqlogs/namesrv.log
java_broker() { # DIR PORT ROLE ID
    peer up -v 5.3.3 -n 0 -b "$2" -m 512m -N "127.0.0.1:$ns" -d "$T/$1" -o "brokerRole=$3" -o "brokerId=$4" \
        -o enableSlaveActingMaster=true >"$T/$1.up" || fail "$1 did not start"
    PIDS+=("$(peer pid -d "$T/$1")")
    wait_for 60 "registration of $1" grep -q "new broker registered: broker=broker-a id=$4" "$log"
}
admin() { peer admin -d "$T/admin" "$@" 2>&1 | grep -v '|-' || true; }
shows() { # TEXT COMMAND...
    local text=$1
    shift
    "$@" >"$T/shows.txt" 2>&1
    grep -qF -- "$text" "$T/shows.txt"
}
master=$(free_port)
java_broker master "$master" ASYNC_MASTER 0
slave=$(free_port)
java_broker slave "$slave" SLAVE 1
wait_for 60 "replication" shows "#SlaveNum	1" admin haStatus -b "127.0.0.1:$master"
peer kill -d "$T/master"
wait_for 30 "acting master in the routes" shows "\"brokerAddrs\":{0:\"127.0.0.1:$slave\"" \
    admin topicRoute -t TBW102 -n "127.0.0.1:$ns"
grep -q '"perm":5' "$T/shows.txt" || fail "the acting master may be written to: $(cat "$T/shows.txt")"
wait_for 30 "notice at the slave" grep -rqs "TransactionCheckService status changed to true" "$T/slave/logs"
