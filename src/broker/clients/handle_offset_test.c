/* handle_offset_test.c - offsets and resets, asked of a whole broker */
#include "broker/serving_testing.h"
#include "broker/tables/topics.h"

/* A broker with topic T of four queues: 0 has three messages, 1 has one. */
static struct peer *start(struct serving *s) {
    serving_init(s);
    struct peer *peer = serving_start_peer(s);
    peer_make_topic(peer, "T", 4, "");
    assert_answer(peer, SUCCESS);
    peer_ask(peer, REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, NULL, NULL, "{\"groupName\":\"G\"}");
    assert_answer(peer, SUCCESS);
    for (int i = 0; i < 3; i++) assert_int_equal(peer_put(peer, "T", 0, "", "body"), i);
    assert_int_equal(peer_put(peer, "T", 1, "", "body"), 0);
    struct topic *topic = topics_find(s->t.broker.topics, BYTES("T"));
    struct queue *queue = topic_queue(topic, s->t.broker.store, 1, false);
    EVENTUALLY(queue_max(queue) == 1);
    return peer;
}

static int64_t answer_number(struct peer *peer, const char *field) {
    int64_t out = -99;
    assert_answer(peer, SUCCESS);
    assert_true(bytes_to_i64(command_ext(&peer->answer, field), &out));
    return out;
}

static void queues_tell_their_range(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    ASK(peer, GET_MAX_OFFSET, get_max_offset, "", .topic = BYTES("T"), .queue_id = 0);
    assert_int_equal(answer_number(peer, "offset"), 3);
    ASK(peer, GET_MIN_OFFSET, queue, "", .topic = BYTES("T"), .queue_id = 0);
    assert_int_equal(answer_number(peer, "offset"), 0);
    ASK(peer, GET_MAX_OFFSET, get_max_offset, "", .topic = BYTES("T"), .queue_id = 3);
    assert_int_equal(answer_number(peer, "offset"), 0);
    ASK(peer, GET_MAX_OFFSET, get_max_offset, "", .topic = BYTES("none"), .queue_id = -7);
    assert_int_equal(answer_number(peer, "offset"), 0);
    ASK(peer, SEARCH_OFFSET_BY_TIMESTAMP, search_offset_by_timestamp, "", .topic = BYTES("T"), .timestamp = 1);
    assert_int_equal(answer_number(peer, "offset"), 0);
    ASK(peer, SEARCH_OFFSET_BY_TIMESTAMP, search_offset_by_timestamp, "", .topic = BYTES("T"),
        .timestamp = INT64_MAX / 2, .boundary_type = BYTES("UPPER"));
    int64_t last = answer_number(peer, "offset");
    assert_true(last >= 2);
    ASK(peer, SEARCH_OFFSET_BY_TIMESTAMP, search_offset_by_timestamp, "", .topic = BYTES("T"),
        .timestamp = INT64_MAX / 2, .boundary_type = BYTES("upper"));
    assert_int_equal(answer_number(peer, "offset"), last);
    ASK(peer, SEARCH_OFFSET_BY_TIMESTAMP, search_offset_by_timestamp, "", .topic = BYTES("T"),
        .timestamp = INT64_MAX / 2);
    assert_int_equal(answer_number(peer, "offset"), last + 1);
    ASK(peer, GET_EARLIEST_MSG_STORETIME, queue, "", .topic = BYTES("T"), .queue_id = 0);
    assert_true(answer_number(peer, "timestamp") > 1500000000000);
    ASK(peer, GET_EARLIEST_MSG_STORETIME, queue, "", .topic = BYTES("T"), .queue_id = 3);
    assert_int_equal(answer_number(peer, "timestamp"), -1);
    serving_stop(&s, peer);
}

static void ask_offset(struct peer *peer, int32_t queue_id) {
    struct hdr_query_consumer_offset header = {.consumer_group = BYTES("G"), .topic = BYTES("T"), .queue_id = queue_id};
    header.present = HEADER_ALL;
    header.has.set_zero_if_not_found = false;
    peer_ask(peer, REQUEST_QUERY_CONSUMER_OFFSET, layout_query_consumer_offset(), &header, "");
}

static void commit(struct peer *peer, const char *topic, const char *group, int32_t queue_id, int64_t offset) {
    ASK(peer, UPDATE_CONSUMER_OFFSET, update_consumer_offset, "", .consumer_group = bytes_of(group),
        .topic = bytes_of(topic), .queue_id = queue_id, .commit_offset = offset);
}

