#!/usr/bin/env bash
# mqadmin against our own servers, its output beside what the Java tool printed (recordings of ../shared/golden/mqadmin;
# without them those comparisons are left out, visibly), and its exit status and words when something fails.
. "$SOURCE/tests/support/servers.sh"
golden=$SHARED/golden/mqadmin
[ -d "$golden" ] || echo "no recorded outputs here: shapes are not compared"
export TZ=UTC
unset NAMESRV_ADDR
ns=$(free_port)
port=$(free_port)
our_namesrv ns "$ns"
our_broker broker-a "$port" "127.0.0.1:$ns"
broker=127.0.0.1:$port
admin() { "$DIST/bin/mqadmin" "$@" -n "127.0.0.1:$ns"; }
# fails STATUS TEXT ARGS...: ends so, with that text on standard error
fails() {
    local status=$1 text=$2 got=0
    shift 2
    "$DIST/bin/mqadmin" "$@" >"$T/out" 2>"$T/err" || got=$?
    same "status of mqadmin $*" "$status" "$got"
    grep -qF -- "$text" "$T/err" || fail "mqadmin $*: no '$text' in: $(cat "$T/err")"
}
# prints PATTERN ARGS... / lacks PATTERN ARGS...: succeeds, and a line of its output matches, or none does
prints() {
    local pattern=$1
    shift
    admin "$@" >"$T/out" 2>"$T/err" && grep -q -- "$pattern" "$T/out"
}
lacks() {
    local pattern=$1
    shift
    admin "$@" >"$T/out" && ! grep -q -- "$pattern" "$T/out"
}
first() { # first ARGS...: line of its output
    admin "$@" >"$T/out"
    head -1 "$T/out"
}
recorded() { sed -e '/^\$ mqadmin/d' -e '/^--- stderr ---/,$d' -e '/^--- exit/,$d' -e 's/--- exit [0-9]* ---$//' -e '/^<no newline/d' "$golden/$1.txt"; }
hosts() { sed -E -e 's/127\.0\.0\.1:[0-9]+/HOST/g' "$@"; }
# Ids, times, numbers and widths aside: what is left of a line is its shape.
shape() {
    hosts | sed -E -e 's/[0-9A-F]{32,56}/ID/g' -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}(,[0-9]{3})?/TIME/g' \
        -e 's/-?[0-9]+(\.[0-9]+)?/N/g' -e 's/\[(N, )*N\]/[N]/g' -e 's/  +/ /g' -e 's/ +$//' | sort -u
}
# One of the recorded titles of consumerProgress is a blank beside its column; ours stand above theirs.
titles() { head -1 | sed 's/#Inflight  */#Inflight /'; }
# exactly NAME ARGS...: but for addresses the recorded output
exactly() {
    local name=$1
    shift
    admin "$@" >"$T/out" || fail "mqadmin $*: status $?"
    [ -d "$golden" ] || return 0
    diff <(recorded "$name" | hosts) <(hosts "$T/out") || fail "mqadmin $* is not as recorded in $name"
}
# alike NAME ARGS...: the same first line and the same shapes of lines
alike() {
    local name=$1
    shift
    admin "$@" >"$T/out" || fail "mqadmin $*: status $?"
    [ -d "$golden" ] || return 0
    diff <(recorded "$name" | shape) <(shape <"$T/out") || fail "mqadmin $* is not of the shape recorded in $name"
    [[ $(head -1 "$T/out") != \#* ]] || same "titles of $*" "$(recorded "$name" | titles)" "$(titles <"$T/out")"
}

echo "== help and command lines"
"$DIST/bin/mqadmin" >"$T/help"
same "help" "$(cat "$T/help")" "$("$DIST/bin/mqadmin" help)"
while read -r name _; do
    "$DIST/bin/mqadmin" help "$name" >"$T/usage" || fail "help $name"
    grep -q "^usage: mqadmin $name " "$T/usage" || fail "help $name: $(cat "$T/usage")"
    same "-h of $name" "$(cat "$T/usage")" "$("$DIST/bin/mqadmin" "$name" -h)"
done < <(grep '^   ' "$T/help")
fails 1 "did you mean topicList?" topiclst
grep -qx "The sub command topiclst not exist." "$T/out" || fail "no word of the Java tool: $(cat "$T/out")"
fails 1 "Missing required option: t" topicRoute
grep -q "^usage: mqadmin topicRoute" "$T/out" || fail "no usage"
fails 1 "no name server is set: give -n host:port or the environment variable NAMESRV_ADDR" topicList
fails 1 "Is one running there?" topicList -n 127.0.0.1:1
NAMESRV_ADDR=127.0.0.1:1 fails 1 "127.0.0.1:1: cannot connect" clusterList
NAMESRV_ADDR="127.0.0.1:1;127.0.0.1:$ns" "$DIST/bin/mqadmin" topicList >"$T/out" || fail "the second name server"
admin topicList >/dev/full 2>"$T/err" && fail "a full disk is no success"
grep -q "No space left" "$T/err" || fail "why: $(cat "$T/err")"

echo "== topics"
exactly updateTopic.cluster updateTopic -c DefaultCluster -t GoldenNew -r 4 -w 4
exactly updateTopic.broker updateTopic -b "$broker" -t GoldenNewB -r 2 -w 2 -p 6 -o true
exactly updateTopic.attributes updateTopic -c DefaultCluster -t GoldenFifo -a +message.type=FIFO
admin updateTopic -c DefaultCluster -t GoldenTopic -r 4 -w 4 >/dev/null
exactly topicRoute topicRoute -t GoldenTopic
exactly topicRoute.list topicRoute -t GoldenTopic -l
exactly deleteTopic deleteTopic -c DefaultCluster -t GoldenNewB
exactly deleteTopic.missing deleteTopic -c DefaultCluster -t NoSuchTopic
lacks '^GoldenNewB$' topicList || fail "the topic is still there"
server="-n 127.0.0.1:$ns"
exactly updateTopicPerm updateTopicPerm -t GoldenNew -p 4 -b "$broker"
exactly updateTopicPerm.cluster updateTopicPerm -t GoldenNew -p 6 -c DefaultCluster
exactly topicClusterList topicClusterList -t GoldenTopic
fails 1 "has no topic NoSuchTopic" updateTopicPerm -t NoSuchTopic -p 4 -b "$broker" $server
fails 1 "CODE: 17  DESC: No topic route info in name server for the topic: NoSuchTopic" topicRoute -t NoSuchTopic $server
fails 1 "CODE: 29  DESC: The specified topic" updateTopic -c DefaultCluster -t 'bad topic!' $server
fails 1 "knows no cluster NoSuchCluster; it knows: DefaultCluster" updateTopic -c NoSuchCluster -t T $server

echo "== messages"
for i in 0 1 2 3 4 5 6 7 8 9 10 11; do
    tag=$(printf 'TagATagBTagC' | cut -c$((i % 3 * 4 + 1))-$((i % 3 * 4 + 4)))
    admin sendMessage -t GoldenTopic -p "Hello golden $i" -k "key$i" -c "$tag" -b broker-a -i $((i % 4)) >"$T/sent.$i"
done
alike sendMessage sendMessage -t GoldenNew -p 'hello world' -k gk1 -c TagA
wait_for 5 "the message in its queue" prints 'BODY: hello world$' consumeMessage -t GoldenNew
alike consumeMessage consumeMessage -t GoldenNew
alike sendMessage.queue sendMessage -t GoldenNew -p hello -b broker-a -i 2
prints '^WARN: No Consumer$' queryMsgByOffset -t GoldenNew -b broker-a -i 2 -o 0 || fail "nobody consumes GoldenNew"
fails 1 "-b and -i name one queue together" sendMessage -t GoldenNew -p hello -b broker-a $server
stored() { admin topicStatus -t GoldenTopic | awk '/^broker-a/ { n += $4 } END { exit n != 12 }'; }
wait_for 5 "12 messages in the queues" stored
alike topicStatus topicStatus -t GoldenTopic
found() { admin queryMsgByKey -t GoldenTopic -k key3; }
wait_for 5 "key3 in the index" found
alike queryMsgByKey queryMsgByKey -t GoldenTopic -k key3
id=$(tail -1 "$T/sent.3" | awk '{ print $4 }')
same "id by key" "$id" "$(tail -1 "$T/out" | awk '{ print $1 }')"
fails 1 "CODE: 208" queryMsgByKey -t GoldenTopic -k nokey $server
same "lines of printMsg" "$(admin printMsg -t GoldenTopic | grep -c '^MSGID')" 12
alike printMsg printMsg -t GoldenTopic -s TagC
same "messages with TagC" 4 "$(grep -c '^MSGID' "$T/out")"
prints 'BODY: NOT PRINT BODY$' printMsg -t GoldenTopic -d false || fail "bodies are not left out"
same "in no time at all" 0 "$(admin printMsg -t GoldenTopic -e 2001-01-01#00:00:00:000 | grep -c '^MSGID' || true)"
same "since long ago" 12 "$(admin printMsg -t GoldenTopic -b 2001-01-01#00:00:00:000 | grep -c '^MSGID')"
same "two from offset 1" "BODY: Hello golden 5
BODY: Hello golden 9" "$(admin consumeMessage -t GoldenTopic -b broker-a -i 1 -o 1 -c 2 | grep -o 'BODY:.*')"
fails 1 "has offsets from 0 to 3, not 7" consumeMessage -t GoldenTopic -b broker-a -i 1 -o 7 $server
same "messages of a queue" "$(admin printMsg -t GoldenTopic | grep '^MSGID.*queueId=0,')" \
    "$(admin printMsgByQueue -t GoldenTopic -a broker-a -i 0 -p true -d true)"
alike printMsgByQueue.f printMsgByQueue -t GoldenTopic -a broker-a -i 0 -f true
same "most frequent first" "Tag: TagA                           Count: 1" "$(head -1 "$T/out")"
alike checkMsgSendRT checkMsgSendRT -t GoldenNew -a 5 -s 128
same "messages timed" 5 "$(grep -c '^broker-a.*true' "$T/out")"

echo "== groups and clients"
exactly updateSubGroup updateSubGroup -c DefaultCluster -g golden_new_group
exactly updateSubGroup.options updateSubGroup -b "$broker" -g golden_new_group -s true -m false -d true -q 2 -r 5
exactly deleteSubGroup deleteSubGroup -c DefaultCluster -g golden_batch_g1 -r true
exactly deleteSubGroup.broker deleteSubGroup -b "$broker" -g golden_batch_g2
fails 1 "CODE: 17" consumerConnection -g no_such_group $server
fails 1 "CODE: 206" consumerConnection -g no_such_group -b "$broker" $server
NAMESRV_ADDR=127.0.0.1:$ns start consumer "$DIST/bin/mqconsumer" --topic GoldenTopic --group golden_group
consumer=$PID
consumed() { prints '^Consume Diff Total: 0$' consumerProgress -g golden_group; }
wait_for 30 "all consumed and committed" consumed
same "rows of consumerProgress" 4 "$(admin consumerProgress -g golden_group | grep -c '^GoldenTopic.*broker-a')"
alike consumerProgress.g-t consumerProgress -g golden_group -t GoldenTopic
lacks 'N/A  *[0-9]* ' consumerProgress -g golden_group -s true || fail "queues without their client"
alike consumerProgress consumerProgress
admin consumerConnection -g golden_group >"$T/clients"
same "titles of clients" "$(recorded consumerConnection 2>/dev/null | head -1)" "$([ ! -d "$golden" ] || head -1 "$T/clients")"
for line in 'Below is subscription:' '%RETRY%golden_group  \*' 'GoldenTopic          \*' 'ConsumeType: CONSUME_PASSIVELY' \
    'MessageModel: CLUSTERING' 'ConsumeFromWhere: CONSUME_FROM_FIRST_OFFSET'; do
    grep -qx "$line" "$T/clients" || fail "no '$line' in: $(cat "$T/clients")"
done
client=$(sed -n 2p "$T/clients" | awk '{ print $1 }')
prints "^000[0-9]  $client  *127.0.0.1:" producerConnection -g CLIENT_INNER_PRODUCER -t GoldenTopic || fail "no producer"
fails 1 "CODE: 1  DESC: the producer group[none] not exist" producerConnection -g none -t GoldenTopic $server
prints "^producer group (CLIENT_INNER_PRODUCER) instance : clientId=$client,remoteIP=/127.0.0.1:" producer -b "$broker" || fail "no producer"
admin brokerConsumeStats -b "$broker" >"$T/out"
same "rows of the group" 4 "$(grep -cE '^GoldenTopic +golden_group +broker-a +[0-3] +3 +3 +0 +20' "$T/out")"
[ ! -d "$golden" ] || same "titles of brokerConsumeStats" "$(recorded brokerConsumeStats | titles)" "$(titles <"$T/out")"
exactly getConsumerConfig getConsumerConfig -g golden_new_group
fails 1 "no broker knows a consumer group none" getConsumerConfig -g none $server
(cd "$T" && admin consumerStatus -g golden_group >"$T/out") || fail "consumerStatus: status $?"
[ ! -d "$golden" ] || same "all but the client" "$(recorded consumerStatus | sed 2d)" "$(sed 2d "$T/out")"
report=$T/$(sed -n 2p "$T/out" | awk '{ print $4 }')
admin consumerStatus -g golden_group -i "$client" >"$T/report"
same "sections of the report" "$(grep '^#.*#$' "$report")" "$(grep '^#.*#$' "$T/report")"
same "settings of the client" "$(grep '^PROP_CONSUME_TYPE' "$report")" "PROP_CONSUME_TYPE                       : CONSUME_PASSIVELY"
[ ! -d "$golden" ] || same "sections" "$(recorded consumerStatus.i | grep '^#.*#$')" "$(grep '^#.*#$' "$T/report")"
same "queues of the client" 4 "$(grep -c '^GoldenTopic  *broker-a  *[0-3]  *ProcessQueueInfo \[commitOffset=' "$T/report")"
fails 1 "CODE: " consumerStatus -g golden_group -i nobody $server
alike queryMsgByUniqueKey.direct queryMsgByUniqueKey -t GoldenTopic -i "$id" -g golden_group -d "$client"
fails 1 "-g and -d name one consumer together" queryMsgById -t GoldenTopic -i "$id" -g golden_group $server

echo "== messages by id, with who has consumed them"
details() { grep -vE '^MessageTrack .*UNKNOWN|^See ' | sed -E -e 's/null\]MessageTrack.*/null]/' -e 's/^(Properties: ).*/\1/'; }
admin queryMsgById -t GoldenTopic -i "$id" -f UTF-8 >"$T/byid"
[ ! -d "$golden" ] || diff <(recorded queryMsgById | details | shape) \
    <(grep -v '^Message Body: ' "$T/byid" | details | shape) || fail "queryMsgById is not of its recorded shape"
grep -qx 'Message Body:        Hello golden 3' "$T/byid" || fail "no body in: $(cat "$T/byid")"
grep -q 'trackType=CONSUMED,' "$T/byid" || fail "no track in: $(cat "$T/byid")"
same "the body's file" "Hello golden 3" "$(cat "$(awk '/^Message Body Path/ { print $4 }' "$T/byid")")"
offset_id=$(awk '/^OffsetID/ { print $2 }' "$T/byid")
same "by offset id" "$(grep -v '^Message Body: ' "$T/byid")" "$(admin queryMsgById -i "$offset_id" )"
admin queryMsgByOffset -t GoldenTopic -b broker-a -i 3 -o 0 -f UTF-8 >"$T/byoffset"
same "by queue offset" "$(grep -v '^Properties' "$T/byid")" "$(grep -v '^Properties' "$T/byoffset")"
fails 1 "there is no message at offset 99: the queue has those from 0 to before" queryMsgByOffset -t GoldenTopic -b broker-a -i 3 -o 99 $server
same "by unique key" "$(grep -vE '^(Message Body: |OffsetID)' "$T/byid")" "$(admin queryMsgByUniqueKey -t GoldenTopic -i "$id")"
fails 1 "CODE: 208" queryMsgById -t GoldenTopic -i 7F0000010000C6DF00000000000FFFFF $server
fails 1 "this one 3" queryMsgById -i abc $server
prints '^SendResult \[sendStatus=SEND_OK' queryMsgById -t GoldenTopic -i "$id" -s true || fail "not sent again"

echo "== offsets"
alike resetOffsetByTime.now resetOffsetByTime -g golden_group -t GoldenTopic -s now
alike resetOffsetByTime.online resetOffsetByTime -g golden_group -t GoldenTopic -s -1
stop "$consumer"
alike resetOffsetByTime.queue resetOffsetByTime -g golden_group -t GoldenTopic -s -1 -b "$broker" -q 0 -o 1
same "offset of queue 0" 1 "$(admin consumerProgress -g golden_group | awk '$1 == "GoldenTopic" && $3 == 0 { print $5 }')"
admin resetOffsetByTime -g golden_group -t GoldenTopic -s 2001-01-01#00:00:00:000 >/dev/null
same "all offsets" 0 "$(admin consumerProgress -g golden_group | awk '/^GoldenTopic/ { n += $5 } END { print n }')"
fails 1 "'never' is no time" resetOffsetByTime -g golden_group -t GoldenTopic -s never $server
admin updateSubGroup -c DefaultCluster -g golden_new_group >/dev/null
exactly cloneGroupOffset cloneGroupOffset -s golden_group -d golden_new_group -t GoldenTopic -o true
alike skipAccumulatedMessage skipAccumulatedMessage -g golden_new_group -t GoldenTopic
committed() { admin brokerConsumeStats -b "$broker" | awk '/^GoldenTopic  *golden_new_group / { n += $6 } END { print n }'; }
before=$(committed)
[ "$before" -gt 0 ] || fail "golden_new_group is not at the end of the topic"
fails 1 "CODE: 17" cloneGroupOffset -s no_such_group -d golden_new_group -t GoldenTopic $server
same "offsets of the group that was to get those of no group" "$before" "$(committed)"

echo "== name servers"
alike wipeWritePerm wipeWritePerm -b broker-a
prints '^Total:.*' topicRoute -t GoldenTopic -l && same "permission" 4 "$(awk '/^DefaultCluster/ { print $6 }' "$T/out")"
alike addWritePerm addWritePerm -b broker-a
exactly updateNamesrvConfig updateNamesrvConfig -k orderMessageEnable -v true
prints '^orderMessageEnable  *=  true$' getNamesrvConfig || fail "the setting is not changed"
same "title of settings" "============127.0.0.1:$ns============" "$(first getNamesrvConfig)"
exactly updateKvConfig updateKvConfig -s golden_ns -k gk -v gv
exactly deleteKvConfig deleteKvConfig -s golden_ns -k gk

echo "== cluster and brokers"
for name in cleanExpiredCQ cleanUnusedTopic deleteExpiredCommitLog; do exactly $name $name -b "$broker"; done
exactly cleanExpiredCQ.cluster cleanExpiredCQ -c DefaultCluster
alike clusterList.m clusterList -m
alike clusterList clusterList
prints '^GoldenTopic  *golden_group  *[0-9]*  *[0-9.]*  *[0-9.]*  *13  *[0-9]*$' statsAll -t GoldenTopic || fail "statsAll: $(cat "$T/out")"
[ ! -d "$golden" ] || same "titles of statsAll" "$(recorded statsAll.t | titles)" "$(titles <"$T/out")"
same "topics of statsAll" "$(admin topicList | grep -vc '^%')" "$(admin statsAll | awk '!/^#/ { print $1 }' | sort -u | wc -l)"
[ ! -d "$golden" ] || same "groups of topicList -c" "$(recorded topicList.c | grep '^DefaultCluster *GoldenTopic *golden_group')" \
    "$(admin topicList -c | grep '^DefaultCluster *GoldenTopic *golden_group')"
admin brokerStatus -b "$broker" >"$T/status"
keys() { sed -E -e 's/ *: .*//' -e 's/^commitLogDiskRatio_.*/commitLogDiskRatio_/'; }
[ ! -d "$golden" ] || same "counters not told of" "" "$(comm -23 <(recorded brokerStatus | keys | sort) <(keys <"$T/status" | sort))"
same "counters of the cluster" "$(wc -l <"$T/status")" "$(admin brokerStatus -c DefaultCluster | grep -c "^$broker")"
same "title of settings" "============$broker============" "$(first getBrokerConfig -b "$broker")"
same "title of settings" "============Master: $broker============" "$(first getBrokerConfig -c DefaultCluster)"
exactly updateBrokerConfig updateBrokerConfig -b "$broker" -k fileReservedTime -v 48
exactly updateBrokerConfig.cluster updateBrokerConfig -c DefaultCluster -k fileReservedTime -v 72
same "the setting" "fileReservedTime                                  =  72" "$(admin getBrokerConfig -b "$broker" | grep '^fileReservedTime ')"
fails 1 "has no setting noSuchKey" updateBrokerConfig -b "$broker" -k noSuchKey -v 1 $server
fails 1 "has no setting fileReservedTim: did you mean fileReservedTime?" updateBrokerConfig -b "$broker" -k fileReservedTim -v 1 $server

echo "== message trace"
export NAMESRV_ADDR=127.0.0.1:$ns
fails 1 "CODE: 208" queryMsgTraceById -i nothing
"$DIST/bin/mqproducer" --topic Traced --count 3 --group P-Traced --trace >"$T/traced.sent"
"$DIST/bin/mqconsumer" --topic Traced --count 3 --group C-Traced --trace >"$T/traced.received"
unset NAMESRV_ADDR
id=$(sed -n 's/.* msgId=\([0-9A-F]*\),.*/\1/p;q' "$T/traced.sent")
traced() { prints '^Sub  *C-Traced  *127.0.0.1 .* [0-9]*ms  *success' queryMsgTraceById -i "$id"; }
wait_for 5 "the trace of the consumer" traced
grep -q '^Pub  *P-Traced  *127.0.0.1 .* [0-9]*ms  *success' "$T/out" || fail "no trace of the producer: $(cat "$T/out")"
same "rows of one message" 2 "$(grep -c '^[PS]ub ' "$T/out")"
admin sendMessage -t Traced -p traced -m true >"$T/sent"
id=$(tail -1 "$T/sent" | awk '{ print $4 }')
traced() { prints '^Pub  *mqadmin_' queryMsgTraceById -i "$id"; }
wait_for 5 "the trace of sendMessage" traced
same "the message by its tag" 3 "$(admin queryMsgByKey -t Traced -k TagA -p T | grep -c '^[0-9A-F]')"
fails 1 "-p is K for a key or T for a tag" queryMsgByKey -t Traced -k TagA -p X $server

echo "== a broker that is gone"
stop "${PIDS[1]}"
fails 1 "cannot connect" brokerStatus -b "$broker" $server
