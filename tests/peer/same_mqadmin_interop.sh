#!/usr/bin/env bash
# The commands of the Java 5.5.0 mqadmin print the same about the Java servers and about ours. Ids, times, addresses and
# what differs on purpose are masked, lines are sorted: Java prints them as its hash sets have them. Commands that say
# something about the time, or that have to do with connected clients, are not here: they would not be the same twice.
. "$SOURCE/tests/support/servers.sh"
need_java
both_clusters
java_compile 5.5.0 "$T/java.tool" "$SOURCE/tests/peer/java/Commands.java"
cp -r "$T/java.tool" "$T/ours.tool"

# A word before each: it ends, or it fails. That both print the same is not enough, it has to be what we mean to see.
cat >"$T/list" <<'END'
ends updateTopic -n NS -c DefaultCluster -t A -r 4 -w 4 -p 6
ends updateTopic -n NS -b BROKER -t F -a +message.type=FIFO
fails updateTopic -n NS -b BROKER -t bad!name
fails updateTopic -n NS -b BROKER -t B -a +nosuch=1
ends updateSubGroup -n NS -b BROKER -g G -q 2 -r 5
ends updateSubGroup -n NS -b BROKER -g H
ends sendMessage -n NS -t A -p one -k k1 -c t1 -b broker-a -i 0
ends sendMessage -n NS -t A -p two -k k2 -c t2 -b broker-a -i 0
ends sendMessage -n NS -t A -p three -k k1 -c t1 -b broker-a -i 2
ends topicRoute -n NS -t A
ends topicList -n NS
ends topicStatus -n NS -t A
ends updateTopicPerm -n NS -b BROKER -t A -p 6
ends updateOrderConf -n NS -t A -m put -v broker-a:4
ends updateOrderConf -n NS -t A -m delete
ends getConsumerConfig -n NS -g G
ends printMsgByQueue -n NS -t A -a broker-a -i 0 -p true -d true
ends queryMsgByKey -n NS -t A -k k1
ends queryMsgByKey -n NS -t A -k t2 -p T
ends queryMsgByOffset -n NS -t A -b broker-a -i 0 -o 1 -f UTF-8
ends queryCq -n NS -t A -q 0 -i 0 -c 2 -b BROKER
ends resetOffsetByTime -n NS -g G -t A -s -1 -b BROKER -q 0 -o 1
fails cloneGroupOffset -n NS -s nosuch -d H -t A
ends updateBrokerConfig -n NS -b BROKER -k flushIntervalCommitLog -v 600
ends updateKvConfig -n NS -s space -k key -v value
ends deleteKvConfig -n NS -s space -k key
ends wipeWritePerm -n NS -b broker-a
ends addWritePerm -n NS -b broker-a
ends haStatus -n NS -b BROKER
ends exportConfigs -n NS -c DefaultCluster -f DIR
fails switchTimerEngine -n NS -b BROKER -e R
fails listUser -n NS -b BROKER
ends deleteSubGroup -n NS -b BROKER -g H -r true
ends deleteTopic -n NS -c DefaultCluster -t F
fails deleteTopic -n NS -c DefaultCluster -t TBW102
END
sed 's/^[a-z]* //' "$T/list" >"$T/commands"
run() { # run NAME NAMESRV-PORT BROKER-PORT
    mkdir -p "$T/$1.files"
    HOME=$USER_HOME timeout 200 "$PEER" java -v 5.5.0 -d "$T/$1.tool" org.apache.rocketmq.tools.command.Commands \
        "$T/commands" "127.0.0.1:$2" "127.0.0.1:$3" "$T/$1.files" >"$T/$1.printed" 2>"$T/$1.err"
    sed -n 's/^=== \([a-z]*\) \(.*\)/\1 \2/p' "$T/$1.printed" >"$T/$1.ended"
}
masked() { # masked NAME
    sed -E -e '/^\s*at |\.\.\. [0-9]+ more|\|-INFO|\|-WARN|^\s*$|RMQ_SYS_ROCKSDB_|^Cause: none of the brokers/d' \
        -e 's/DESC:.*(An system error|access control).*/DESC: no users here/; s/CODE: [13](  DESC: no users)/CODE\1/' \
        -e "s#$T/$1.files#FILES#g; s/127\.0\.0\.1:[0-9]+/HOST/g; s/[0-9A-F]{32,56}/ID/g; s/\b1[789][0-9]{11}\b/MS/g" \
        -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:]{8}[,.#:]?[0-9]*/TIME/g; s/ OK, [0-9]+$/ OK, N/' \
        -e 's/(commitLogOffset=|CommitLog Offset: +|MaxOffset\s+|@ID@)[0-9]+/\1N/g; s/  +/ /g' "$T/$1.printed" |
        awk '/^=== / { n++ } { printf "%02d %s\n", n, $0 }' | sort
}
registered() { "$DIST/bin/mqadmin" clusterList -n "127.0.0.1:$1" | grep -q broker-a; }
wait_for 30 "registration of the Java broker" registered "$java_ns"
wait_for 30 "registration of ours" registered "$ns"
run java "$java_ns" "$java_port" &
other=$!
run ours "$ns" "$port" || fail "the commands about our servers"
wait $other || fail "the commands about the Java servers"
for servers in java ours; do diff "$T/list" "$T/$servers.ended" || fail "commands about $servers do not end as they should"; done
diff <(masked java) <(masked ours) || fail "the commands print something else about our servers"

same "settings in the file" "$(python3 -m json.tool --sort-keys "$T/java.files/configs.json")" \
    "$(python3 -m json.tool --sort-keys "$T/ours.files/configs.json")"
