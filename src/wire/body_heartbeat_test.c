/* body_heartbeat_test.c - Java's heartbeat read and written byte for byte; defaults; what is refused */
#include "wire/body_heartbeat.h"

#include "base/test.h"

static const char java_body[] =
    "{\"clientID\":\"192.0.2.2@18321\",\"consumerDataSet\":[{\"consumeFromWhere\":\"CONSUME_FROM_FIRST_OFFSET\","
    "\"consumeType\":\"CONSUME_PASSIVELY\",\"groupName\":\"CG\",\"messageModel\":\"CLUSTERING\","
    "\"subscriptionDataSet\":[{\"classFilterMode\":false,\"codeSet\":[],\"expressionType\":\"TAG\",\"subString\":\"*\","
    "\"subVersion\":1795478179517,\"tagsSet\":[],\"topic\":\"T42\"}],\"unitMode\":false}],"
    "\"heartbeatFingerprint\":-610562501,\"producerDataSet\":[{\"groupName\":\"CLIENT_INNER_PRODUCER\"}],"
    "\"withoutSub\":false}";

static void what_java_writes_is_read_and_written(void **state) {
    (void)state;
    struct arena arena = {0};
    struct buf out = {0};
    struct heartbeat heartbeat;
    assert_ok(heartbeat_decode(&arena, bytes_of(java_body), &heartbeat));
    assert_bytes(heartbeat.client_id, "192.0.2.2@18321");
    assert_int_equal(heartbeat.producer_count, 1);
    assert_bytes(heartbeat.producer_groups[0], "CLIENT_INNER_PRODUCER");
    assert_int_equal(heartbeat.consumer_count, 1);
    const struct consumer_data *consumer = &heartbeat.consumers[0];
    assert_bytes(consumer->group, "CG");
    assert_int_equal(consumer->type, CONSUME_PASSIVELY);
    assert_int_equal(consumer->model, CLUSTERING);
    assert_int_equal(consumer->from_where, CONSUME_FROM_FIRST_OFFSET);
    assert_int_equal(consumer->subscription_count, 1);
    assert_bytes(consumer->subscriptions[0].topic, "T42");
    assert_int_equal(heartbeat.fingerprint, -610562501);
    assert_false(heartbeat.without_sub);
    heartbeat_encode(&heartbeat, &out);
    assert_bytes(buf_bytes(&out), java_body);
    arena_close(&arena);
    buf_close(&out);
}

static void every_enum_comes_back(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct arena arena = {0};
        struct buf out = {0};
        struct consumer_data consumer = {.group = BYTES("G"), .type = i, .model = i % 2, .from_where = 2 - i};
        consumer.unit_mode = i;
        struct heartbeat heartbeat = {.client_id = BYTES("C"), .consumers = &consumer, .consumer_count = 1}, back;
        heartbeat.without_sub = true;
        heartbeat_encode(&heartbeat, &out);
        assert_ok(heartbeat_decode(&arena, buf_bytes(&out), &back));
        assert_int_equal(back.consumers[0].type, i);
        assert_int_equal(back.consumers[0].model, i % 2);
        assert_int_equal(back.consumers[0].from_where, 2 - i);
        assert_int_equal(back.consumers[0].unit_mode, i > 0);
        assert_true(back.without_sub);
        arena_close(&arena);
        buf_close(&out);
    }
}

static void unknown_and_missing_members_have_defaults(void **state) {
    (void)state;
    struct arena arena = {0};
    struct heartbeat heartbeat;
    struct bytes body = BYTES("{\"clientID\":\"C\",\"consumerDataSet\":[{\"consumeType\":\"NEW\",\"consumeFromWhere\":"
                              "\"CONSUME_FROM_MAX_OFFSET\"}],\"new\":[{}],\"producerDataSet\":null}");
    assert_ok(heartbeat_decode(&arena, body, &heartbeat));
    assert_int_equal(heartbeat.producer_count, 0);
    assert_int_equal(heartbeat.consumer_count, 1);
    assert_int_equal(heartbeat.consumers[0].type, CONSUME_PASSIVELY);
    assert_int_equal(heartbeat.consumers[0].model, CLUSTERING);
    assert_int_equal(heartbeat.consumers[0].from_where, CONSUME_FROM_LAST_OFFSET);
    assert_int_equal(heartbeat.consumers[0].subscription_count, 0);
    arena_close(&arena);
}

static void what_is_no_heartbeat_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "", "x", "[]", "5", "{}", "{\"clientID\":\"\"}", "{\"clientID\":null}", "{\"clientID\":"};
    struct arena arena = {0};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct heartbeat heartbeat;
        assert_err(heartbeat_decode(&arena, bytes_of(bad[i]), &heartbeat), ERR_BAD_INPUT);
    }
    arena_close(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_java_writes_is_read_and_written),
        cmocka_unit_test(every_enum_comes_back),
        cmocka_unit_test(unknown_and_missing_members_have_defaults),
        cmocka_unit_test(what_is_no_heartbeat_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
