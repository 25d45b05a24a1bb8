"""same_answers.py JAVA_NAMESRV JAVA_BROKER OUR_NAMESRV OUR_BROKER (ports of 127.0.0.1)

Sends the same requests to the Java servers and to ours and compares the answers: code, remark, fields, body. Times,
ids, addresses and places in the log are masked. Our remark may say more behind Java's; where Java tells of an exception
of its own the words are ours. What is not here on purpose: answers that we know to differ, see the CHANGELOG."""
import json
import re
import socket
import struct
import sys
import time


class Target:
    """One pair of servers, and what they answered."""

    def __init__(self, namesrv, broker):
        self.ports = {"broker": broker, "namesrv": namesrv}
        self.sockets, self.answers, self.opaque = {}, {}, 0

    def ask(self, name, code, ext=None, body="", to="broker", version=513):
        if to not in self.sockets:
            self.sockets[to] = socket.create_connection(("127.0.0.1", self.ports.get(to, self.ports["broker"])), 20)
        s = self.sockets[to]
        self.opaque += 1
        header = {"code": code, "language": "JAVA", "version": version, "opaque": self.opaque, "flag": 0}
        if ext is not None:
            header["extFields"] = {k: str(v) for k, v in ext.items() if v is not None}
        header, body = json.dumps(header).encode(), body if isinstance(body, bytes) else body.encode()
        s.sendall(struct.pack(">ii", 4 + len(header) + len(body), len(header)) + header + body)
        while True:
            answer, data = self.read(s)
            if answer["flag"] & 1:  # else a request of the server's
                break
        assert answer["opaque"] == self.opaque, (name, answer)
        if name:
            assert name not in self.answers, name
            self.answers[name] = self.normal(answer, data)
        return answer, data

    @staticmethod
    def read(s):
        def take(n):
            out = b""
            while len(out) < n:
                part = s.recv(n - len(out))
                assert part, "the server closed the connection"
                out += part
            return out

        frame = take(struct.unpack(">i", take(4))[0])
        size = struct.unpack(">i", frame[:4])[0] & 0xFFFFFF
        return json.loads(frame[4:4 + size]), frame[4 + size:]

    def normal(self, answer, data):
        ext = {k: v for k, v in (answer.get("extFields") or {}).items() if k != "indexLastUpdatePhyoffset"}
        lines = [f"code {answer['code']}", self.mask(f"fields {sorted(ext.items())}"), *body_lines(data, self.mask)]
        return lines, self.mask(answer.get("remark") or "")

    def mask(self, text):
        for name, port in self.ports.items():
            text = text.replace(f"127.0.0.1:{port}", name)
        text = re.sub(r"127\.0\.0\.1:\d+", "CLIENT", text)
        text = re.sub(r"\b([0-9A-F]{56}|[0-9A-F]{32})\b", "ID", text)
        text = re.sub(r'"(physicOffset|physicSize|consumeTps|topicPutTps)":[0-9.E-]+', r'"\1":0', text)
        return re.sub(r"\b1[7-9]\d{11}\b", "TIME", text)


def body_lines(data, mask):
    """Records as one line each; JSON with its members in order; else as it is."""
    if not data:
        return []
    if struct.unpack(">I", data[4:8].ljust(4, b"\0"))[0] == 0xDAA320A7:
        return [mask(record) for record in records(data)]
    text = mask(data.decode())
    try:
        value, end = parse(text, 0)
        assert end == len(text)
        return ["body " + value]
    except (AssertionError, IndexError, ValueError):
        return ["body " + text]


def parse(text, at):
    """fastjson's dialect in one form: members and elements in order, any value as a key."""
    if text[at] in "{[":
        opening, close, items = text[at], {"{": "}", "[": "]"}[text[at]], []
        at += 1
        while text[at] != close:
            item, at = parse(text, at)
            if text[at] == ":":
                value, at = parse(text, at + 1)
                item += ":" + value
            items.append(item)
            at += text[at] == ","
        return opening + ",".join(sorted(items)) + close, at + 1
    if text[at] == '"':
        value, at = json.JSONDecoder(strict=False).raw_decode(text, at)
        return json.dumps(value), at
    word = re.compile(r"[-+.\w]+").match(text, at)
    assert word
    return json.dumps(word.group()) if text[word.end():word.end() + 1] == ":" else word.group(), word.end()


