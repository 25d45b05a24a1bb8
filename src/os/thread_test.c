/* thread_test.c - names, signals, clocks. */
#include "os/thread.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <cmocka.h>
#include "os/clock.h"

struct seen {
    char name[16];
    int blocked;
};

static void look_around(void *arg) {
    struct seen *seen = arg;
    strcpy(seen->name, thread_name());
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    seen->blocked = sigismember(&mask, SIGTERM);
}

static void a_thread_has_its_name_and_no_signals(void **state) {
    (void)state;
    struct seen seen;
    pthread_t thread;
    assert_int_equal(thread_start(&thread, "a-name-that-is-too-long", look_around, &seen), ERR_OK);
    thread_join(thread);
    assert_string_equal(seen.name, "a-name-that-is-");
    assert_int_equal(seen.blocked, 1);
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    assert_int_equal(sigismember(&mask, SIGTERM), 0);
}

static void give_way(void *arg) {
    thread_give_way();
    *(int *)arg = getpriority(PRIO_PROCESS, 0);
}

static void one_thread_gives_way_the_others_do_not(void **state) {
    (void)state;
    pthread_t thread;
    int before = getpriority(PRIO_PROCESS, 0), nice_of_thread = before;
    assert_int_equal(thread_start(&thread, "gives-way", give_way, &nice_of_thread), ERR_OK);
    thread_join(thread);
    assert_true(nice_of_thread > before || before >= 10);
    assert_int_equal(getpriority(PRIO_PROCESS, 0), before);
}

static void facts_of_the_machine_make_sense(void **state) {
    (void)state;
    assert_true(thread_cpu_count() >= 1);
    assert_true(machine_memory_bytes() > 64 << 20);
    unsigned char a[16] = {0}, b[16] = {0};
    random_bytes(a, sizeof a);
    random_bytes(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
}

static void clocks_go_on_and_the_wall_can_be_shifted(void **state) {
    (void)state;
    int64_t ns = clock_monotonic_ns(), ms = clock_monotonic_ms(), wall_ms = clock_wall_ms();
    clock_sleep_ms(5);
    assert_true(clock_monotonic_ns() - ns >= 5000000);
    assert_true(clock_monotonic_ms() - ms >= 4);
    clock_shift_wall_ms(3600000);
    assert_true(clock_wall_ms() - wall_ms >= 3600000);
    clock_shift_wall_ms(-3600000);
    assert_true(clock_wall_ms() - wall_ms < 3600000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_has_its_name_and_no_signals),
        cmocka_unit_test(one_thread_gives_way_the_others_do_not),
        cmocka_unit_test(facts_of_the_machine_make_sense),
        cmocka_unit_test(clocks_go_on_and_the_wall_can_be_shifted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
