#!/bin/bash
# budget_test.sh - the hot paths have not become slower: instructions of a send and of a pulled message, counted by
# valgrind's callgrind, stay within bench/budget.txt + 10 %. Time is not measured, so a busy machine does not matter.
# Counts the release build, which it makes if need be; once is enough, so only with the preset dev.
. "$SOURCE/tests/support/servers.sh"
command -v valgrind callgrind_control >/dev/null || exit 77
[ "$(basename "$BUILD")" = dev ] || exit 77
COUNT=20000
READERS=8 # read all of it: what the broker does meanwhile for itself is little beside that
RELEASE=$SOURCE/build/release
(cd "$SOURCE" && cmake --preset release && cmake --build --preset release --target mqbroker bench_crowd) >"$T/build.out"

PORT=$(free_port)
printf '%s\n' brokerIP1=127.0.0.1 "listenPort=$PORT" "storePathRootDir=$T/store" serverSelectorThreads=1 \
    waitTimeMillsInSendQueue=60000 osPageCacheBusyTimeOutMills=60000 >"$T/broker.conf"
start broker valgrind --tool=callgrind --instr-atstart=no --callgrind-out-file="$T/callgrind" \
    "$(find "$RELEASE" -name mqbroker -type f -perm -u+x | head -n 1)" -c "$T/broker.conf"
wait_for 60 "boot of the broker" grep -q "boot success" "$T/broker.out"

# load MODE: what the crowd asks for, and all that follows from it
load() {
    local window=1 # pulls: each says where the next one begins
    [ "$1" != send ] || window=32
    "$RELEASE/bench/bench_crowd" "$1" "127.0.0.1:$PORT" total=$COUNT conns=4 window=$window queues=4 groups=$READERS
}
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$PID/stat"; }
idle() {
    local before
    before=$(cpu_ticks)
    sleep 0.4
    [ "$(cpu_ticks)" = "$before" ]
}
# count MODE: instructions of all threads for one message
count() {
    local before after of=$COUNT
    callgrind_control -i on "$PID" >/dev/null 2>&1
    load "$1" >"$T/load.out"
    wait_for 60 "end of what follows" idle
    callgrind_control -i off "$PID" >/dev/null 2>&1
    before=$(find "$T" -name 'callgrind.*' | wc -l)
    callgrind_control -d "$PID" >/dev/null 2>&1
    wait_for 20 "dump of the counts" test "$(find "$T" -name 'callgrind.*' | wc -l)" -gt "$before"
    after=$(find "$T" -name 'callgrind.*' | sort -V | tail -n 1)
    wait_for 20 "end of the dump" grep -q '^totals:' "$after"
    [ "$1" = send ] || of=$((COUNT * READERS))
    awk -v n=$of '/^totals:/ { printf "%d\n", $2 / n }' "$after"
}

load send >"$T/warm.out" # pools, tables and files are there then
wait_for 60 "end of what follows" idle
for what in send pull; do
    used=$(count $what)
    budget=$(awk -v what=$what '$1 == what { print $2 }' "$SOURCE/bench/budget.txt")
    echo "$what: $used instructions, budget $budget"
    [ "$used" -gt 0 ] || fail "$what: nothing was counted"
    [ $((used * 100)) -le $((budget * 110)) ] || fail "$what: $used instructions are more than $budget + 10 %"
done
stop "$PID"