static void offsets_are_kept(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    ask_offset(peer, 0); /* new group, young queue: from its start */
    assert_int_equal(answer_number(peer, "offset"), 0);
    ask_offset(peer, 3); /* nothing ever there */
    assert_refused(peer, QUERY_NOT_FOUND, "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first");
    ASK(peer, QUERY_CONSUMER_OFFSET, query_consumer_offset, "", .consumer_group = BYTES("G"), .topic = BYTES("T"),
        .queue_id = 0, .set_zero_if_not_found = false);
    assert_refused(peer, QUERY_NOT_FOUND, "Not found, do not set to zero, maybe this group boot first");
    commit(peer, "T", "G", 0, 2);
    assert_answer(peer, SUCCESS);
    ask_offset(peer, 0);
    assert_int_equal(answer_number(peer, "offset"), 2);
    commit(peer, "T", "nobody", 0, 2);
    assert_refused(peer, SUBSCRIPTION_GROUP_NOT_EXIST, "Group nobody not exist!");
    commit(peer, "none", "G", 0, 2);
    assert_refused(peer, TOPIC_NOT_EXIST, "Topic none not exist!");
    commit(peer, "T", "G", -1, 2);
    assert_answer(peer, INVALID_PARAMETER);
    peer_ask(peer, REQUEST_GET_ALL_CONSUMER_OFFSET, NULL, NULL, "");
    assert_bytes(peer_json(peer, "offsetTable.T@G.0"), "2");
    ASK(peer, QUERY_TOPICS_BY_CONSUMER, group, "", .group = BYTES("G"));
    assert_non_null(memmem(peer->answer.body.data, peer->answer.body.len, "[\"T\"]", 5));
    ASK(peer, CLONE_GROUP_OFFSET, clone_group_offset, "", .src_group = BYTES("G"), .dest_group = BYTES("H"),
        .offline = true);
    assert_answer(peer, SUCCESS);
    peer_ask(peer, REQUEST_GET_ALL_CONSUMER_OFFSET, NULL, NULL, "");
    assert_bytes(peer_json(peer, "offsetTable.T@H.0"), "2");
    serving_stop(&s, peer);
}

static void correction_is_the_smallest(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    peer_ask(peer, REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, NULL, NULL, "{\"groupName\":\"H\"}");
    commit(peer, "T", "G", 0, 3);
    commit(peer, "T", "H", 0, 1);
    commit(peer, "T", "H", 1, 1);
    ASK(peer, QUERY_CORRECTION_OFFSET, query_correction_offset, "", .compare_group = BYTES("none"),
        .topic = BYTES("T"));
    assert_bytes(peer->answer.body, "{\"correctionOffsets\":{0:1,1:1}}");
    ASK(peer, QUERY_CORRECTION_OFFSET, query_correction_offset, "", .filter_groups = BYTES("x,H"),
        .compare_group = BYTES("H"), .topic = BYTES("T"));
    assert_bytes(peer->answer.body, "{\"correctionOffsets\":{0:9223372036854775807}}"); /* ahead of the compared one */
    serving_stop(&s, peer);
}

static int64_t delay_of(struct peer *peer, const char *group) {
    const struct json *body;
    ASK(peer, QUERY_CONSUME_TIME_SPAN, query_consume_time_span, "", .topic = BYTES("T"), .group = bytes_of(group));
    assert_answer(peer, SUCCESS);
    assert_ok(json_parse(&peer->arena, peer->answer.body, &body));
    return json_i64(json_get(json_first(json_get(body, "consumeTimeSpanSet")), "delayTime"), -1);
}

static void time_spans_say_how_late_a_group_is(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    const struct json *body;
    commit(peer, "T", "G", 0, 1);
    ASK(peer, QUERY_CONSUME_TIME_SPAN, query_consume_time_span, "", .topic = BYTES("T"), .group = BYTES("G"));
    assert_answer(peer, SUCCESS);
    assert_ok(json_parse(&peer->arena, peer->answer.body, &body));
    const struct json *spans = json_get(body, "consumeTimeSpanSet"), *first = json_first(spans);
    assert_int_equal(spans->count, 4);
    assert_bytes(json_text(json_get(json_get(first, "messageQueue"), "topic")), "T");
    assert_true(json_i64(json_get(first, "minTimeStamp"), 0) > 1500000000000);
    assert_true(json_i64(json_get(first, "maxTimeStamp"), 0) >= json_i64(json_get(first, "consumeTimeStamp"), 0));
    assert_true(json_i64(json_get(first, "delayTime"), -1) >= 0);
    EVENTUALLY(delay_of(peer, "never there") > 0);
    ASK(peer, QUERY_CONSUME_TIME_SPAN, query_consume_time_span, "", .topic = BYTES("none"), .group = BYTES("G"));
    assert_answer(peer, TOPIC_NOT_EXIST);
    serving_stop(&s, peer);
}

