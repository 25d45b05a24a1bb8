/* Producers, long-polling consumers, admins and connections that come and go, all at once: every message arrives, once,
 * in the order of its queue. Meant for the thread sanitizer as much as for itself. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/check.h"
#include "base/test.h"
#include "os/clock.h"
#include "support/broker_box.h"

enum { PRODUCERS = 4, QUEUES = 4, MESSAGES = 3000, WINDOW = 16, SUSPEND = 2 };

static struct broker_box box;
static atomic_bool over;

/* Message i of producer p goes to queue p: "p i". */
static void *produce(void *arg) {
    int id = *(const int *)arg, sent = 0, answered = 0;
    struct peer peer;
    struct command answer;
    peer_open(&peer, box.broker.port);
    struct hdr_send_message_v2 header = send_header("Load", NULL);
    header.queue_id = id;
    while (answered < MESSAGES) {
        for (; sent < MESSAGES && sent - answered < WINDOW; sent++) {
            char body[32];
            snprintf(body, sizeof body, "%d %d", id, sent);
            peer_send(&peer, REQUEST_SEND_MESSAGE_V2, layout_send_message_v2(), &header, bytes_of(body), 0);
        }
        must(peer_next(&peer, 20000, &answer));
        must(answer.code == RESPONSE_SUCCESS);
        answered++;
    }
    peer_close(&peer);
    return NULL;
}

static void *consume(void *arg) {
    int id = *(const int *)arg, got = 0;
    struct peer peer;
    struct command answer;
    peer_open(&peer, box.broker.port);
    struct hdr_pull_message header = pull_header("LG", "Load", id, 0);
    header.sys_flag |= SUSPEND;
    header.suspend_timeout_millis = 10000;
    while (got < MESSAGES) {
        struct record records[64];
        peer_call(&peer, REQUEST_PULL_MESSAGE, layout_pull_message(), &header, BYTES(""), &answer);
        if (answer.code == RESPONSE_TOPIC_NOT_EXIST) continue; /* the first send makes it */
        must(answer.code == RESPONSE_SUCCESS);
        size_t count = pull_records(answer.body, records, 64);
        for (size_t i = 0; i < count; i++, got++) {
            char body[32];
            snprintf(body, sizeof body, "%d %d", id, got);
            must(bytes_is(records[i].body, body) && records[i].offset_queue == got);
        }
        header.queue_offset = got;
    }
    peer_close(&peer);
    return NULL;
}

static void *ask(void *arg) {
    (void)arg;
    struct peer peer;
    struct command answer;
    peer_open(&peer, box.broker.port);
    while (!atomic_load(&over)) {
        static const int32_t codes[] = {REQUEST_GET_BROKER_RUNTIME_INFO, REQUEST_GET_ALL_TOPIC_CONFIG,
                                        REQUEST_GET_ALL_CONSUMER_OFFSET, REQUEST_GET_ALL_DELAY_OFFSET,
                                        REQUEST_GET_BROKER_CONFIG};
        for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
            peer_call(&peer, codes[i], NULL, NULL, BYTES(""), &answer);
            must(answer.code == RESPONSE_SUCCESS);
        }
        clock_sleep_ms(5);
    }
    peer_close(&peer);
    return NULL;
}

/* Connects, leaves pulls held or a frame half sent, and goes. */
static void *come_and_go(void *arg) {
    (void)arg;
    for (int i = 0; !atomic_load(&over); i++) {
        struct peer peer;
        struct hdr_pull_message header = pull_header("CG", "BenchmarkTest", i % 8, 0);
        header.sys_flag |= SUSPEND;
        header.suspend_timeout_millis = i % 3 == 0 ? 1 : 5000;
        peer_open(&peer, box.broker.port);
        for (int k = 0; k < 3; k++)
            peer_send(&peer, REQUEST_PULL_MESSAGE, layout_pull_message(), &header, BYTES(""), 0);
        if (i % 2) peer_send_bytes(&peer, BYTES("\0\0\1\0\0\0\0\xf0{\"code\":11,"));
        clock_sleep_ms(2);
        peer_close(&peer);
    }
    return NULL;
}

