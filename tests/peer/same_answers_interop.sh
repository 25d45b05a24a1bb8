#!/usr/bin/env bash
# The same requests to the Java 5.5.0 servers and to ours have equal answers.
. "$SOURCE/tests/support/servers.sh"
need_java
java_ns=$(free_port)
java_port=$(free_port)
peer up -v 5.5.0 -d "$T/java" -n "$java_ns" -b "$java_port" -m 512m >"$T/java.out"
PIDS+=("$(cat "$T/java/broker.pid")" "$(cat "$T/java/namesrv.pid")")
ns=$(free_port)
port=$(free_port)
our_namesrv ns "$ns"
our_broker broker-a "$port" "127.0.0.1:$ns"
timeout 120 python3 "$SOURCE/tests/peer/same_answers.py" "$java_ns" "$java_port" "$ns" "$port" || fail "answers differ"
