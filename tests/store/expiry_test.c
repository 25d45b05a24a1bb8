/* Old files go: what was in them is gone from log, queues and index, all else stays, and who reads from a file that
 * is deleted meanwhile may finish. */
#include "base/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "base/log.h"
#include "os/clock.h"
#include "os/file.h"
#include "support/store_box.h"

enum { MESSAGES = 400, OLD_FILES = 7, WAIT_MS = 20000 };

static struct box box;
static struct box_put stored[MESSAGES + 1];

static int make_box(void **state) {
    (void)state;
    box_init(&box);
    box.config.flush_interval_commit_log_ms = 10;
    box.config.flush_commit_log_least_pages = 0;
    box.config.delete_commit_log_files_interval_ms = 0;
    return 0;
}

static int remove_box(void **state) {
    (void)state;
    box_close(&box);
    return 0;
}

static size_t count_files(const char *folder) {
    struct arena arena = {0};
    const char **names;
    size_t count;
    char dir[256];
    snprintf(dir, sizeof dir, "%s/%s", box.root, folder);
    assert_ok(file_list(&arena, dir, &names, &count));
    arena_close(&arena);
    return count;
}

static void make_old(int files) {
    for (int i = 0; i < files; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/commitlog/%020d", box.root, i * box.config.mapped_file_size_commit_log);
        struct timespec times[2] = {{1000000, 0}, {1000000, 0}};
        assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    }
}

static int64_t min_phys(struct store *store) {
    struct store_facts facts;
    store_facts(store, &facts);
    return facts.min_phys;
}

/* Deletes until the log begins at min; the queues follow. */
static void delete_up_to(struct store *store, int64_t min) {
    int64_t deadline_ms = clock_monotonic_ms() + WAIT_MS;
    struct queue *queue = box_queue(store, 0);
    while (min_phys(store) < min || queue_min(queue) == 0) {
        assert_true(clock_monotonic_ms() < deadline_ms);
        store_delete_expired(store);
        clock_sleep_ms(10);
    }
    clock_sleep_ms(50); /* and no more than that */
    assert_int_equal(min_phys(store), min);
}

static void expect_gone(struct store *store, const struct box_put *put) {
    struct store_slice slice;
    struct queue *queue = box_queue(store, put->number);
    struct queue_entry entry;
    assert_err(store_record_at(store, put->offset_phys, &slice), ERR_NOT_FOUND);
    assert_true(queue_min(queue) > put->offset_queue);
    assert_err(queue_entry_at(store, queue, put->offset_queue, &entry), ERR_NOT_FOUND);
    struct arena arena = {0};
    struct get get = {.queue = queue, .offset_queue = put->offset_queue, .max_count = 1, .may_wait = true};
    store_get(store, &arena, &get);
    assert_int_equal(get.status, GET_OFFSET_TOO_SMALL);
    assert_int_equal(get.next_offset, queue_min(queue));
    arena_close(&arena);
}

static void expect_from(struct store *store, int64_t min) {
    int64_t left = 0;
    for (int n = 0; n < MESSAGES; n++) {
        if (stored[n].offset_phys < min) {
            expect_gone(store, &stored[n]);
        } else {
            box_check(store, &stored[n]);
            left++;
        }
    }
    assert_true(left > 0 && left < MESSAGES);
}

static void old_files_go_and_readers_finish(void **state) {
    (void)state;
    struct store *store = box_open(&box);
    for (int n = 0; n < MESSAGES; n++) box_put(store, n, &stored[n]);
    assert_ok(store_wait_flushed(store, stored[MESSAGES - 1].end_phys, WAIT_MS));
    box_settle(store);
    size_t index_files = count_files("index"), queue_files = count_files("consumequeue/Topic0/0");
    struct store_slice held;
    assert_ok(store_record_at(store, stored[0].offset_phys, &held));

    make_old(OLD_FILES);
    int64_t min = OLD_FILES * (int64_t)box.config.mapped_file_size_commit_log;
    delete_up_to(store, min);
    box_check_record(held.bytes, &stored[0]);
    store_release(held.hold);
    expect_from(store, min);
    assert_true(count_files("index") < index_files);
    assert_true(count_files("consumequeue/Topic0/0") < queue_files);

    /* The same after a stop, and numbers of queues go on. */
    store_close(store);
    store = box_open(&box);
    assert_int_equal(min_phys(store), min);
    expect_from(store, min);
    box_put(store, MESSAGES, &stored[MESSAGES]);
    box_settle(store);
    box_check(store, &stored[MESSAGES]);
    assert_int_equal(stored[MESSAGES].offset_queue, queue_max(box_queue(store, MESSAGES)) - 1);
    assert_true(stored[MESSAGES].offset_queue > MESSAGES / BOX_TOPICS / BOX_QUEUES - 1);
    store_close(store);
}

/* Everything is old, but what is written to stays. */
static void newest_file_stays(void **state) {
    (void)state;
    struct store *store = box_open(&box);
    for (int n = 0; n < MESSAGES; n++) box_put(store, n, &stored[n]);
    assert_ok(store_wait_flushed(store, stored[MESSAGES - 1].end_phys, WAIT_MS));
    box_settle(store);
    int64_t size = box.config.mapped_file_size_commit_log;
    int64_t newest = stored[MESSAGES - 1].end_phys / size;
    make_old((int)newest + 1);
    delete_up_to(store, newest * size);
    box_check(store, &stored[MESSAGES - 1]);
    store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(old_files_go_and_readers_finish, make_box, remove_box),
        cmocka_unit_test_setup_teardown(newest_file_stays, make_box, remove_box),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
