/* order_infos_test.c - what ordered pops wait for, and the file as Java brokers write and read it */
#include <stdio.h>
#include "base/test.h"
#include "broker/broker_testing.h"
#include "broker/pop/order_infos.h"
#include "broker/tables/groups.h"
#include "broker/tables/topics.h"
#include "os/clock.h"

struct fixture {
    struct testing t;
    struct order_infos *infos;
    struct progress *progress;
};
static const struct order_key key = {BYTES("T"), BYTES("G"), 2};

static void open_infos(struct fixture *f) {
    assert_ok(order_infos_open(&f->t.broker, "consumerOrderInfo.json", &f->infos));
}

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    struct topic *topic;
    testing_init(&f->t);
    assert_ok(topics_open(&f->t.broker, &f->t.broker.topics));
    assert_ok(groups_open(&f->t.broker, &f->t.broker.groups));
    assert_ok(offsets_open(&f->t.broker, &f->t.broker.offsets));
    assert_ok(topics_create(f->t.broker.topics, BYTES("T"), 4, 6, 0, false, &topic));
    assert_non_null(groups_find_or_create(f->t.broker.groups, BYTES("G")));
    f->progress = offsets_progress(f->t.broker.offsets, BYTES("T"), BYTES("G"), true);
    open_infos(f);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    order_infos_close(f->infos);
    offsets_close(f->t.broker.offsets);
    groups_close(f->t.broker.groups);
    topics_close(f->t.broker.topics);
    testing_done(&f->t);
    free(f);
    return 0;
}

static bool blocked(struct fixture *f, const char *attempt_id) {
    int64_t free_ms = 0;
    bool wait = order_infos_blocked(f->infos, &key, bytes_of(attempt_id), 1000, &free_ms);
    if (wait) assert_true(free_ms > clock_wall_ms());
    return wait;
}

/* Pops three messages; how often they were out before. */
static int64_t pop(struct fixture *f, const char *attempt_id, int64_t invisible_ms, int32_t counts[POP_MESSAGES_MAX]) {
    static const int64_t offsets[] = {10, 12, 13};
    struct order_pop popped = {bytes_of(attempt_id), clock_wall_ms(), invisible_ms, offsets, 3};
    order_infos_popped(f->infos, &key, &popped, counts);
    return popped.pop_time_ms;
}

static void a_queue_is_free_when_all_is_acknowledged(void **state) {
    struct fixture *f = *state;
    int32_t counts[POP_MESSAGES_MAX];
    assert_false(blocked(f, NULL));
    int64_t pop_time_ms = pop(f, "a", 60000, counts);
    assert_true(blocked(f, NULL) && blocked(f, "b"));
    assert_false(blocked(f, "a")); /* the same attempt may read again */
    assert_int_equal(order_infos_ack(f->infos, f->progress, &key, 12, pop_time_ms), 10);
    assert_int_equal(order_infos_ack(f->infos, f->progress, &key, 11, pop_time_ms), ORDER_ACK_ILLEGAL);
    assert_int_equal(order_infos_ack(f->infos, f->progress, &key, 10, pop_time_ms - 1), ORDER_ACK_STALE);
    assert_int_equal(order_infos_ack(f->infos, f->progress, &key, 10, pop_time_ms), 13);
    assert_int_equal(progress_committed(f->progress, 2), 13);
    assert_true(blocked(f, NULL));
    assert_int_equal(order_infos_ack(f->infos, f->progress, &key, 13, pop_time_ms), 14);
    assert_false(blocked(f, NULL));
}

static void messages_are_visible_again_in_time(void **state) {
    struct fixture *f = *state;
    int32_t counts[POP_MESSAGES_MAX];
    int64_t pop_time_ms = pop(f, NULL, 30, counts);
    order_infos_set_visible(f->infos, &key, 12, pop_time_ms, clock_wall_ms() + 60000);
    clock_sleep_ms(40);
    assert_true(blocked(f, NULL));
    order_infos_set_visible(f->infos, &key, 12, pop_time_ms, clock_wall_ms() - 1);
    assert_false(blocked(f, NULL));
    pop(f, NULL, 30, counts);
    assert_int_equal(counts[0], 1);
    pop(f, "x", 30, counts);
    assert_int_equal(counts[2], 2);
    pop(f, "x", 30, counts); /* the same attempt is no new one */
    assert_int_equal(counts[2], 2);
}

static void the_file_is_read_again(void **state) {
    struct fixture *f = *state;
    int32_t counts[POP_MESSAGES_MAX];
    int64_t pop_time_ms = pop(f, "a", 60000, counts);
    assert_int_equal(order_infos_ack(f->infos, f->progress, &key, 10, pop_time_ms), 12);
    order_infos_close(f->infos);
    struct buf text = testing_read(&f->t, "consumerOrderInfo.json");
    struct arena arena = {0};
    const struct json *root;
    assert_ok(json_parse(&arena, buf_bytes(&text), &root));
    const struct json *info = json_get(json_get(json_get(root, "table"), "T@G"), "2");
    assert_non_null(info);
    assert_int_equal(json_i64(json_get(info, "cm"), 0), 1);
    assert_int_equal(json_i64(json_get(info, "popTime"), 0), pop_time_ms);
    const struct bytes *offsets;
    size_t count;
    json_texts(&arena, json_get(info, "o"), &offsets, &count);
    assert_int_equal(count, 3);
    assert_bytes(offsets[0], "10");
    assert_bytes(offsets[1], "2");
    arena_close(&arena);
    buf_close(&text);
    open_infos(f);
    assert_true(blocked(f, NULL));
    assert_int_equal(order_infos_ack(f->infos, f->progress, &key, 12, pop_time_ms), 13);
    order_infos_clear(f->infos, &key);
    assert_int_equal(order_infos_count(f->infos), 0);
    assert_false(blocked(f, NULL));
}

/* As a 5.3.3 broker writes it. */
static void a_java_file_is_understood(void **state) {
    struct fixture *f = *state;
    char text[512];
    order_infos_close(f->infos);
    snprintf(text, sizeof text,
             "{\"table\":{\"T@G\":{2:{\"a\":\"x\",\"cm\":1,\"i\":60000,\"l\":%lld,\"o\":[100,1,5],\"oc\":{101:2},"
             "\"ot\":{105:%lld},\"popTime\":%lld}}}}",
             (long long)clock_wall_ms(), (long long)clock_wall_ms() + 90000, (long long)clock_wall_ms());
    testing_write(&f->t, "consumerOrderInfo.json", text);
    open_infos(f);
    assert_int_equal(order_infos_count(f->infos), 1);
    int64_t free_ms = 0;
    assert_true(order_infos_blocked(f->infos, &key, BYTES("y"), 0, &free_ms));
    assert_false(blocked(f, "x"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_queue_is_free_when_all_is_acknowledged, setup, teardown),
        cmocka_unit_test_setup_teardown(messages_are_visible_again_in_time, setup, teardown),
        cmocka_unit_test_setup_teardown(the_file_is_read_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_java_file_is_understood, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
