#include "store/store.h"

#include "store/store_testing.h"

static void test_append_and_get(void **state) {
    (void)state;
    struct testing t;
    struct arena arena = {0};
    testing_init(&t);
    testing_open(&t);
    char body[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(body, sizeof body, "message %d", i);
        struct put put = testing_send(&t, "Topic", i % 4, body);
        assert_int_equal(put.offset_queue, i / 4);
    }
    for (int round = 0; round < 3; round++) {
        for (int q = 0; q < 4; q++) {
            struct queue *queue = store_queue(t.store, BYTES("Topic"), q, false);
            testing_settle(&t, queue);
            assert_int_equal(queue_min(queue), 0);
            assert_int_equal(queue_max(queue), 250);
            for (int i = 0; i < 250; i++) {
                snprintf(body, sizeof body, "message %d", i * 4 + q);
                assert_true(bytes_is(testing_body(&t, &arena, queue, i), body));
            }
            arena_reset(&arena);
        }
        testing_reopen(&t);
    }
    arena_close(&arena);
    testing_done(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append_and_get),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
