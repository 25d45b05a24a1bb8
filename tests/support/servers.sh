# servers.sh - for test scripts: `. "$SOURCE/tests/support/servers.sh"` starts and stops our servers in a temporary
# folder that goes with the test. Ports are free ones. Everything started is ended by its pid.
set -euo pipefail
T=$(mktemp -d "${TMPDIR:-/tmp}/rmq-test.XXXXXX")
USER_HOME=$HOME # where Java keeps its jars
export HOME=$T/home
mkdir -p "$HOME"
PIDS=()
cleanup() {
    status=$?
    [ $status = 0 ] || [ $status = 77 ] || tail -n 40 "$T"/*.out "$HOME"/logs/rocketmqlogs/*.log 2>/dev/null || true
    # a Java server that was not up in time has told its pid to its folder alone
    for file in "$T"/*/{broker,namesrv}.pid; do [ ! -e "$file" ] || PIDS+=("$(cat "$file")"); done
    for pid in "${PIDS[@]}"; do kill -9 "$pid" 2>/dev/null || true; done
    for pid in "${PIDS[@]}"; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$T"
}
trap cleanup EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }
# same WHAT EXPECTED GOT
same() { [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"; }
# wait_for SECONDS WHAT COMMAND...: until the command succeeds
wait_for() {
    local end=$(($(date +%s) + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$(date +%s)" -lt $end ] || fail "no $what in time"
        sleep 0.02
    done
}
# gone PID: ended with all its threads, so that its locks are free
gone() {
    ! kill -0 "$1" 2>/dev/null ||
        awk '/^State:/ { z = $2 == "Z" } /^Threads:/ { n = $2 } END { exit !(z && n <= 1) }' "/proc/$1/status" 2>/dev/null
}
# free_port: a port P so that P-2, P and P+1 are free
free_port() {
    python3 - <<'PY'
import random, socket
while True:
    p = random.randrange(10000, 30000) # below the ports that outgoing connections take
    try:
        held = []
        for q in (p - 2, p, p + 1):
            s = socket.socket(); s.bind(("127.0.0.1", q)); held.append(s)
        print(p); break
    except OSError:
        continue
PY
}
# start NAME COMMAND...: in the background, output to $T/NAME.out; its pid in $PID
start() {
    local name=$1
    shift
    "$@" >"$T/$name.out" 2>&1 &
    PID=$!
    PIDS+=("$PID")
}
# our_namesrv NAME PORT [CONF LINE...] / our_broker NAME PORT NAMESRVS [CONF LINE...]: return when they serve; pid in $PID
our_namesrv() {
    local name=$1 port=$2
    shift 2
    printf '%s\n' "listenPort=$port" "$@" >"$T/$name.conf"
    start "$name" "$DIST/bin/mqnamesrv" -c "$T/$name.conf"
    wait_for 10 "boot of $name" grep -q "boot success" "$T/$name.out"
}
our_broker() {
    local name=$1 port=$2 namesrvs=$3
    shift 3
    printf '%s\n' "brokerName=$name" brokerIP1=127.0.0.1 "listenPort=$port" "namesrvAddr=$namesrvs" \
        "storePathRootDir=$T/$name.store" autoCreateTopicEnable=true enablePropertyFilter=true traceTopicEnable=true \
        "$@" >"$T/$name.conf"
    start "$name" "$DIST/bin/mqbroker" -c "$T/$name.conf"
    wait_for 10 "boot of $name" grep -q "boot success" "$T/$name.out"
}
# stop PID: SIGTERM, must end by itself within 15 s
stop() {
    kill "$1" 2>/dev/null || true
    wait_for 15 "end of process $1" gone "$1"
}
need_java() {
    PEER=$SHARED/peer/peer
    command -v java >/dev/null && command -v mvn >/dev/null && [ -x "$PEER" ] || { echo "no Java peer here"; exit 77; }
}
# peer ARGS...: the Java peer, with the user's own home (jars are kept there)
peer() { HOME=$USER_HOME "$PEER" "$@"; }
# java_compile VERSION DIR FILE...: programs that `peer java -v VERSION -d DIR CLASS` runs
java_compile() {
    local lib=$SHARED/peer/target/$1/lib
    [ -d "$lib" ] || lib=$USER_HOME/.cache/java-peer/$1/lib
    mkdir -p "$2/home/conf"
    javac -nowarn -d "$2/home/conf" -cp "$lib/*" "${@:3}" 2>"$T/javac.out" || fail "javac ${*:3}"
}
# both_clusters: a name server and a broker of Java 5.5.0 at $java_ns and $java_port, ours at $ns and $port
both_clusters() {
    java_ns=$(free_port)
    java_port=$(free_port)
    peer up -v 5.5.0 -d "$T/java" -n "$java_ns" -b "$java_port" -m 512m >"$T/java.out"
    PIDS+=("$(cat "$T/java/broker.pid")" "$(cat "$T/java/namesrv.pid")")
    ns=$(free_port)
    port=$(free_port)
    our_namesrv ns "$ns"
    our_broker broker-a "$port" "127.0.0.1:$ns"
}
# peer_down DIR: stops the Java servers of that folder; `peer down` itself does not wait for those that it has to kill
peer_down() {
    local pid pids
    pids=$(cat "$1"/*.pid)
    peer down -d "$1"
    for pid in $pids; do wait_for 15 "end of Java process $pid" gone "$pid"; done
}
