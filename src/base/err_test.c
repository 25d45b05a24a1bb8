/* err_test.c - texts are kept, cut and per thread. */
#include "base/err.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include "base/test.h"

static void keeps_the_text_of_the_last_failure(void **state) {
    (void)state;
    assert_int_equal(fail(ERR_CORRUPT, "%s: bad magic at %d", "x/0", 12), ERR_CORRUPT);
    assert_string_equal(err_detail(ERR_CORRUPT), "x/0: bad magic at 12");
    assert_string_equal(err_detail(ERR_BUSY), "busy");
    assert_int_equal(fail(ERR_BAD_CONFIG, "broker.conf: %s", err_detail(ERR_CORRUPT)), ERR_BAD_CONFIG);
    assert_string_equal(err_detail(ERR_BAD_CONFIG), "broker.conf: x/0: bad magic at 12");
    assert_string_equal(err_name(ERR_CORRUPT), "CORRUPT");
}

static void names_the_system_error(void **state) {
    (void)state;
    errno = ENOENT;
    assert_int_equal(fail_errno(ERR_IO, "cannot open %s", "/x"), ERR_IO);
    assert_string_equal(err_detail(ERR_IO), "cannot open /x: No such file or directory");
    errno = ENOSPC;
    assert_int_equal(fail_errno(ERR_IO, "write"), ERR_DISK_FULL);
    assert_string_equal(err_detail(ERR_DISK_FULL), "write: No space left on device");
}

static void cuts_long_texts(void **state) {
    (void)state;
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    errno = EIO;
    assert_int_equal(fail_errno(ERR_IO, "%s", text), ERR_IO);
    assert_true(strlen(err_detail(ERR_IO)) < 600);
}

static void *fail_elsewhere(void *arg) {
    *(enum err *)arg = fail(ERR_BUSY, "of the other thread");
    return NULL;
}

static void is_per_thread(void **state) {
    (void)state;
    assert_int_equal(fail(ERR_BUSY, "mine"), ERR_BUSY);
    pthread_t thread;
    enum err err = ERR_OK;
    assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, &err), 0);
    pthread_join(thread, NULL);
    assert_int_equal(err, ERR_BUSY);
    assert_string_equal(err_detail(ERR_BUSY), "mine");
}

static enum err tries(enum err first, int *steps) {
    ++*steps;
    TRY(first);
    ++*steps;
    return ERR_OK;
}

static void try_returns_early(void **state) {
    (void)state;
    int steps = 0;
    assert_err(tries(ERR_TIMEOUT, &steps), ERR_TIMEOUT);
    assert_int_equal(steps, 1);
    assert_ok(tries(ERR_OK, &steps));
    assert_int_equal(steps, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_text_of_the_last_failure),
        cmocka_unit_test(names_the_system_error),
        cmocka_unit_test(cuts_long_texts),
        cmocka_unit_test(is_per_thread),
        cmocka_unit_test(try_returns_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
