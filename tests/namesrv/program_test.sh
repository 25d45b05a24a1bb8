#!/usr/bin/env bash
# The program mqnamesrv as people meet it: command line, console and log lines, errors, size, stop.
. "$SOURCE/tests/support/servers.sh"
mqnamesrv=$DIST/bin/mqnamesrv
# run ARGS...: output in $T/out and $T/err, exit code in $code
run() { code=0; timeout 10 "$mqnamesrv" "$@" >"$T/out" 2>"$T/err" || code=$?; }
has() { grep -qF -- "$2" "$1" || fail "no '$2' in: $(cat "$1")"; }

echo "== command line"
usage="usage: mqnamesrv [-c <arg>] [-h] [-n <arg>] [-p]"
run -h
same "exit code of -h" 0 "$code"
same "first line of -h" "$usage" "$(head -n 1 "$T/out")"
run -z
same "exit code of an unknown option" 1 "$code"
same "unknown option" "Unrecognized option: -z $usage" "$(head -n 2 "$T/err" | tr '\n' ' ' | sed 's/ $//')"
run --wrong
same "unknown long option" "Unrecognized option: --wrong" "$(head -n 1 "$T/err")"
run -c
same "missing argument" 1 "$code"
has "$T/err" "Missing argument for option: -c"
printf '%s\n' "listenPort = 12345" orderMessageEnabel=true rocketmqHome=/x waitSecondsForService=many >"$T/odd.conf"
run -c "$T/odd.conf" -p -n 127.0.0.1:9876
same "exit code of -p" 0 "$code"
has "$T/out" "load config properties file OK, $T/odd.conf"
has "$T/out" "listenPort=12345"
has "$T/out" "waitSecondsForService=45"
has "$T/err" "odd.conf:2: unknown key orderMessageEnabel, did you mean orderMessageEnable?"
has "$T/err" "odd.conf:3: rocketmqHome has no effect"
has "$T/err" "odd.conf:4: waitSecondsForService=many: must be a whole number"
run -c "$T/missing.conf"
[ "$code" != 0 ] || fail "a missing file is no error"
has "$T/err" "$T/missing.conf: No such file or directory; name another file with -c"

echo "== boot, size, stop"
port=$(free_port)
started=$(date +%s%N)
our_namesrv one "$port" bindAddress=127.0.0.1
took_ms=$((($(date +%s%N) - started) / 1000000))
[ $took_ms -lt 1000 ] || fail "boot took $took_ms ms"
boot="The Name Server boot success. serializeType=JSON, address 127.0.0.1:$port"
same "console" "$boot" "$(tail -n 1 "$T/one.out")"
log=$HOME/logs/rocketmqlogs/namesrv.log
wait_for 5 "boot line in the log" grep -qE "^[0-9-]{10} [0-9:]{8} INFO [^ ]+ - The Name Server boot success" "$log"
anonymous_kb=$(awk '/^RssAnon/ { print $2 }' "/proc/$PID/status")
# sanitizers take more
grep -qE '__(asan|tsan)_init' "/proc/$PID/exe" ||
    [ "$anonymous_kb" -le 2048 ] || fail "$anonymous_kb kB of memory when idle"
run -c "$T/one.conf"
[ "$code" != 0 ] || fail "a port in use is no error"
has "$T/err" "port $port is in use"
printf '{' >"$T/kv.json"
printf '%s\n' "listenPort=0" "kvConfigPath=$T/kv.json" >"$T/kv.conf"
run -c "$T/kv.conf"
[ "$code" != 0 ] || fail "a damaged KV file is no error"
has "$T/err" "$T/kv.json"
stop "$PID"
has "$log" "Shutdown hook was invoked, 1"
has "$log" "Shutdown hook over, consuming total time(ms): "
