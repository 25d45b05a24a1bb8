# Timer messages that wait when a broker ends, stopped or killed, are delivered by the next: those of a Java broker by
# ours, ours by a Java broker, on one store. None comes early, none that was recalled comes at all.
. "$SOURCE/tests/support/servers.sh"
need_java
driver=$BUILD/tests/tests_broker_timer_driver
COUNT=20
settings=(recallMessageEnable=true mappedFileSizeCommitLog=4194304 mappedFileSizeConsumeQueue=20000
    mappedFileSizeTimerLog=102400 maxHashSlotNum=1000 maxIndexNum=1000)

our_life() {
    our_broker ours "$port" "127.0.0.1:$ns" brokerName=broker-a "storePathRootDir=$T/java/store" "${settings[@]}"
    broker=$PID
}
java_life() { # java_life VERSION
    local extra=() line
    for line in "${settings[@]}"; do extra+=(-o "$line"); done
    peer up -v "$1" -d "$T/java" -n 0 -N "127.0.0.1:$ns" -b "$port" -m 512m "${extra[@]}" >"$T/java.out"
    broker=$(cat "$T/java/broker.pid")
    PIDS+=("$broker")
}
# numbers FIRST: of COUNT messages from there on those that were not recalled
numbers() { seq "$1" $(($1 + COUNT - 1)) | awk '$1 % 5'; }
delivered() { "$driver" "$port" read | awk -v first="$1" '$1 >= first' | sort -n; }
has() { [ "$(numbers "$1")" = "$(delivered "$1" | sort -nu)" ]; }
waits() { [ "$("$driver" "$port" waiting)" = "$1" ]; }

ns=$(free_port)
port=$(free_port)
mkdir -p "$T/java"
our_namesrv ns "$ns"

java_life 5.3.3
"$driver" "$port" send 0 $COUNT 12000
wait_for 10 "messages in the wheel of Java" waits $((COUNT * 4 / 5))
peer_down "$T/java"

our_life
wait_for 10 "messages in our wheel" waits $((COUNT * 4 / 5))
wait_for 30 "messages of Java 5.3.3" has 0
same "messages of Java 5.3.3, each once" "$(numbers 0)" "$(delivered 0)"
"$driver" "$port" send 100 $COUNT 15000
wait_for 10 "our messages in our wheel" waits $((COUNT * 4 / 5))
kill -9 "$broker"
wait_for 5 "end of our broker" gone "$broker"

java_life 5.5.0
wait_for 60 "our messages from Java" has 100
"$driver" "$port" send 200 $COUNT 9000
all_saved() { [ "$("$driver" "$port" saved)" = $((3 * COUNT * 6 / 5)) ]; } # a Java broker counts not well after a crash
wait_for 10 "messages saved by Java" all_saved
kill -9 "$broker"
wait_for 5 "end of the Java broker" gone "$broker"

our_life
wait_for 30 "messages of Java 5.5.0" has 200
wait_for 10 "end of waiting" waits 0
stop "$broker"
"$DIST/lib/rocketmq/mqstore" "$T/java/store" verify >/dev/null || fail "the store does not verify"
