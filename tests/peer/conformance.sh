#!/usr/bin/env bash
# Apache's Java clients of the releases CONFORMANCE_CLIENTS judge our servers with the suite that passes on the Java broker:
# `make conformance`.
. "$SOURCE/tests/support/servers.sh"
need_java
suite=$SHARED/conformance/run
[ -x "$suite" ] || { echo "no conformance suite here"; exit 77; }
ns=$(free_port)
our_namesrv ns "$ns"
our_broker broker-a "$(free_port)" "127.0.0.1:$ns"
broker=$PID
for client in ${CONFORMANCE_CLIENTS:-5.5.0 4.2.0}; do
    HOME=$USER_HOME NAMESRV_ADDR=127.0.0.1:$ns PARALLEL=6 timeout 580 "$suite" --client "$client" >"$T/client-$client.txt" ||
        fail "client $client: $(grep -E '^FAIL|passed' "$T/client-$client.txt")"
    echo "client $client: $(tail -n 1 "$T/client-$client.txt")"
    ! gone "$broker" || fail "the broker is gone"
done
