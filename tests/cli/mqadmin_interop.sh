#!/usr/bin/env bash
# mqadmin against a Java name server and broker: every command of the first day, those that change seen in those that
# show. The version is 5.3.3; JAVA_VERSION=4.2.0 or 5.5.0 runs it against another.
. "$SOURCE/tests/support/servers.sh"
need_java
version=${JAVA_VERSION:-5.3.3}
ns=$(free_port)
port=$(free_port)
peer up -v "$version" -d "$T/peer" -n "$ns" -b "$port" -m 512m >"$T/peer.out" || fail "the Java servers did not start"
PIDS+=("$(cat "$T/peer/namesrv.pid")" "$(cat "$T/peer/broker.pid")")
broker=127.0.0.1:$port
admin() { timeout 60 "$DIST/bin/mqadmin" "$@" -n "127.0.0.1:$ns"; }
# prints PATTERN ARGS...: succeeds, and a line of its output matches; check the same, or the test fails
prints() {
    local pattern=$1
    shift
    admin "$@" >"$T/out" 2>"$T/err" && grep -q -- "$pattern" "$T/out"
}
check() { prints "$@" || fail "mqadmin ${*:2}: no '$1' in: $(cat "$T/out" "$T/err")"; }
# fails TEXT ARGS...: with that on standard error
fails() {
    local text=$1
    shift
    admin "$@" >"$T/out" 2>"$T/err" && fail "mqadmin $* succeeds"
    grep -qF -- "$text" "$T/err" || fail "mqadmin $*: no '$text' in: $(cat "$T/err")"
}

echo "== cluster"
wait_for 60 "registration" prints "^DefaultCluster  *broker-a  *0  *$broker  *V${version//./_}" clusterList
check '^DefaultCluster  *broker-a' clusterList -m
check '^brokerVersionDesc ' brokerStatus -b "$broker"
check "^$broker  *brokerVersionDesc " brokerStatus -c DefaultCluster
check '^brokerName  *=  broker-a$' getBrokerConfig -b "$broker"
check "^============Master: $broker============$" getBrokerConfig -c DefaultCluster
check 'update broker config success' updateBrokerConfig -b "$broker" -k fileReservedTime -v 48
check '^fileReservedTime  *=  48$' getBrokerConfig -b "$broker"
fails 'has no setting noSuchKey' updateBrokerConfig -c DefaultCluster -k noSuchKey -v 48

echo "== topics"
check "create topic to $broker success." updateTopic -c DefaultCluster -t Admin -r 4 -w 4
check '^set broker orderConf. isOrder=true, orderConf=\[broker-a:2\]$' updateTopic -b "$broker" -t Ordered -r 2 -w 2 -o true
wait_for 40 "route of both" prints '"writeQueueNums":2' topicRoute -t Ordered
wait_for 40 "route of both" prints '^Total:  *1  *4  *4' topicRoute -t Admin -l
check '^Admin$' topicList
check "^update topic perm from 6 to 4 in $broker success.$" updateTopicPerm -c DefaultCluster -t Admin -p 4
check ', perm=RW-, ' updateTopicPerm -b "$broker" -t Admin -p 6
check '^DefaultCluster$' topicClusterList -t Admin
check '^delete topic \[Ordered\] from NameServer success.$' deleteTopic -c DefaultCluster -t Ordered
fails 'CODE: 17' topicRoute -t Ordered

echo "== messages"
for i in 0 1 2 3 4 5 6 7; do
    check '^broker-a  *[0-3]  *SEND_OK ' sendMessage -t Admin -p "body $i" -k "key$i" -c "Tag$((i % 2))" -b broker-a -i $((i % 4))
done
stored() { admin topicStatus -t Admin | awk '/^broker-a/ { n += $4 } END { exit n != 8 }'; }
wait_for 10 "8 messages in the queues" stored
wait_for 10 "key3 in the index" prints '  3  *0$' queryMsgByKey -t Admin -k key3
id=$(tail -1 "$T/out" | awk '{ print $1 }')
check '^Tags:  *\[Tag1\]$' queryMsgByUniqueKey -t Admin -i "$id"
check '^Message Body:  *body 3$' queryMsgById -t Admin -i "$id" -f UTF-8
check '^Keys:  *\[key3\]$' queryMsgById -i "$(awk '/^OffsetID/ { print $2 }' "$T/out")"
check 'BODY: body 7$' printMsg -t Admin -s Tag1
same "of one tag" 4 "$(grep -c '^MSGID' "$T/out")"
check '^Message Body:  *body 7$' queryMsgByOffset -t Admin -b broker-a -i 3 -o 1 -f UTF-8
check '^Tag: Tag1  *Count: 2$' printMsgByQueue -t Admin -a broker-a -i 3 -f true
check 'BODY: body 1$' consumeMessage -t Admin -b broker-a -i 1 -o 0 -c 1
fails 'CODE: 208' queryMsgByKey -t Admin -k none

