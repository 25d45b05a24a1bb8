/* What consumers see: statuses, filters, long polling, permissions. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/test.h"
#include "broker/tables/groups.h"
#include "broker/tables/offsets.h"
#include "broker/tables/topics.h"
#include "message/properties.h"
#include "os/clock.h"
#include "os/file.h"
#include "support/broker_box.h"

enum { COMMIT = 1, SUSPEND = 2, SUBSCRIPTION = 4, HOLD_MS = 700 };

static struct broker_box box;
static struct peer producer;

static int start(void **state) {
    (void)state;
    broker_box_init(&box);
    broker_box_start(&box);
    peer_open(&producer, box.broker.port);
    return 0;
}

static int stop(void **state) {
    (void)state;
    peer_close(&producer);
    broker_box_close(&box);
    return 0;
}

static void wait_for_queue(const char *topic, int64_t max) {
    for (int i = 0; i < 5000; i++, clock_sleep_ms(1)) {
        struct queue *queue = store_queue(box.broker.store, bytes_of(topic), 0, false);
        if (queue && queue_max(queue) >= max) return;
    }
    fail_msg("%s has no %d messages", topic, (int)max);
}

static void send_tagged(const char *topic, const char *tag, const char *body) {
    char properties[64];
    snprintf(properties, sizeof properties, "TAGS\001%s\002", tag);
    peer_send_message(&producer, topic, properties, body, 0);
}

struct answer {
    int32_t code;
    struct hdr_pull_result header;
    struct record records[64];
    size_t count;
    char remark[256];
};

static void read_answer(const struct command *command, struct answer *out) {
    out->code = command->code;
    snprintf(out->remark, sizeof out->remark, "%.*s", BYTES_ARG(command->remark));
    memset(&out->header, 0, sizeof out->header);
    if (command_ext(command, "nextBeginOffset").data)
        assert_ok(header_decode(layout_pull_result(), command, &out->header));
    out->count = pull_records(command->body, out->records, 64);
}

static void pull(struct peer *peer, const struct hdr_pull_message *header, struct answer *out) {
    struct command command;
    peer_call(peer, REQUEST_PULL_MESSAGE, layout_pull_message(), header, BYTES(""), &command);
    read_answer(&command, out);
}

static void assert_answer(const struct answer *answer, int32_t code, const char *remark, int64_t next) {
    assert_int_equal(answer->code, code);
    assert_string_equal(answer->remark, remark);
    assert_int_equal(answer->header.next_begin_offset, next);
}

static void offset_decides_the_status(void **state) {
    (void)state;
    struct peer peer;
    struct answer answer;
    peer_open(&peer, box.broker.port);
    for (int i = 0; i < 5; i++) peer_send_message(&producer, "Status", NULL, "m", 0);
    wait_for_queue("Status", 5);
    struct hdr_pull_message header = pull_header("G", "Status", 0, 0);
    pull(&peer, &header, &answer);
    assert_answer(&answer, RESPONSE_SUCCESS, "FOUND", 5);
    assert_int_equal(answer.count, 5);
    assert_int_equal(answer.header.min_offset, 0);
    assert_int_equal(answer.header.max_offset, 5);
    header.max_msg_nums = 2;
    header.queue_offset = 1;
    pull(&peer, &header, &answer);
    assert_answer(&answer, RESPONSE_SUCCESS, "FOUND", 3);
    assert_int_equal(answer.records[0].offset_queue, 1);
    header.queue_offset = 5;
    pull(&peer, &header, &answer);
    assert_answer(&answer, RESPONSE_PULL_NOT_FOUND, "OFFSET_OVERFLOW_ONE", 5);
    header.queue_offset = 9;
    pull(&peer, &header, &answer);
    assert_answer(&answer, RESPONSE_PULL_OFFSET_MOVED, "OFFSET_OVERFLOW_BADLY", 5);
    header.queue_offset = -1;
    pull(&peer, &header, &answer);
    assert_answer(&answer, RESPONSE_PULL_OFFSET_MOVED, "OFFSET_TOO_SMALL", 0);
    header.queue_id = 1; /* nobody has sent to it */
    header.queue_offset = 0;
    pull(&peer, &header, &answer);
    assert_answer(&answer, RESPONSE_PULL_NOT_FOUND, "NO_MESSAGE_IN_QUEUE", 0);
    header.queue_offset = 3;
    pull(&peer, &header, &answer);
    assert_answer(&answer, RESPONSE_PULL_OFFSET_MOVED, "NO_MESSAGE_IN_QUEUE", 0);
    peer_close(&peer);
}

