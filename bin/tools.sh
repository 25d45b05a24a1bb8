#!/bin/sh
# Runs an example by the name it has in the Java distribution, so that its guides work word for word.
here=$(cd "$(dirname "$0")" && pwd)
lib=$here/../lib/rocketmq
case ${1:-} in
    org.apache.rocketmq.example.quickstart.Producer) shift; exec "$lib/mqproducer" "$@" ;;
    org.apache.rocketmq.example.quickstart.Consumer) shift; exec "$lib/mqconsumer" "$@" ;;
esac
echo "tools.sh: unknown program '${1:-}'. Known: org.apache.rocketmq.example.quickstart.Producer, org.apache.rocketmq.example.quickstart.Consumer." >&2
echo "Your own Java classes run with Java's own tools.sh against these servers; ours runs the native examples only." >&2
exit 1
