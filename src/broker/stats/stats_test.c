/* stats_test.c - what is counted, when windows forget, threads */
#include "broker/broker_testing.h"
#include "broker/stats/stats.h"

#include "os/clock.h"
#include "os/thread.h"

struct fixture {
    struct testing t;
    struct topics *topics;
    struct offsets *offsets;
    struct stats *stats;
    struct topic *topic;
    struct progress *progress;
};

static void open_fixture(struct fixture *f) {
    testing_init(&f->t);
    assert_ok(topics_open(&f->t.broker, &f->topics));
    assert_ok(offsets_open(&f->t.broker, &f->offsets));
    assert_ok(stats_open(&f->t.broker, &f->stats));
    assert_ok(topics_create(f->topics, BYTES("T"), 4, 6, 0, false, &f->topic));
    f->progress = offsets_progress(f->offsets, BYTES("T"), BYTES("G"), true);
}

static void close_fixture(struct fixture *f) {
    stats_close(f->stats);
    offsets_close(f->offsets);
    topics_close(f->topics);
    testing_done(&f->t);
}

static struct stat_view view(struct fixture *f, const char *name, const char *key) {
    struct stat_view out;
    assert_ok(stats_view(f->stats, bytes_of(name), bytes_of(key), &out));
    return out;
}

static void counts_what_happened(void **state) {
    (void)state;
    struct fixture f;
    struct stat_view none;
    open_fixture(&f);
    assert_err(stats_view(f.stats, BYTES("TOPIC_PUT_NUMS"), BYTES("T"), &none), ERR_NOT_FOUND);
    assert_string_equal(err_detail(ERR_NOT_FOUND), "The stats <TOPIC_PUT_NUMS> <T> not exist");
    assert_err(stats_view(f.stats, BYTES("NO_SUCH"), BYTES("T"), &none), ERR_NOT_FOUND);
    stats_count_put(f.stats, f.topic, 3, 300);
    stats_count_put(f.stats, f.topic, 1, 50);
    stats_count_put(f.stats, topics_find(f.topics, BYTES("BenchmarkTest")), 5, 5);
    stats_count_put_latency(f.stats, f.topic, 2, 7);
    stats_count_put_latency(f.stats, f.topic, 1000, 9);
    stats_count_get(f.stats, f.topic, f.progress, 4, 350, true);
    stats_count_get_latency(f.stats, f.progress, 2, 8);
    stats_count_send_back(f.stats, f.progress);
    stats_count_dead_letter(f.stats, f.progress);
    stats_count_acks(f.stats, f.progress, 3);
    stats_count_checkpoint(f.stats, f.progress);
    assert_int_equal(view(&f, "TOPIC_PUT_NUMS", "T").minute.sum, 4);
    assert_int_equal(view(&f, "TOPIC_PUT_NUMS", "T").day.sum, 4);
    assert_int_equal(view(&f, "TOPIC_PUT_SIZE", "T").hour.sum, 350);
    assert_int_equal((int)view(&f, "TOPIC_PUT_SIZE", "T").minute.avgpt, 175);
    assert_int_equal(view(&f, "TOPIC_PUT_LATENCY", "2@T").minute.sum, 7);
    assert_int_equal(view(&f, "TOPIC_PUT_LATENCY", "1000@T").minute.sum, 9);
    assert_int_equal(view(&f, "GROUP_GET_NUMS", "T@G").minute.sum, 4);
    assert_int_equal(view(&f, "GROUP_GET_SIZE", "T@G").minute.sum, 350);
    assert_int_equal(view(&f, "GROUP_GET_FROM_DISK_NUMS", "T@G").minute.sum, 4);
    assert_int_equal(view(&f, "GROUP_GET_LATENCY", "2@T@G").minute.sum, 8);
    assert_int_equal(view(&f, "SNDBCK_PUT_NUMS", "T@G").minute.sum, 1);
    assert_int_equal(view(&f, "DLQ_PUT_NUMS", "T@G").minute.sum, 1);
    assert_int_equal(view(&f, "GROUP_ACK_NUMS", "T@G").minute.sum, 3);
    assert_int_equal(view(&f, "GROUP_CK_NUMS", "T@G").minute.sum, 1);
    assert_int_equal(view(&f, "BROKER_ACK_NUMS", "DefaultCluster").minute.sum, 3);
    assert_int_equal(view(&f, "BROKER_CK_NUMS", "DefaultCluster").minute.sum, 1);
    assert_int_equal(view(&f, "BROKER_PUT_NUMS", "DefaultCluster").minute.sum, 9);
    assert_int_equal(view(&f, "BROKER_PUT_NUMS_WITHOUT_SYSTEM_TOPIC", "DefaultCluster").minute.sum, 4);
    assert_int_equal(view(&f, "BROKER_GET_NUMS", "DefaultCluster").minute.sum, 4);
    close_fixture(&f);
}

