#!/usr/bin/env bash
# Our name server for the Java programs: brokers of 5.3.3 (compressed registration) and 4.2.0 register, the Java mqadmin
# asks and changes, a Java producer of 4.2.0 finds its way.
. "$SOURCE/tests/support/servers.sh"
need_java
ns=$(free_port)
our_namesrv namesrv "$ns"
namesrv_pid=$PID
admin() {
    HOME=$USER_HOME timeout 60 "$PEER" admin -d "$T/admin" "$@" -n "127.0.0.1:$ns" 2>&1 | grep -v '|-' || true
}
java_broker() { # NAME VERSION PORT [KEY=VALUE...]
    local name=$1 version=$2 port=$3 more=()
    shift 3
    for setting in "$@"; do more+=(-o "$setting"); done
    HOME=$USER_HOME timeout 120 "$PEER" up -v "$version" -n 0 -b "$port" -m 512m -N "127.0.0.1:$ns" -d "$T/$name" \
        -o "brokerName=$name" ${more[@]+"${more[@]}"} >"$T/$name.up" || fail "$name did not start"
    PIDS+=("$(peer pid -d "$T/$name")")
}
has() { # TEXT COMMAND...: the command prints the text
    local text=$1
    shift
    "$@" >"$T/has.txt" 2>&1
    grep -qF -- "$text" "$T/has.txt"
}
check() { has "$@" || fail "no '$1' in: $(cat "$T/has.txt")"; }
routes_to() { has "$2" admin topicRoute -t "$1"; }

echo "== brokers of both ages register"
new=$(free_port)
java_broker new 5.3.3 "$new" compressedRegister=true
old=$(free_port)
java_broker old 4.2.0 "$old"
log=$HOME/logs/rocketmqlogs/namesrv.log
for name in new old; do # 5.3.3 may leave its first registration out when it has not found the name server yet
    wait_for 60 "registration of $name" grep -q "new broker registered: broker=$name" "$log"
done
check "new                     0     127.0.0.1:$new        V5_3_3" admin clusterList
check "old                     0     127.0.0.1:$old" admin clusterList
check "\"brokerAddrs\":{0:\"127.0.0.1:$new\"" admin topicRoute -t TBW102
check "\"brokerAddrs\":{0:\"127.0.0.1:$old\"" admin topicRoute -t TBW102
check "SELF_TEST_TOPIC" admin topicList
check "No topic route info in name server for the topic: Missing" admin topicRoute -t Missing

echo "== the tables of an administrator"
check "create or update kv config to namespace success." admin updateKvConfig -s NS -k key -v value
check '"key":"value"' cat "$HOME/namesrv/kvConfig.json"
check "delete kv config from namespace success." admin deleteKvConfig -s NS -k key
same "kv file" '{"configTable":{}}' "$(tr -d '\n\t ' <"$HOME/namesrv/kvConfig.json")"
check "update orderConf success. topic=[TopicTest], orderConf=[new:4]" admin updateOrderConf -t TopicTest -m put -v new:4
check "get orderConf success. topic=[TopicTest], orderConf=[new:4]" admin updateOrderConf -t TopicTest -m get
check "orderMessageEnable : true" admin updateNamesrvConfig -k orderMessageEnable -v true
check "orderMessageEnable                                =  true" admin getNamesrvConfig
check "orderMessageEnable=true" cat "$T/namesrv.conf"
check "Can not update config in black list" admin updateNamesrvConfig -k kvConfigPath -v /nowhere
check "wipe write perm of broker[old] in name server[127.0.0.1:$ns] OK" admin wipeWritePerm -b old
check "add write perm of broker[old] in name server[127.0.0.1:$ns] OK" admin addWritePerm -b old

echo "== a producer finds its way, and the topic it makes is told"
sent=$(NAMESRV_ADDR=127.0.0.1:$ns HOME=$USER_HOME timeout 120 "$PEER" example -d "$T/java" quickstart.Producer |
    grep -c 'sendStatus=SEND_OK' || true)
same "sent by Java" 1000 "$sent"
wait_for 40 "route of TopicTest" routes_to TopicTest '"topicSysFlag"'

echo "== a broker that dies is forgotten at once, one that stops too"
peer kill -d "$T/new"
is_gone() { ! has "$1" admin clusterList; }
wait_for 10 "end of the dead broker's routes" is_gone "127.0.0.1:$new"
check "127.0.0.1:$old" admin clusterList
peer down -d "$T/old"
wait_for 10 "end of the stopped broker's routes" is_gone "127.0.0.1:$old"
stop "$namesrv_pid"
check "Shutdown hook over" cat "$log"
