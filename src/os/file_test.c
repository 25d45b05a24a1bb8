/* file_test.c - files, maps and folders; what a failure at each call leaves behind. */
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/check.h"

static char dir[64];

static const char *in_dir(const char *name) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static int make_dir(void **state) {
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/file_test.XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state) {
    (void)state;
    file_set_fault(NULL);
    return file_remove_tree(dir) == ERR_OK && !file_exists(dir) ? 0 : -1;
}

static void assert_content(const char *path, const char *text) {
    struct buf got = {0};
    assert_int_equal(file_read_all(path, 1000, &got), ERR_OK);
    assert_true(bytes_is(buf_bytes(&got), text));
    buf_close(&got);
}

static void what_is_written_is_read_back(void **state) {
    (void)state;
    const char *path = in_dir("a");
    int fd;
    assert_int_equal(file_open(path, FILE_READ_ONLY, &fd), ERR_NOT_FOUND);
    assert_int_equal(file_open(path, FILE_CREATE, &fd), ERR_OK);
    assert_int_equal(file_pwrite(fd, path, "hello", 5, 3), ERR_OK);
    int64_t size_bytes;
    assert_int_equal(file_size(fd, &size_bytes), ERR_OK);
    assert_int_equal(size_bytes, 8);
    char got[5];
    assert_int_equal(file_pread(fd, path, got, 5, 3), ERR_OK);
    assert_memory_equal(got, "hello", 5);
    assert_int_equal(file_pread(fd, path, got, 5, 4), ERR_CORRUPT);
    struct buf all = {0};
    assert_int_equal(file_read_all(path, 7, &all), ERR_TOO_BIG);
    assert_int_equal(all.len, 0);
    buf_close(&all);
    file_close(fd);
}

/* Is the page of that address in this process's page table? */
static bool is_mapped(const char *data) {
    uint64_t entry = 0;
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &entry, sizeof entry, (off_t)((uintptr_t)data / 4096 * sizeof entry)), sizeof entry);
    close(fd);
    return entry >> 63;
}

static void pages_that_are_let_go_keep_what_they_hold(void **state) {
    (void)state;
    const char *path = in_dir("let_go");
    const int64_t size_bytes = 8 * 4096;
    int fd;
    char *data, got[2];
    assert_int_equal(file_open(path, FILE_CREATE, &fd), ERR_OK);
    assert_int_equal(file_resize(fd, path, size_bytes), ERR_OK);
    assert_int_equal(file_map(fd, path, size_bytes, true, &data), ERR_OK);
    memset(data, 'x', (size_t)size_bytes);
    file_let_go(data + 100, 3 * 4096); /* pages 1 and 2 are whole */
    assert_false(is_mapped(data + 4096) || is_mapped(data + 2 * 4096));
    assert_true(is_mapped(data) && is_mapped(data + 3 * 4096));
    file_let_go(data + 100, 50);
    assert_true(is_mapped(data));
    assert_int_equal(file_pread(fd, path, got, 2, 4096), ERR_OK);
    assert_memory_equal(got, "xx", 2);
    assert_int_equal(file_sync_mapped(data, (size_t)size_bytes, path), ERR_OK);
    data[2 * 4096] = 'y'; /* maps it again */
    assert_int_equal(data[2 * 4096 + 1], 'x');
    assert_int_equal(file_pread(fd, path, got, 2, 2 * 4096), ERR_OK);
    assert_memory_equal(got, "yx", 2);
    file_unmap(data, size_bytes);
    file_close(fd);
}

static void mapped_pages_can_be_populated_and_seen(void **state) {
    (void)state;
    const char *path = in_dir("map");
    const int64_t size_bytes = 64 * 4096;
    int fd;
    char *data;
    assert_int_equal(file_open(path, FILE_CREATE, &fd), ERR_OK);
    assert_int_equal(file_resize(fd, path, size_bytes), ERR_OK);
    assert_int_equal(file_reserve(fd, path, 0, size_bytes), ERR_OK);
    assert_int_equal(file_map(fd, path, size_bytes, true, &data), ERR_OK);
    assert_int_equal(file_resident_bytes(data + 100, 5 * 4096), 0);
    assert_int_equal(file_populate(data, 4096), ERR_OK);
    assert_in_range(file_resident_bytes(data + 100, 5 * 4096), 4096 - 100, 5 * 4096);
    assert_int_equal(file_populate(data + 100, 5 * 4096), ERR_OK);
    assert_int_equal(file_resident_bytes(data + 100, 5 * 4096), 5 * 4096);
    memcpy(data + 8191, "xy", 2);
    assert_int_equal(file_sync(fd, path), ERR_OK);
    char got[2];
    assert_int_equal(file_pread(fd, path, got, 2, 8191), ERR_OK);
    assert_memory_equal(got, "xy", 2);
    file_unmap(data, size_bytes);
    file_close(fd);
}