static void tags_filter(void **state) {
    (void)state;
    struct peer peer;
    struct answer answer;
    peer_open(&peer, box.broker.port);
    send_tagged("Tags", "A", "1");
    send_tagged("Tags", "B", "2");
    send_tagged("Tags", "C", "3");
    send_tagged("Tags", "A", "4");
    wait_for_queue("Tags", 4);
    struct hdr_pull_message header = pull_header("G", "Tags", 0, 0);
    header.subscription = BYTES(" A || C ");
    pull(&peer, &header, &answer);
    assert_answer(&answer, RESPONSE_SUCCESS, "FOUND", 4);
    assert_int_equal(answer.count, 3);
    assert_bytes(answer.records[0].body, "1");
    assert_bytes(answer.records[1].body, "3");
    assert_bytes(answer.records[2].body, "4");
    header.subscription = BYTES("D");
    pull(&peer, &header, &answer);
    assert_answer(&answer, RESPONSE_PULL_RETRY_IMMEDIATELY, "NO_MATCHED_MESSAGE", 4);
    header.subscription = BYTES("||");
    pull(&peer, &header, &answer);
    assert_int_equal(answer.code, RESPONSE_SUBSCRIPTION_PARSE_FAILED);
    peer_close(&peer);
}

static void conditions_filter(void **state) {
    (void)state;
    struct peer peer;
    struct answer answer;
    peer_open(&peer, box.broker.port);
    peer_send_message(&producer, "Sql", "a\0011\002", "1", 0);
    peer_send_message(&producer, "Sql", "a\0012\002", "2", 0);
    peer_send_message(&producer, "Sql", NULL, "3", 0);
    wait_for_queue("Sql", 3);
    struct hdr_pull_message header = pull_header("G", "Sql", 0, 0);
    header.expression_type = BYTES("SQL92");
    header.subscription = BYTES("a > 1");
    pull(&peer, &header, &answer);
    assert_answer(&answer, RESPONSE_SUCCESS, "FOUND", 3);
    assert_int_equal(answer.count, 1);
    assert_bytes(answer.records[0].body, "2");
    header.subscription = BYTES("a >");
    pull(&peer, &header, &answer);
    assert_int_equal(answer.code, RESPONSE_SUBSCRIPTION_PARSE_FAILED);
    box.broker.config.enable_property_filter = false;
    header.subscription = BYTES("a > 1");
    pull(&peer, &header, &answer);
    box.broker.config.enable_property_filter = true;
    assert_int_equal(answer.code, RESPONSE_SYSTEM_ERROR);
    assert_string_equal(answer.remark, "The broker does not support consumer to filter message by SQL92");
    peer_close(&peer);
}

