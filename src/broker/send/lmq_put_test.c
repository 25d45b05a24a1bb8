/* lmq_put_test.c - light queues, asked of a whole broker */
#include "broker/serving_testing.h"
#include "broker/tables/offsets.h"
#include "broker/tables/topics.h"
#include "message/properties.h"

static struct peer *start(struct serving *s) {
    serving_init(s);
    s->t.broker.store_config.enable_lmq = s->t.broker.store_config.enable_multi_dispatch = true;
    return serving_start_peer(s);
}

static int64_t max_offset(struct peer *peer, const char *topic) {
    int64_t out = -1;
    ASK(peer, GET_MAX_OFFSET, get_max_offset, "", .topic = bytes_of(topic));
    assert_answer(peer, SUCCESS);
    assert_true(bytes_to_i64(command_ext(&peer->answer, "offset"), &out));
    return out;
}

/* Pulls one message of the light queue, waiting for it. */
static struct bytes pull(struct peer *peer, const char *topic, const char *group, int64_t offset_queue) {
    ASK(peer, PULL_MESSAGE, pull_message, "", .consumer_group = bytes_of(group), .topic = bytes_of(topic),
        .queue_offset = offset_queue, .max_msg_nums = 1, .sys_flag = 6, .suspend_timeout_millis = 5000,
        .subscription = BYTES("*"));
    assert_answer(peer, SUCCESS);
    struct record record;
    assert_ok(record_decode(peer->answer.body, RECORD_CHECK_BODY_CRC, &record));
    assert_bytes(record.topic, "T");
    return record.body;
}

static void messages_reach_light_queues(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    peer_put(peer, "T", 0,
             "INNER_MULTI_DISPATCH\1%LMQ%a,other,%LMQ%b\2INNER_MULTI_QUEUE_OFFSET\1"
             "9,9,9\2",
             "first");
    peer_put(peer, "T", 1, "INNER_MULTI_DISPATCH\1%LMQ%b\2", "second");
    peer_put(peer, "T", 1, "INNER_MULTI_DISPATCH\1other\2", "third");
    EVENTUALLY(max_offset(peer, "%LMQ%b") == 2);
    assert_bytes(pull(peer, "%LMQ%b", "%LMQ%g", 1), "second");
    assert_bytes(pull(peer, "%LMQ%a", "G", 0), "first");
    assert_int_equal(max_offset(peer, "%LMQ%a"), 1);
    assert_int_equal(max_offset(peer, "other"), 0);
    /* neither topic nor group is listed */
    peer_ask(peer, REQUEST_GET_ALL_TOPIC_CONFIG, NULL, NULL, "");
    assert_null(memmem(peer->answer.body.data, peer->answer.body.len, "%LMQ%", 5));
    peer_ask(peer, REQUEST_GET_ALL_SUBSCRIPTIONGROUP_CONFIG, NULL, NULL, "");
    assert_null(memmem(peer->answer.body.data, peer->answer.body.len, "%LMQ%", 5));
    peer_ask(peer, REQUEST_CLEAN_UNUSED_TOPIC, NULL, NULL, "");
    assert_int_equal(max_offset(peer, "%LMQ%a"), 1);
    serving_stop(&s, peer);
}

static void delayed_messages_reach_them_later(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    peer_put(peer, "T", 0,
             "DELAY\1"
             "1\2INNER_MULTI_DISPATCH\1%LMQ%a\2",
             "late");
    assert_int_equal(max_offset(peer, "%LMQ%a"), 0);
    assert_bytes(pull(peer, "%LMQ%a", "G", 0), "late");
    serving_stop(&s, peer);
}

static void offsets_have_their_own_file(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    peer_put(peer, "T", 0, "INNER_MULTI_DISPATCH\1%LMQ%a\2", "x");
    static const char *const groups[] = {"%LMQ%g", "TOOLS_CONSUMER"};
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        ASK(peer, UPDATE_CONSUMER_OFFSET, update_consumer_offset, "", .consumer_group = bytes_of(groups[i]),
            .topic = BYTES("%LMQ%a"), .commit_offset = 1);
        assert_answer(peer, SUCCESS);
        ASK(peer, QUERY_CONSUMER_OFFSET, query_consumer_offset, "", .consumer_group = bytes_of(groups[i]),
            .topic = BYTES("%LMQ%a"));
        assert_bytes(command_ext(&peer->answer, "offset"), "1");
    }
    offsets_save(s.t.broker.offsets);
    struct buf text = testing_read(&s.t, "lmqConsumerOffset.json");
    struct arena arena = {0};
    const struct json *json;
    assert_ok(json_parse(&arena, buf_bytes(&text), &json));
    assert_int_equal(json_i64(json_get(json_get(json, "lmqOffsetTable"), "%LMQ%a@%LMQ%g"), -1), 1);
    const struct json *others = json_get(json, "offsetTable");
    assert_null(json_get(others, "%LMQ%a@%LMQ%g"));
    assert_int_equal(json_i64(json_get(json_get(others, "%LMQ%a@TOOLS_CONSUMER"), "0"), -1), 1);
    buf_close(&text);
    arena_close(&arena);
    serving_stop(&s, peer);
}