static void windows_forget(void **state) {
    (void)state;
    struct fixture f;
    open_fixture(&f);
    stats_count_put(f.stats, f.topic, 60, 1);
    for (int i = 0; i < 7; i++) { /* a minute and more of samples */
        clock_shift_monotonic_ms(10000);
        stats_sample(f.stats, clock_monotonic_ms());
    }
    assert_int_equal(view(&f, "TOPIC_PUT_NUMS", "T").minute.sum, 0);
    assert_int_equal(view(&f, "TOPIC_PUT_NUMS", "T").hour.sum, 60);
    stats_count_put(f.stats, f.topic, 60, 1);
    struct stat_window minute = view(&f, "TOPIC_PUT_NUMS", "T").minute;
    assert_int_equal(minute.sum, 60);
    assert_true(minute.tps > 1.1 && minute.tps < 1.3); /* the six samples reach back 50 s */
    assert_true(stats_tps(f.stats, STAT_TOPIC_PUT_NUMS, BYTES("T")) > 1.1);
    assert_true(stats_tps(f.stats, STAT_TOPIC_PUT_NUMS, BYTES("unknown")) == 0);
    for (int i = 0; i < 8; i++) {
        clock_shift_monotonic_ms(600000);
        stats_sample(f.stats, clock_monotonic_ms());
    }
    assert_int_equal(view(&f, "TOPIC_PUT_NUMS", "T").hour.sum, 0);
    assert_int_equal(view(&f, "TOPIC_PUT_NUMS", "T").day.sum, 120);
    close_fixture(&f);
}

static void assert_forgotten(struct fixture *f, const char *name, const char *key) {
    struct stat_view out;
    assert_err(stats_view(f->stats, bytes_of(name), bytes_of(key), &out), ERR_NOT_FOUND);
}

static void deleted_ones_are_forgotten(void **state) {
    (void)state;
    struct fixture f;
    open_fixture(&f);
    struct progress *other = offsets_progress(f.offsets, BYTES("T"), BYTES("H"), true);
    stats_count_put(f.stats, f.topic, 3, 300);
    stats_count_put_latency(f.stats, f.topic, 2, 7);
    stats_count_get(f.stats, f.topic, f.progress, 4, 350, false);
    stats_count_get(f.stats, f.topic, other, 5, 350, false);
    stats_count_get_latency(f.stats, f.progress, 2, 8);
    stats_forget_group(f.stats, BYTES("G"));
    assert_forgotten(&f, "GROUP_GET_NUMS", "T@G");
    assert_forgotten(&f, "GROUP_GET_LATENCY", "2@T@G");
    assert_int_equal(view(&f, "GROUP_GET_NUMS", "T@H").minute.sum, 5);
    assert_int_equal(view(&f, "TOPIC_PUT_NUMS", "T").minute.sum, 3);
    stats_forget_topic(f.stats, BYTES("T"));
    assert_forgotten(&f, "GROUP_GET_NUMS", "T@H");
    assert_forgotten(&f, "TOPIC_PUT_SIZE", "T");
    assert_forgotten(&f, "TOPIC_PUT_LATENCY", "2@T");
    assert_int_equal(view(&f, "BROKER_GET_NUMS", "DefaultCluster").minute.sum, 9);
    stats_count_put(f.stats, f.topic, 1, 100);
    assert_int_equal(view(&f, "TOPIC_PUT_NUMS", "T").minute.sum, 1); /* it counts again */
    close_fixture(&f);
}

static void totals_turn_at_midnight(void **state) {
    (void)state;
    struct fixture f;
    struct stats_totals totals;
    open_fixture(&f);
    stats_count_put(f.stats, f.topic, 5, 1);
    stats_count_get(f.stats, f.topic, f.progress, 2, 1, false);
    clock_shift_wall_ms(86400000);
    stats_sample(f.stats, clock_monotonic_ms());
    stats_count_put(f.stats, f.topic, 1, 1);
    clock_shift_wall_ms(86400000);
    stats_sample(f.stats, clock_monotonic_ms());
    stats_totals(f.stats, &totals);
    clock_shift_wall_ms(-2 * 86400000);
    assert_int_equal(totals.put_now, 6);
    assert_int_equal(totals.put_today_morning, 6);
    assert_int_equal(totals.put_yesterday_morning, 5);
    assert_int_equal(totals.get_now, 2);
    assert_int_equal(totals.get_yesterday_morning, 2);
    close_fixture(&f);
}

enum { ROUNDS = 20000 };
static void count_many(void *arg) {
    struct fixture *f = arg;
    for (int i = 0; i < ROUNDS; i++) {
        stats_count_put(f->stats, f->topic, 1, 10);
        stats_count_get(f->stats, f->topic, f->progress, 1, 10, false);
    }
}

static void threads_lose_no_count(void **state) {
    (void)state;
    struct fixture f;
    pthread_t threads[3];
    open_fixture(&f);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) assert_ok(thread_start(&threads[i], "count", count_many, &f));
    for (int i = 0; i < 20; i++) stats_sample(f.stats, clock_monotonic_ms());
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) thread_join(threads[i]);
    assert_int_equal(view(&f, "TOPIC_PUT_NUMS", "T").day.sum, 3 * ROUNDS);
    assert_int_equal(view(&f, "GROUP_GET_SIZE", "T@G").day.sum, 30 * ROUNDS);
    assert_int_equal(view(&f, "BROKER_PUT_NUMS", "DefaultCluster").day.sum, 3 * ROUNDS);
    close_fixture(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_what_happened),       cmocka_unit_test(windows_forget),
        cmocka_unit_test(deleted_ones_are_forgotten), cmocka_unit_test(totals_turn_at_midnight),
        cmocka_unit_test(threads_lose_no_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
