/* buf_test.c - what is appended is there; limits hold. */
#include "base/buf.h"

#include "base/test.h"

static void appends(void **state) {
    (void)state;
    struct buf buf = {0};
    assert_bytes(buf_bytes(&buf), "");
    buf_append_text(&buf, "a");
    buf_append_char(&buf, '=');
    buf_append_i64(&buf, INT64_MIN);
    buf_append_char(&buf, ' ');
    buf_append_i64(&buf, 0);
    buf_printf(&buf, " %s-%d", "x", 42);
    buf_append_bytes(&buf, (struct bytes){0});
    assert_bytes(buf_bytes(&buf), "a=-9223372036854775808 0 x-42");
    buf_consume(&buf, 2);
    assert_bytes(buf_bytes(&buf), "-9223372036854775808 0 x-42");
    buf_consume(&buf, buf.len);
    assert_int_equal(buf.len, 0);
    buf_close(&buf);
    buf_append_text(&buf, "again");
    assert_bytes(buf_bytes(&buf), "again");
    buf_close(&buf);
}

static void writes_big_endian(void **state) {
    (void)state;
    struct buf buf = {0};
    buf_append_u16be(&buf, 0x0102);
    buf_append_u32be(&buf, 0x03040506);
    buf_append_u64be(&buf, UINT64_C(0x0708090A0B0C0D0E));
    assert_int_equal(buf.len, 14);
    for (size_t i = 0; i < buf.len; i++) assert_int_equal(buf.data[i], i + 1);
    buf_close(&buf);
}

static void grows_by_doubling(void **state) {
    (void)state;
    struct buf buf = {0};
    size_t moves = 0, cap = 0;
    for (int i = 0; i < 1000000; i++) {
        buf_append_char(&buf, 'x');
        moves += buf.cap != cap;
        cap = buf.cap;
    }
    assert_int_equal(buf.len, 1000000);
    assert_true(moves < 20);
    buf_close(&buf);
}

static void keeps_a_limit(void **state) {
    (void)state;
    struct buf buf = {0};
    assert_ok(buf_reserve_limited(&buf, 10, 10));
    buf_append_text(&buf, "123456");
    assert_err(buf_reserve_limited(&buf, 5, 10), ERR_TOO_BIG);
    assert_err(buf_reserve_limited(&buf, SIZE_MAX, 10), ERR_TOO_BIG);
    assert_ok(buf_reserve_limited(&buf, 4, 10));
    buf_close(&buf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends),
        cmocka_unit_test(writes_big_endian),
        cmocka_unit_test(grows_by_doubling),
        cmocka_unit_test(keeps_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
