/* body_lock_test.c - lock bodies, queues as values and as keys */
#include "wire/body_lock.h"

#include <stdlib.h>
#include "base/test.h"

static const struct message_queue queues[] = {
    {BYTES("T"), BYTES("broker-a"), 3},
    {BYTES("%RETRY%G"), BYTES("broker-a"), 0},
};

static void a_batch_comes_back(void **state) {
    (void)state;
    struct arena arena = {0};
    struct buf out = {0};
    struct lock_batch batch = {BYTES("G"), BYTES("192.0.2.2@1"), queues, 2, false}, back;
    lock_batch_encode(&batch, &out);
    assert_bytes(buf_bytes(&out),
                 "{\"clientId\":\"192.0.2.2@1\",\"consumerGroup\":\"G\",\"mqSet\":[{\"brokerName\":"
                 "\"broker-a\",\"queueId\":3,\"topic\":\"T\"},{\"brokerName\":\"broker-a\",\"queueId\":0,"
                 "\"topic\":\"%RETRY%G\"}],\"onlyThisBroker\":false}");
    assert_ok(lock_batch_decode(&arena, buf_bytes(&out), &back));
    assert_bytes(back.consumer_group, "G");
    assert_bytes(back.client_id, "192.0.2.2@1");
    assert_int_equal(back.count, 2);
    for (size_t i = 0; i < 2; i++) assert_true(message_queue_equal(&back.queues[i], &queues[i]));
    arena_close(&arena);
    buf_close(&out);
}

static void a_result_comes_back(void **state) {
    (void)state;
    struct arena arena = {0};
    struct buf out = {0};
    const struct message_queue *back;
    size_t count;
    lock_result_encode(queues, 1, &out);
    assert_bytes(buf_bytes(&out), "{\"lockOKMQSet\":[{\"brokerName\":\"broker-a\",\"queueId\":3,\"topic\":\"T\"}]}");
    assert_ok(lock_result_decode(&arena, buf_bytes(&out), &back, &count));
    assert_int_equal(count, 1);
    assert_true(message_queue_equal(&back[0], &queues[0]));
    buf_clear(&out);
    lock_result_encode(NULL, 0, &out);
    assert_ok(lock_result_decode(&arena, buf_bytes(&out), &back, &count));
    assert_int_equal(count, 0);
    arena_close(&arena);
    buf_close(&out);
}

static void lenient_but_an_object(void **state) {
    (void)state;
    struct arena arena = {0};
    struct lock_batch batch;
    assert_ok(lock_batch_decode(&arena, BYTES("{\"mqSet\":[{\"queueId\":\"5\"},7,null]}"), &batch));
    assert_int_equal(batch.count, 3);
    assert_int_equal(batch.queues[0].queue_id, 5);
    assert_null(batch.queues[1].topic.data);
    assert_ok(lock_batch_decode(&arena, BYTES("{\"mqSet\":{}}"), &batch));
    assert_int_equal(batch.count, 0);
    static const char *const bad[] = {"", "[]", "7", "{"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct message_queue *back;
        size_t count;
        assert_err(lock_batch_decode(&arena, bytes_of(bad[i]), &batch), ERR_BAD_INPUT);
        assert_err(lock_result_decode(&arena, bytes_of(bad[i]), &back, &count), ERR_BAD_INPUT);
    }
    arena_close(&arena);
}

static void queues_have_an_order(void **state) {
    (void)state;
    struct message_queue mixed[] = {
        {BYTES("T"), BYTES("b"), 0}, {BYTES("T"), BYTES("a"), 10}, {BYTES("S"), BYTES("z"), 9},
        {BYTES("T"), BYTES("a"), 2}, {BYTES("T"), BYTES("a"), -1}, {BYTES("TT"), BYTES("a"), 0},
    };
    static const int32_t ids[] = {9, -1, 2, 10, 0, 0};
    qsort(mixed, ARRAY_LEN(mixed), sizeof mixed[0], message_queue_compare);
    for (size_t i = 0; i < ARRAY_LEN(mixed); i++) assert_int_equal(mixed[i].queue_id, ids[i]);
    assert_bytes(mixed[4].broker_name, "b");
    assert_bytes(mixed[5].topic, "TT");
    assert_false(message_queue_equal(&mixed[4], &mixed[5]));
}

static void queues_are_keys(void **state) {
    (void)state;
    struct arena arena = {0};
    struct buf out = {0};
    struct json_writer writer = {.out = &out};
    json_begin_object(&writer);
    for (size_t i = 0; i < 2; i++) {
        message_queue_encode_key(&writer, &queues[i]);
        json_int(&writer, (int64_t)i);
    }
    json_end_object(&writer);
    assert_bytes(buf_bytes(&out), "{{\"brokerName\":\"broker-a\",\"queueId\":3,\"topic\":\"T\"}:0,"
                                  "{\"brokerName\":\"broker-a\",\"queueId\":0,\"topic\":\"%RETRY%G\"}:1}");
    const struct json *root;
    assert_ok(json_parse(&arena, buf_bytes(&out), &root));
    size_t i = 0;
    for (const struct json *member = json_first(root); member != NULL; member = member->next, i++) {
        struct message_queue queue = message_queue_decode(member->key_object);
        assert_true(message_queue_equal(&queue, &queues[i]));
        assert_int_equal(json_i64(member, -1), i);
    }
    assert_int_equal(i, 2);
    arena_close(&arena);
    buf_close(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_comes_back),    cmocka_unit_test(a_result_comes_back),
        cmocka_unit_test(lenient_but_an_object), cmocka_unit_test(queues_have_an_order),
        cmocka_unit_test(queues_are_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
