/* mapped_queue_test.c - names, growth, cuts, and folders that are not as they should be. */
#include "store/mapped_queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "base/log.h"
#include "base/test.h"
#include "os/file.h"

enum { FILE_BYTES = 8192 };

static char dir[64];

static int set_up(void **state) {
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/rmq_mapped_XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return file_remove_tree(dir) == ERR_OK ? 0 : -1;
}

static void make_file(const char *name, int64_t size_bytes) {
    char path[128];
    int fd;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_ok(file_open(path, FILE_CREATE, &fd));
    assert_ok(file_resize(fd, path, size_bytes));
    file_close(fd);
}

static void test_names(void **state) {
    (void)state;
    int64_t start;
    char name[MAPPED_FILE_NAME_LEN + 1];
    mapped_file_format_name(524288, name);
    assert_string_equal(name, "00000000000000524288");
    assert_true(mapped_file_parse_name(bytes_of(name), &start));
    assert_int_equal(start, 524288);
    assert_false(mapped_file_parse_name(BYTES("0000000000000052428x"), &start));
    assert_false(mapped_file_parse_name(BYTES("1"), &start));
    assert_false(mapped_file_parse_name(BYTES("99999999999999999999"), &start)); /* more than 63 bits */
}

static void test_grow_find_drop(void **state) {
    (void)state;
    struct mapped_queue queue;
    assert_ok(mapped_queue_open(&queue, dir, FILE_BYTES, "setting"));
    assert_null(mapped_queue_find(&queue, 0));
    assert_null(mapped_queue_last(&queue));
    assert_ok(mapped_queue_grow(&queue, 3 * FILE_BYTES));
    assert_ok(mapped_queue_grow(&queue, 0));
    assert_ok(mapped_queue_grow(&queue, 0));
    assert_int_equal(mapped_queue_end(&queue), 6 * FILE_BYTES);
    assert_null(mapped_queue_find(&queue, 3 * FILE_BYTES - 1));
    assert_null(mapped_queue_find(&queue, 6 * FILE_BYTES));
    struct mapped_file *held = mapped_queue_find(&queue, 4 * FILE_BYTES - 1);
    assert_int_equal(held->start_phys, 3 * FILE_BYTES);
    assert_ok(mapped_file_reserve(held, 0, FILE_BYTES));
    memcpy(held->data, "kept", 4);

    assert_ok(mapped_queue_drop_first(&queue));
    assert_false(file_exists(held->path));
    assert_memory_equal(held->data, "kept", 4); /* readers go on */
    mapped_file_release(held);
    assert_null(mapped_queue_find(&queue, 3 * FILE_BYTES));
    assert_ok(mapped_queue_drop_after(&queue, 4 * FILE_BYTES + 1));
    assert_int_equal(mapped_queue_count(&queue), 1);
    assert_int_equal(mapped_queue_end(&queue), 5 * FILE_BYTES);
    mapped_queue_close(&queue);

    assert_ok(mapped_queue_open(&queue, dir, FILE_BYTES, "setting"));
    assert_int_equal(mapped_queue_count(&queue), 1);
    struct mapped_file *first = mapped_queue_first(&queue);
    assert_int_equal(first->start_phys, 4 * FILE_BYTES);
    mapped_file_release(first);
    mapped_queue_close(&queue);
}

static void test_cut_makes_zeros(void **state) {
    (void)state;
    static const char zeros[FILE_BYTES];
    struct mapped_file *file;
    assert_ok(mapped_file_open(dir, 0, FILE_BYTES, true, &file));
    memset(file->data, 'x', FILE_BYTES);
    assert_ok(mapped_file_cut(file, 5000));
    assert_int_equal(file->data[4999], 'x');
    assert_memory_equal(file->data + 5000, zeros, FILE_BYTES - 5000);
    struct stat st;
    assert_int_equal(stat(file->path, &st), 0);
    assert_int_equal(st.st_size, FILE_BYTES);
    assert_ok(mapped_file_sync(file));
    mapped_file_seal(file);
    assert_ok(mapped_file_sync(file));
    mapped_file_release(file);
}

static void test_size_of_files_wins(void **state) {
    (void)state;
    struct mapped_queue queue;
    make_file("00000000000000004096", 4096);
    make_file("00000000000000008192", 4096);
    make_file("00000000000000012288", 0); /* made by a process that was killed then */
    make_file("notes", 10);
    assert_ok(mapped_queue_open(&queue, dir, FILE_BYTES, "setting"));
    assert_int_equal(queue.file_bytes, 4096);
    assert_int_equal(mapped_queue_end(&queue), 12288);
    mapped_queue_close(&queue);
}

static void test_damage_is_named(void **state) {
    (void)state;
    struct mapped_queue queue;
    make_file("00000000000000000000", FILE_BYTES);
    make_file("00000000000000016384", FILE_BYTES);
    assert_err(mapped_queue_open(&queue, dir, FILE_BYTES, "setting"), ERR_CORRUPT);
    assert_non_null(strstr(err_detail(ERR_CORRUPT), "00000000000000008192 is missing"));
    make_file("00000000000000008192", 100);
    assert_err(mapped_queue_open(&queue, dir, FILE_BYTES, "setting"), ERR_CORRUPT);
    assert_non_null(strstr(err_detail(ERR_CORRUPT), "has 100 bytes"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test_setup_teardown(test_grow_find_drop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cut_makes_zeros, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_size_of_files_wins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damage_is_named, set_up, tear_down),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