def records(data):
    while data:
        size, _, _, queue, flag, offset, _, sys_flag, born = struct.unpack(">iIIiiqqiq", data[:48])
        at = 48 + (20 if sys_flag & 0x10 else 8) + 8 + (20 if sys_flag & 0x20 else 8)
        tries, _, length = struct.unpack(">iqi", data[at:at + 16])
        body, at = data[at + 16:at + 16 + length], at + 16 + length
        topic, at = data[at + 1:at + 1 + data[at]].decode(), at + 1 + data[at]
        properties = data[at + 2:size].decode().replace("\1", "=").split("\2")
        yield f"{topic} {queue} {offset} {flag} {sys_flag} {born} {tries} {body} {sorted(filter(None, properties))}"
        data = data[size:]


def properties(**values):
    return "".join(f"{k}\1{v}\2" for k, v in values.items())


# --- headers, with what is not said --------------------------------------------------------------------------------

def send(topic, **more):
    """SEND_MESSAGE_V2; more: a..n, or props."""
    header = dict(a="PG", b=topic, c="TBW102", d=4, e=0, f=0, g=1000, h=0, i=more.pop("props", ""), j=0, k="false",
                  m="false")
    return {**header, **more}


def pull(group, topic, **more):
    header = dict(consumerGroup=group, topic=topic, queueId=0, queueOffset=0, maxMsgNums=32, sysFlag=4, commitOffset=0,
                  suspendTimeoutMillis=0, subscription="*", subVersion=0, expressionType="TAG")
    return {**header, **more}


def topic_config(topic, **more):
    header = dict(topic=topic, defaultTopic="TBW102", readQueueNums=4, writeQueueNums=4, perm=6,
                  topicFilterType="SINGLE_TAG", topicSysFlag=0, order="false")
    return {**header, **more}


def heartbeat(client, group, *topics, **more):
    subscriptions = [dict(topic=t, subString="*", expressionType="TAG", subVersion=1, tagsSet=[], codeSet=[],
                          classFilterMode=False) for t in topics]
    consumer = dict(groupName=group, consumeType="CONSUME_PASSIVELY", messageModel="CLUSTERING", unitMode=False,
                    consumeFromWhere="CONSUME_FROM_FIRST_OFFSET", subscriptionDataSet=subscriptions, **more)
    return json.dumps(dict(clientID=client, consumerDataSet=[consumer], producerDataSet=[dict(groupName="P" + group)]))


def item(body, props=""):
    body, props = body.encode(), props.encode()
    front = struct.pack(">iiiii", 22 + len(body) + len(props), 0, 0, 7, len(body))
    return front + body + struct.pack(">H", len(props)) + props


def wait_for(t, topic, count, queue=0):
    for _ in range(500):
        if int(t.ask(None, 30, dict(topic=topic, queueId=queue))[0]["extFields"]["offset"]) >= count:
            return
        time.sleep(0.02)
    raise AssertionError(f"{topic} has no {count} messages")


# --- the requests ---------------------------------------------------------------------------------------------------

