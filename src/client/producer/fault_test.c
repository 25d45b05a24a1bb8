/* fault_test.c - which brokers are left alone, and for how long; rates of a consumer over a minute. */
#include "client/producer/fault.h"

#include "base/test.h"
#include "client/consumer/consume_stats.h"
#include "client/names.h"

static void slow_brokers_are_left_alone_for_a_while(void **state) {
    (void)state;
    struct names names = {0};
    struct faults faults = {0};
    struct bytes a = names_keep(&names, BYTES("a")), b = names_keep(&names, BYTES("b"));
    assert_ptr_equal(names_keep(&names, BYTES("a")).data, a.data);
    assert_true(faults_available(&faults, a, 0));
    static const struct {
        int64_t latency_ms, away_ms;
    } cases[] = {{50, 0}, {549, 0}, {550, 30000}, {1000, 60000}, {2000, 120000}, {3000, 180000}, {15000, 600000}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        faults_update(&faults, a, cases[i].latency_ms, false, 1000);
        if (cases[i].away_ms > 0) assert_false(faults_available(&faults, a, 1000 + cases[i].away_ms - 1));
        assert_true(faults_available(&faults, a, 1000 + cases[i].away_ms));
    }
    faults_update(&faults, b, 1, true, 1000); /* a failure counts as the slowest */
    assert_false(faults_available(&faults, b, 600999));
    faults_update(&faults, b, 1, false, 2000); /* and is forgotten with the next success */
    assert_true(faults_available(&faults, b, 2000));
    faults_close(&faults);
    names_close(&names);
}

static void rates_are_those_of_the_last_minute(void **state) {
    (void)state;
    struct consume_stats stats = {0};
    consume_stats_sample(&stats, 0);
    assert_true(consume_stats_rates(&stats).consume_ok_tps == 0);
    for (int second = 10; second <= 200; second += 10) {
        bool busy = second > 100;
        stats.now.ok += busy ? 100 : 0;
        stats.now.consumes += busy ? 100 : 0;
        stats.now.consume_ms += busy ? 500 : 0;
        stats.now.failed += second == 20;
        consume_stats_sample(&stats, second * 1000);
    }
    struct consume_rates rates = consume_stats_rates(&stats);
    assert_true(rates.consume_ok_tps == 10);
    assert_true(rates.consume_rt == 5);
    assert_true(rates.consume_failed_tps == 0);
    assert_int_equal(rates.consume_failed_msgs, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_brokers_are_left_alone_for_a_while),
        cmocka_unit_test(rates_are_those_of_the_last_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
