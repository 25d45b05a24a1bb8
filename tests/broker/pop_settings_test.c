/* Pop with settings that are not the defaults: where messages come back to, who is told of them, how many may be out.
 */
#include <stdio.h>
#include "base/test.h"
#include "broker/pop/revive.h"
#include "broker/tables/groups.h"
#include "broker/tables/offsets.h"
#include "broker/tables/topics.h"
#include "os/clock.h"
#include "support/broker_box.h"
#include "support/pop_peer.h"

enum { LONG_MS = 60000, ANSWER_MS = 20000 };

static struct broker_box box;
static struct peer peer;
static struct broker_config *config;

static int setup(void **state) {
    (void)state;
    broker_box_init(&box);
    broker_box_start(&box);
    peer_open(&peer, box.broker.port);
    config = &box.broker.config;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    peer_close(&peer);
    broker_box_close(&box);
    return 0;
}

static struct pop_peer_wish wish_of(const char *topic, int64_t invisible_ms) {
    return (struct pop_peer_wish){.group = "PG",
                                  .topic = topic,
                                  .queue_id = -1,
                                  .max_count = 32,
                                  .invisible_ms = invisible_ms,
                                  .poll_ms = LONG_MS};
}

static void make_topic(const char *topic, int32_t queues, const char *attributes) {
    struct hdr_update_and_create_topic header = {.present = HEADER_ALL,
                                                 .topic = bytes_of(topic),
                                                 .default_topic = BYTES("TBW102"),
                                                 .read_queue_nums = queues,
                                                 .write_queue_nums = queues,
                                                 .perm = 6,
                                                 .topic_filter_type = BYTES("SINGLE_TAG"),
                                                 .attributes = bytes_of(attributes)};
    struct command answer;
    peer_call(&peer, REQUEST_UPDATE_AND_CREATE_TOPIC, layout_update_and_create_topic(), &header, BYTES(""), &answer);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
}

static void put(const char *topic, int32_t queue_id, const char *body) {
    struct hdr_send_message_v2 header = send_header(topic, NULL);
    struct command answer;
    header.queue_id = queue_id;
    peer_call(&peer, REQUEST_SEND_MESSAGE_V2, layout_send_message_v2(), &header, bytes_of(body), &answer);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
}

/* Waits for no answer: what is held on the connection may be answered first. */
static void put_oneway(const char *topic, int32_t queue_id, const char *body) {
    struct hdr_send_message_v2 header = send_header(topic, NULL);
    header.queue_id = queue_id;
    peer_send(&peer, REQUEST_SEND_MESSAGE_V2, layout_send_message_v2(), &header, bytes_of(body), COMMAND_FLAG_ONEWAY);
}

/* Pops until that many came. */
static void pop(const struct pop_peer_wish *wish, struct popped_message *out, int32_t count) {
    struct pop_peer_wish rest = *wish;
    for (int32_t got = 0; got < count;) {
        struct command answer;
        rest.max_count = count - got;
        pop_peer_ask(&peer, &rest);
        assert_true(peer_next(&peer, ANSWER_MS, &answer));
        got += (int32_t)pop_peer_take(&answer, &rest, &out[got]);
    }
}

static void acknowledge(struct popped_message *popped, size_t count) {
    for (size_t i = 0; i < count; i++) assert_int_equal(pop_peer_ack(&peer, &popped[i]), RESPONSE_SUCCESS);
    pop_peer_free(popped, count);
}

/* Of request 200054, without waiting. */
static bool has_msg(const char *topic) {
    struct hdr_notification header = {
        .present = HEADER_ALL, .consumer_group = BYTES("PG"), .topic = bytes_of(topic), .queue_id = -1};
    struct hdr_notification_result result;
    struct command answer;
    peer_call(&peer, REQUEST_NOTIFICATION, layout_notification(), &header, BYTES(""), &answer);
    assert_ok(header_decode(layout_notification_result(), &answer, &result));
    return result.has_msg;
}

static void wait_for_messages(const char *name, int32_t queue_id, int64_t count) {
    for (int64_t until_ms = clock_monotonic_ms() + ANSWER_MS;;) {
        struct topic *topic = topics_find(box.broker.topics, bytes_of(name));
        struct queue *queue = topic ? topic_queue(topic, box.broker.store, queue_id, false) : NULL;
        if (queue && queue_max(queue) >= count) return;
        assert_true(clock_monotonic_ms() < until_ms);
        clock_sleep_ms(5);
    }
}

