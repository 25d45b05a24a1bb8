/* trace_test.c - bodies of trace messages. */
#include "base/test.h"

#include "message/trace.h"

#define F "\001"
#define R "\002"

/* As written by the Java client 5.5.0 (TraceDataEncoder), with the fields it leaves open as "null". */
static const char java_pub[] = "Pub" F "1700000000001" F "DefaultRegion" F "P" F "T" F "7F01" F "null" F "k1 k2" F
                               "127.0.0.1:10911" F "12" F "3" F "0" F "7F02" F "true" R;
static const char java_sub[] = "SubBefore" F "1700000000002" F "DefaultRegion" F "C" F "r1" F "7F01" F "0" F "k1 k2" R
                               "SubAfter" F "r1" F "7F01" F "5" F "true" F "k1 k2" F "0" F "1700000000007" F "C" R;

static void reads_what_java_writes(void **state) {
    (void)state;
    struct trace_record record;
    struct bytes rest = bytes_of(java_pub);
    assert_true(trace_next(&rest, &record));
    assert_int_equal(record.type, TRACE_PUB);
    assert_int_equal(record.time_ms, 1700000000001);
    assert_true(bytes_is(record.group, "P") && bytes_is(record.msg_id, "7F01") && bytes_is(record.keys, "k1 k2"));
    assert_true(bytes_is(record.store_host, "127.0.0.1:10911") && bytes_is(record.offset_msg_id, "7F02"));
    assert_int_equal(record.body_len, 12);
    assert_int_equal(record.cost_ms, 3);
    assert_true(record.success);
    assert_false(trace_next(&rest, &record));

    rest = bytes_of(java_sub);
    assert_true(trace_next(&rest, &record));
    assert_int_equal(record.type, TRACE_SUB_BEFORE);
    assert_true(bytes_is(record.request_id, "r1") && bytes_is(record.group, "C"));
    assert_true(trace_next(&rest, &record));
    assert_int_equal(record.type, TRACE_SUB_AFTER);
    assert_int_equal(record.cost_ms, 5);
    assert_int_equal(record.time_ms, 1700000000007);
    assert_true(record.success && bytes_is(record.group, "C"));
    assert_false(trace_next(&rest, &record));
}

static void writes_what_it_reads(void **state) {
    (void)state;
    struct buf out = {0};
    const struct bytes texts[] = {bytes_of(java_pub), bytes_of(java_sub)};
    for (size_t i = 0; i < 2; i++) {
        struct trace_record record;
        struct bytes rest = texts[i];
        buf_clear(&out);
        while (trace_next(&rest, &record)) trace_append(&out, &record);
        assert_true(bytes_equal(buf_bytes(&out), texts[i]));
    }
    buf_close(&out);
}

static void separators_in_a_text_are_dropped(void **state) {
    (void)state;
    struct buf out = {0};
    struct trace_record record = {.type = TRACE_PUB, .keys = BYTES("a" F "b" R "c"), .msg_id = BYTES("id")};
    trace_append(&out, &record);
    struct bytes rest = buf_bytes(&out);
    assert_true(trace_next(&rest, &record));
    assert_true(bytes_is(record.keys, "abc") && bytes_is(record.msg_id, "id"));
    buf_close(&out);
}

static void no_field_is_empty(void **state) {
    (void)state;
    struct buf out = {0};
    struct trace_record record = {.type = TRACE_SUB_BEFORE, .keys = BYTES("")};
    trace_append(&out, &record);
    assert_true(bytes_is(buf_bytes(&out), "SubBefore" F "0" F "null" F "null" F "null" F "null" F "0" F "null" R));
    buf_close(&out);
}

static void older_clients_write_fewer_fields(void **state) {
    (void)state;
    struct trace_record record;
    struct bytes rest = BYTES("SubAfter" F "r1" F "7F01" F "5" F "false" F "k" R);
    assert_true(trace_next(&rest, &record));
    assert_true(!record.success && bytes_is(record.keys, "k"));
    assert_int_equal(record.time_ms, 0);
    assert_null(record.group.data);
}

static void what_cannot_be_read_is_passed_over(void **state) {
    (void)state;
    struct trace_record record;
    struct bytes rest =
        BYTES("Nothing" F "1" R R "Pub" F "soon" F "x" R "Recall" F "7" F "r" F "g" F "t" F "id" F "true" R);
    assert_true(trace_next(&rest, &record));
    assert_int_equal(record.type, TRACE_RECALL);
    assert_true(record.success && bytes_is(record.msg_id, "id"));
    assert_false(trace_next(&rest, &record));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_java_writes),           cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(separators_in_a_text_are_dropped), cmocka_unit_test(no_field_is_empty),
        cmocka_unit_test(older_clients_write_fewer_fields), cmocka_unit_test(what_cannot_be_read_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
