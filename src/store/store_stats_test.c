/* store_stats_test.c - buckets of times, and rates over three windows. */
#include "store/store_stats.h"

#include "base/test.h"
#include "os/clock.h"

static void test_buckets(void **state) {
    (void)state;
    static const int64_t times_ms[] = {0,   1,    9,    10,   49,   50,   99,    199,  499,
                                       999, 1999, 2999, 3999, 4999, 9999, 10000, 50000};
    static const int64_t expected[STATS_PUT_BUCKETS] = {1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2};
    static struct store_stats stats;
    struct store_facts facts = {0};
    store_stats_init(&stats);
    for (size_t i = 0; i < ARRAY_LEN(times_ms); i++) store_stats_put(&stats, 1, 10, times_ms[i]);
    store_stats_report(&stats, &facts);
    for (int i = 0; i < STATS_PUT_BUCKETS; i++) assert_int_equal(facts.put_time_buckets[i], expected[i]);
    assert_int_equal(facts.put_time_max_ms, 50000);
    assert_int_equal(facts.put_count, ARRAY_LEN(times_ms));
    assert_int_equal(facts.put_bytes, 10 * (int64_t)ARRAY_LEN(times_ms));
    store_stats_close(&stats);
}

/* 100 messages a second for twelve minutes, then nothing for a minute. */
static void test_rates(void **state) {
    (void)state;
    static struct store_stats stats;
    struct store_facts facts = {0};
    store_stats_init(&stats);
    int64_t now_ms = clock_monotonic_ms();
    for (int second = 1; second <= 780; second++) {
        if (second <= 720) store_stats_put(&stats, 100, 1, 0);
        if (second <= 720) store_stats_get(&stats, 30, 0);
        store_stats_get(&stats, 0, 0);
        store_stats_sample(&stats, now_ms + second * 1000);
        if (second == 720) {
            store_stats_report(&stats, &facts);
            for (int i = 0; i < 3; i++) assert_true(facts.put_tps[i] > 99.9 && facts.put_tps[i] < 100.1);
        }
    }
    store_stats_report(&stats, &facts);
    assert_true(facts.put_tps[0] < 0.1 && facts.put_tps[1] < 0.1);
    assert_true(facts.put_tps[2] > 89.9 && facts.put_tps[2] < 90.1);
    assert_true(facts.get_found_tps[2] > 0.89 && facts.get_found_tps[2] < 0.91);
    assert_true(facts.get_miss_tps[2] > 0.99 && facts.get_miss_tps[2] < 1.01);
    assert_true(facts.get_total_tps[2] > 1.89 && facts.get_total_tps[2] < 1.91);
    assert_true(facts.get_transferred_tps[2] > 26.9 && facts.get_transferred_tps[2] < 27.1);
    store_stats_close(&stats);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buckets),
        cmocka_unit_test(test_rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