static void folders_are_made_listed_and_removed(void **state) {
    (void)state;
    char deep[128];
    snprintf(deep, sizeof deep, "%s/x/y/z", dir);
    assert_int_equal(file_make_dirs(deep), ERR_OK);
    assert_int_equal(file_make_dirs(deep), ERR_OK);
    assert_int_equal(file_replace(in_dir("x/b"), BYTES("1"), false), ERR_OK);
    assert_int_equal(file_replace(in_dir("x/a"), BYTES("1"), false), ERR_OK);
    assert_int_equal(file_make_dirs(in_dir("x/a")), ERR_IO); /* a file is in the way */
    struct arena arena = {0};
    const char **names;
    size_t count;
    assert_int_equal(file_list(&arena, in_dir("x"), &names, &count), ERR_OK);
    assert_int_equal(count, 3);
    assert_string_equal(names[0], "a");
    assert_string_equal(names[1], "b");
    assert_string_equal(names[2], "y");
    assert_int_equal(file_list(&arena, in_dir("missing"), &names, &count), ERR_OK);
    assert_int_equal(count, 0);
    arena_close(&arena);
    assert_int_equal(file_remove_tree(in_dir("missing")), ERR_OK);
    assert_int_equal(file_unlink(in_dir("missing")), ERR_OK);
}

static void replacing_keeps_the_former_content(void **state) {
    (void)state;
    char path[128], bak[128];
    snprintf(path, sizeof path, "%s/topics.json", dir);
    snprintf(bak, sizeof bak, "%s/topics.json.bak", dir);
    assert_int_equal(file_replace(path, BYTES("one"), true), ERR_OK);
    assert_false(file_exists(bak));
    assert_int_equal(file_replace(path, BYTES("two"), true), ERR_OK);
    assert_content(path, "two");
    assert_content(bak, "one");
    int64_t mtime_ms;
    assert_int_equal(file_mtime_ms(path, &mtime_ms), ERR_OK);
    assert_true(mtime_ms > 1500000000000);
}

static int calls_until_fault, fault_errno;
static int nth_call_fails(enum file_call call, const char *path) {
    (void)call, (void)path;
    return calls_until_fault-- == 0 ? fault_errno : 0;
}

/* Whichever call fails, a whole content is there: the former or the new one. */
static void a_replace_that_fails_anywhere_leaves_a_whole_file(void **state) {
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/f", dir);
    int failures = 0;
    for (int n = 0;; n++) {
        assert_int_equal(file_replace(path, BYTES("former"), false), ERR_OK);
        calls_until_fault = n;
        fault_errno = n % 2 ? ENOSPC : EIO;
        file_set_fault(nth_call_fails);
        enum err err = file_replace(path, BYTES("newer"), true);
        file_set_fault(NULL);
        struct buf got = {0};
        assert_int_equal(file_read_all(path, 100, &got), ERR_OK);
        bool is_newer = bytes_is(buf_bytes(&got), "newer");
        assert_true(is_newer || bytes_is(buf_bytes(&got), "former"));
        buf_close(&got);
        if (err == ERR_OK) {
            assert_true(is_newer);
            break;
        }
        assert_int_equal(err, n % 2 ? ERR_DISK_FULL : ERR_IO);
        failures++;
    }
    assert_true(failures >= 8); /* open, write, sync, rename of both files, sync of the folder */
}

static void a_locked_file_is_refused_to_others(void **state) {
    (void)state;
    const char *path = in_dir("lock");
    int first, second;
    assert_int_equal(file_open(path, FILE_CREATE, &first), ERR_OK);
    assert_int_equal(file_open(path, FILE_CREATE, &second), ERR_OK);
    assert_int_equal(file_lock_byte0(first, path), ERR_OK);
    assert_int_equal(file_lock_byte0(second, path), ERR_LOCKED);
    file_close(first);
    assert_int_equal(file_lock_byte0(second, path), ERR_OK);
    file_close(second);
}

static void disk_usage_is_a_ratio(void **state) {
    (void)state;
    int64_t total_bytes, free_bytes;
    double used_ratio;
    assert_int_equal(file_disk_usage(dir, &total_bytes, &free_bytes, &used_ratio), ERR_OK);
    assert_true(total_bytes > 0 && free_bytes >= 0 && free_bytes <= total_bytes);
    assert_true(used_ratio >= 0 && used_ratio <= 1);
    assert_int_equal(file_disk_usage("/nowhere/at/all", &total_bytes, &free_bytes, &used_ratio), ERR_IO);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read_back, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(pages_that_are_let_go_keep_what_they_hold, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(mapped_pages_can_be_populated_and_seen, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(folders_are_made_listed_and_removed, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(replacing_keeps_the_former_content, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_replace_that_fails_anywhere_leaves_a_whole_file, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_locked_file_is_refused_to_others, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(disk_usage_is_a_ratio, make_dir, remove_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
