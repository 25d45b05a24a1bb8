#!/usr/bin/env bash
# Apache's Go client against our servers: sends of all kinds, transactions, concurrent and ordered consumption.
. "$SOURCE/tests/support/servers.sh"
command -v go >/dev/null || { echo "no Go here"; exit 77; }
(cd "$SOURCE/tests/clients/go" && HOME=$USER_HOME go build -o "$T/client" .) >"$T/build" 2>&1 ||
    { cat "$T/build"; echo "the Go client cannot be fetched here"; exit 77; }
ns=$(free_port)
our_namesrv ns "$ns"
port=$(free_port)
our_broker broker-a "$port" "127.0.0.1:$ns"
timeout 90 "$T/client" "127.0.0.1:$ns" "127.0.0.1:$port" || fail "the Go client"
