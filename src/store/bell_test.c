/* bell_test.c - rings against sleepers, and time limits. */
#include "store/bell.h"

#include "base/test.h"
#include "os/clock.h"
#include "os/thread.h"

enum { ROUNDS = 20000 };

static struct bell bell;
static _Atomic int value;
static _Atomic int seen_value;

static void follow(void *arg) {
    (void)arg;
    for (;;) {
        uint32_t seen = bell_seen(&bell);
        int now = atomic_load(&value);
        atomic_store(&seen_value, now);
        if (now == ROUNDS) return;
        bell_wait(&bell, seen, -1);
    }
}

/* A missed ring would let both wait for ever; the test's time limit is the check. */
static void test_no_ring_is_missed(void **state) {
    (void)state;
    pthread_t thread;
    bell_init(&bell);
    assert_ok(thread_start(&thread, "follow", follow, NULL));
    for (int i = 1; i <= ROUNDS; i++) {
        atomic_store(&value, i);
        bell_ring(&bell);
        if (i % 64 == 0) {
            while (atomic_load(&seen_value) != i) {
            }
        }
    }
    thread_join(thread);
    assert_int_equal(atomic_load(&seen_value), ROUNDS);
}

static void test_timeout(void **state) {
    (void)state;
    bell_init(&bell);
    int64_t start_ms = clock_monotonic_ms();
    for (int i = 0; i < 20; i++) bell_wait(&bell, bell_seen(&bell), 1);
    assert_true(clock_monotonic_ms() - start_ms >= 19);
    uint32_t seen = bell_seen(&bell);
    bell_ring(&bell);
    bell_wait(&bell, seen, -1); /* rung since: returns at once */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_ring_is_missed),
        cmocka_unit_test(test_timeout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
