/* delay_levels_test.c - the default table, and texts that are none. */
#include "store/delay_levels.h"

#include "base/test.h"

static void test_default_table(void **state) {
    (void)state;
    struct delay_levels levels;
    assert_ok(delay_levels_parse(BYTES("1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h"), &levels));
    assert_int_equal(levels.count, 18);
    assert_int_equal(levels.delay_ms[0], 1000);
    assert_int_equal(levels.delay_ms[4], 60 * 1000);
    assert_int_equal(levels.delay_ms[17], 2 * 3600 * 1000);
    assert_int_equal(delay_levels_due_ms(&levels, 2, 100), 5100);
    assert_int_equal(delay_levels_due_ms(&levels, 18, 0), 7200000);
    assert_int_equal(delay_levels_due_ms(&levels, 99, 0), 7200000); /* over the last: as the last */
    assert_int_equal(delay_levels_due_ms(&levels, 0, 7), 1007);
}

static void test_spaces_and_days(void **state) {
    (void)state;
    struct delay_levels levels;
    assert_ok(delay_levels_parse(BYTES("  1d  2s "), &levels));
    assert_int_equal(levels.count, 2);
    assert_int_equal(levels.delay_ms[0], 24 * 3600 * 1000);
    assert_ok(delay_levels_parse(BYTES(""), &levels));
    assert_int_equal(levels.count, 0);
    assert_int_equal(delay_levels_due_ms(&levels, 3, 0), 1000);
}

static void test_wrong_texts(void **state) {
    (void)state;
    static const char *const wrong[] = {"1x", "s", "1", "-1s", "1s,2s", "9999999999999999d", "1 s"};
    struct delay_levels levels;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_err(delay_levels_parse(bytes_of(wrong[i]), &levels), ERR_BAD_CONFIG);
    char many[2000] = "";
    for (int i = 0; i <= DELAY_LEVELS_MAX; i++) memcpy(many + i * 3, "1s ", 4);
    assert_err(delay_levels_parse(bytes_of(many), &levels), ERR_BAD_CONFIG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default_table),
        cmocka_unit_test(test_spaces_and_days),
        cmocka_unit_test(test_wrong_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
