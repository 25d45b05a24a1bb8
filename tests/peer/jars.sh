#!/usr/bin/env bash
# Runs before all that need Java: fetches the jars of the releases that they use. Two tests that find them missing would
# fetch them at the same time, into the same folder, where a server of the other has them open.
. "$SOURCE/tests/support/servers.sh"
need_java
for version in 4.2.0 5.3.3 5.5.0; do
    timeout 280 env HOME="$USER_HOME" "$PEER" java -v $version -d "$T/java" -- -version 2>"$T/$version.out" ||
        fail "the jars of $version"
done
