/* Messages that come later: delay levels, messages sent back, dead letters; over a restart too. */
#include <stdio.h>
#include <stdlib.h>
#include "base/test.h"
#include "broker/delay/delay.h"
#include "message/msgid.h"
#include "message/properties.h"
#include "os/clock.h"
#include "support/broker_box.h"

enum { SUSPEND = 2 };

static struct broker_box box;

static int start(void **state) {
    (void)state;
    broker_box_init(&box);
    broker_box_set(&box, "messageDelayLevel=1s 2s 3s 1h");
    broker_box_start(&box);
    return 0;
}

static int stop(void **state) {
    (void)state;
    broker_box_close(&box);
    return 0;
}

/* Waits for the message at that offset of queue 0. Its texts live as long as the peer's last command. */
static struct record next_message(struct peer *peer, const char *topic, int64_t offset, int64_t timeout_ms) {
    struct hdr_pull_message header = pull_header("W", topic, 0, offset);
    struct record records[32];
    struct command command;
    header.sys_flag |= SUSPEND;
    header.suspend_timeout_millis = timeout_ms;
    peer_call(peer, REQUEST_PULL_MESSAGE, layout_pull_message(), &header, BYTES(""), &command);
    if (command.code != RESPONSE_SUCCESS) fail_msg("%s: %d %.*s", topic, command.code, BYTES_ARG(command.remark));
    assert_true(pull_records(command.body, records, 32) >= 1);
    return records[0];
}

static void assert_property(const struct record *record, const char *name, const char *value) {
    struct bytes got = properties_get(record->properties, bytes_of(name));
    if (!got.data) fail_msg("no property %s", name);
    assert_bytes(got, value);
}

static void make_topic(struct peer *peer, const char *topic) {
    peer_send_message(peer, topic, NULL, "first", 0);
    (void)next_message(peer, topic, 0, 5000);
}

static void delayed_message_comes_when_due(void **state) {
    (void)state;
    struct peer peer;
    peer_open(&peer, box.broker.port);
    make_topic(&peer, "Delayed");
    int64_t start_ms = clock_wall_ms();
    struct hdr_send_result result = peer_send_message(&peer, "Delayed", "DELAY\0011\002TAGS\001t\002", "one second", 0);
    assert_int_equal(result.queue_id, 0);
    struct record record = next_message(&peer, "Delayed", 1, 10000);
    assert_in_range(clock_wall_ms() - start_ms, 1000, 4000);
    assert_bytes(record.body, "one second");
    assert_property(&record, "TAGS", "t");
    assert_property(&record, "REAL_TOPIC", "Delayed");
    assert_property(&record, "REAL_QID", "0");
    for (int i = 0; i < 5000 && delay_offset(box.broker.delay, 1) < 1; i++) clock_sleep_ms(1); /* set behind it */
    assert_int_equal(delay_offset(box.broker.delay, 1), 1);
    peer_close(&peer);
}

static void level_beyond_the_last_is_the_last(void **state) {
    (void)state;
    struct peer peer;
    peer_open(&peer, box.broker.port);
    make_topic(&peer, "Beyond");
    peer_send_message(&peer, "Beyond", "DELAY\00199\002", "in an hour", 0);
    struct queue *queue = store_queue(box.broker.store, BYTES("SCHEDULE_TOPIC_XXXX"), 3, false);
    assert_non_null(queue);
    assert_int_equal(queue_next(queue), 1);
    peer_close(&peer);
}

static void each_is_delivered_once_and_in_order(void **state) {
    (void)state;
    enum { COUNT = 600 }; /* more than one delivery takes */
    struct peer peer;
    peer_open(&peer, box.broker.port);
    make_topic(&peer, "Often");
    struct hdr_send_message_v2 header = send_header("Often", "DELAY\0012\002");
    for (int i = 0; i < COUNT; i++) {
        char body[16];
        snprintf(body, sizeof body, "%d", i);
        peer_send(&peer, REQUEST_SEND_MESSAGE_V2, layout_send_message_v2(), &header, bytes_of(body), 0);
    }
    for (int i = 0; i < COUNT; i++) {
        struct command answer;
        assert_true(peer_next(&peer, 5000, &answer));
        assert_int_equal(answer.code, RESPONSE_SUCCESS);
    }
    for (int i = 0; i < COUNT; i++) {
        char body[16];
        snprintf(body, sizeof body, "%d", i);
        struct record record = next_message(&peer, "Often", i + 1, 8000);
        assert_bytes(record.body, body);
    }
    clock_sleep_ms(300);
    assert_int_equal(queue_next(store_queue(box.broker.store, BYTES("Often"), 0, false)), COUNT + 1);
    peer_close(&peer);
}

