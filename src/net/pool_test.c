/* pool_test.c - taking, giving, trimming. */
#include "net/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void objects_are_distinct_and_writable(void **state) {
    (void)state;
    struct pool pool;
    char *objects[10];
    pool_init(&pool, 100, 4);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 10; i++) memset(objects[i] = pool_take(&pool), i, 100);
        for (int i = 0; i < 10; i++) {
            for (int at = 0; at < 100; at++) assert_int_equal(i, objects[i][at]);
        }
        for (int i = 0; i < 10; i++) pool_give(&pool, objects[i]);
        assert_true(pool.spare_count <= 4);
    }
    pool_close(&pool);
    assert_int_equal(0, pool.spare_count);
}

static void what_was_not_needed_since_the_last_trim_goes(void **state) {
    (void)state;
    struct pool pool;
    void *objects[4];
    pool_init(&pool, 16, 8);
    for (int i = 0; i < 4; i++) objects[i] = pool_take(&pool);
    for (int i = 0; i < 4; i++) pool_give(&pool, objects[i]);
    size_t kept = pool.spare_count; /* none under AddressSanitizer */
    pool_trim(&pool);
    assert_int_equal(kept, pool.spare_count); /* all were out at some time */
    pool_give(&pool, pool_take(&pool));
    pool_trim(&pool);
    assert_int_equal(kept ? 1 : 0, pool.spare_count);
    pool_trim(&pool);
    assert_int_equal(0, pool.spare_count);
    pool_close(&pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_distinct_and_writable),
        cmocka_unit_test(what_was_not_needed_since_the_last_trim_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