def sends(t):
    def s(name, topic="Send", body="x", code=310, **more):
        return t.ask(f"send {name}", code, send(topic, **more), body)

    s("plain", props=properties(KEYS="k1 k2", TAGS="a"))
    for field in "abcdefghijkm":
        s(f"without {field}", **{field: None})
    for field in "defgh":
        s(f"bad {field}", **{field: "zz"})
    for topic in ("", " ", "a b", "a" * 128, "%RETRY%" + "a" * 250):
        s(f"to '{topic}'", topic)
    for topic in ("SCHEDULE_TOPIC_XXXX", "RMQ_SYS_TRANS_HALF_TOPIC", "RMQ_SYS_TRANS_OP_HALF_TOPIC", "SELF_TEST_TOPIC",
                  "TRANS_CHECK_MAX_TIME_TOPIC", "OFFSET_MOVED_EVENT", "TBW102", "BenchmarkTest", "RMQ_SYS_TRACE_TOPIC"):
        s(f"to {topic}", topic)
    s("after no template", "NoTemplate", c="Missing")
    s("after few queues", "FewQueues", d=2)
    s("after no queues", "NoQueues", d=0)
    s("to queue 9", e=9)
    for level in ("-1", "0", "3", "99"):
        s(f"delay {level}", props=properties(DELAY=level))
    s("half", props=properties(TRAN_MSG="true", PGROUP="PG", UNIQ_KEY="HALF"), f=4)
    for flag in (4, 8, 12, 128):
        s(f"flag {flag}", f=flag)
    s("receipt", props=properties(POP_CK="a b"))
    s("own region", props=properties(CLUSTER="x", MSG_REGION="y", TRACE_ON="false"))
    s("long properties", props=properties(A="x" * 32760))
    s("long body", body="x" * (4 * 1024 * 1024 + 1))
    s("to the retry topic", "%RETRY%SendG")
    s("to the retry topic too often", "%RETRY%SendG", j=17)
    s("to the retry topic at the limit", "%RETRY%SendG", j=3, l=3, props=properties(DELAY=3, RETRY_TOPIC="Send"))
    s("to the retry topic over the limit", "%RETRY%SendG", j=3, l=2)
    batch = item("b1", properties(UNIQ_KEY="B1", KEYS="kb")) + item("b2", properties(UNIQ_KEY="B2"))
    s("batch", body=batch, code=320, m="true", props=properties(WAIT="true", UNIQ_KEY="BATCH"))
    s("batch unmarked", body=batch, code=320)
    s("batch to a retry topic", "%RETRY%SendG", body=batch, code=320, m="true")
    s("batch delayed", body=batch, code=320, m="true", props=properties(DELAY=3))
    wait_for(t, "Send", 13)
    wait_for(t, "%DLQ%SendG", 2)
    t.ask("what was sent", 11, pull("SendP", "Send", maxMsgNums=64))
    t.ask("what was given up", 11, pull("SendP", "%DLQ%SendG"))
    for topic in ("Send", "FewQueues", "%RETRY%SendG", "%DLQ%SendG"):
        t.ask(f"config {topic}", 351, dict(topic=topic))


