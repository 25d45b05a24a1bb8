/* timer_log_test.c - ends of files, cuts, and what expires */
#include "store/timer_log.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/test.h"
#include "os/file.h"

enum { FILE_BYTES = 4096, PER_FILE = (FILE_BYTES - 16) / TIMER_UNIT_BYTES };

static char dir[64];
static struct timer_log timer_log;

static int set_up(void **state) {
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/rmq_timer_log_XXXXXX");
    assert_non_null(mkdtemp(dir));
    assert_ok(timer_log_open(&timer_log, dir, FILE_BYTES));
    assert_ok(timer_log_cut(&timer_log, 0));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    timer_log_close(&timer_log);
    return file_remove_tree(dir) == ERR_OK ? 0 : -1;
}

static void append(int count) {
    for (int i = 0; i < count; i++) {
        int64_t position;
        struct timer_unit unit = {.prev = timer_log.end - TIMER_UNIT_BYTES,
                                  .kind = TIMER_UNIT_MESSAGE | TIMER_UNIT_ROLL,
                                  .write_ms = 1795479126000,
                                  .delay_ms = -i,
                                  .offset_phys = timer_log.end,
                                  .size_bytes = 100,
                                  .topic_hash = -7};
        assert_ok(timer_log_append(&timer_log, &unit, &position));
    }
}

static int count_from(int64_t position) {
    struct timer_unit unit;
    int count = 0;
    for (; timer_log_next(&timer_log, &position, &unit) == ERR_OK; position += TIMER_UNIT_BYTES) count++;
    return count;
}

static void units_go_on_in_the_next_file(void **state) {
    (void)state;
    struct timer_unit unit;
    append(2 * PER_FILE + 3);
    assert_int_equal(timer_log.end, 2 * FILE_BYTES + 3 * TIMER_UNIT_BYTES);
    assert_int_equal(count_from(0), 2 * PER_FILE + 3);
    assert_ok(timer_log_read(&timer_log, FILE_BYTES + TIMER_UNIT_BYTES, &unit));
    assert_int_equal(unit.delay_ms, -(PER_FILE + 1));
    assert_int_equal(timer_unit_slot_ms(&unit), 1795479126000 - PER_FILE - 1);
    assert_int_equal(unit.topic_hash, -7);
    assert_err(timer_log_read(&timer_log, FILE_BYTES - 16, &unit), ERR_CORRUPT);
    assert_err(timer_log_read(&timer_log, 1, &unit), ERR_CORRUPT);
    assert_err(timer_log_read(&timer_log, 3 * FILE_BYTES, &unit), ERR_NOT_FOUND);
    assert_ok(timer_log_sync(&timer_log, timer_log.end));
}

static void what_is_cut_is_gone(void **state) {
    (void)state;
    append(2 * PER_FILE + 3);
    assert_ok(timer_log_cut(&timer_log, FILE_BYTES + 2 * TIMER_UNIT_BYTES));
    assert_int_equal(count_from(0), PER_FILE + 2);
    append(1);
    assert_int_equal(count_from(0), PER_FILE + 3);
    assert_ok(timer_log_cut(&timer_log, FILE_BYTES)); /* at the end of a file */
    append(1);
    assert_int_equal(count_from(0), PER_FILE + 1);
    timer_log_close(&timer_log);
    assert_ok(timer_log_open(&timer_log, dir, FILE_BYTES));
    assert_int_equal(count_from(0), PER_FILE + 1);
}

static void files_of_deleted_messages_go(void **state) {
    (void)state;
    append(3 * PER_FILE);
    assert_ok(timer_log_expire(&timer_log, FILE_BYTES));
    assert_int_equal(timer_log_begin(&timer_log), FILE_BYTES);
    assert_int_equal(count_from(FILE_BYTES), 2 * PER_FILE);
    assert_ok(timer_log_expire(&timer_log, INT64_MAX)); /* the last one stays */
    assert_int_equal(timer_log_begin(&timer_log), 2 * FILE_BYTES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(units_go_on_in_the_next_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_cut_is_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_of_deleted_messages_go, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