/* enableLmq switched on: offsets of before are taken over from the other file. */
static void offsets_of_before_are_kept(void **state) {
    (void)state;
    struct testing t;
    struct offsets *offsets;
    testing_init(&t);
    testing_write(&t, "consumerOffset.json", "{\"offsetTable\":{\"T@G\":{0:7}}}");
    t.broker.store_config.enable_lmq = true;
    assert_ok(offsets_open(&t.broker, &offsets));
    assert_int_equal(progress_committed(offsets_progress(offsets, BYTES("T"), BYTES("G"), false), 0), 7);
    offsets_close(offsets);
    testing_write(&t, "lmqConsumerOffset.json",
                  "{\"lmqOffsetTable\":{\"%LMQ%a@%LMQ%g\":3},\"offsetTable\":{\"T@G\":{0:8}}}");
    assert_ok(offsets_open(&t.broker, &offsets));
    assert_int_equal(progress_committed(offsets_progress(offsets, BYTES("T"), BYTES("G"), false), 0), 8);
    assert_int_equal(progress_committed(offsets_progress(offsets, BYTES("%LMQ%a"), BYTES("%LMQ%g"), false), 0), 3);
    offsets_close(offsets);
    testing_done(&t);
}

static void send_one(struct peer *peer, const char *properties) {
    ASK(peer, SEND_MESSAGE, send_message, "body", .producer_group = BYTES("PG"), .topic = BYTES("T"),
        .default_topic = BYTES("TBW102"), .default_topic_queue_nums = 4, .properties = bytes_of(properties));
}

static void lite_topics_are_read_through_their_parent(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    peer_put(peer, "T", 0, "__LITE_TOPIC\001x\002", "one");
    peer_put(peer, "T", 0, "__LITE_TOPIC\001y\002", "two");
    EVENTUALLY(max_offset(peer, "%LMQ%$T$y") == 1);
    struct hdr_pull_message header = {.present = HEADER_ALL,
                                      .consumer_group = BYTES("G"),
                                      .topic = BYTES("T"),
                                      .max_msg_nums = 32,
                                      .sys_flag = 4,
                                      .subscription = BYTES("*"),
                                      .lite_topic = BYTES("y")};
    peer_ask(peer, REQUEST_PULL_MESSAGE, layout_pull_message(), &header, "");
    struct record record;
    assert_ok(record_decode(peer->answer.body, RECORD_CHECK_BODY_CRC, &record));
    assert_bytes(record.body, "two");
    assert_int_equal(record.size_bytes, peer->answer.body.len);
    assert_bytes(properties_get(record.properties, BYTES("INNER_MULTI_QUEUE_OFFSET")), "0");
    header.lite_topic = BYTES("none");
    header.sys_flag = 6;
    header.suspend_timeout_millis = 60000; /* nothing to wait at */
    peer_ask(peer, REQUEST_PULL_MESSAGE, layout_pull_message(), &header, "");
    assert_refused(peer, PULL_NOT_FOUND, "NO_MESSAGE_IN_QUEUE");
    ASK(peer, SEARCH_OFFSET_BY_TIMESTAMP, search_offset_by_timestamp, "", .topic = BYTES("T"),
        .timestamp = INT64_MAX / 2, .lite_topic = BYTES("x"));
    assert_bytes(command_ext(&peer->answer, "offset"), "1");
    ASK(peer, SEARCH_OFFSET_BY_TIMESTAMP, search_offset_by_timestamp, "", .topic = BYTES("T"),
        .timestamp = INT64_MAX / 2, .lite_topic = BYTES("none"));
    assert_bytes(command_ext(&peer->answer, "offset"), "0");
    serving_stop(&s, peer);
}

/* The queue a message with that property went to. */
static const char *queue_of(struct peer *peer, const char *properties) {
    send_one(peer, properties);
    assert_answer(peer, SUCCESS);
    return arena_strdup(&peer->arena, command_ext(&peer->answer, "queueId"));
}

static void priorities_are_queues(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    assert_string_equal(queue_of(peer, "_SYS_MSG_PRIORITY_\0012\002"), "2");
    assert_string_equal(queue_of(peer, "_SYS_MSG_PRIORITY_\0019\002"), "3");
    assert_string_equal(queue_of(peer, "_SYS_MSG_PRIORITY_\001-1\002"), "0");
    assert_string_equal(queue_of(peer, "_SYS_MSG_PRIORITY_\0012\002__SHARDINGKEY\001k\002"), "0");
    serving_stop(&s, peer);
}

static void their_number_has_a_limit(void **state) {
    (void)state;
    struct serving s;
    serving_init(&s);
    struct store_config *config = &s.t.broker.store_config;
    config->enable_lmq = config->enable_multi_dispatch = config->enable_lmq_quota = true;
    config->max_lmq_consume_queue_num = 1;
    serving_start(&s);
    struct peer *peer = peer_connect(&s);
    send_one(peer, "INNER_MULTI_DISPATCH\1%LMQ%a\2");
    assert_answer(peer, SUCCESS);
    send_one(peer, "INNER_MULTI_DISPATCH\1%LMQ%a,%LMQ%b\2");
    assert_refused(peer, LMQ_QUOTA_EXCEEDED, "[LMQ_CONSUME_QUEUE_NUM_EXCEEDED]lmq consume queue num exceeded.");
    send_one(peer, "INNER_MULTI_DISPATCH\1%LMQ%a\2");
    assert_answer(peer, SUCCESS);
    send_one(peer, "");
    assert_answer(peer, SUCCESS);
    serving_stop(&s, peer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_reach_light_queues),
        cmocka_unit_test(delayed_messages_reach_them_later),
        cmocka_unit_test(offsets_have_their_own_file),
        cmocka_unit_test(offsets_of_before_are_kept),
        cmocka_unit_test(lite_topics_are_read_through_their_parent),
        cmocka_unit_test(priorities_are_queues),
        cmocka_unit_test(their_number_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
