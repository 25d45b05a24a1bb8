"""python_client.py NAMESRV - sends and consumes with PyPI's rocketmq, which wraps Apache's C++ client."""
import collections
import sys
import time

from rocketmq.client import Message, Producer, PullConsumer, PushConsumer

namesrv = sys.argv[1]
TOPIC = "PyTopic"


def message(body, tag="a", **properties):
    m = Message(TOPIC)
    m.set_keys("key")
    m.set_tags(tag)
    m.set_body(body)
    for name, value in properties.items():
        m.set_property(name, value)
    return m


def send():
    producer = Producer("PyProducer")
    producer.set_namesrv_addr(namesrv)
    producer.start()
    for i in range(10):
        result = producer.send_sync(message(f"sync {i}", color="red"))
        assert result.status == 0, result
    for i in range(3):
        producer.send_orderly(message(f"orderly {i}"), 7)
    producer.send_batch([message("batch 0"), message("batch 1")])
    producer.send_oneway(message("oneway"))
    producer.send_sync(message("other", tag="b"))
    late = message("late")
    late.set_delay_time_level(1)
    producer.send_sync(late)
    producer.shutdown()
    return {f"sync {i}" for i in range(10)} | {f"orderly {i}" for i in range(3)} | {
        "batch 0", "batch 1", "oneway", "late"}


def push(expected):
    got = collections.Counter()
    consumer = PushConsumer("PyGroup")
    consumer.set_namesrv_addr(namesrv)
    consumer.subscribe(TOPIC, lambda m: got.update([(m.body.decode(), m.tags, m.keys)]), "a")
    consumer.start()
    end = time.time() + 45
    while len(got) < len(expected) and time.time() < end:
        time.sleep(0.05)
    consumer.shutdown()
    assert got == collections.Counter((body, b"a", b"key") for body in expected), got


def pull(count):
    consumer = PullConsumer("PyPull")
    consumer.set_namesrv_addr(namesrv)
    consumer.start()
    bodies = [m.body for m in consumer.pull(TOPIC)]
    consumer.shutdown()
    assert len(bodies) == count, bodies


sent = send()
push(sent)
pull(len(sent) + 1)
print("sent and consumed by the C++ client under Python")
