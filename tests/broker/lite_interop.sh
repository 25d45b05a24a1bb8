# Lite topics and light queues between ours and Java 5.5.0: its mqadmin looks at our broker, and a store goes from ours to
# a Java broker and back, which must find the same lite topics and hand out the same messages.
. "$SOURCE/tests/support/servers.sh"
need_java

# ask PORT: requests of standard input, one a line: CODE EXT-FIELDS [BODY]; prints "CODE bodies of messages, or the body"
ask() {
    python3 - "$1" /dev/fd/3 3<&0 <<'PY'
import json, socket, struct, sys
peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10)
def read(n):
    out = b""
    while len(out) < n:
        part = peer.recv(n - len(out))
        assert part, "the broker closed the connection"
        out += part
    return out
def bodies(records):
    out = []
    while records:
        size, at = struct.unpack(">i", records[:4])[0], 84
        length = struct.unpack(">i", records[at:at + 4])[0]
        out.append(records[at + 4:at + 4 + length].decode())
        records = records[size:]
    return " ".join(out)
for opaque, line in enumerate(open(sys.argv[2])):
    code, ext, body = (line.rstrip("\n").split(" ", 2) + [""])[:3]
    header = json.dumps({"code": int(code), "language": "JAVA", "version": 513, "opaque": opaque, "flag": 0,
                         "extFields": json.loads(ext)}).encode()
    peer.sendall(struct.pack(">iI", 4 + len(header) + len(body), len(header)) + header + body.encode())
    frame = read(struct.unpack(">i", read(4))[0])
    length = struct.unpack(">I", frame[:4])[0] & 0xFFFFFF
    answer, body = json.loads(frame[4:4 + length]), frame[4 + length:]
    text = body.decode() if body[:1] == b"{" else bodies(body)
    print(answer["code"], text)
PY
}
send() { # send LITE BODY
    printf '10 {"producerGroup":"PG","topic":"P","defaultTopic":"TBW102","defaultTopicQueueNums":"4","queueId":"0",'
    printf '"sysFlag":"0","bornTimestamp":"1","flag":"0","properties":"__LITE_TOPIC\\u0001%s\\u0002"} %s\n' "$1" "$2"
}
has() { # has LITE COUNT: so many messages can be read
    echo "200076 {\"parentTopic\":\"P\",\"liteTopic\":\"$1\"}" | ask "$port" | grep -q "\"maxOffset\":$2[,}]"
}
popped() { # what a client that wants x and y gets, sorted
    ask "$port" <<'END' | tail -1 | tr ' ' '\n' | sort | tr '\n' ' '
200071 {} {"subscriptionSet":[{"action":"COMPLETE_ADD","clientId":"c","group":"G","topic":"P","liteTopicSet":["x","y"],"version":1}]}
200070 {"clientId":"c","consumerGroup":"G","topic":"P","maxMsgNum":"32","invisibleTime":"60000","pollTime":"0","bornTime":"0"}
END
}
admin() { peer admin -v 5.5.0 -d "$T/admin" "$@" -n "127.0.0.1:$ns" 2>/dev/null; }
says() { # says TEXT ARG...: the Java mqadmin prints it, blanks squeezed
    local text=$1 out
    shift
    out=$(admin "$@" | tr -s ' ' || true)
    grep -qF -- "$text" <<<"$out" || fail "mqadmin $* does not print '$text': $out"
}
ours() {
    our_broker ours "$port" "127.0.0.1:$ns" brokerName=broker-a "storePathRootDir=$T/java/store" enableLmq=true \
        enableMultiDispatch=true mappedFileSizeCommitLog=4194304 mappedFileSizeConsumeQueue=20000 maxHashSlotNum=1000 \
        maxIndexNum=1000
    broker=$PID
}

ns=$(free_port)
port=$(free_port)
mkdir -p "$T/java" "$T/admin"
our_namesrv ns "$ns"
ours
says "create topic to 127.0.0.1:$port success" updateTopic -b "127.0.0.1:$port" -t P -r 4 -w 4 \
    -a +message.type=LITE,+lite.topic.expiration=30
says "create subscription group to 127.0.0.1:$port success" updateSubGroup -b "127.0.0.1:$port" -g G \
    --attributes +lite.bind.topic=P
{ send x x0; send x x1; send y y0; } | ask "$port" >/dev/null
wait_for 10 "messages of x" has x 2
wait_for 10 "messages of y" has y 1
same "popped from ours" "0 x0 x1 y0 " "$(popped)"
says "broker-a 30 2 2 [G]" getParentTopicInfo -p P
says "[c@G]" getLiteTopicInfo -p P -l x -s
says "Total Lag Count: 3" getLiteGroupInfo -p P -g G
stop "$broker"

peer up -v 5.5.0 -d "$T/java" -n 0 -N "127.0.0.1:$ns" -b "$port" -m 512m -o enableLmq=true -o enableMultiDispatch=true \
    -o mappedFileSizeCommitLog=4194304 -o mappedFileSizeConsumeQueue=20000 -o maxHashSlotNum=1000 -o maxIndexNum=1000 \
    >"$T/java.out"
PIDS+=("$(cat "$T/java/broker.pid")")
send y y1 | ask "$port" >/dev/null
wait_for 20 "messages of y in Java" has y 2
same "popped from Java, on the store of ours" "0 x0 x1 y0 y1 " "$(popped)"
peer_down "$T/java"

ours
same "popped from ours, on the store of Java" "0 x0 x1 y0 y1 " "$(popped)"
stop "$broker"
"$DIST/lib/rocketmq/mqstore" "$T/java/store" verify >/dev/null || fail "the store does not verify"
