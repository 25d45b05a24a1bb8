/* topic_counts_test.c - counts survive, also those of a Java broker */
#include "broker/broker_testing.h"
#include "broker/tables/topic_counts.h"

static void counts_survive(void **state) {
    (void)state;
    struct testing t;
    struct topic_counts *counts;
    testing_init(&t);
    assert_ok(topic_counts_open(&t.broker, "transactionMetrics", "transactionCount", &counts));
    assert_int_equal(topic_counts_of(counts, BYTES("T")), 0);
    topic_counts_add(counts, BYTES("T"), 1);
    topic_counts_add(counts, BYTES("T"), 1);
    topic_counts_add(counts, BYTES("U"), 1);
    topic_counts_add(counts, BYTES("U"), -1);
    topic_counts_close(counts);
    assert_ok(topic_counts_open(&t.broker, "transactionMetrics", "transactionCount", &counts));
    assert_int_equal(topic_counts_of(counts, BYTES("T")), 2);
    assert_int_equal(topic_counts_of(counts, BYTES("U")), 0);
    topic_counts_set(counts, BYTES("T"), 7);
    assert_int_equal(topic_counts_of(counts, BYTES("T")), 7);
    topic_counts_close(counts);
    testing_done(&t);
}

static void what_a_java_broker_wrote_is_kept(void **state) {
    (void)state;
    struct testing t;
    struct topic_counts *counts;
    testing_init(&t);
    testing_unpack(&t, "v533-clean");
    struct buf before = testing_read(&t, "transactionMetrics");
    assert_ok(topic_counts_open(&t.broker, "transactionMetrics", "transactionCount", &counts));
    assert_int_equal(topic_counts_of(counts, BYTES("TopicTx")), 4);
    topic_counts_add(counts, BYTES("Other"), 1);
    topic_counts_save(counts);
    struct buf now = testing_read(&t, "transactionMetrics");
    assert_json_kept(buf_bytes(&before), buf_bytes(&now), "transactionCount");
    topic_counts_close(counts);
    buf_close(&before);
    buf_close(&now);
    testing_done(&t);
}

static void a_damaged_file_is_begun_anew(void **state) {
    (void)state;
    struct testing t;
    struct topic_counts *counts;
    testing_init(&t);
    testing_write(&t, "transactionMetrics", "{\"transactionCount\":{");
    assert_ok(topic_counts_open(&t.broker, "transactionMetrics", "transactionCount", &counts));
    topic_counts_add(counts, BYTES("T"), 1);
    topic_counts_close(counts);
    assert_ok(topic_counts_open(&t.broker, "transactionMetrics", "transactionCount", &counts));
    assert_int_equal(topic_counts_of(counts, BYTES("T")), 1);
    topic_counts_close(counts);
    testing_done(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_survive),
        cmocka_unit_test(what_a_java_broker_wrote_is_kept),
        cmocka_unit_test(a_damaged_file_is_begun_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