static void refusals_have_code_and_type(void **state) {
    (void)state;
    struct peer peer;
    struct answer answer;
    struct command command;
    peer_open(&peer, box.broker.port);
    peer_send_message(&producer, "Refused", NULL, "m", 0);
    struct hdr_pull_message header = pull_header("G", "Missing", 0, 0);
    pull(&peer, &header, &answer);
    assert_int_equal(answer.code, RESPONSE_TOPIC_NOT_EXIST);
    header = pull_header("G", "Refused", 4, 0);
    pull(&peer, &header, &answer);
    assert_int_equal(answer.code, RESPONSE_INVALID_PARAMETER);
    assert_non_null(strstr(answer.remark, "queueId[4] is illegal, topic:[Refused] topicConfig.readQueueNums:[4]"));

    header = pull_header("Offline", "Refused", 0, 0);
    header.sys_flag = 0; /* as the heartbeat said; there was none */
    pull(&peer, &header, &answer);
    assert_int_equal(answer.code, RESPONSE_SUBSCRIPTION_NOT_EXIST);
    assert_non_null(strstr(answer.remark, "the consumer's group info not exist\nSee https://"));

    struct topic *topic = topics_find(box.broker.topics, BYTES("Refused"));
    atomic_store(&topic->perm, PERM_WRITE);
    header.sys_flag = SUBSCRIPTION;
    peer_call(&peer, REQUEST_PULL_MESSAGE, layout_pull_message(), &header, BYTES(""), &command);
    assert_int_equal(command.code, RESPONSE_NO_PERMISSION);
    assert_bytes(command.remark, "the topic[Refused] pulling message is forbidden");
    assert_bytes(command_ext(&command, "forbiddenType"), "3");
    atomic_store(&topic->perm, PERM_READ | PERM_WRITE);

    groups_disable(box.broker.groups, groups_find(box.broker.groups, BYTES("Offline")));
    peer_call(&peer, REQUEST_PULL_MESSAGE, layout_pull_message(), &header, BYTES(""), &command);
    assert_int_equal(command.code, RESPONSE_NO_PERMISSION);
    assert_bytes(command.remark, "subscription group no permission, Offline");
    assert_bytes(command_ext(&command, "forbiddenType"), "2");
    peer_close(&peer);
}

static void offset_is_committed_with_the_pull(void **state) {
    (void)state;
    struct peer peer;
    struct answer answer;
    peer_open(&peer, box.broker.port);
    for (int i = 0; i < 3; i++) peer_send_message(&producer, "Commit", NULL, "m", 0);
    wait_for_queue("Commit", 3);
    struct hdr_pull_message header = pull_header("GC", "Commit", 0, 1);
    header.commit_offset = 2;
    pull(&peer, &header, &answer);
    struct progress *progress = offsets_progress(box.broker.offsets, BYTES("Commit"), BYTES("GC"), true);
    assert_int_equal(progress_committed(progress, 0), OFFSET_NONE);
    header.sys_flag |= COMMIT;
    pull(&peer, &header, &answer);
    assert_int_equal(progress_committed(progress, 0), 2);
    assert_int_equal(progress_pulled(progress, 0), 3);
    progress_reset(box.broker.offsets, progress, 0, 1);
    pull(&peer, &header, &answer);
    assert_answer(&answer, RESPONSE_PULL_OFFSET_MOVED, "OFFSET_RESET", 1);
    peer_close(&peer);
}

static int nothing_is_resident(enum file_call call, const char *path) {
    (void)path;
    return call == FILE_RESIDENT ? EAGAIN : 0;
}

/* However often the log is brought in, it is gone again before the pull looks: it gets a copy. */
static void memory_too_short_for_a_message_costs_a_copy(void **state) {
    (void)state;
    enum { FILLER_BYTES = 3 << 20, FILLERS = 4 /* more than is taken for warm */ };
    struct peer peer;
    struct answer answer;
    char *filler = malloc(FILLER_BYTES + 1);
    memset(filler, 'f', FILLER_BYTES);
    filler[FILLER_BYTES] = '\0';
    broker_box_stop(&box); /* the hook is set while no threads run */
    file_set_fault(nothing_is_resident);
    broker_box_start(&box);
    peer_open(&peer, box.broker.port);
    peer_send_message(&peer, "Short", NULL, "first", 0);
    for (int i = 0; i < FILLERS; i++) peer_send_message(&peer, "Short", NULL, filler, 0);
    wait_for_queue("Short", 1 + FILLERS);
    struct hdr_pull_message header = pull_header("GS", "Short", 0, 0);
    header.max_msg_nums = 1;
    pull(&peer, &header, &answer);
    assert_answer(&answer, RESPONSE_SUCCESS, "FOUND", 1);
    assert_bytes(answer.records[0].body, "first");
    peer_close(&peer);
    peer_close(&producer);
    broker_box_stop(&box);
    file_set_fault(NULL);
    broker_box_start(&box);
    peer_open(&producer, box.broker.port);
    free(filler);
}

