/* mappings_test.c - the file of a Java broker, and mappings that are replaced and kept */
#include "base/check.h"
#include "broker/broker_testing.h"
#include "broker/static_topic/mappings.h"

/* As 5.5.0 writes it, ids bare; S was made on a and moved to this broker. */
#define JAVA_FILE                                                                                                      \
    "{\"dataVersion\":{\"counter\":4,\"stateVersion\":0,\"timestamp\":1795769698275},\"topicQueueMappingInfoMap\":{"   \
    "\"S\":{\"bname\":\"broker-a\",\"currIdMap\":{},\"dirty\":false,\"epoch\":1795769698230,\"hostedQueues\":{"        \
    "0:[{\"bname\":\"broker-b\",\"endOffset\":-1,\"gen\":0,\"logicOffset\":0,\"queueId\":0,\"startOffset\":0,"         \
    "\"timeOfEnd\":-1,\"timeOfStart\":-1},{\"bname\":\"broker-a\",\"endOffset\":-1,\"gen\":1,\"logicOffset\":10000,"   \
    "\"queueId\":4,\"startOffset\":0,\"timeOfEnd\":-1,\"timeOfStart\":-1}]},"                                          \
    "\"scope\":\"__global__\",\"topic\":\"S\",\"totalQueues\":1},"                                                     \
    "\"gone\":{\"bname\":\"broker-a\",\"epoch\":1,\"hostedQueues\":{},\"topic\":\"gone\",\"totalQueues\":1}}}"

static struct testing t;
static struct topic *topic;

static void open_tables(void) {
    struct topic_change change = {
        .name = BYTES("S"), .read_queues = 5, .write_queues = 5, .perm = PERM_READ | PERM_WRITE};
    assert_ok(topics_open(&t.broker, &t.broker.topics));
    assert_ok(topics_update(t.broker.topics, &change));
    topic = topics_find(t.broker.topics, BYTES("S"));
    assert_ok(mappings_open(&t.broker, &t.broker.mappings));
}

static void close_tables(void) {
    mappings_close(t.broker.mappings);
    topics_close(t.broker.topics);
}

static void java_file_is_kept(void **state) {
    (void)state;
    testing_init(&t);
    testing_write(&t, "topicQueueMapping.json", JAVA_FILE);
    open_tables();
    const struct queue_mapping_detail *mapping = topic_mapping(topic);
    assert_non_null(mapping);
    assert_int_equal(mapping->epoch, 1795769698230);
    const struct logic_queue *queue;
    assert_ok(logic_queue_led(mapping, 0, &queue));
    assert_int_equal(queue->items[1].queue_id, 4);
    assert_err(logic_queue_led(mapping, 1, &queue), ERR_NOT_LEADER);

    struct queue_mapping_detail next = *mapping;
    next.epoch++;
    next.queue_count = 0; /* what it does not speak of stays */
    assert_ok(mappings_check(t.broker.mappings, topic, &next, false));
    close_tables();
    struct buf text = testing_read(&t, "topicQueueMapping.json");
    assert_bytes(buf_bytes(&text), JAVA_FILE); /* nothing changed: not touched */
    buf_close(&text);
    testing_done(&t);
}

static void damaged_file_ends_the_start(void **state) {
    (void)state;
    testing_init(&t);
    testing_write(&t, "topicQueueMapping.json", "{\"topicQueueMappingInfoMap\":");
    testing_write(&t, "topicQueueMapping.json.bak", "{");
    assert_ok(topics_open(&t.broker, &t.broker.topics));
    assert_err(mappings_open(&t.broker, &t.broker.mappings), ERR_CORRUPT);
    assert_null(t.broker.mappings);
    topics_close(t.broker.topics);
    testing_done(&t);
}

static void any_queue_is_one_that_is_led(void **state) {
    (void)state;
    static const struct mapping_item here = {.broker_name = BYTES("a")}, there = {.broker_name = BYTES("b")};
    const struct logic_queue queues[] = {{0, &there, 1}, {1, &here, 1}, {2, &there, 1}, {3, &here, 1}};
    struct queue_mapping_detail mapping = {
        .topic = BYTES("T"), .broker_name = BYTES("a"), .queues = queues, .queue_count = ARRAY_LEN(queues)};
    const struct logic_queue *queue;
    bool seen[4] = {false};
    for (int i = 0; i < 200; i++) {
        assert_ok(logic_queue_led_any(&mapping, &queue));
        seen[queue->id] = true;
    }
    assert_true(!seen[0] && seen[1] && !seen[2] && seen[3]);
    mapping.queue_count = 1;
    assert_err(logic_queue_led_any(&mapping, &queue), ERR_NOT_LEADER);
    mapping.queue_count = 0;
    assert_err(logic_queue_led_any(&mapping, &queue), ERR_NOT_LEADER);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(java_file_is_kept),
        cmocka_unit_test(damaged_file_ends_the_start),
        cmocka_unit_test(any_queue_is_one_that_is_led),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
