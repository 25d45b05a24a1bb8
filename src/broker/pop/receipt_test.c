/* receipt_test.c - receipts as Java clients make them, and revive records as Java brokers write them */
#include "base/test.h"
#include "broker/pop/receipt.h"

static void a_receipt_reads_as_it_was_written(void **state) {
    (void)state;
    struct receipt receipt;
    struct arena arena = {0};
    const struct bytes text = BYTES("0 1795478709795 10000 0 0 broker-a 1 1"); /* recorded of a 5.3.3 client */
    assert_ok(receipt_parse(text, &receipt));
    assert_int_equal(receipt.start_offset, 0);
    assert_int_equal(receipt.pop_time_ms, 1795478709795);
    assert_int_equal(receipt.invisible_ms, 10000);
    assert_bytes(receipt.broker_name, "broker-a");
    assert_int_equal(receipt.queue_id, 1);
    assert_int_equal(receipt.offset_queue, 1);
    assert_bytes(receipt_text(&receipt, &arena), text.data);
    arena_close(&arena);
}

static void short_receipts_are_understood_and_bad_ones_are_not(void **state) {
    (void)state;
    struct receipt receipt;
    assert_ok(receipt_parse(BYTES("5 6 7 999"), &receipt));
    assert_int_equal(receipt.revive_queue, REVIVE_QUEUE_ORDER);
    assert_int_equal(receipt.offset_queue, -1);
    static const char *const bad[] = {"",          "1 2 3",          "1 2 x 4",         "1 2 3 -4",
                                      "1 2 3 4 3", "1  2 3 4 0 b 0", "1 2 3 4 0 b 0 q", "9223372036854775808 1 1 1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(receipt_parse(bytes_of(bad[i]), &receipt), ERR_BAD_INPUT);
}

static void names_of_retry_topics(void **state) {
    (void)state;
    struct pop_name text;
    assert_bytes(pop_topic_name(BYTES("T_1"), BYTES("G_x"), RETRY_KIND_V1, &text), "%RETRY%G_x_T_1");
    assert_int_equal(retry_kind_of(text.name), RETRY_KIND_V1);
    assert_bytes(pop_normal_topic(text.name, BYTES("G_x")), "T_1");
    assert_bytes(pop_topic_name(BYTES("T_1"), BYTES("G_x"), RETRY_KIND_V2, &text), "%RETRY%G_x+T_1");
    assert_int_equal(retry_kind_of(text.name), RETRY_KIND_V2);
    assert_bytes(pop_normal_topic(text.name, BYTES("G_x")), "T_1");
    assert_bytes(pop_normal_topic(BYTES("%RETRY%G"), BYTES("G_x")), "%RETRY%G");
    assert_bytes(pop_normal_topic(BYTES("T"), BYTES("G_x")), "T");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receipt_reads_as_it_was_written),
        cmocka_unit_test(short_receipts_are_understood_and_bad_ones_are_not),
        cmocka_unit_test(names_of_retry_topics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
