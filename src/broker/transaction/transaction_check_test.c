/* transaction_check_test.c - what is done with a half message, by its age and its properties */
#include "base/test.h"
#include "broker/transaction/transaction_check.h"

#include <stdio.h>

enum { NOW_MS = 1000000000, TIMEOUT_MS = 6000, CHECK_MAX = 15, RESERVED_H = 72 };

static struct broker broker;

static int start(void **state) {
    (void)state;
    broker_config_init(&broker.config);
    store_config_init(&broker.store_config);
    broker.config.transaction_timeout_ms = TIMEOUT_MS;
    broker.config.transaction_check_max = CHECK_MAX;
    broker.store_config.file_reserved_time_h = RESERVED_H;
    return 0;
}

/* immunity, times: NULL for none. */
static struct record half_of(int64_t age_ms, const char *immunity, const char *times, char properties[128]) {
    snprintf(properties, 128, "%s%s%s%s%s%s", immunity ? "CHECK_IMMUNITY_TIME_IN_SECONDS\001" : "",
             immunity ? immunity : "", immunity ? "\002" : "", times ? "TRANSACTION_CHECK_TIMES\001" : "",
             times ? times : "", times ? "\002" : "");
    return (struct record){.born_time_ms = NOW_MS - age_ms, .properties = bytes_of(properties)};
}

static void verdicts(void **state) {
    (void)state;
    static const struct {
        int64_t age_ms;
        const char *immunity, *times;
        enum half_verdict verdict;
    } cases[] = {
        {0, NULL, NULL, HALF_YOUNG},
        {TIMEOUT_MS - 1, NULL, NULL, HALF_YOUNG},
        {TIMEOUT_MS, NULL, NULL, HALF_ASK},
        {-1, NULL, NULL, HALF_ASK}, /* the producer's clock is ahead */
        {TIMEOUT_MS, NULL, "14", HALF_ASK},
        {TIMEOUT_MS, NULL, "15", HALF_GIVE_UP},
        {0, NULL, "15", HALF_GIVE_UP},
        {TIMEOUT_MS, NULL, "nonsense", HALF_ASK},
        {TIMEOUT_MS, NULL, "-7", HALF_ASK},
        {RESERVED_H * 3600000LL, NULL, NULL, HALF_ASK},
        {RESERVED_H * 3600000LL + 1, NULL, NULL, HALF_GIVE_UP},
        {29999, "30", NULL, HALF_IMMUNE},
        {30000, "30", NULL, HALF_ASK},
        {1, "0", NULL, HALF_ASK},
        {TIMEOUT_MS - 1, "-1", NULL, HALF_IMMUNE}, /* no time: as all others */
        {TIMEOUT_MS - 1, "nonsense", NULL, HALF_IMMUNE},
        {TIMEOUT_MS, "nonsense", NULL, HALF_ASK},
        {TIMEOUT_MS, "9223372036854775807", NULL, HALF_ASK},
        {29999, "30", "15", HALF_GIVE_UP},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char properties[128];
        struct record half = half_of(cases[i].age_ms, cases[i].immunity, cases[i].times, properties);
        if (half_judge(&broker, &half, NOW_MS) != cases[i].verdict) fail_msg("case %zu", i);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(verdicts, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
