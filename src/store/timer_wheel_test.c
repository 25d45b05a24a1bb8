/* timer_wheel_test.c - slots that share a place, and what of them is on disk */
#include "store/timer_wheel.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/test.h"
#include "os/file.h"

enum { PRECISION_MS = 500 };
#define TURN_MS (INT64_C(1) * TIMER_WHEEL_SLOTS * PRECISION_MS)
#define T0      (INT64_C(1795479126000))

static char path[64];
static struct timer_wheel wheel;

static int set_up(void **state) {
    (void)state;
    snprintf(path, sizeof path, "/tmp/rmq_timer_wheel_XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    file_close(fd);
    assert_ok(timer_wheel_open(&wheel, path, PRECISION_MS));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    timer_wheel_close(&wheel);
    return file_unlink(path) == ERR_OK ? 0 : -1;
}

static void put(int64_t time_ms, int64_t last) {
    assert_ok(timer_wheel_put(&wheel, time_ms, &(struct timer_slot){time_ms, last, last, 1}));
}

static int64_t next(int64_t from_ms, int64_t until_ms) {
    struct timer_slot slot;
    assert_ok(timer_wheel_next(&wheel, from_ms, until_ms, &slot));
    return slot.time_ms;
}

static void reopen(void) {
    timer_wheel_close(&wheel);
    assert_ok(timer_wheel_open(&wheel, path, PRECISION_MS));
}

static void slots_are_found_in_order(void **state) {
    (void)state;
    int64_t first_ms;
    struct timer_slot slot;
    put(T0 + 1000, 52);
    put(T0 + 3600000, 104);
    assert_int_equal(next(T0, T0 + TURN_MS), T0 + 1000);
    assert_int_equal(next(T0 + 1500, T0 + TURN_MS), T0 + 3600000);
    assert_int_equal(next(T0 + 1500, T0 + 3600000), 0);
    assert_int_equal(next(T0 - TURN_MS, T0), 0); /* the same places, other times */
    assert_ok(timer_wheel_get(&wheel, T0 + 1000 + TURN_MS, &slot));
    assert_int_equal(slot.time_ms, T0 + 1000);
    assert_int_equal(timer_wheel_count(&wheel, T0 + 1000), 1);
    assert_int_equal(timer_wheel_count(&wheel, T0 + 1000 + TURN_MS), 0);
    assert_ok(timer_wheel_first(&wheel, &first_ms));
    assert_int_equal(first_ms, T0 + 1000);
}

static void only_what_was_taken_is_saved(void **state) {
    (void)state;
    put(T0, 52);
    timer_wheel_take(&wheel);
    put(T0 + PRECISION_MS, 104); /* the same page */
    assert_ok(timer_wheel_save(&wheel));
    timer_wheel_saved(&wheel);
    assert_int_equal(wheel.page_count, 1);
    assert_int_equal(next(T0 + 1, T0 + 1000), 0);
    assert_int_equal(next(T0 + PRECISION_MS, T0 + 1000), T0 + PRECISION_MS);
    reopen();
    assert_int_equal(next(T0, T0 + 1000), T0);
    assert_int_equal(next(T0 + PRECISION_MS, T0 + 1000), 0);
}

static void memory_is_given_back(void **state) {
    (void)state;
    for (int i = 0; i < 1000; i++) put(T0 + i * INT64_C(100000), i);
    assert_true(wheel.page_count > 500);
    timer_wheel_take(&wheel);
    assert_ok(timer_wheel_save(&wheel));
    timer_wheel_saved(&wheel);
    assert_int_equal(wheel.page_count, 0);
    for (int i = 0; i < 1000; i++) assert_int_equal(timer_wheel_count(&wheel, T0 + i * INT64_C(100000)), 1);
}

static void another_length_is_no_wheel(void **state) {
    (void)state;
    put(T0, 52);
    timer_wheel_close(&wheel);
    assert_ok(file_replace(path, BYTES("x"), false));
    assert_err(timer_wheel_open(&wheel, path, PRECISION_MS), ERR_CORRUPT);
    assert_ok(timer_wheel_clear(&wheel));
    assert_int_equal(next(T0, T0 + 1000), 0);
    put(T0, 52);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(slots_are_found_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_what_was_taken_is_saved, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_is_given_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_length_is_no_wheel, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