static void run_load(void) {
    pthread_t producers[PRODUCERS], consumers[QUEUES], others[2];
    int ids[PRODUCERS];
    struct peer first;
    atomic_store(&over, false);
    peer_open(&first, box.broker.port);
    for (int i = 0; i < PRODUCERS; i++) {
        ids[i] = i;
        must(pthread_create(&consumers[i], NULL, consume, &ids[i]) == 0);
        must(pthread_create(&producers[i], NULL, produce, &ids[i]) == 0);
    }
    must(pthread_create(&others[0], NULL, ask, NULL) == 0);
    must(pthread_create(&others[1], NULL, come_and_go, NULL) == 0);
    for (int i = 0; i < PRODUCERS; i++) {
        must(pthread_join(producers[i], NULL) == 0);
        must(pthread_join(consumers[i], NULL) == 0);
    }
    atomic_store(&over, true);
    for (int i = 0; i < 2; i++) must(pthread_join(others[i], NULL) == 0);
    peer_close(&first);
}

static void all_arrives(void **state) {
    (void)state;
    broker_box_init(&box);
    broker_box_start(&box);
    run_load();
    broker_box_close(&box);
}

static void all_arrives_with_sync_flush(void **state) {
    (void)state;
    broker_box_init(&box);
    broker_box_set(&box, "flushDiskType=SYNC_FLUSH");
    broker_box_start(&box);
    run_load();
    broker_box_close(&box);
}

/* Stopped in the middle: what was acknowledged is there afterwards. */
static void *send_until_closed(void *arg) {
    int64_t *acknowledged = arg;
    struct peer peer;
    struct command answer;
    peer_open(&peer, box.broker.port);
    struct hdr_send_message_v2 header = send_header("Stopped", NULL);
    for (int i = 0; i < WINDOW; i++)
        peer_send(&peer, REQUEST_SEND_MESSAGE_V2, layout_send_message_v2(), &header, BYTES("m"), 0);
    while (peer_next(&peer, 10000, &answer)) {
        struct hdr_send_result result;
        if (answer.code != RESPONSE_SUCCESS) continue;
        must(header_decode(layout_send_result(), &answer, &result) == ERR_OK);
        if (result.queue_offset > *acknowledged) *acknowledged = result.queue_offset;
        struct buf frame = {0};
        struct command next = {.code = REQUEST_SEND_MESSAGE_V2, .opaque = ++peer.opaque, .version = VERSION_OURS};
        command_encode(&frame, &next, layout_send_message_v2(), &header, 1);
        buf_append_char(&frame, 'm');
        ssize_t ignored = write(peer.fd, frame.data, frame.len); /* may be closed by now */
        (void)ignored;
        buf_close(&frame);
    }
    peer_close(&peer);
    return NULL;
}

static void stop_loses_nothing(void **state) {
    (void)state;
    pthread_t senders[3];
    int64_t acknowledged[3] = {-1, -1, -1}, last = -1;
    signal(SIGPIPE, SIG_IGN);
    broker_box_init(&box);
    broker_box_start(&box);
    for (int i = 0; i < 3; i++) must(pthread_create(&senders[i], NULL, send_until_closed, &acknowledged[i]) == 0);
    clock_sleep_ms(300);
    broker_box_stop(&box);
    for (int i = 0; i < 3; i++) {
        must(pthread_join(senders[i], NULL) == 0);
        last = acknowledged[i] > last ? acknowledged[i] : last;
    }
    assert_true(last > 0);
    broker_box_start(&box);
    struct queue *queue = store_queue(box.broker.store, BYTES("Stopped"), 0, false);
    assert_non_null(queue);
    assert_true(queue_max(queue) > last);
    broker_box_close(&box);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_arrives),
        cmocka_unit_test(all_arrives_with_sync_flush),
        cmocka_unit_test(stop_loses_nothing),
    };
    return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