/* --- long polling ------------------------------------------------------------------------------------------- */
static struct hdr_pull_message hold_header(const char *topic, int32_t queue_id, int64_t offset) {
    struct hdr_pull_message header = pull_header("H", topic, queue_id, offset);
    header.sys_flag |= SUSPEND;
    header.suspend_timeout_millis = HOLD_MS;
    return header;
}

static int32_t hold(struct peer *peer, const struct hdr_pull_message *header) {
    return peer_send(peer, REQUEST_PULL_MESSAGE, layout_pull_message(), header, BYTES(""), 0);
}

/* Gives the broker time to look first, and sees that it does not answer. */
static void assert_held(struct peer *peer) {
    struct command none;
    assert_false(peer_next(peer, 150, &none));
}

static void next_answer(struct peer *peer, struct answer *out) {
    struct command command;
    assert_true(peer_next(peer, 10000, &command));
    read_answer(&command, out);
}

static void a_reset_wakes_held_pulls(void **state) {
    (void)state;
    struct peer peer;
    struct answer answer;
    struct command reply;
    peer_open(&peer, box.broker.port);
    for (int i = 0; i < 3; i++) peer_send_message(&producer, "Reset", NULL, "m", 0);
    wait_for_queue("Reset", 3);
    struct hdr_pull_message header = hold_header("Reset", 0, 3);
    header.suspend_timeout_millis = 60000;
    hold(&peer, &header);
    assert_held(&peer);
    struct hdr_reset_offset reset = {
        .present = HEADER_ALL, .topic = BYTES("Reset"), .group = BYTES("H"), .is_force = true};
    reset.has.offset = false;
    peer_call(&producer, REQUEST_INVOKE_BROKER_TO_RESET_OFFSET, layout_reset_offset(), &reset, BYTES(""), &reply);
    assert_int_equal(reply.code, RESPONSE_SUCCESS);
    next_answer(&peer, &answer);
    assert_answer(&answer, RESPONSE_PULL_OFFSET_MOVED, "OFFSET_RESET", 0);
    peer_close(&peer);
}

static void held_pull_wakes_at_once(void **state) {
    (void)state;
    struct peer peer;
    struct answer answer;
    peer_open(&peer, box.broker.port);
    peer_send_message(&producer, "Wake", NULL, "first", 0);
    wait_for_queue("Wake", 1);
    struct hdr_pull_message header = hold_header("Wake", 0, 1);
    header.suspend_timeout_millis = 20000;
    hold(&peer, &header);
    assert_held(&peer);
    int64_t start_ms = clock_monotonic_ms();
    peer_send_message(&producer, "Wake", NULL, "second", 0);
    next_answer(&peer, &answer);
    assert_true(clock_monotonic_ms() - start_ms < 1000);
    assert_answer(&answer, RESPONSE_SUCCESS, "FOUND", 2);
    assert_bytes(answer.records[0].body, "second");
    peer_close(&peer);
}

static void queue_that_is_not_there_yet_wakes_too(void **state) {
    (void)state;
    struct peer peer;
    struct answer answer;
    peer_open(&peer, box.broker.port);
    peer_send_message(&producer, "Fresh", NULL, "to queue 0", 0);
    struct hdr_pull_message header = hold_header("Fresh", 2, 0);
    header.suspend_timeout_millis = 20000;
    hold(&peer, &header);
    assert_held(&peer);
    struct hdr_send_message_v2 sending = send_header("Fresh", NULL);
    struct command sent;
    sending.queue_id = 2;
    peer_call(&producer, REQUEST_SEND_MESSAGE_V2, layout_send_message_v2(), &sending, BYTES("first of it"), &sent);
    next_answer(&peer, &answer);
    assert_answer(&answer, RESPONSE_SUCCESS, "FOUND", 1);
    assert_bytes(answer.records[0].body, "first of it");
    peer_close(&peer);
}

