/* lock_test.c - the order is checked, locks exclude, conditions wake. */
#include "base/lock.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/test.h"

static struct lock upper, lower;

/* Runs `body` in a child process; true when it aborted. */
static bool aborts(void (*body)(void)) {
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(STDERR_FILENO);
        body();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void in_order(void) {
    lock_take(&upper);
    lock_take(&lower);
    lock_give(&lower);
    lock_give(&upper);
}
static void out_of_order(void) {
    lock_take(&lower);
    lock_take(&upper);
}
static void twice(void) {
    lock_take(&upper);
    lock_try(&upper);
}
static void give_what_is_not_held(void) {
    lock_give(&lower);
}

static void checks_the_order(void **state) {
    (void)state;
    if (!LOCK_CHECKED) skip();
    assert_false(aborts(in_order));
    assert_true(aborts(out_of_order));
    assert_true(aborts(twice));
    assert_true(aborts(give_what_is_not_held));
}

static struct cond ready;
static bool done, proceed;
static int counter;

static void *count(void *arg) {
    (void)arg;
    for (int i = 0; i < 10000; i++) {
        lock_take(&lower);
        counter++;
        lock_give(&lower);
    }
    lock_take(&lower);
    done = true;
    cond_signal(&ready);
    while (!proceed) cond_wait(&ready, &lower);
    lock_give(&lower);
    return NULL;
}

static void excludes_and_wakes(void **state) {
    (void)state;
    cond_init(&ready);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, count, NULL), 0);
    for (int i = 0; i < 10000; i++) {
        lock_take(&lower);
        counter++;
        lock_give(&lower);
    }
    lock_take(&lower);
    while (!done) assert_true(cond_wait_ms(&ready, &lower, 10000));
    assert_int_equal(counter, 20000);
    proceed = true;
    cond_broadcast(&ready);
    lock_give(&lower);
    pthread_join(thread, NULL);
    cond_close(&ready);
}

static void *try_taken(void *arg) {
    *(bool *)arg = lock_try(&upper);
    return NULL;
}

static void try_and_timeout_give_up(void **state) {
    (void)state;
    struct cond never;
    cond_init(&never);
    lock_take(&upper);
    assert_false(cond_wait_ms(&never, &upper, 5));
    bool taken = true;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, try_taken, &taken), 0);
    pthread_join(thread, NULL);
    assert_false(taken);
    lock_give(&upper);
    cond_close(&never);
}

int main(void) {
    lock_init(&upper, LOCK_TOPICS);
    lock_init(&lower, LOCK_LOG);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_the_order),
        cmocka_unit_test(excludes_and_wakes),
        cmocka_unit_test(try_and_timeout_give_up),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    lock_close(&lower);
    lock_close(&upper);
    return failed;
}