static void reset_to(struct peer *peer, const char *topic, const char *group, int32_t queue_id, int64_t offset,
                     int64_t time_ms) {
    ASK(peer, INVOKE_BROKER_TO_RESET_OFFSET, reset_offset, "", .topic = bytes_of(topic), .group = bytes_of(group),
        .queue_id = queue_id, .offset = offset, .timestamp = time_ms, .is_force = true);
}

static void pull(struct peer *peer, int64_t offset) {
    ASK(peer, PULL_MESSAGE, pull_message, "", .consumer_group = BYTES("G"), .topic = BYTES("T"), .queue_id = 0,
        .queue_offset = offset, .max_msg_nums = 32, .sys_flag = 4, .subscription = BYTES("*"),
        .expression_type = BYTES("TAG"));
}

static void resets_are_made_here(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    commit(peer, "T", "G", 0, 3);
    reset_to(peer, "none", "G", -1, -1, 0);
    assert_refused(peer, TOPIC_NOT_EXIST, "Topic none does not exist");
    reset_to(peer, "T", "none", -1, -1, 0);
    assert_refused(peer, SUBSCRIPTION_GROUP_NOT_EXIST, "Group none does not exist");
    reset_to(peer, "T", "G", 0, 9, 0);
    assert_refused(peer, SYSTEM_ERROR, "Target offset 9 not in consume queue range [0-3]");
    reset_to(peer, "T", "G", 0, 1, 0);
    assert_bytes(peer->answer.body,
                 "{\"offsetTable\":{{\"brokerName\":\"broker-a\",\"queueId\":0,\"topic\":\"T\"}:1}}");
    commit(peer, "T", "G", 0, 3); /* of a consumer that has not heard of it */
    assert_refused(peer, SUCCESS, "Offset has been previously reset");
    ask_offset(peer, 0);
    assert_int_equal(answer_number(peer, "offset"), 1);
    pull(peer, 3);
    assert_refused(peer, PULL_OFFSET_MOVED, "OFFSET_RESET");
    assert_bytes(command_ext(&peer->answer, "nextBeginOffset"), "1");
    pull(peer, 1);
    assert_answer(peer, SUCCESS);
    commit(peer, "T", "G", 0, 2);
    ask_offset(peer, 0);
    assert_int_equal(answer_number(peer, "offset"), 2);
    reset_to(peer, "T", "G", -1, -1, -1); /* all queues to their ends */
    peer_ask(peer, REQUEST_GET_ALL_CONSUMER_OFFSET, NULL, NULL, "");
    assert_bytes(peer_json(peer, "offsetTable.T@G.0"), "3");
    assert_bytes(peer_json(peer, "offsetTable.T@G.1"), "1");
    assert_bytes(peer_json(peer, "offsetTable.T@G.3"), "0");
    serving_stop(&s, peer);
}

static void resets_are_told_to_consumers_in_the_old_way(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    s.t.broker.config.use_server_side_reset_offset = false;
    reset_to(peer, "T", "G", -1, -1, 0);
    assert_refused(peer, SYSTEM_ERROR, "THe consumer group <G> not exist");
    for (int32_t q = 0; q < 4; q++) commit(peer, "T", "G", q, 0);
    reset_to(peer, "T", "G", -1, -1, -1);
    assert_answer(peer, CONSUMER_NOT_ONLINE);
    struct peer *consumer = peer_connect(&s);
    peer_ask(consumer, REQUEST_HEART_BEAT, NULL, NULL,
             "{\"clientID\":\"c\",\"consumerDataSet\":[{\"groupName\":\"G\",\"messageModel\":\"BROADCASTING\"}]}");
    reset_to(peer, "T", "G", -1, -1, -1);
    static const char told[] = "{\"offsetTable\":{{\"brokerName\":\"broker-a\",\"queueId\":0,\"topic\":\"T\"}:3,"
                               "{\"brokerName\":\"broker-a\",\"queueId\":1,\"topic\":\"T\"}:1,"
                               "{\"brokerName\":\"broker-a\",\"queueId\":2,\"topic\":\"T\"}:0,"
                               "{\"brokerName\":\"broker-a\",\"queueId\":3,\"topic\":\"T\"}:0}}";
    assert_bytes(peer->answer.body, told);
    struct command asked = peer_asked(consumer);
    assert_int_equal(asked.code, REQUEST_RESET_CONSUMER_CLIENT_OFFSET);
    assert_bytes(asked.body, told);
    assert_bytes(command_ext(&asked, "group"), "G");
    peer_close(consumer);
    serving_stop(&s, peer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queues_tell_their_range),    cmocka_unit_test(offsets_are_kept),
        cmocka_unit_test(correction_is_the_smallest), cmocka_unit_test(time_spans_say_how_late_a_group_is),
        cmocka_unit_test(resets_are_made_here),       cmocka_unit_test(resets_are_told_to_consumers_in_the_old_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
