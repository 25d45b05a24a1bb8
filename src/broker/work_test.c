/* work_test.c - jobs that wait, a full queue, periodic jobs. */
#include "broker/work.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <cmocka.h>
#include "os/clock.h"

static atomic_int ran, in_job, most_in_job;
static atomic_bool hold;

static void count_up(void *arg) {
    (void)arg;
    atomic_fetch_add(&ran, 1);
}

static void wait_for_release(void *arg) {
    (void)arg;
    while (atomic_load(&hold)) clock_sleep_ms(1);
    atomic_fetch_add(&ran, 1);
}

static void overlap(void *arg) {
    (void)arg;
    int now = atomic_fetch_add(&in_job, 1) + 1;
    if (now > atomic_load(&most_in_job)) atomic_store(&most_in_job, now);
    clock_sleep_ms(3);
    atomic_fetch_sub(&in_job, 1);
    atomic_fetch_add(&ran, 1);
}

static void wait_until(atomic_int *value, int at_least) {
    for (int i = 0; i < 5000 && atomic_load(value) < at_least; i++) clock_sleep_ms(1);
    assert_true(atomic_load(value) >= at_least);
}

static void close_runs_what_waits(void **state) {
    (void)state;
    struct work *work;
    atomic_store(&ran, 0);
    assert_int_equal(work_open(2, 1000, &work), ERR_OK);
    for (int i = 0; i < 500; i++) assert_int_equal(work_submit(work, count_up, NULL), ERR_OK);
    work_close(work);
    assert_int_equal(atomic_load(&ran), 500);
}

static void full_queue_is_busy(void **state) {
    (void)state;
    struct work *work;
    atomic_store(&ran, 0);
    atomic_store(&hold, true);
    assert_int_equal(work_open(1, 2, &work), ERR_OK);
    assert_int_equal(work_submit(work, wait_for_release, NULL), ERR_OK);
    while (work_waiting(work) > 0) clock_sleep_ms(1); /* the thread has taken it */
    assert_int_equal(work_submit(work, count_up, NULL), ERR_OK);
    assert_int_equal(work_submit(work, count_up, NULL), ERR_OK);
    assert_int_equal(work_submit(work, count_up, NULL), ERR_BUSY);
    assert_int_equal(work_waiting(work), 2);
    atomic_store(&hold, false);
    wait_until(&ran, 3);
    work_close(work);
}

static void periodic_jobs_repeat_and_do_not_overlap(void **state) {
    (void)state;
    struct work *work;
    atomic_store(&ran, 0);
    atomic_store(&most_in_job, 0);
    assert_int_equal(work_open(3, 10, &work), ERR_OK);
    int64_t start_ms = clock_monotonic_ms();
    work_every(work, 20, 1, overlap, NULL);
    wait_until(&ran, 5);
    assert_true(clock_monotonic_ms() - start_ms >= 20 + 4 * 4);
    work_close(work);
    assert_int_equal(atomic_load(&most_in_job), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(close_runs_what_waits),
        cmocka_unit_test(full_queue_is_busy),
        cmocka_unit_test(periodic_jobs_repeat_and_do_not_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
