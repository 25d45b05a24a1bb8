/* body_admin_test.c - what administrators are told: statistics, progress, connections; groups made */
#include "base/test.h"
#include "wire/body_broker_stats.h"
#include "wire/body_connection.h"
#include "wire/body_consume_stats.h"
#include "wire/body_group_config.h"
#include "wire/body_topic_stats.h"

#define QUEUE "{\"brokerName\":\"broker-a\",\"queueId\":3,\"topic\":\"T\"}"

static void topic_stats_have_their_queues_as_keys(void **state) {
    (void)state;
    struct arena arena = {0};
    struct topic_stats stats;
    assert_ok(topic_stats_decode(&arena,
                                 BYTES("{\"offsetTable\":{" QUEUE ":{\"lastUpdateTimestamp\":1795478323986,"
                                       "\"maxOffset\":33,\"minOffset\":2}},\"topicPutTps\":0.5}"),
                                 &stats));
    assert_int_equal(stats.count, 1);
    assert_bytes(stats.queues[0].queue.broker_name, "broker-a");
    assert_int_equal(stats.queues[0].queue.queue_id, 3);
    assert_int_equal(stats.queues[0].min_offset, 2);
    assert_int_equal(stats.queues[0].max_offset, 33);
    assert_int_equal(stats.queues[0].last_update_ms, 1795478323986);
    assert_true(stats.put_tps == 0.5);
    assert_ok(topic_stats_decode(&arena, BYTES("{\"offsetTable\":{}}"), &stats));
    assert_int_equal(stats.count, 0);
    assert_err(topic_stats_decode(&arena, BYTES("[]"), &stats), ERR_BAD_INPUT);
    arena_close(&arena);
}

static void progress_of_old_brokers_has_nothing_in_flight(void **state) {
    (void)state;
    struct arena arena = {0};
    struct consume_stats_table stats;
    assert_ok(consume_stats_decode(&arena,
                                   BYTES("{\"consumeTps\":1.5,\"offsetTable\":{" QUEUE
                                         ":{\"brokerOffset\":9,\"consumerOffset\":4,\"lastTimestamp\":7}}}"),
                                   &stats));
    assert_int_equal(stats.count, 1);
    assert_int_equal(stats.queues[0].broker_offset, 9);
    assert_int_equal(stats.queues[0].pull_offset, 4);
    assert_int_equal(stats.queues[0].last_time_ms, 7);
    assert_true(stats.consume_tps == 1.5);
    assert_ok(consume_stats_decode(
        &arena, BYTES("{\"offsetTable\":{" QUEUE ":{\"consumerOffset\":4,\"pullOffset\":6}}}"), &stats));
    assert_int_equal(stats.queues[0].pull_offset, 6);
    arena_close(&arena);
}

static void a_reset_tells_the_new_offsets(void **state) {
    (void)state;
    struct arena arena = {0};
    const struct queue_offset *offsets;
    size_t count;
    assert_ok(reset_offsets_decode(&arena, BYTES("{\"offsetTable\":{" QUEUE ":56}}"), &offsets, &count));
    assert_int_equal(count, 1);
    assert_bytes(offsets[0].queue.topic, "T");
    assert_int_equal(offsets[0].offset, 56);
    arena_close(&arena);
}

static void connections_of_consumers_and_producers(void **state) {
    (void)state;
    struct arena arena = {0};
    struct connection_list list;
    assert_ok(connection_list_decode(
        &arena,
        BYTES("{\"connectionSet\":[{\"clientAddr\":\"127.0.0.1:5\",\"clientId\":\"c\",\"language\":\"JAVA\","
              "\"version\":479}],\"consumeFromWhere\":\"CONSUME_FROM_FIRST_OFFSET\",\"consumeType\":"
              "\"CONSUME_PASSIVELY\",\"messageModel\":\"CLUSTERING\",\"subscriptionTable\":{\"T\":{\"subString\":"
              "\"A || B\",\"tagsSet\":[\"A\",\"B\"],\"topic\":\"T\"}}}"),
        &list));
    assert_int_equal(list.connection_count, 1);
    assert_bytes(list.connections[0].client_id, "c");
    assert_int_equal(list.connections[0].version, 479);
    assert_bytes(list.consume_type, "CONSUME_PASSIVELY");
    assert_int_equal(list.subscription_count, 1);
    assert_bytes(list.subscriptions[0].expression, "A || B");
    assert_ok(connection_list_decode(&arena, BYTES("{\"connectionSet\":[]}"), &list));
    assert_int_equal(list.connection_count + list.subscription_count, 0);
    assert_null(list.consume_type.data);
    arena_close(&arena);
}

static void counters_have_three_spans(void **state) {
    (void)state;
    struct arena arena = {0};
    struct broker_stats stats;
    assert_ok(broker_stats_decode(&arena,
                                  BYTES("{\"statsDay\":{\"avgpt\":1.0,\"sum\":30,\"tps\":0.1},\"statsMinute\":"
                                        "{\"avgpt\":1.0,\"sum\":5,\"tps\":0.5}}"),
                                  &stats));
    assert_int_equal(stats.day.sum, 30);
    assert_int_equal(stats.hour.sum, 0);
    assert_true(stats.minute.tps == 0.5);
    arena_close(&arena);
}

static void a_group_is_written_with_all_its_members(void **state) {
    (void)state;
    struct buf out = {0};
    struct group_config config = group_config_default(BYTES("G"));
    const struct group_attribute attribute = {BYTES("+a"), BYTES("b")};
    config.attributes = &attribute;
    config.attribute_count = 1;
    group_config_encode(&config, &out);
    assert_bytes(buf_bytes(&out),
                 "{\"attributes\":{\"+a\":\"b\"},\"brokerId\":0,\"consumeBroadcastEnable\":true,\"consumeEnable\":true,"
                 "\"consumeFromMinEnable\":true,\"consumeMessageOrderly\":false,\"consumeTimeoutMinute\":15,"
                 "\"groupName\":\"G\",\"groupSysFlag\":0,\"notifyConsumerIdsChangedEnable\":true,\"retryMaxTimes\":16,"
                 "\"retryQueueNums\":1,\"whichBrokerWhenConsumeSlowly\":1}");
    buf_close(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topic_stats_have_their_queues_as_keys),
        cmocka_unit_test(progress_of_old_brokers_has_nothing_in_flight),
        cmocka_unit_test(a_reset_tells_the_new_offsets),
        cmocka_unit_test(connections_of_consumers_and_producers),
        cmocka_unit_test(counters_have_three_spans),
        cmocka_unit_test(a_group_is_written_with_all_its_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
