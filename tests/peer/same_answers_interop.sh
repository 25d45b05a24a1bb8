#!/usr/bin/env bash
# The same requests to the Java 5.5.0 servers and to ours have equal answers.
. "$SOURCE/tests/support/servers.sh"
need_java
both_clusters
timeout 120 python3 "$SOURCE/tests/peer/same_answers.py" "$java_ns" "$java_port" "$ns" "$port" || fail "answers differ"