echo "== groups"
check "create subscription group to $broker success." updateSubGroup -c DefaultCluster -g made_group -r 5
check 'from broker' deleteSubGroup -b "$broker" -g made_group
check 'in cluster \[DefaultCluster\] success' deleteSubGroup -c DefaultCluster -g made_group
NAMESRV_ADDR=127.0.0.1:$ns start consumer "$DIST/bin/mqconsumer" --topic Admin --group admin_group
consumer=$PID
consumed() { [ "$(admin consumerProgress -g admin_group | awk '/^Admin/ { n += $5 } END { print n }')" = 8 ]; }
wait_for 60 "all consumed and committed" consumed
check '^Consume Diff Total: 0$' consumerProgress -g admin_group -s true
check '^admin_group  *1  *V5_3_3  *PUSH  *CLUSTERING ' consumerProgress
check '^Admin  *\*$' consumerConnection -g admin_group
client=$(sed -n 2p "$T/out" | awk '{ print $1 }')
check '^retryMaxTimes  *=  16$' getConsumerConfig -g admin_group
check '^Admin  *admin_group  *broker-a  *3  *2  *2  *0 ' brokerConsumeStats -b "$broker"
[ "$version" = 4.2.0 ] || check "^producer group (CLIENT_INNER_PRODUCER) instance : clientId=$client," producer -b "$broker"
check "^000[0-9]  $client " producerConnection -g CLIENT_INNER_PRODUCER -t Admin
check '^Admin  *broker-a  *3  *ProcessQueueInfo ' consumerStatus -g admin_group -i "$client"
(cd "$T" && check '^Rebalance OK$' consumerStatus -g admin_group)
check 'consumeResult=CR_SUCCESS' queryMsgByUniqueKey -t Admin -i "$id" -g admin_group -d "$client"
check '^MessageTrack \[consumerGroup=admin_group, trackType=CONSUMED,' queryMsgById -t Admin -i "$id"
check '^Admin  *admin_group  *0 ' statsAll
check '^DefaultCluster  *Admin  *admin_group' topicList -c
check '^broker-a  *3  *2 ' resetOffsetByTime -g admin_group -t Admin -s -1
stop "$consumer"
check '^broker-a  *3  *0 ' resetOffsetByTime -g admin_group -t Admin -s 2001-01-01#00:00:00:000
check '^Consume Diff Total: 8$' consumerProgress -g admin_group
check '^reset consumer offset to 1$' resetOffsetByTime -g admin_group -t Admin -s -1 -b "$broker" -q 2 -o 1
check '^Consume Diff Total: 7$' consumerProgress -g admin_group
check '^broker-a  *3  *2 ' skipAccumulatedMessage -g admin_group -t Admin
admin updateSubGroup -c DefaultCluster -g other_group >/dev/null
check '^clone group offset success' cloneGroupOffset -s admin_group -d other_group -t Admin
cloned() { admin brokerConsumeStats -b "$broker" -l -1 | grep -q '^Admin  *other_group  *broker-a  *3  *2  *2  *0 '; }
wait_for 10 "offsets of the other group" cloned
check '^Avg RT: ' checkMsgSendRT -t Admin -a 5

echo "== name server, cleaning"
check '^wipe write perm of broker\[broker-a\] in name server' wipeWritePerm -b broker-a
check '^Total:' topicRoute -t Admin -l
same "permission" 4 "$(awk '/^DefaultCluster/ { print $6 }' "$T/out")"
[ "$version" = 4.2.0 ] || check '^add write perm of broker' addWritePerm -b broker-a
check '^update name server config success' updateNamesrvConfig -k orderMessageEnable -v true
check '^orderMessageEnable  *=  true$' getNamesrvConfig
check 'success' updateKvConfig -s space -k key -v value
check 'success' deleteKvConfig -s space -k key
check '^success$' cleanExpiredCQ
check '^success$' cleanUnusedTopic -b "$broker"
[ "$version" = 4.2.0 ] || check '^success$' deleteExpiredCommitLog -c DefaultCluster
peer down -d "$T/peer"
