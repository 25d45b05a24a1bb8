# Messages that one broker handed out and nobody acknowledged come back from the next: a Java broker, ours, Java again, on
# one store; what was acknowledged does not.
. "$SOURCE/tests/support/servers.sh"
need_java
driver=$BUILD/tests/tests_broker_pop_driver
COUNT=20
settings=(mappedFileSizeCommitLog=4194304 mappedFileSizeConsumeQueue=20000 maxHashSlotNum=1000 maxIndexNum=1000)

even() { seq "$1" "$2" | awk '$1 % 2 == 0'; }
numbers() { sort -nu "$1"; }

our_life() {
    our_broker ours "$port" "127.0.0.1:$ns" brokerName=broker-a "storePathRootDir=$T/java/store" "${settings[@]}"
    broker=$PID
}
java_life() {
    local extra=() line
    for line in "${settings[@]}"; do extra+=(-o "$line"); done
    peer up -v 5.3.3 -d "$T/java" -n 0 -N "127.0.0.1:$ns" -b "$port" -m 512m "${extra[@]}" >"$T/java.out"
    broker=$(cat "$T/java/broker.pid")
    PIDS+=("$broker")
}
# come_back WITHIN FIRST LAST: the even ones of them, and no other
come_back() {
    has() {
        "$driver" "$port" rest 500 >>"$T/came" && [ "$(even "$2" "$3" | wc -l)" -le "$(numbers "$T/came" | wc -l)" ]
    }
    : >"$T/came"
    wait_for "$1" "messages $2 to $3" has "$@"
    same "messages that came back" "$(even "$2" "$3")" "$(numbers "$T/came")"
}

ns=$(free_port)
port=$(free_port)
mkdir -p "$T/java"
our_namesrv ns "$ns"

java_life
"$driver" "$port" fill 1 $COUNT 8000
peer_down "$T/java" # its timer holds checkpoints and acks

our_life
come_back 40 1 $COUNT
"$driver" "$port" fill $((COUNT + 1)) $COUNT 4000
stop "$broker"

java_life
come_back 40 $((COUNT + 1)) $((2 * COUNT))
peer_down "$T/java"