static void held_pull_ends_in_time(void **state) {
    (void)state;
    struct peer peer;
    struct answer answer;
    peer_open(&peer, box.broker.port);
    peer_send_message(&producer, "Over", NULL, "m", 0);
    wait_for_queue("Over", 1);
    int64_t start_ms = clock_monotonic_ms();
    struct hdr_pull_message header = hold_header("Over", 0, 1);
    hold(&peer, &header);
    header.suspend_timeout_millis = HOLD_MS / 2; /* a later one may end earlier */
    int32_t early = hold(&peer, &header);
    struct command command;
    assert_true(peer_next(&peer, 10000, &command));
    assert_int_equal(command.opaque, early);
    assert_in_range(clock_monotonic_ms() - start_ms, HOLD_MS / 2 - 20, HOLD_MS - 20);
    next_answer(&peer, &answer);
    assert_answer(&answer, RESPONSE_PULL_NOT_FOUND, "OFFSET_OVERFLOW_ONE", 1);
    assert_in_range(clock_monotonic_ms() - start_ms, HOLD_MS - 20, HOLD_MS + 3000);
    peer_close(&peer);
}

static void held_pull_passes_over_what_does_not_match(void **state) {
    (void)state;
    struct peer peer;
    struct answer answer;
    peer_open(&peer, box.broker.port);
    send_tagged("Match", "A", "0");
    wait_for_queue("Match", 1);
    struct hdr_pull_message header = hold_header("Match", 0, 1);
    header.subscription = BYTES("A");
    header.suspend_timeout_millis = 20000;
    hold(&peer, &header);
    assert_held(&peer);
    for (int i = 0; i < 5; i++) send_tagged("Match", "B", "other");
    assert_held(&peer);
    send_tagged("Match", "A", "wanted");
    next_answer(&peer, &answer);
    assert_answer(&answer, RESPONSE_SUCCESS, "FOUND", 7);
    assert_int_equal(answer.count, 1);
    assert_bytes(answer.records[0].body, "wanted");

    /* When nothing that matches comes, the answer moves the consumer on. */
    header.queue_offset = 7;
    header.suspend_timeout_millis = HOLD_MS;
    hold(&peer, &header);
    assert_held(&peer);
    for (int i = 0; i < 3; i++) send_tagged("Match", "B", "other");
    next_answer(&peer, &answer);
    assert_answer(&answer, RESPONSE_PULL_RETRY_IMMEDIATELY, "NO_MATCHED_MESSAGE", 10);
    peer_close(&peer);
}

static void beat(struct peer *peer, const char *tag, int version) {
    struct command answer;
    char body[400];
    snprintf(body, sizeof body,
             "{\"clientID\":\"c\",\"consumerDataSet\":[{\"groupName\":\"H\",\"consumeType\":\"CONSUME_PASSIVELY\","
             "\"messageModel\":\"CLUSTERING\",\"subscriptionDataSet\":[{\"topic\":\"Wish\",\"subString\":\"%s\","
             "\"tagsSet\":[\"%s\"],\"codeSet\":[%d],\"subVersion\":%d}]}]}",
             tag, tag, tag[0], version);
    peer_call(peer, REQUEST_HEART_BEAT, NULL, NULL, bytes_of(body), &answer);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
}

