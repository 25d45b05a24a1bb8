/* lmq_test.c - records that go to light queues beside the one of their topic. */
#include "store/store_testing.h"
#include "message/properties.h"

enum { ROOM = 3 * QUEUE_OFFSET_ROOM };

/* A message of topic T that names the light queues `names`, comma separated; the caller frees put.record. */
static struct put make_put(struct testing *t, const char *names, struct queue **lmqs, size_t lmq_count) {
    char properties[512];
    char *data = malloc(2048);
    snprintf(properties, sizeof properties, "INNER_MULTI_DISPATCH\1%s\2INNER_MULTI_QUEUE_OFFSET\1%0*d\2", names, ROOM,
             0);
    struct put put = {
        .queue = store_queue(t->store, BYTES("T"), 0, true), .record = data, .lmqs = lmqs, .lmq_count = lmq_count};
    put.size_bytes = testing_record(BYTES("T"), 0, BYTES("body"), bytes_of(properties), 0, data, 2048);
    return put;
}

static void send(struct testing *t, const char *names, struct queue **lmqs, size_t lmq_count) {
    struct put put = make_put(t, names, lmqs, lmq_count);
    int64_t end_phys;
    assert_ok(store_append(t->store, &put, 1, &end_phys));
    assert_int_equal(end_phys, put.offset_phys + put.size_bytes);
    free(put.record);
}

/* The offsets that the record of that queue entry carries. */
static void assert_offsets(struct testing *t, struct queue *queue, int64_t offset_queue, const char *expected) {
    struct store_slice slice;
    struct queue_entry entry;
    struct record record;
    assert_ok(queue_entry_at(t->store, queue, offset_queue, &entry));
    assert_ok(store_record_at(t->store, entry.offset_phys, &slice));
    assert_ok(record_decode(slice.bytes, RECORD_CHECK_BODY_CRC, &record));
    assert_int_equal(record.size_bytes, entry.size_bytes);
    assert_bytes(properties_get(record.properties, PROPERTY_INNER_MULTI_QUEUE_OFFSET), expected);
    assert_bytes(record.topic, "T");
    store_release(slice.hold);
}

static void open_with_lmq(struct testing *t) {
    testing_init(t);
    t->config.enable_lmq = t->config.enable_multi_dispatch = true;
    testing_open(t);
}

static void light_queues_get_entries(void **state) {
    (void)state;
    struct testing t;
    open_with_lmq(&t);
    struct queue *a = store_queue(t.store, BYTES("%LMQ%a"), 0, true),
                 *b = store_queue(t.store, BYTES("%LMQ%b"), 0, true);
    struct queue *both[] = {b, a};
    assert_int_equal(store_lmq_count(t.store), 2);
    for (int i = 0; i < 12; i++) send(&t, "%LMQ%a", &a, 1); /* offsets of one and of two digits */
    send(&t, "%LMQ%b,%LMQ%a", both, 2);
    struct queue *main_queue = store_queue(t.store, BYTES("T"), 0, false);
    testing_settle(&t, main_queue);
    assert_int_equal(queue_max(main_queue), 13);
    assert_int_equal(queue_max(a), 13);
    assert_int_equal(queue_max(b), 1);
    assert_offsets(&t, a, 9, "9");
    assert_offsets(&t, a, 11, "11");
    assert_offsets(&t, b, 0, "0,12");
    assert_offsets(&t, main_queue, 12, "0,12");
    testing_done(&t);
}

static void survive_a_crash_and_a_missing_queue(void **state) {
    (void)state;
    struct testing t;
    open_with_lmq(&t);
    struct queue *a = store_queue(t.store, BYTES("%LMQ%a"), 0, true);
    for (int i = 0; i < 5; i++) send(&t, "%LMQ%a", &a, 1);
    testing_settle(&t, store_queue(t.store, BYTES("T"), 0, false));
    testing_close(&t);
    char path[128];
    snprintf(path, sizeof path, "%s/consumequeue", t.root);
    assert_ok(file_remove_tree(path)); /* the log alone tells where things belong */
    testing_pretend_crash(&t);
    testing_open(&t);
    a = store_queue(t.store, BYTES("%LMQ%a"), 0, false);
    assert_non_null(a);
    assert_int_equal(queue_max(a), 5);
    send(&t, "%LMQ%a", &a, 1);
    testing_settle(&t, store_queue(t.store, BYTES("T"), 0, false));
    assert_offsets(&t, a, 5, "5");
    testing_done(&t);
}

/* Messages of the light queue itself and those that come to it from a topic, in one append: offsets follow the order.
 */
static void order_within_an_append(void **state) {
    (void)state;
    struct testing t;
    open_with_lmq(&t);
    struct queue *a = store_queue(t.store, BYTES("%LMQ%a"), 0, true);
    struct put puts[3] = {make_put(&t, "%LMQ%a", &a, 1), {.queue = a}, make_put(&t, "%LMQ%a", &a, 1)};
    char own[512];
    puts[1].record = own;
    puts[1].size_bytes = testing_record(BYTES("%LMQ%a"), 0, BYTES("own"), BYTES(""), 0, own, sizeof own);
    int64_t end_phys;
    assert_ok(store_append(t.store, puts, 3, &end_phys));
    assert_int_equal(puts[1].offset_queue, 1);
    testing_settle(&t, store_queue(t.store, BYTES("T"), 0, false));
    assert_int_equal(queue_max(a), 3);
    assert_offsets(&t, a, 2, "2");
    free(puts[0].record);
    free(puts[2].record);
    testing_done(&t);
}

/* A refused append takes no offset. */
static void refusal_gives_offsets_back(void **state) {
    (void)state;
    struct testing t;
    open_with_lmq(&t);
    struct queue *a = store_queue(t.store, BYTES("%LMQ%a"), 0, true),
                 *gone = store_queue(t.store, BYTES("gone"), 0, true);
    assert_ok(store_delete_topic(t.store, BYTES("gone")));
    struct put puts[2] = {make_put(&t, "%LMQ%a", &a, 1), make_put(&t, "%LMQ%a", &a, 1)};
    struct queue *main_queue = puts[1].queue;
    puts[1].queue = gone;
    int64_t end_phys;
    assert_int_equal(store_append(t.store, puts, 2, &end_phys), ERR_NO_TOPIC);
    assert_int_equal(queue_next(a), 0);
    assert_int_equal(queue_next(main_queue), 0);
    free(puts[0].record);
    free(puts[1].record);
    send(&t, "%LMQ%a", &a, 1);
    testing_settle(&t, main_queue);
    assert_offsets(&t, a, 0, "0");
    assert_ok(store_delete_topic(t.store, BYTES("%LMQ%a")));
    assert_int_equal(store_lmq_count(t.store), 0);
    testing_done(&t);
}

static void nothing_without_the_settings(void **state) {
    (void)state;
    struct testing t;
    testing_init(&t);
    testing_open(&t);
    struct put put;
    assert_ok(testing_try_send(&t, "T", 0, BYTES("x"),
                               "INNER_MULTI_DISPATCH\1%LMQ%a\2INNER_MULTI_QUEUE_OFFSET\1"
                               "7\2",
                               &put));
    testing_settle(&t, store_queue(t.store, BYTES("T"), 0, false));
    assert_null(store_queue(t.store, BYTES("%LMQ%a"), 0, false));
    testing_done(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(light_queues_get_entries),     cmocka_unit_test(survive_a_crash_and_a_missing_queue),
        cmocka_unit_test(order_within_an_append),       cmocka_unit_test(refusal_gives_offsets_back),
        cmocka_unit_test(nothing_without_the_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