/* Its retry topic had one queue before the setting, and one less before its topic grew. */
static void messages_come_back_to_queues_of_their_own(void **state) {
    (void)state;
    struct popped_message popped[POP_PEER_MAX];
    struct pop_peer_wish soon = wish_of("Own", 300), late = wish_of("Own", LONG_MS);
    make_topic("Own", 2, "");
    put("Own", 1, "one for all");
    pop(&soon, popped, 1);
    pop_peer_free(popped, 1);
    pop(&late, popped, 1);
    assert_int_equal(popped[0].queue_id, 0);
    acknowledge(popped, 1);
    config->use_separate_retry_queue = true;
    for (int32_t queues = 2; queues <= 3; queues++) {
        make_topic("Own", queues, "");
        put("Own", queues - 1, "its own");
        pop(&soon, popped, 1);
        pop_peer_free(popped, 1);
        pop(&late, popped, 1);
        assert_int_equal(popped[0].kind, 1);
        assert_int_equal(popped[0].queue_id, queues - 1);
        acknowledge(popped, 1);
    }
    struct topic *retry = topics_find(box.broker.topics, BYTES("%RETRY%PG_Own"));
    assert_int_equal(retry->read_queues, 3);
    config->use_separate_retry_queue = false;
}

static void what_comes_back_keeps_its_priority(void **state) {
    (void)state;
    enum { QUEUES = 4 };
    struct popped_message popped[POP_PEER_MAX];
    struct pop_peer_wish soon = wish_of("Prio", 300), late = wish_of("Prio", LONG_MS);
    config->use_separate_retry_queue = true;
    make_topic("Prio", QUEUES, "+message.type=PRIORITY");
    for (int32_t i = 0; i < QUEUES; i++) put("Prio", i, "m");
    pop(&soon, popped, QUEUES);
    pop_peer_free(popped, QUEUES);
    for (int32_t i = 0; i < QUEUES; i++) wait_for_messages("%RETRY%PG_Prio", i, 1);
    pop(&late, popped, QUEUES);
    for (int32_t i = 0; i < QUEUES; i++) assert_int_equal(popped[i].queue_id, QUEUES - 1 - i);
    acknowledge(popped, QUEUES);
    config->use_separate_retry_queue = false;
}

/* Nobody is told of messages that pops would not give him. */
static void retry_topics_of_the_other_kind_are_left_alone(void **state) {
    (void)state;
    struct popped_message popped[POP_PEER_MAX];
    struct pop_peer_wish wish = wish_of("Kinds", 300);
    make_topic("Kinds", 1, "");
    put("Kinds", 0, "m");
    pop(&wish, popped, 1);
    pop_peer_free(popped, 1);
    wait_for_messages("%RETRY%PG_Kinds", 0, 1);
    wish.invisible_ms = LONG_MS;
    wish.poll_ms = 0;
    config->enable_retry_topic_v2 = true;
    config->retrieve_message_from_pop_retry_topic_v1 = false;
    assert_false(has_msg("Kinds"));
    assert_int_equal(pop_peer_pop(&peer, &wish, popped), 0);
    config->retrieve_message_from_pop_retry_topic_v1 = true;
    assert_true(has_msg("Kinds"));
    pop(&wish, popped, 1);
    assert_int_equal(popped[0].kind, 1);
    acknowledge(popped, 1);
    config->enable_retry_topic_v2 = false;
}

/* Its messages are not acknowledged: it is made again for them, as by any use of it. */
static void a_group_that_is_gone_gets_back_what_it_had(void **state) {
    (void)state;
    struct popped_message popped[POP_PEER_MAX];
    struct command answer;
    struct pop_peer_wish wish = wish_of("Gone", 600);
    wish.group = "Gone";
    make_topic("Gone", 1, "");
    put("Gone", 0, "m");
    pop(&wish, popped, 1);
    pop_peer_free(popped, 1);
    struct hdr_delete_subscriptiongroup header = {.present = HEADER_ALL, .group_name = BYTES("Gone")};
    peer_call(&peer, REQUEST_DELETE_SUBSCRIPTIONGROUP, layout_delete_subscriptiongroup(), &header, BYTES(""), &answer);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    wait_for_messages("%RETRY%Gone_Gone", 0, 1);
    wish.invisible_ms = LONG_MS;
    pop(&wish, popped, 1);
    assert_int_equal(popped[0].reconsume_times, 1);
    acknowledge(popped, 1);
}

