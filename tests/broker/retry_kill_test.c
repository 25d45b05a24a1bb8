/* Retries and kill -9, against a model: each message fails as often as its number says, then it is consumed, or it has
 * failed too often and is a dead letter. A child serves; the parent sends, consumes, sends back, and kills the child in
 * the middle of it, several times. Its own progress survives, as that of a consumer with a durable offset store. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/test.h"
#include "os/clock.h"
#include "support/broker_box.h"

enum { KILLS = 4, PER_LIFE_MAX = 60, KEYS_MAX = (KILLS + 1) * PER_LIFE_MAX, FAILURES_MAX = 2, END_MS_MAX = 60000 };

#define GROUP       "RG"
#define TOPIC       "T"
#define RETRY_TOPIC "%RETRY%" GROUP
#define DEAD_TOPIC  "%DLQ%" GROUP

enum fate { OPEN, CONSUMED, DEAD };
static enum fate fates[KEYS_MAX];
static int key_count;
static struct {
    const char *topic;
    int64_t offset;
} reads[] = {{TOPIC, 0}, {RETRY_TOPIC, 0}, {DEAD_TOPIC, 0}};

static struct broker_box box;

/* How often its listener fails: 0, 1, 2, or always. */
static int failures_of(int key) {
    return key % 4;
}

static void send_new(struct peer *peer) {
    char body[16];
    snprintf(body, sizeof body, "%d", key_count);
    peer_send_message(peer, TOPIC, NULL, body, RESPONSE_SUCCESS);
    key_count++;
}

static void send_back(struct peer *peer, const struct record *record) {
    struct hdr_consumer_send_msg_back header = {.present = HEADER_ALL,
                                                .offset = record->offset_phys,
                                                .group = BYTES(GROUP),
                                                .delay_level = 1,
                                                .max_reconsume_times = FAILURES_MAX};
    struct command answer;
    header.has.max_reconsume_times = true;
    peer_call(peer, REQUEST_CONSUMER_SEND_MSG_BACK, layout_consumer_send_msg_back(), &header, BYTES(""), &answer);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
}

static void settle(int key, enum fate fate) {
    assert_true(fates[key] == OPEN || fates[key] == fate);
    fates[key] = fate;
}

/* A listener, its failures being sent back. Messages may come more than once, but never less often tried than told. */
static void consume(struct peer *peer, const char *topic, const struct record *record) {
    int32_t key;
    assert_true(bytes_to_i32(record->body, &key) && key >= 0 && key < key_count);
    if (strcmp(topic, DEAD_TOPIC) == 0) {
        assert_int_equal(failures_of(key), FAILURES_MAX + 1);
        settle(key, DEAD);
    } else if (record->reconsume_times < failures_of(key)) {
        send_back(peer, record);
    } else {
        assert_int_equal(record->reconsume_times, failures_of(key));
        settle(key, CONSUMED);
    }
}

/* One pull of each topic. */
static void consume_some(struct peer *peer) {
    for (size_t i = 0; i < ARRAY_LEN(reads); i++) {
        struct command answer;
        struct record records[16];
        struct hdr_pull_message header = pull_header(GROUP, reads[i].topic, 0, reads[i].offset);
        header.max_msg_nums = (int32_t)ARRAY_LEN(records);
        peer_call(peer, REQUEST_PULL_MESSAGE, layout_pull_message(), &header, BYTES(""), &answer);
        if (answer.code != RESPONSE_SUCCESS) continue;
        struct buf body = {0}; /* the answer dies with the next call */
        buf_append_bytes(&body, answer.body);
        size_t count = pull_records(buf_bytes(&body), records, ARRAY_LEN(records));
        for (size_t k = 0; k < count; k++) {
            consume(peer, reads[i].topic, &records[k]);
            reads[i].offset = records[k].offset_queue + 1;
        }
        buf_close(&body);
    }
}

static int open_count(void) {
    int count = 0;
    for (int key = 0; key < key_count; key++) count += fates[key] == OPEN;
    return count;
}

static void nothing_is_lost_by_kills(void **state) {
    (void)state;
    unsigned seed = (unsigned)getpid();
    uint16_t port;
    struct peer peer;
    broker_box_init(&box);
    broker_box_set(&box, "messageDelayLevel=1s");
    broker_box_set(&box, "flushDelayOffsetInterval=200");
    for (int life = 0; life < KILLS; life++) {
        pid_t child = broker_box_fork(&box, &port);
        peer_open(&peer, port);
        int count = 10 + rand_r(&seed) % (PER_LIFE_MAX - 10);
        int64_t until_ms = clock_monotonic_ms() + 500 + rand_r(&seed) % 2000;
        for (int i = 0; i < count || clock_monotonic_ms() < until_ms; i++) {
            if (i < count) send_new(&peer);
            if (rand_r(&seed) % 3 == 0) consume_some(&peer);
        }
        broker_box_kill(child);
        peer_close(&peer);
    }
    pid_t child = broker_box_fork(&box, &port);
    peer_open(&peer, port);
    for (int64_t end_ms = clock_monotonic_ms() + END_MS_MAX; open_count() > 0 && clock_monotonic_ms() < end_ms;) {
        consume_some(&peer);
        clock_sleep_ms(10);
    }
    peer_close(&peer);
    broker_box_kill(child);
    for (int key = 0; key < key_count; key++) {
        enum fate due = failures_of(key) > FAILURES_MAX ? DEAD : CONSUMED;
        if (fates[key] != due) fail_msg("message %d of %d: fate %d, due %d", key, key_count, fates[key], due);
    }
    broker_box_close(&box);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_by_kills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
