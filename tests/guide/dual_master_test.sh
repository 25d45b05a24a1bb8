#!/usr/bin/env bash
# Two masters of conf/2m-noslave under two name servers: both registered at both, producers spread over both;
# one is killed and sends and consumption go on with the other; it comes back.
. "$SOURCE/tests/support/servers.sh"
ns1=$(free_port)
ns2=$(free_port)
our_namesrv ns1 "$ns1"
our_namesrv ns2 "$ns2"
both="127.0.0.1:$ns1;127.0.0.1:$ns2"
master() { # master a|b PORT
    cp "$DIST/conf/2m-noslave/broker-$1.properties" "$T/$1.conf"
    printf '%s\n' brokerIP1=127.0.0.1 "listenPort=$2" "storePathRootDir=$T/$1.store" >>"$T/$1.conf"
    : >"$T/$1.out"
    start "$1" "$DIST/bin/mqbroker" -c "$T/$1.conf" -n "$both"
    wait_for 10 "boot of broker-$1" grep -q "boot success" "$T/$1.out"
}
port_a=$(free_port)
port_b=$(free_port)
master a "$port_a"; a=$PID
master b "$port_b"

send() { # send COUNT NAMESRVS FILE
    NAMESRV_ADDR=$2 timeout 60 "$DIST/bin/mqproducer" --count "$1" >"$3"
    same "sent" "$1" "$(grep -c '^SendResult \[sendStatus=SEND_OK' "$3")"
}
spread() { # spread FILE: the brokers that took messages
    grep -o 'brokerName=broker-[ab]' "$1" | sort -u | tr '\n' ' '
}
for ns in $ns1 $ns2; do
    send 200 "127.0.0.1:$ns" "$T/spread-$ns"
    same "brokers by name server $ns" "brokerName=broker-a brokerName=broker-b " "$(spread "$T/spread-$ns")"
done

kill -9 "$a"
send 200 "$both" "$T/one-left"
same "brokers with one left" "brokerName=broker-b " "$(spread "$T/one-left")"

master a "$port_a"
a_serves_again() { # the topic's route names it again
    NAMESRV_ADDR="$both" timeout 60 "$DIST/bin/mqproducer" --count 64 >>"$T/back" && grep -q 'brokerName=broker-a' "$T/back"
}
wait_for 20 "return of broker-a" a_serves_again
# everything acknowledged is there, the messages of the killed master too
ids() { grep -oh '[ \[]msgId=[0-9A-F]*' "$@" | sort -u; }
acked=$(ids "$T"/spread-* "$T/one-left" "$T/back")
NAMESRV_ADDR=$both timeout 60 "$DIST/bin/mqconsumer" --count "$(wc -l <<<"$acked")" >"$T/received"
missing=$(comm -23 <(echo "$acked") <(ids "$T/received") | wc -l)
same "acknowledged but not received" 0 "$missing"
