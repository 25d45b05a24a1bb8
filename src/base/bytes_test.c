/* bytes_test.c - edges of numbers, splits and UTF-8. */
#include "base/bytes.h"

#include <stdlib.h>
#include "base/test.h"

static void compares_and_cuts(void **state) {
    (void)state;
    assert_true(bytes_compare(BYTES("a"), BYTES("b")) < 0);
    assert_true(bytes_compare(BYTES("ab"), BYTES("a")) > 0);
    assert_int_equal(bytes_compare(BYTES(""), (struct bytes){0}), 0);
    assert_true(bytes_starts_with(BYTES("%RETRY%g"), BYTES("%RETRY%")));
    assert_true(bytes_ends_with(BYTES("a.bak"), BYTES(".bak")));
    assert_false(bytes_ends_with(BYTES("k"), BYTES(".bak")));
    assert_bytes(bytes_skip(BYTES("abc"), 5), "");
    assert_bytes(bytes_trim(BYTES(" \t a b\n\001")), "a b");
    assert_bytes(bytes_trim(BYTES("  ")), "");
}

static void splits(void **state) {
    (void)state;
    struct bytes rest = BYTES("a;;b"), piece;
    assert_true(bytes_split(&rest, ';', &piece));
    assert_bytes(piece, "a");
    assert_true(bytes_split(&rest, ';', &piece));
    assert_bytes(piece, "");
    assert_true(bytes_split(&rest, ';', &piece));
    assert_bytes(piece, "b");
    assert_false(bytes_split(&rest, ';', &piece));
    rest = (struct bytes){0};
    assert_false(bytes_split(&rest, ';', &piece));
}

static void reads_whole_numbers(void **state) {
    (void)state;
    int64_t value = 7;
    assert_true(bytes_to_i64(BYTES("-9223372036854775808"), &value));
    assert_true(value == INT64_MIN);
    assert_true(bytes_to_i64(BYTES("9223372036854775807"), &value));
    assert_true(value == INT64_MAX);
    assert_true(bytes_to_i64(BYTES("+5"), &value));
    assert_true(value == 5);
    static const char *const wrong[] = {"",   "-",    "+",  "9223372036854775808",       "-9223372036854775809",
                                        "1 ", "0x10", "1L", "99999999999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) assert_false(bytes_to_i64(bytes_of(wrong[i]), &value));
    assert_true(value == 5);
    int32_t small = 3;
    assert_false(bytes_to_i32(BYTES("2147483648"), &small));
    assert_int_equal(small, 3);
    assert_true(bytes_to_i32(BYTES("-2147483648"), &small));
    assert_int_equal(small, INT32_MIN);
}

static void reads_other_scalars(void **state) {
    (void)state;
    double real = 0;
    assert_true(bytes_to_double(BYTES("0.75"), &real));
    assert_true(real == 0.75);
    assert_true(bytes_to_double(BYTES("-1e3"), &real));
    assert_true(real == -1000);
    assert_false(bytes_to_double(BYTES("nan"), &real));
    assert_false(bytes_to_double(BYTES("1e"), &real));
    assert_false(bytes_to_double(BYTES(""), &real));
    assert_true(bytes_to_bool(BYTES("TRUE")));
    assert_false(bytes_to_bool(BYTES("1")));
}

static void tells_absent_from_empty(void **state) {
    (void)state;
    assert_null(bytes_of(NULL).data);
    assert_non_null(bytes_of("").data);
    char *copy = bytes_dup(BYTES("abc"));
    assert_string_equal(copy, "abc");
    free(copy);
}

static void decodes_utf8_as_java_does(void **state) {
    (void)state;
    static const struct {
        struct bytes text;
        uint32_t points[4];
        size_t count;
    } rows[] = {
        {BYTES("A\xC3\xA9"), {'A', 0xE9}, 2},
        {BYTES("\xE6\xA0\x87\xF0\x9F\x98\x80"), {0x6807, 0x1F600}, 2},
        {BYTES("\xC0\x80"), {0xFFFD, 0xFFFD}, 2},                   /* overlong */
        {BYTES("\xE6\xA0"), {0xFFFD}, 1},                           /* cut short */
        {BYTES("\xE6\xA0z"), {0xFFFD, 'z'}, 2},                     /* broken off */
        {BYTES("\xED\xA0\x80"), {0xFFFD}, 1},                       /* a surrogate */
        {BYTES("\xF4\x90\x80z"), {0xFFFD, 0xFFFD, 0xFFFD, 'z'}, 4}, /* above U+10FFFF */
        {BYTES("\xFF\x80"), {0xFFFD, 0xFFFD}, 2},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bytes text = rows[i].text;
        for (size_t k = 0; k < rows[i].count; k++) {
            assert_true(text.len > 0);
            assert_int_equal(bytes_next_code_point(&text), rows[i].points[k]);
        }
        assert_int_equal(text.len, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_and_cuts),       cmocka_unit_test(splits),
        cmocka_unit_test(reads_whole_numbers),     cmocka_unit_test(reads_other_scalars),
        cmocka_unit_test(tells_absent_from_empty), cmocka_unit_test(decodes_utf8_as_java_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
