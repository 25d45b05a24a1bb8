# A store goes from broker to broker under load: Java, ours, Java, ... , each stopped or killed while a client sends.
# The next one must have every message that was acknowledged, at its offset; consumer offsets; what was pending of delays,
# timers and transactions must come, and what was rolled back must not. Between clean stops nothing comes twice.
# TAKEOVER_VERSIONS="4.2.0 4.9.4 5.3.3 5.5.0": Java versions to go through instead of the last one (`make takeover`).
. "$SOURCE/tests/support/servers.sh"
need_java
driver=$BUILD/tests/tests_store_takeover_client_driver
MESSAGES=${TAKEOVER_MESSAGES:-600} # sent in each life before it ends
settings=(brokerIP1=127.0.0.1 mappedFileSizeCommitLog=524288 mappedFileSizeConsumeQueue=2000 maxHashSlotNum=1000
    maxIndexNum=2000 maxMessageSize=131072 transactionCheckInterval=1000 transactionTimeOut=1000 flushDelayOffsetInterval=500
    mapedFileSizeCommitLog=524288 mapedFileSizeConsumeQueue=2000)

# life ours|java stop|kill|last: the next broker on the store. `last` sends nothing and is stopped.
life() {
    lives=$((lives + 1))
    what="Java $version, life $lives ($1, $2)"
    [ "$1" = java ] && start_java || our_broker ours "$port" "127.0.0.1:$ns" brokerName=broker-a "storePathRootDir=$store" "${settings[@]}"
    [ "$1" != java ] || java_lives+=$lives
    [ "$1" = java ] && broker=$(cat "$dir/broker.pid") || broker=$PID
    wait_for 30 "route to the broker ($what)" all_there
    [ "$kinds" = "" ] || "$driver" answer 2500 &
    wait_for 40 "messages that were pending ($what)" all_came
    nothing_wrong
    wait $! || true
    offsets_kept
    if [ "$2" != last ]; then load "$2"; fi
    end "$1" "$2"
}
start_java() {
    local extra=() line
    for line in "${settings[@]}"; do extra+=(-o "$line"); done
    peer up -v "$version" -d "$dir" -n 0 -N "127.0.0.1:$ns" -b "$port" -m 512m "${extra[@]}" >"$dir/up" || fail "$what: does not start"
    PIDS+=("$(cat "$dir/broker.pid")")
}
# Everything acknowledged so far is read at its queue and offset.
all_there() {
    "$driver" answer 0 || return 1 # it takes messages
    [ -s "$dir/acked" ] || return 0
    "$driver" read | sort >"$dir/read" && [ -z "$(sort "$dir/acked" | grep '^at' | comm -23 - "$dir/read" | tee "$dir/missing")" ]
}
all_came() {
    [ -s "$dir/acked" ] || return 0
    "$driver" read | sort >"$dir/read" && [ -z "$(grep '^due' "$dir/acked" | sort | comm -23 - <(sort -u "$dir/read") | tee "$dir/missing")" ]
}
nothing_wrong() {
    [ -s "$dir/acked" ] || return 0
    same "$what: rolled back, yet there" "" "$(grep rollback "$dir/read" || true)"
    # Java notes the end of a transaction 3 s late: a stop before makes its successor, be it Java, ask and commit again.
    [ -n "$killed" ] || same "$what: came twice" "" "$(uniq -d "$dir/read" | grep -v "life[${java_lives}].*-\(commit\|unknown\)" | head)"
}
offsets_kept() {
    [ -s "$dir/offsets" ] || return 0
    same "$what: consumer offsets" "$(cat "$dir/offsets")" "$("$driver" offsets)"
}
load() {
    "$driver" load "life$lives" $kinds >"$dir/sending" 2>"$T/load.out" &
    local loader=$!
    wait_for 60 "messages ($what)" enough
    "$driver" commit
    "$driver" offsets >"$dir/offsets"
    [ "$1" != kill ] || rm "$dir/offsets" # saved every 5 s
    kill -0 $loader || fail "$what: $(cat "$T/load.out")"
}
enough() { [ "$(wc -l <"$dir/sending")" -ge "$MESSAGES" ]; }
end() {
    local signal=TERM
    [ "$2" != kill ] || signal=KILL killed=yes
    kill "-$signal" "$broker"
    wait_for 60 "end of the broker ($what)" gone "$broker"
    wait
    [ -s "$dir/sending" ] && cat "$dir/sending" >>"$dir/acked"
    rm -f "$dir/sending"
    [ "$2" = kill ] || "$DIST/bin/mqstore" "$store" verify >"$dir/verify" || fail "$what: $(tail -5 "$dir/verify")"
}

port=$(free_port)
ns=$(free_port)
our_namesrv ns "$ns"
namesrv=$PID
disown "$namesrv"
export NAMESRV_ADDR=127.0.0.1:$ns
for version in ${TAKEOVER_VERSIONS:-5.5.0}; do
    dir=$T/$version store=$T/$version/store lives=0 java_lives='' killed=''
    case $version in
    4.2.0) kinds='' ;; # its transactions are not resumed by anyone
    4.*) kinds=transactions ;;
    *) kinds="transactions timers" ;;
    esac
    mkdir -p "$dir"
    life java stop
    life ours stop
    life java kill
    life ours kill
    life java stop
    life ours last
    echo "Java $version: $(wc -l <"$dir/acked") acknowledged, $(tail -1 "$dir/verify")"
done