static void delay_goes_on_after_a_restart(void **state) {
    (void)state;
    struct peer peer;
    peer_open(&peer, box.broker.port);
    make_topic(&peer, "Restart");
    peer_send_message(&peer, "Restart", "DELAY\0011\002", "before", 0);
    (void)next_message(&peer, "Restart", 1, 10000);
    int64_t start_ms = clock_wall_ms();
    peer_send_message(&peer, "Restart", "DELAY\0013\002", "over the restart", 0);
    peer_close(&peer);
    broker_box_stop(&box);
    broker_box_start(&box);
    assert_int_equal(delay_offset(box.broker.delay, 1), 2); /* this one and that of the test before */
    peer_open(&peer, box.broker.port);
    struct record record = next_message(&peer, "Restart", 2, 15000);
    assert_bytes(record.body, "over the restart");
    assert_in_range(clock_wall_ms() - start_ms, 3000, 12000);
    clock_sleep_ms(300);
    assert_int_equal(queue_next(store_queue(box.broker.store, BYTES("Restart"), 0, false)), 3);
    peer_close(&peer);
}

/* --- sent back ---------------------------------------------------------------------------------------------- */
static void send_back(struct peer *peer, int64_t offset_phys, int32_t delay_level, int32_t max_times, int32_t code) {
    struct hdr_consumer_send_msg_back header = {
        .present = HEADER_ALL, .offset = offset_phys, .group = BYTES("SB"), .delay_level = delay_level};
    struct command answer;
    header.has.max_reconsume_times = max_times >= 0;
    header.max_reconsume_times = max_times;
    peer_call(peer, REQUEST_CONSUMER_SEND_MSG_BACK, layout_consumer_send_msg_back(), &header, BYTES(""), &answer);
    assert_int_equal(answer.code, code);
    if (code == RESPONSE_SYSTEM_ERROR) assert_bytes(answer.remark, "look message by offset failed, 7");
}

static void message_sent_back_comes_again(void **state) {
    (void)state;
    struct peer peer;
    char id[MSGID_TEXT_MAX];
    peer_open(&peer, box.broker.port);
    peer_send_message(&peer, "Back", "TAGS\001t\002", "try me", 0);
    struct record first = next_message(&peer, "Back", 0, 5000);
    int64_t offset_phys = first.offset_phys, born_ms = first.born_time_ms;
    id[msgid_offset_text(&first.store_host, offset_phys, id)] = '\0';
    send_back(&peer, 7, 0, -1, RESPONSE_SYSTEM_ERROR);
    send_back(&peer, offset_phys, 1, -1, RESPONSE_SUCCESS);
    struct record again = next_message(&peer, "%RETRY%SB", 0, 10000);
    assert_bytes(again.body, "try me");
    assert_int_equal(again.reconsume_times, 1);
    assert_int_equal(again.born_time_ms, born_ms);
    assert_property(&again, "TAGS", "t");
    assert_property(&again, "RETRY_TOPIC", "Back");
    assert_property(&again, "ORIGIN_MESSAGE_ID", id);
    int64_t again_phys = again.offset_phys;

    send_back(&peer, again_phys, 1, -1, RESPONSE_SUCCESS);
    struct record third = next_message(&peer, "%RETRY%SB", 1, 10000);
    assert_int_equal(third.reconsume_times, 2);
    assert_property(&third, "RETRY_TOPIC", "Back");
    assert_property(&third, "ORIGIN_MESSAGE_ID", id);
    int64_t third_phys = third.offset_phys;

    /* Too often, or wanted so: a dead letter, at once. */
    send_back(&peer, third_phys, 1, 2, RESPONSE_SUCCESS);
    struct record dead = next_message(&peer, "%DLQ%SB", 0, 900);
    assert_int_equal(dead.reconsume_times, 3);
    assert_property(&dead, "RETRY_TOPIC", "Back");
    send_back(&peer, offset_phys, -1, -1, RESPONSE_SUCCESS);
    dead = next_message(&peer, "%DLQ%SB", 1, 900);
    assert_bytes(dead.body, "try me");
    peer_close(&peer);
}

static void consumer_may_send_to_its_retry_topic(void **state) {
    (void)state;
    struct peer peer;
    struct command answer;
    peer_open(&peer, box.broker.port);
    struct hdr_send_message_v2 header = send_header("%RETRY%DG", "RETRY_TOPIC\001Direct\002DELAY\0011\002");
    header.reconsume_times = 2;
    header.has.max_reconsume_times = true;
    header.max_reconsume_times = 2;
    peer_call(&peer, REQUEST_SEND_MESSAGE_V2, layout_send_message_v2(), &header, BYTES("again"), &answer);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    struct record record = next_message(&peer, "%RETRY%DG", 0, 10000);
    assert_int_equal(record.reconsume_times, 2);
    header.reconsume_times = 3;
    peer_call(&peer, REQUEST_SEND_MESSAGE_V2, layout_send_message_v2(), &header, BYTES("given up"), &answer);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    record = next_message(&peer, "%DLQ%DG", 0, 900);
    assert_bytes(record.body, "given up");
    peer_close(&peer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delayed_message_comes_when_due),      cmocka_unit_test(level_beyond_the_last_is_the_last),
        cmocka_unit_test(each_is_delivered_once_and_in_order), cmocka_unit_test(delay_goes_on_after_a_restart),
        cmocka_unit_test(message_sent_back_comes_again),       cmocka_unit_test(consumer_may_send_to_its_retry_topic),
    };
    return cmocka_run_group_tests_name("retry", tests, start, stop);
}
