#!/usr/bin/env bash
# The examples do what they say, against our own servers.
. "$SOURCE/tests/support/servers.sh"
ns=$(free_port)
our_namesrv ns "$ns"
servers=127.0.0.1:$ns
our_broker broker-a "$(free_port)" "$servers"
example() { # example NAME ARGS...: to its end
    local name=$1
    shift
    timeout 60 "$BUILD/examples/example_$name" "$@"
}
receive() { # receive NAME TOPIC COUNT: a consumer, until it has printed so many lines
    mkfifo "$T/$1.in"
    sleep 60 >"$T/$1.in" & # holds its input open
    local holder=$!
    PIDS+=("$holder")
    timeout 60 "$BUILD/examples/example_$1" "$servers" "$2" <"$T/$1.in" >"$T/$1.out" 2>"$T/$1.err" &
    local pid=$!
    PIDS+=("$pid")
    sleep 2 # output to a file comes when the program ends: it has had time for all of it
    kill "$holder"
    wait_for 20 "end of $1" gone "$pid"
    same "lines of $1 $(cat "$T/$1.err")" "$3" "$(wc -l <"$T/$1.out")"
}

example producer "$servers" Examples >"$T/producer.txt"
same "messages of producer" 10 "$(grep -c 'on broker-a' "$T/producer.txt")"
same "async_producer" "1000 sent, 0 failed" "$(example async_producer "$servers" Many)"
example ordered_producer "$servers" Orders
receive consumer Examples 10
receive broadcast_consumer Examples 10
receive ordered_consumer Orders 32
for order in 0 1 2 3 4 5 6 7; do
    same "steps of order $order" "created paid shipped delivered " \
        "$(sed -n "s/.*order $order //p" "$T/ordered_consumer.out" | tr '\n' ' ')"
done
same "messages pulled" 10 "$(example pull_consumer "$servers" Examples | grep -c 'Hello')"
same "messages pulled again" 0 "$(example pull_consumer "$servers" Examples | grep -c 'Hello' || true)"
