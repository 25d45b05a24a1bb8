#!/usr/bin/env bash
# The client against our own servers: everything a client can do with one broker, then two of which one is killed.
. "$SOURCE/tests/support/servers.sh"
. "$SOURCE/tests/client/clusters.sh"
ns=$(free_port)
our_namesrv ns "$ns"
export NAMESRV_ADDR=127.0.0.1:$ns
our_broker broker-a "$(free_port)" "$NAMESRV_ADDR"
drive "our servers"

our_broker broker-b "$(free_port)" "$NAMESRV_ADDR"
one_of_two_is_killed "$PID"
