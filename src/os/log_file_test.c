/* log_file_test.c - rotation, a disk that hangs or is full, many threads. */
#include "os/log_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "base/check.h"
#include "base/log.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/thread.h"

static char dir[64];

static int make_dir(void **state) {
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/log_file_test.XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state) {
    (void)state;
    log_close();
    file_set_fault(NULL);
    return file_remove_tree(dir) == ERR_OK ? 0 : -1;
}

static void open_logs(int64_t rotate_bytes, int keep) {
    struct log_file_options options = {.dir = dir, .name = "broker", .rotate_bytes = rotate_bytes, .keep = keep};
    assert_int_equal(log_open(&options), ERR_OK);
}

/* The content of a file in the folder, NUL-terminated; the caller closes it. */
static struct buf content(const char *name) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    struct buf text = {0};
    if (file_exists(path)) assert_int_equal(file_read_all(path, 64 << 20, &text), ERR_OK);
    buf_append_char(&text, '\0');
    return text;
}

static int count_of(const char *text, const char *word) {
    int count = 0; /* strstr reads all there is, under the sanitizers each time */
    for (const char *at = text; (at = strchr(at, *word)) != NULL; at++) count += strncmp(at, word, strlen(word)) == 0;
    return count;
}

static void store_lines_also_go_to_the_store_log(void **state) {
    (void)state;
    open_logs(0, 0);
    log_info(MAIN, "started: port=%d", 10911);
    log_warn(STORE, "segment created: path=%s", "x");
    log_close();
    struct buf all = content("broker.log"), store = content("store.log");
    assert_non_null(strstr(all.data, " INFO "));
    assert_non_null(strstr(all.data, "started: port=10911\n"));
    assert_non_null(strstr(all.data, "segment created: path=x\n"));
    assert_null(strstr(store.data, "started"));
    assert_non_null(strstr(store.data, "segment created: path=x\n"));
    buf_close(&all);
    buf_close(&store);
}

static void full_files_are_rotated_and_the_oldest_removed(void **state) {
    (void)state;
    open_logs(4096, 2);
    for (int i = 0; i < 400; i++) log_info(MAIN, "line number %d", i);
    log_close();
    struct buf now = content("broker.log"), first = content("otherdays/broker.1.log");
    struct buf second = content("otherdays/broker.2.log"), third = content("otherdays/broker.3.log");
    assert_non_null(strstr(now.data, "line number 399\n"));
    assert_true(first.len > 1 && second.len > 1 && first.len <= 4097 && second.len <= 4097);
    assert_int_equal(third.len, 1);
    buf_close(&now);
    buf_close(&first);
    buf_close(&second);
    buf_close(&third);
}

static atomic_bool disk_hangs;
static int slow_disk(enum file_call call, const char *path) {
    (void)path;
    while (call == FILE_WRITE && atomic_load(&disk_hangs)) clock_sleep_ms(1);
    return 0;
}

enum { WRITERS = 3, LINES = 2000, FILLER_BYTES = 1000 };

static void write_marks(void *arg) {
    (void)arg;
    char filler[FILLER_BYTES + 1];
    memset(filler, 'x', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    for (int i = 0; i < LINES; i++) log_info(MAIN, "mark %s", filler);
}

/* Lines are dropped while the disk hangs, and may be while it is slower than those who write; the last are told of at
 * the end. */
static void a_disk_that_hangs_blocks_nobody_and_the_loss_is_told(void **state) {
    (void)state;
    file_set_fault(slow_disk);
    atomic_store(&disk_hangs, true);
    open_logs(0, 0);
    write_marks(NULL); /* more than the ring holds */
    pthread_t threads[WRITERS];
    for (int i = 0; i < WRITERS; i++) assert_int_equal(thread_start(&threads[i], "writer", write_marks, NULL), ERR_OK);
    atomic_store(&disk_hangs, false);
    for (int i = 0; i < WRITERS; i++) thread_join(threads[i]);
    atomic_store(&disk_hangs, true);
    write_marks(NULL);
    atomic_store(&disk_hangs, false);
    log_close();
    struct buf all = content("broker.log");
    int written = count_of(all.data, "mark "), dropped = 0;
    static const char told[] = "log lines dropped, the ring was full: count=";
    for (const char *at = all.data; (at = strstr(at, told)) != NULL; at++) dropped += atoi(at + strlen(told));
    assert_true(dropped > 0);
    assert_int_equal(written + dropped, (WRITERS + 2) * LINES);
    buf_close(&all);
}

static int no_space(enum file_call call, const char *path) {
    (void)path;
    return call == FILE_WRITE ? ENOSPC : 0;
}

static void a_full_disk_is_survived(void **state) {
    (void)state;
    open_logs(0, 0);
    file_set_fault(no_space);
    log_info(MAIN, "lost");
    log_close();
    file_set_fault(NULL);
    open_logs(0, 0);
    log_info(MAIN, "kept");
    log_close();
    struct buf all = content("broker.log");
    assert_null(strstr(all.data, "lost"));
    assert_non_null(strstr(all.data, "kept\n"));
    buf_close(&all);
}

static void one_thread_of_many(void *arg) {
    for (int i = 0; i < 500; i++) log_info(MAIN, "from %d line %d.", *(int *)arg, i);
}

static void lines_of_many_threads_stay_whole(void **state) {
    (void)state;
    enum { THREADS = 4 };
    open_logs(0, 0);
    pthread_t threads[THREADS];
    int numbers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(thread_start(&threads[i], "many", one_thread_of_many, &numbers[i]), ERR_OK);
    }
    for (int i = 0; i < THREADS; i++) thread_join(threads[i]);
    log_close();
    struct buf all = content("broker.log");
    assert_int_equal(count_of(all.data, " INFO many - from "), THREADS * 500);
    assert_int_equal(count_of(all.data, ".\n"), THREADS * 500);
    buf_close(&all);
}

static void a_folder_that_cannot_be_made_is_told(void **state) {
    (void)state;
    struct log_file_options options = {.dir = "/proc/nowhere", .name = "broker"};
    assert_int_not_equal(log_open(&options), ERR_OK);
    log_close();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(store_lines_also_go_to_the_store_log, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(full_files_are_rotated_and_the_oldest_removed, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_disk_that_hangs_blocks_nobody_and_the_loss_is_told, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_full_disk_is_survived, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(lines_of_many_threads_stay_whole, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_folder_that_cannot_be_made_is_told, make_dir, remove_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
