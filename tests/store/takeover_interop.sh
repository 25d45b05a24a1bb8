# A store goes from hand to hand: left by a Java broker (stopped or killed), opened, continued and left by ours (the
# same), opened by a Java broker of that version, which must show the same queues, messages and keys, and taken back.
. "$SOURCE/tests/support/servers.sh"
peer=$SHARED/peer/peer
driver=$BUILD/tests/tests_store_takeover_driver
command -v java >/dev/null && [ -x "$peer" ] && [ -d "$SHARED/golden/store" ] || exit 77
OURS=20

java_peer() { HOME=$USER_HOME timeout 120 "$peer" "$@"; }
admin() { java_peer admin -v "$version" -d "$T/admin" "$@" -n "127.0.0.1:$ns" 2>/dev/null; }

# "TOPIC QUEUE MIN MAX" lines of a topic as mqadmin shows them
java_bounds() { admin topicStatus -t "$1" | awk -v t="$1" '$1 == "broker-a" { print t, $2, $3, $4 }' | sort; }
java_serves() { [ -n "$(java_bounds TopicA)" ]; }
bounds() { grep "^$1 " "$2" | sort; }

take_over() { # take_over VERSION GOLDEN stop|crash
    version=$1
    local golden=$2 dir=$T/$2 root=$T/$2/store topic sum count
    mkdir -p "$dir" "$T/admin"
    tar --zstd -xf "$SHARED/golden/store/$golden.tar.zst" -C "$dir"
    mv "$dir/$golden" "$root"
    local sizes=(maxMessageSize=131072 maxHashSlotNum=1000 maxIndexNum=1000
        "messageDelayLevel=1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 3650d")
    local ours=("${sizes[@]}" mappedFileSizeCommitLog=262144 mappedFileSizeConsumeQueue=1000) java=() line
    for line in "${ours[@]}" mapedFileSizeCommitLog=262144 mapedFileSizeConsumeQueue=1000 transactionCheckInterval=3600000 \
        mappedFileSizeTimerLog=102400 timerMaxDelaySec=400000000; do java+=(-o "$line"); done

    "$driver" "$root" $OURS "$3" "${ours[@]}" >"$dir/first"
    if [ "$3" = stop ]; then
        "$DIST/bin/mqstore" "$root" verify >"$dir/verify" || fail "$golden: $(cat "$dir/verify")"
        [ ! -e "$root/abort" ] || fail "$golden: abort stays"
    else
        [ -e "$root/abort" ] || fail "$golden: no abort file"
    fi

    ns=$(free_port)
    local broker
    broker=$(free_port)
    local up=0
    java_peer up -v "$version" -d "$dir" -n "$ns" -b "$broker" -m 512m "${java[@]}" >"$dir/up" || up=$?
    for line in "$dir"/*.pid; do PIDS+=("$(cat "$line")"); done
    [ $up = 0 ] || fail "$golden: Java $version does not start on it"
    wait_for 60 "route to the Java broker" java_serves
    for topic in TopicA TopicB TopicBatch TopicTx; do
        same "$golden: queues of $topic" "$(bounds $topic "$dir/first")" "$(java_bounds $topic)"
        sum=$(bounds $topic "$dir/first" | awk '{ n += $4 - $3 } END { print n }')
        count=$(admin printMsg -t $topic -d false | grep -o 'MSGID: ' | wc -l)
        same "$golden: messages of $topic" "$sum" "$count"
    done
    same "$golden: the message with key ours-7" 1 "$(admin queryMsgByKey -t TopicA -k ours-7 | grep -cE '^[0-9A-F]{32}' || true)"
    java_peer down -d "$dir"
    PIDS=()

    # And back again: Java may have added records of its own services, to no queue of these topics.
    "$driver" "$root" 0 stop "${ours[@]}" >"$dir/last"
    for topic in TopicA TopicB TopicBatch TopicTx; do
        same "$golden: queues of $topic, taken back" "$(bounds $topic "$dir/first")" "$(bounds $topic "$dir/last")"
    done
    "$DIST/bin/mqstore" "$root" verify >"$dir/verify" || fail "$golden, taken back: $(cat "$dir/verify")"
    echo "$golden: $(cat "$dir/verify")"
}

take_over 4.2.0 v420-kill crash
[ -n "${TAKEOVER_VERSIONS:-}" ] || exit 0 # `make takeover` runs them all
take_over 5.3.3 v533-kill stop
take_over 5.3.3 v533-clean crash
