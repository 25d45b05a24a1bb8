#!/usr/bin/env bash
# The program as its user meets it: options, console lines, errors that say what to do, start and stop.
. "$SOURCE/tests/support/servers.sh"
broker=$DIST/bin/mqbroker
# refuses STATUS TEXT ARGS...: ends with that status and one line with that text
refuses() {
    local status=$1 text=$2 got=0
    shift 2
    timeout 20 "$broker" "$@" >"$T/refused.out" 2>"$T/refused.err" || got=$?
    same "status of mqbroker $*" "$status" "$got"
    cat "$T/refused.out" >>"$T/refused.err"
    grep -qF -- "$text" "$T/refused.err" || fail "no '$text' in: $(cat "$T/refused.err")"
}

echo "== options"
"$broker" -h >"$T/help"
same "first line of help" "usage: mqbroker [-c <arg>] [-h] [-m] [-n <arg>] [-p]" "$(head -1 "$T/help")"
same "lines of help" 6 "$(wc -l <"$T/help")"
refuses 1 "Unrecognized option: -z" -z
refuses 1 "Missing argument for option: -c" -c
refuses 255 "cannot open $T/none.conf: No such file or directory" -c "$T/none.conf"
refuses 253 'The Name Server Address[nowhere] illegal, please set it as follows, "127.0.0.1:9876;192.168.0.1:9876"' -n nowhere
printf 'brokerName=printed\nflushDiskType=SYNC_FLUSH\nlistenPort=12345\n' >"$T/print.conf"
"$broker" -p -c "$T/print.conf" >"$T/all"
"$broker" -m -c "$T/print.conf" >"$T/important"
for line in brokerName=printed flushDiskType=SYNC_FLUSH listenPort=12345 brokerClusterName=DefaultCluster; do
    grep -qx "$line" "$T/all" || fail "-p: no $line"
    grep -qx "$line" "$T/important" || fail "-m: no $line"
done
[ "$(wc -l <"$T/all")" -gt "$(wc -l <"$T/important")" ] || fail "-p prints no more than -m"

echo "== boot, as the Java broker says it"
port=$(free_port)
start=$(date +%s%N)
our_broker broker-a "$port" 127.0.0.1:9 unknownKey=1 "listenPort=$port " sendMessageThreadPoolNums=16
took_ms=$((($(date +%s%N) - start) / 1000000))
pid=$PID
line="The broker[broker-a, 127.0.0.1:$port] boot success. serializeType=JSON and name server is 127.0.0.1:9"
same "boot line" "$line" "$(cat "$T/broker-a.out")"
log=$HOME/logs/rocketmqlogs/broker.log
wait_for 5 "boot line in the log" grep -qF "$line" "$log"
grep -q "unknown key unknownKey" "$log" || fail "the log does not name the unknown key"
[ "$took_ms" -lt 2000 ] || fail "boot took $took_ms ms"
rss_kb=$(awk '/^RssAnon/ { print $2 }' "/proc/$pid/status")
[ -n "${RMQ_SANITIZED:-}" ] || [ "$rss_kb" -le 8192 ] || fail "idle broker holds $rss_kb kB"

echo "== a second one is told why it may not"
refuses 253 "port $port is in use" -c "$T/broker-a.conf"
sed "s/^listenPort=.*/listenPort=$(free_port)/" "$T/broker-a.conf" >"$T/second.conf"
refuses 253 "is in use by another broker" -c "$T/second.conf"
printf 'listenPort=0\nstorePathRootDir=/proc/nowhere\n' >"$T/proc.conf"
refuses 253 "/proc/nowhere" -c "$T/proc.conf"
printf 'listenPort=0\nbrokerRole=SLAVE\nbrokerId=1\n' >"$T/slave.conf"
refuses 253 "brokerRole=SLAVE is not supported" -c "$T/slave.conf"
kill -0 "$pid" || fail "the first broker is gone"

echo "== stop and start again"
[ -e "$T/broker-a.store/abort" ] || fail "no abort file while running"
stop "$pid"
wait "$pid" || fail "status $? after SIGTERM"
[ ! -e "$T/broker-a.store/abort" ] || fail "abort file after a clean stop"
grep -q "shutdown hook over" "$log" || fail "no last line in the log"
our_broker broker-a "$port" 127.0.0.1:9
stop "$PID"
grep -q "last_stop=clean" "$log" || fail "the second start did not find a clean store"