/* As a request that comes then. */
static void held_pops_follow_changes(void **state) {
    (void)state;
    struct popped_message popped[POP_PEER_MAX];
    struct command answer;
    struct pop_peer_wish wish = wish_of("Changed", LONG_MS);
    make_topic("Changed", 1, "");
    put("Changed", 0, "m");
    pop(&wish, popped, 1);
    acknowledge(popped, 1);
    struct group *group = groups_find(box.broker.groups, BYTES("PG"));
    pop_peer_ask(&peer, &wish);
    while (atomic_load(&box.broker.held_pop_count) == 0) clock_sleep_ms(1);
    group->consume_enable = false;
    put_oneway("Changed", 0, "m");
    assert_true(peer_next(&peer, ANSWER_MS, &answer));
    assert_int_equal(answer.code, RESPONSE_NO_PERMISSION);
    group->consume_enable = true;
    pop(&wish, popped, 1);
    acknowledge(popped, 1);
    wish.poll_ms = 1000;
    pop_peer_ask(&peer, &wish);
    while (atomic_load(&box.broker.held_pop_count) == 0) clock_sleep_ms(1);
    struct hdr_topic header = {.present = HEADER_ALL, .topic = BYTES("Changed")};
    int32_t opaque = peer_send(&peer, REQUEST_DELETE_TOPIC_IN_BROKER, layout_topic(), &header, BYTES(""), 0);
    do assert_true(peer_next(&peer, ANSWER_MS, &answer));
    while (answer.opaque == opaque);
    assert_int_equal(answer.code, RESPONSE_TOPIC_NOT_EXIST);
}

/* At once: not only when the records of pops and acks have been read. */
static void a_limit_of_what_is_out_holds(void **state) {
    (void)state;
    struct popped_message first[POP_PEER_MAX], second[POP_PEER_MAX], more[POP_PEER_MAX];
    struct pop_peer_wish wish = wish_of("Limit", LONG_MS);
    make_topic("Limit", 1, "");
    for (int i = 0; i < 12; i++) put("Limit", 0, "m");
    wait_for_messages("Limit", 0, 12);
    config->enable_pop_message_threshold = true;
    config->pop_inflight_message_threshold = 4;
    wish.max_count = 3;
    pop(&wish, first, 3);
    pop(&wish, second, 3);
    wish.poll_ms = 0;
    assert_int_equal(pop_peer_pop(&peer, &wish, more), 0);
    assert_int_equal(pop_peer_change_invisible(&peer, &first[0], LONG_MS), RESPONSE_SUCCESS);
    assert_int_equal(pop_peer_pop(&peer, &wish, more), 0);
    acknowledge(first, 3);
    assert_int_equal(pop_peer_pop(&peer, &wish, more), 3);
    acknowledge(second, 3);
    acknowledge(more, 3);
    struct progress *progress = offsets_progress(box.broker.offsets, BYTES("Limit"), BYTES("PG"), false);
    for (int64_t until_ms = clock_monotonic_ms() + ANSWER_MS; box.broker.revive;) {
        int64_t open, behind;
        revive_counts(box.broker.revive, &open, &behind);
        if (behind == 0) break;
        assert_true(clock_monotonic_ms() < until_ms);
        clock_sleep_ms(5);
    }
    assert_int_equal(progress_in_flight(progress, 0), 0);
    config->enable_pop_message_threshold = false;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_back_to_queues_of_their_own),
        cmocka_unit_test(what_comes_back_keeps_its_priority),
        cmocka_unit_test(retry_topics_of_the_other_kind_are_left_alone),
        cmocka_unit_test(held_pops_follow_changes),
        cmocka_unit_test(a_group_that_is_gone_gets_back_what_it_had),
        cmocka_unit_test(a_limit_of_what_is_out_holds),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