/* The client filters what comes by what it wanted when it pulled: it must pull again. */
static void held_pull_ends_when_the_group_wants_something_else(void **state) {
    (void)state;
    struct peer peer, heart;
    struct answer answer;
    peer_open(&peer, box.broker.port);
    peer_open(&heart, box.broker.port);
    send_tagged("Wish", "A", "0");
    wait_for_queue("Wish", 1);
    beat(&heart, "A", 1);
    struct hdr_pull_message header = hold_header("Wish", 0, 1);
    header.sys_flag = SUSPEND;
    header.suspend_timeout_millis = 20000;
    hold(&peer, &header);
    assert_held(&peer);
    send_tagged("Wish", "B", "1");
    assert_held(&peer); /* passed over */
    beat(&heart, "B", 2);
    send_tagged("Wish", "C", "2");
    next_answer(&peer, &answer);
    assert_answer(&answer, RESPONSE_PULL_RETRY_IMMEDIATELY, "NO_MATCHED_MESSAGE", 1);
    header.sub_version = 2;
    hold(&peer, &header);
    next_answer(&peer, &answer);
    assert_answer(&answer, RESPONSE_SUCCESS, "FOUND", 3);
    assert_int_equal(answer.count, 1);
    assert_bytes(answer.records[0].body, "1");
    peer_close(&heart);
    peer_close(&peer);
}

static void held_pull_hears_that_it_may_not(void **state) {
    (void)state;
    struct peer peer;
    struct command answer;
    peer_open(&peer, box.broker.port);
    send_tagged("May", "A", "0");
    wait_for_queue("May", 1);
    struct hdr_pull_message header = hold_header("May", 0, 1);
    header.suspend_timeout_millis = 20000;
    struct group *group = groups_find(box.broker.groups, BYTES("H"));
    struct topic *topic = topics_find(box.broker.topics, BYTES("May"));
    hold(&peer, &header);
    assert_held(&peer);
    atomic_store(&group->consume_enable, false);
    send_tagged("May", "A", "1");
    assert_true(peer_next(&peer, 10000, &answer));
    assert_int_equal(answer.code, RESPONSE_NO_PERMISSION);
    assert_bytes(answer.remark, "subscription group no permission, H");
    atomic_store(&group->consume_enable, true);
    header.queue_offset = 2;
    hold(&peer, &header);
    assert_held(&peer);
    atomic_store(&topic->perm, PERM_WRITE);
    send_tagged("May", "A", "2");
    assert_true(peer_next(&peer, 10000, &answer));
    assert_int_equal(answer.code, RESPONSE_NO_PERMISSION);
    assert_bytes(answer.remark, "the topic[May] pulling message is forbidden");
    atomic_store(&topic->perm, PERM_READ | PERM_WRITE);
    header.queue_offset = 3;
    hold(&peer, &header);
    assert_held(&peer);
    assert_ok(topics_delete(box.broker.topics, BYTES("May")));
    assert_ok(store_delete_topic(box.broker.store, BYTES("May")));
    assert_true(peer_next(&peer, 10000, &answer));
    assert_int_equal(answer.code, RESPONSE_TOPIC_NOT_EXIST);
    peer_close(&peer);
}

static void held_pull_waits_for_the_queue_that_comes_next(void **state) {
    (void)state;
    struct peer peer;
    struct answer answer;
    peer_open(&peer, box.broker.port);
    send_tagged("Next", "A", "0");
    wait_for_queue("Next", 1);
    assert_ok(store_delete_topic(box.broker.store, BYTES("Next")));
    send_tagged("Next", "A", "1");
    wait_for_queue("Next", 1);
    struct hdr_pull_message header = hold_header("Next", 0, 1);
    header.suspend_timeout_millis = 20000;
    hold(&peer, &header);
    assert_held(&peer);
    assert_ok(store_delete_topic(box.broker.store, BYTES("Next")));
    next_answer(&peer, &answer); /* its messages are gone */
    assert_answer(&answer, RESPONSE_PULL_OFFSET_MOVED, "NO_MESSAGE_IN_QUEUE", 0);
    header.queue_offset = 0;
    hold(&peer, &header);
    assert_held(&peer);
    send_tagged("Next", "A", "2");
    next_answer(&peer, &answer);
    assert_answer(&answer, RESPONSE_SUCCESS, "FOUND", 1);
    assert_bytes(answer.records[0].body, "2");
    peer_close(&peer);
}

