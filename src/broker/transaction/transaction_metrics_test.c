/* transaction_metrics_test.c - counts survive, also those of a Java broker */
#include "broker/broker_testing.h"
#include "broker/transaction/transaction_metrics.h"

static void counts_survive(void **state) {
    (void)state;
    struct testing t;
    struct transaction_metrics *metrics;
    testing_init(&t);
    assert_ok(transaction_metrics_open(&t.broker, &metrics));
    assert_int_equal(transaction_metrics_count(metrics, BYTES("T")), 0);
    transaction_metrics_add(metrics, BYTES("T"), 1);
    transaction_metrics_add(metrics, BYTES("T"), 1);
    transaction_metrics_add(metrics, BYTES("U"), 1);
    transaction_metrics_add(metrics, BYTES("U"), -1);
    transaction_metrics_close(metrics);
    assert_ok(transaction_metrics_open(&t.broker, &metrics));
    assert_int_equal(transaction_metrics_count(metrics, BYTES("T")), 2);
    assert_int_equal(transaction_metrics_count(metrics, BYTES("U")), 0);
    transaction_metrics_close(metrics);
    testing_done(&t);
}

static void what_a_java_broker_wrote_is_kept(void **state) {
    (void)state;
    struct testing t;
    struct transaction_metrics *metrics;
    testing_init(&t);
    testing_unpack(&t, "v533-clean");
    struct buf before = testing_read(&t, "transactionMetrics");
    assert_ok(transaction_metrics_open(&t.broker, &metrics));
    assert_int_equal(transaction_metrics_count(metrics, BYTES("TopicTx")), 4);
    transaction_metrics_add(metrics, BYTES("Other"), 1);
    transaction_metrics_save(metrics);
    struct buf now = testing_read(&t, "transactionMetrics");
    assert_json_kept(buf_bytes(&before), buf_bytes(&now), "transactionCount");
    transaction_metrics_close(metrics);
    buf_close(&before);
    buf_close(&now);
    testing_done(&t);
}

static void a_damaged_file_is_begun_anew(void **state) {
    (void)state;
    struct testing t;
    struct transaction_metrics *metrics;
    testing_init(&t);
    testing_write(&t, "transactionMetrics", "{\"transactionCount\":{");
    assert_ok(transaction_metrics_open(&t.broker, &metrics));
    transaction_metrics_add(metrics, BYTES("T"), 1);
    transaction_metrics_close(metrics);
    assert_ok(transaction_metrics_open(&t.broker, &metrics));
    assert_int_equal(transaction_metrics_count(metrics, BYTES("T")), 1);
    transaction_metrics_close(metrics);
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