def pulls(t):
    for i in range(10):
        t.ask(None, 310, send("Pull", props=properties(TAGS="ab"[i // 5], N=i, KEYS=f"k{i}")), f"m{i}")
    wait_for(t, "Pull", 10)
    t.ask(None, 17, topic_config("WriteOnly", perm=2))

    def p(name, topic="Pull", group="PullG", code=11, **more):
        return t.ask(f"pull {name}", code, pull(group, topic, **more))

    for offset in (0, 3, 10, 11, 1000, -1):
        p(f"from {offset}", queueOffset=offset)
    for count in (3, 0, -1, 10000):
        p(f"at most {count}", maxMsgNums=count)
    for queue, offset in ((1, 0), (1, 5), (4, 0), (-1, 0)):
        p(f"queue {queue} from {offset}", queueId=queue, queueOffset=offset)
    for tags in ("a", "a || b", "c", "", None):
        p(f"tags {tags}", subscription=tags)
    for condition in ("N > 4", "N > 5 AND TAGS = 'b'", "N > 50", "N BETWEEN 2 AND 3"):
        p(f"condition {condition}", subscription=condition, expressionType="SQL92")
    for field in pull("", ""):
        p(f"without {field}", **{field: None})
    p("no topic", topic="Missing")
    p("not readable", topic="WriteOnly")
    p("bad group", group="a b")
    p("long group", group="g" * 121)
    p("lite", code=361, sysFlag=20)
    p("not online", sysFlag=0)
    p("with commit", sysFlag=5, commitOffset=7)
    t.ask("committed", 14, dict(consumerGroup="PullG", topic="Pull", queueId=0))
    t.ask("heartbeat", 34, {}, heartbeat("c1", "PullH", "Pull"))
    p("subscribed", group="PullH", sysFlag=0)
    p("newer subscription", group="PullH", sysFlag=0, subVersion=2)
    p("not subscribed", topic="Send", group="PullH", sysFlag=0)
    t.ask("forbid", 353, dict(group="PullH", topic="Pull", readable="false"))
    p("forbidden", group="PullH", sysFlag=0)
    t.ask("allow", 353, dict(group="PullH", topic="Pull", readable="true"))
    t.ask("stop group", 200, {}, json.dumps(dict(groupName="PullS", consumeEnable=False)))
    p("stopped group", group="PullS")
    for name, fields in (("", {}), (" newest", dict(maxNum=1)), (" none", dict(key="no")),
                         (" past", dict(endTimestamp=5))):
        header = dict(topic="Pull", key="k3", maxNum=10, beginTimestamp=0, endTimestamp=2**62)
        for _ in range(200):  # the index is written behind the queues
            answer, _ = t.ask(None, 12, {**header, "key": "k9"})
            if answer["code"] == 0:
                break
            time.sleep(0.02)
        t.ask(f"query{name}", 12, {**header, **fields})
    t.ask("entries", 321, dict(topic="Pull", queueId=0, index=8, count=5))
    t.ask("entries for a group", 321, dict(topic="Pull", queueId=0, index=8, count=1, consumerGroup="PullH"))
    t.ask("entries of no queue", 321, dict(topic="Pull", queueId=9, index=0, count=5))
    t.ask("view nothing", 33, dict(offset=2**40))


def offsets(t):
    for queue, count in ((0, 5), (1, 3)):
        for _ in range(count):
            t.ask(None, 310, send("Off", e=queue), "x")
        wait_for(t, "Off", count, queue)

    def ask(name, code, **fields):
        t.ask(f"offset {name}", code, {**dict(topic="Off", queueId=0), **fields})

    group = dict(consumerGroup="OffG")
    ask("of nobody", 14, **group)
    ask("of nobody, not 0", 14, setZeroIfNotFound="false", **group)
    ask("of nobody, no queue", 14, queueId=2, **group)
    ask("commit of nobody", 15, commitOffset=3, consumerGroup="OffMissing")
    t.ask("make group", 200, {}, json.dumps(dict(groupName="OffG")))
    for name, fields in (("3", {}), ("lower", dict(commitOffset=1)), ("beyond", dict(commitOffset=99)),
                         ("no topic", dict(topic="Missing")), ("no offset", dict(commitOffset=None)),
                         ("no queue", dict(queueId=None)), ("queue 9", dict(queueId=9))):
        ask(f"commit {name}", 15, **{**dict(commitOffset=3), **group, **fields})
        ask(f"after {name}", 14, **group)
    for code, what in ((30, "max"), (31, "min")):
        for queue in (0, 2, 9):
            ask(f"{what} of {queue}", code, queueId=queue)
        ask(f"{what} of no topic", code, topic="Missing")
    for when in (0, -1, 2**62):
        for edge in (None, "LOWER", "UPPER", "upper"):
            ask(f"at {when} {edge}", 29, timestamp=when, boundaryType=edge)
    reset = dict(topic="Off", group="OffG", timestamp=0, isForce="true")
    for name, fields in (("", {}), (" to the end", dict(timestamp=-1)), (" one", dict(queueId=1, offset=2)),
                         (" too far", dict(queueId=1, offset=50)), (" no topic", dict(topic="Missing")),
                         (" no group", dict(group="a b"))):
        t.ask(f"reset{name}", 222, {**reset, **fields})
        t.ask(f"told{name}", 11, pull("OffG", "Off", queueOffset=3))
        ask(f"after reset{name}", 14, **group)
    for code, what in ((208, "progress"), (303, "span")):
        fields = dict(consumerGroup="OffG") if code == 208 else dict(group="OffG")
        t.ask(f"{what} of no topic", code, dict(topic="Missing", **fields))
    t.ask("progress", 208, dict(consumerGroup="OffG", topic="Off"))
    t.ask("clone", 314, dict(srcGroup="OffG", destGroup="OffC", topic="Off", offline="true"))
    ask("of the clone", 14, consumerGroup="OffC")
    t.ask("who", 300, dict(topic="Off"))
    t.ask("topics of", 343, dict(group="OffC"))


def clients(t):
    t.ask("list of nobody", 38, dict(consumerGroup="Cli"))
    t.ask("connections of nobody", 203, dict(consumerGroup="Cli"))
    t.ask("producers of nobody", 204, dict(producerGroup="PCli"))
    t.ask("first heartbeat", 34, {}, heartbeat("c1", "Cli", "Send"))
    t.ask("second heartbeat", 34, {}, heartbeat("c2", "Cli", "Send"), to="second")
    t.ask("list", 38, dict(consumerGroup="Cli"))
    t.ask("connections", 203, dict(consumerGroup="Cli"))
    t.ask("producers", 204, dict(producerGroup="PCli"))
    t.ask("subscription", 345, dict(group="Cli", topic="Send"))
    t.ask("consumers of the topic", 300, dict(topic="Send"))
    t.ask("retry topic", 351, dict(topic="%RETRY%Cli"))
    t.ask("broken heartbeat", 34, {}, "{x")
    for name, who, queues in (("c1", "c1", (0, 1)), ("c2", "c2", (0, 2)), ("c1 again", "c1", (0,)), ("none", "c1", ())):
        body = dict(consumerGroup="Cli", clientId=who, mqSet=[dict(topic="Send", brokerName="broker-a", queueId=q)
                                                              for q in queues])
        t.ask(f"lock {name}", 41, {}, json.dumps(body))
    t.ask("unlock", 42, {}, json.dumps(dict(consumerGroup="Cli", clientId="c1",
                                            mqSet=[dict(topic="Send", brokerName="broker-a", queueId=0)])))
    t.ask("running info of nobody", 307, dict(consumerGroup="Cli", clientId="c9"))
    t.ask("send back what is not there", 36, dict(offset=2**40, group="Cli", delayLevel=1))
    t.ask("send back of a bad group", 36, dict(offset=0, group="a b", delayLevel=1))
    t.ask("farewell of c2 by another", 35, dict(clientID="c2", consumerGroup="Cli"))
    t.ask("list then", 38, dict(consumerGroup="Cli"))
    t.ask("farewell of c2", 35, dict(clientID="c2", consumerGroup="Cli"), to="second")
    t.ask("list after", 38, dict(consumerGroup="Cli"))
    t.ask("farewell of no one", 35, {})


def transactions(t):
    def half(key):
        props = properties(TRAN_MSG="true", PGROUP="PG", UNIQ_KEY=key)
        fields = t.ask(f"half {key}", 310, send("Tx", f=4, props=props), key)[0]["extFields"]
        return dict(producerGroup="PG", commitLogOffset=int(fields["msgId"][-16:], 16), msgId="x",
                    tranStateTableOffset=fields["queueOffset"], commitOrRollback=8, fromTransactionCheck="false")

    t.ask("end commit", 37, half("K1"))
    header = half("K2")
    for name, fields in (("of another group", dict(producerGroup="PX")),
                         ("of another place", dict(tranStateTableOffset=999)),
                         ("of nothing", dict(commitLogOffset=1)), ("as 9", dict(commitOrRollback=9)),
                         ("rollback", dict(commitOrRollback=12))):
        t.ask(f"end {name}", 37, {**header, **fields})
    t.ask("end asked", 37, {**half("K3"), "fromTransactionCheck": "true"})
    wait_for(t, "Tx", 2)
    t.ask("what was committed", 11, pull("TxG", "Tx"))


def admin(t):
    def config(name, topic="Adm", **more):
        t.ask(f"topic {name}", 17, topic_config(topic, **more))

    config("new")
    config("again")
    config("other perm", "Adm1", perm=4)
    config("no queues", "Adm2", readQueueNums=0, writeQueueNums=0)
    config("bad type", "Adm3", topicFilterType="XX")
    config("bad name", "a b")
    config("too long", "a" * 128)
    config("system", "TBW102")
    config("odd attribute", "Adm4", attributes="+foo=bar")
    for name in ("Adm", "Adm1", "Adm2", "Missing"):
        t.ask(f"config of {name}", 351, dict(topic=name))
        t.ask(f"stats of {name}", 202, dict(topic=name))
    t.ask("delete nothing", 215, dict(topic="Missing"))
    t.ask("delete system", 215, dict(topic="TBW102"))
    t.ask("delete", 215, dict(topic="Adm1"))
    t.ask("config of deleted", 351, dict(topic="Adm1"))
    listed = dict(topicName="AdmL", readQueueNums=2, writeQueueNums=1)
    t.ask("topic list", 18, {}, json.dumps(dict(topicConfigList=[listed])))
    t.ask("config of listed", 351, dict(topic="AdmL"))
    full = dict(groupName="AdmG", consumeEnable=False, consumeBroadcastEnable=False, retryQueueNums=3, retryMaxTimes=5,
                brokerId=1, whichBrokerWhenConsumeSlowly=2, notifyConsumerIdsChangedEnable=False)
    for name, body in (("", full), (" bad", dict(groupName="a b")), (" long", dict(groupName="a" * 121)),
                       (" no name", {})):
        t.ask(f"group{name}", 200, {}, json.dumps(body))
    t.ask("group list", 225, {}, json.dumps(dict(groupConfigList=[dict(groupName="AdmL1"), dict(groupName="AdmL2")])))
    for name in ("AdmG", "AdmL2", "a b"):
        t.ask(f"group config of {name}", 352, dict(group=name))
    t.ask("delete group", 207, dict(groupName="AdmL1", cleanOffset="true"))
    t.ask("no statistics", 315, dict(statsName="XX", statsKey="k"))
    t.ask("black list", 25, {}, "brokerConfigPath=/x")
    t.ask("unknown code", 9999, {})
    subscription = dict(topic="Send", subString="a >", expressionType="TAG", subVersion=1)
    t.ask("check tags", 46, {}, json.dumps(dict(clientId="c", group="g", subscriptionData=subscription)))
    t.ask("check nothing", 46, {}, "")
    t.ask("flush offset of a master", 908, dict(masterFlushOffset=5))


def name_server(t):
    def n(name, code, **fields):
        t.ask(f"name server {name}", code, fields, to="namesrv")

    t.ask(None, 17, topic_config("Route"))
    for _ in range(200):
        if t.ask(None, 105, dict(topic="Route"), to="namesrv")[0]["code"] == 0:
            break
        time.sleep(0.05)
    n("route", 105, topic="Route")
    t.ask("name server route of old", 105, dict(topic="Route"), to="namesrv", version=252)
    n("no route", 105, topic="Missing")
    n("cluster", 106)
    n("put", 100, namespace="n", key="k", value="v")
    n("put no key", 100, namespace="n", value="v")
    n("get", 101, namespace="n", key="k")
    n("get none", 101, namespace="n", key="z")
    n("list", 219, namespace="n")
    n("list none", 219, namespace="z")
    n("delete", 102, namespace="n", key="k")
    n("topics of no cluster", 224, cluster="z")
    n("system topics", 304)
    n("wipe nobody", 205, brokerName="z")
    n("members", 901, clusterName="DefaultCluster", brokerName="broker-a")
    n("delete topic", 216, topic="Route")
    n("route of deleted", 105, topic="Route")
    n("unknown code", 310)


def compare(java, ours):
    faults = 0
    for name, (expected, remark) in java.answers.items():
        got, our_remark = ours.answers.get(name, ([], ""))
        exception = "Exception" in remark or "Cannot invoke" in remark or remark == "not set any response code"
        if got == expected and (exception or our_remark.startswith(remark)):
            continue
        faults += 1
        print(f"--- {name}\n  java {expected} {remark!r}\n  ours {got} {our_remark!r}")
    print(f"{len(java.answers)} answers, {faults} differ")
    return faults


def main():
    ports = [int(port) for port in sys.argv[1:5]]
    targets = [Target(ports[0], ports[1]), Target(ports[2], ports[3])]
    for section in (sends, pulls, offsets, clients, transactions, admin, name_server):
        for target in targets:
            section(target)
    return 1 if compare(*targets) else 0


if __name__ == "__main__":
    sys.exit(main())
