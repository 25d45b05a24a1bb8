/* body_queue_mapping_test.c - a mapping as a Java 5.5.0 broker wrote it, and what is refused */
#include "base/check.h"
#include "base/test.h"
#include "wire/body_queue_mapping.h"

/* Of topicQueueMapping.json behind `mqadmin remappingStaticTopic`, which writes the ids bare. */
#define JAVA                                                                                                           \
    "{\"bname\":\"broker-b\",\"currIdMap\":{},\"dirty\":false,\"epoch\":1795769698230,\"hostedQueues\":{"              \
    "1:[{\"bname\":\"broker-a\",\"endOffset\":-1,\"gen\":0,\"logicOffset\":0,\"queueId\":1,\"startOffset\":0,"         \
    "\"timeOfEnd\":-1,\"timeOfStart\":-1}],"                                                                           \
    "0:[{\"bname\":\"broker-a\",\"endOffset\":-1,\"gen\":0,\"logicOffset\":0,\"queueId\":0,\"startOffset\":0,"         \
    "\"timeOfEnd\":-1,\"timeOfStart\":-1},"                                                                            \
    "{\"bname\":\"broker-b\",\"endOffset\":-1,\"gen\":1,\"logicOffset\":10000,\"queueId\":3,\"startOffset\":0,"        \
    "\"timeOfEnd\":-1,\"timeOfStart\":-1}]},"                                                                          \
    "\"scope\":\"__global__\",\"topic\":\"S\",\"totalQueues\":2}"

static enum err decode(struct arena *arena, const char *text, struct queue_mapping_detail *out) {
    const struct json *json;
    assert_ok(json_parse(arena, bytes_of(text), &json));
    return queue_mapping_detail_decode(arena, json, out);
}

static void java_mapping_goes_both_ways(void **state) {
    (void)state;
    struct arena arena = {0};
    struct buf text = {0};
    struct queue_mapping_detail detail, back;
    assert_ok(decode(&arena, JAVA, &detail));
    assert_bytes(detail.topic, "S");
    assert_bytes(detail.broker_name, "broker-b");
    assert_bytes(detail.scope, "__global__");
    assert_int_equal(detail.epoch, 1795769698230);
    assert_int_equal(detail.total_queues, 2);
    assert_int_equal(detail.queue_count, 2);
    assert_int_equal(detail.queues[0].id, 0);
    assert_int_equal(detail.queues[0].item_count, 2);
    assert_bytes(detail.queues[0].items[1].broker_name, "broker-b");
    assert_int_equal(detail.queues[0].items[1].gen, 1);
    assert_int_equal(detail.queues[0].items[1].queue_id, 3);
    assert_int_equal(detail.queues[0].items[1].logic_offset, 10000);
    assert_int_equal(detail.queues[0].items[1].end_offset, OFFSET_UNDECIDED);
    assert_int_equal(detail.queues[1].id, 1);

    queue_mapping_detail_encode(&(struct json_writer){.out = &text}, &detail);
    buf_append_bytes(&text, BYTES("\0"));
    assert_ok(decode(&arena, text.data, &back));
    buf_clear(&text);
    queue_mapping_detail_encode(&(struct json_writer){.out = &text, .bare_int_keys = true}, &back);
    struct bytes begin = BYTES("{0:[{\"bname\":\"broker-a\",\"endOffset\":-1,\"gen\":0,");
    assert_non_null(memmem(text.data, text.len, begin.data, begin.len));
    assert_int_equal(text.len, strlen(JAVA)); /* the same but for the order of the queues */

    buf_clear(&text);
    queue_mapping_info_encode(&(struct json_writer){.out = &text}, &detail);
    assert_bytes(buf_bytes(&text),
                 "{\"bname\":\"broker-b\",\"currIdMap\":{\"0\":3},\"dirty\":false,\"epoch\":1795769698230,"
                 "\"scope\":\"__global__\",\"topic\":\"S\",\"totalQueues\":2}");
    buf_close(&text);
    arena_close(&arena);
}

static void bad_mappings_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "[]",
        "{\"bname\":\"b\"}",
        "{\"topic\":\"T\"}",
        "{\"topic\":\"T\",\"bname\":\"b\",\"hostedQueues\":{\"x\":[{\"bname\":\"b\"}]}}",
        "{\"topic\":\"T\",\"bname\":\"b\",\"hostedQueues\":{\"-1\":[{\"bname\":\"b\"}]}}",
        "{\"topic\":\"T\",\"bname\":\"b\",\"hostedQueues\":{\"0\":{}}}",
        "{\"topic\":\"T\",\"bname\":\"b\",\"hostedQueues\":{\"0\":[]}}",
        "{\"topic\":\"T\",\"bname\":\"b\",\"hostedQueues\":{\"0\":[{\"gen\":1}]}}",
    };
    struct arena arena = {0};
    struct queue_mapping_detail detail;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) assert_err(decode(&arena, bad[i], &detail), ERR_BAD_INPUT);
    assert_ok(decode(&arena, "{\"topic\":\"T\",\"bname\":\"b\"}", &detail)); /* a broker that has none of the queues */
    assert_int_equal(detail.queue_count, 0);
    arena_close(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(java_mapping_goes_both_ways),
        cmocka_unit_test(bad_mappings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
