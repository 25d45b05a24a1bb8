# Transactions that one broker leaves open are finished by the next: ours, a Java broker, ours again, on one store.
. "$SOURCE/tests/support/servers.sh"
need_java
driver=$BUILD/tests/tests_broker_transaction_driver
COUNT=30
settings=(transactionTimeOut=500 mappedFileSizeCommitLog=4194304 mappedFileSizeConsumeQueue=20000 maxHashSlotNum=1000
    maxIndexNum=1000)

# numbers FIRST LAST open|committed: what is left open and asked about; what must be read in the end
numbers() {
    local i
    for i in $(seq "$1" "$2"); do
        case $3 in
        open) [ $((i % 3)) != 0 ] || echo "$i" ;;
        committed) [ $((i % 2)) != 0 ] || echo "$i" ;;
        esac
    done
}
asked() { sort -nu "$1"; }
read_numbers() { "$driver" "$1" read | sort -nu; }

# our_life / java_life SETTING...: the next broker on the store
our_life() {
    our_broker ours "$port" "127.0.0.1:$ns" brokerName=broker-a "storePathRootDir=$T/java/store" "${settings[@]}" "$@"
    broker=$PID
}
java_life() {
    local extra=() line
    for line in "${settings[@]}" "$@"; do extra+=(-o "$line"); done
    peer up -v 5.3.3 -d "$T/java" -n 0 -N "127.0.0.1:$ns" -b "$port" -m 512m "${extra[@]}" >"$T/java.out"
    broker=$(cat "$T/java/broker.pid")
    PIDS+=("$broker")
}

ns=$(free_port)
port=$(free_port)
mkdir -p "$T/java"
our_namesrv ns "$ns"

our_life transactionCheckInterval=3600000
"$driver" "$port" send 1 $COUNT
stop "$broker"

java_life transactionCheckInterval=1000
"$driver" "$port" answer 4000 >"$T/asked"
same "asked by Java" "$(numbers 1 $COUNT open)" "$(asked "$T/asked")"
has() { [ "$(numbers 1 "$1" committed)" = "$(read_numbers "$port")" ]; }
wait_for 20 "messages committed by Java" has $COUNT
peer_down "$T/java"

java_life transactionCheckInterval=3600000
"$driver" "$port" send $((COUNT + 1)) $COUNT
sleep 4 # op records are due after 3 s
peer_down "$T/java"

our_life transactionCheckInterval=200
"$driver" "$port" answer 1500 >"$T/asked"
same "asked by ours" "$(numbers $((COUNT + 1)) $((2 * COUNT)) open)" "$(asked "$T/asked")"
wait_for 20 "all messages" has $((2 * COUNT))
same "messages that ours finished, each once" "$(numbers $((COUNT + 1)) $((2 * COUNT)) committed)" \
    "$("$driver" "$port" read | awk -v first=$COUNT '$1 > first' | sort -n)"
stop "$broker"
"$DIST/lib/rocketmq/mqstore" "$T/java/store" verify >/dev/null || fail "the store does not verify"