static void gone_consumers_leave_nothing(void **state) {
    (void)state;
    struct peer peers[20], last;
    struct answer answer;
    peer_send_message(&producer, "Gone", NULL, "m", 0);
    wait_for_queue("Gone", 1);
    struct hdr_pull_message header = hold_header("Gone", 0, 1);
    header.suspend_timeout_millis = 60000;
    for (size_t i = 0; i < 20; i++) {
        peer_open(&peers[i], box.broker.port);
        for (int k = 0; k < 5; k++) hold(&peers[i], &header);
    }
    clock_sleep_ms(100);
    for (size_t i = 0; i < 20; i++) peer_close(&peers[i]);
    peer_open(&last, box.broker.port);
    hold(&last, &header);
    clock_sleep_ms(100);
    peer_send_message(&producer, "Gone", NULL, "for the last one", 0);
    next_answer(&last, &answer);
    assert_bytes(answer.records[0].body, "for the last one");
    peer_close(&last);
}

/* Alternately one message and one pull, so that each arrival races with the pull that waits for it. */
static void no_wake_up_is_lost(void **state) {
    (void)state;
    struct peer peer;
    struct answer answer;
    peer_open(&peer, box.broker.port);
    struct hdr_pull_message header = hold_header("Race", 0, 0);
    header.suspend_timeout_millis = 60000;
    peer_send_message(&producer, "Race", NULL, "0", 0);
    for (int i = 1; i <= 1500; i++) {
        struct hdr_send_message_v2 sending = send_header("Race", NULL);
        struct command command;
        hold(&peer, &header);
        peer_send(&producer, REQUEST_SEND_MESSAGE_V2, layout_send_message_v2(), &sending, BYTES("m"), 0);
        next_answer(&peer, &answer);
        assert_int_equal(answer.code, RESPONSE_SUCCESS);
        header.queue_offset = answer.header.next_begin_offset;
        assert_true(peer_next(&producer, 10000, &command));
    }
    peer_close(&peer);
}

static void stop_answers_what_is_held(void **state) {
    (void)state;
    struct broker_box other;
    struct peer peer;
    struct answer answer;
    broker_box_init(&other);
    broker_box_start(&other);
    peer_open(&peer, other.broker.port);
    peer_send_message(&peer, "Stop", NULL, "m", 0);
    struct hdr_pull_message header = hold_header("Stop", 0, 0);
    header.suspend_timeout_millis = 60000;
    pull(&peer, &header, &answer);
    header.queue_offset = 1;
    hold(&peer, &header);
    assert_held(&peer);
    broker_box_stop(&other);
    next_answer(&peer, &answer);
    assert_int_equal(answer.code, RESPONSE_PULL_NOT_FOUND);
    assert_true(peer_closed(&peer, 5000));
    peer_close(&peer);
    broker_box_close(&other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offset_decides_the_status),
        cmocka_unit_test(tags_filter),
        cmocka_unit_test(conditions_filter),
        cmocka_unit_test(refusals_have_code_and_type),
        cmocka_unit_test(a_reset_wakes_held_pulls),
        cmocka_unit_test(memory_too_short_for_a_message_costs_a_copy),
        cmocka_unit_test(offset_is_committed_with_the_pull),
        cmocka_unit_test(held_pull_wakes_at_once),
        cmocka_unit_test(queue_that_is_not_there_yet_wakes_too),
        cmocka_unit_test(held_pull_ends_in_time),
        cmocka_unit_test(held_pull_passes_over_what_does_not_match),
        cmocka_unit_test(held_pull_ends_when_the_group_wants_something_else),
        cmocka_unit_test(held_pull_hears_that_it_may_not),
        cmocka_unit_test(held_pull_waits_for_the_queue_that_comes_next),
        cmocka_unit_test(gone_consumers_leave_nothing),
        cmocka_unit_test(no_wake_up_is_lost),
        cmocka_unit_test(stop_answers_what_is_held),
    };
    return cmocka_run_group_tests_name("pull", tests, start, stop);
}
