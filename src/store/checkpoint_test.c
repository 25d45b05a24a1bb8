/* Layout, the reference time, and files that say too much. */
#include "store/checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/endian.h"
#include "base/test.h"
#include "os/clock.h"
#include "os/file.h"

static char dir[64], path[128];

static int make_dir(void **state) {
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/checkpoint-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/checkpoint", dir);
    return 0;
}

static int remove_dir(void **state) {
    (void)state;
    return file_remove_tree(dir) == ERR_OK ? 0 : -1;
}

static void write_file(const void *data, size_t len) {
    assert_int_equal(file_replace(path, bytes_make(data, len), false), ERR_OK);
}

static void missing_file_is_all_zero(void **state) {
    (void)state;
    struct checkpoint checkpoint;
    assert_int_equal(checkpoint_open(path, &checkpoint), ERR_OK);
    assert_int_equal(checkpoint.physic_ms, 0);
    assert_int_equal(checkpoint_reference_ms(&checkpoint, true), 0);
    assert_int_equal(checkpoint_flush(&checkpoint), ERR_OK);
    checkpoint_close(&checkpoint);
    struct buf content = {0};
    assert_int_equal(file_read_all(path, 10000, &content), ERR_OK);
    assert_int_equal(content.len, CHECKPOINT_SIZE_BYTES);
    for (size_t i = 0; i < content.len; i++) assert_int_equal(content.data[i], 0);
    buf_close(&content);
}

static struct checkpoint opened(void) {
    struct checkpoint checkpoint;
    assert_int_equal(checkpoint_open(path, &checkpoint), ERR_OK);
    return checkpoint;
}

static void own_values_hold_until_anything_changes(void **state) {
    (void)state;
    struct checkpoint checkpoint = opened();
    checkpoint.physic_ms = 1795479147986;
    checkpoint.safe_phys = 4711;
    checkpoint.entries_mark = 42;
    checkpoint.files_mark = 43;
    assert_int_equal(checkpoint_flush(&checkpoint), ERR_OK);
    checkpoint_close(&checkpoint);
    struct buf content = {0};
    assert_int_equal(file_read_all(path, 10000, &content), ERR_OK);
    for (int bit = -1; bit < 120 * 8; bit++) { /* each bit of both brokers' values */
        if (bit >= 0) content.data[bit / 8] = (char)(content.data[bit / 8] ^ 1 << bit % 8);
        write_file(content.data, content.len);
        checkpoint = opened();
        assert_int_equal(checkpoint.safe_phys, bit < 0 ? 4711 : -1);
        assert_int_equal(checkpoint.entries_mark, bit < 0 ? 42 : 0);
        assert_int_equal(checkpoint.files_mark, bit < 0 ? 43 : 0);
        checkpoint_close(&checkpoint);
        if (bit >= 0) content.data[bit / 8] = (char)(content.data[bit / 8] ^ 1 << bit % 8);
    }
    buf_close(&content);
    assert_int_equal(file_unlink(path), ERR_OK);
}

static void values_are_big_endian_in_this_order(void **state) {
    (void)state;
    char page[CHECKPOINT_SIZE_BYTES] = {0};
    for (int i = 0; i < 5; i++) store_u64be(page + 8 * i, (uint64_t)(1795479147986 + i));
    write_file(page, sizeof page);
    struct checkpoint checkpoint;
    assert_int_equal(checkpoint_open(path, &checkpoint), ERR_OK);
    assert_int_equal(checkpoint.physic_ms, 1795479147986);
    assert_int_equal(checkpoint.logics_ms, 1795479147987);
    assert_int_equal(checkpoint.index_ms, 1795479147988);
    assert_int_equal(checkpoint.master_flushed_phys, 1795479147989);
    assert_int_equal(checkpoint.confirm_phys, 1795479147990);
    assert_int_equal(checkpoint_flush(&checkpoint), ERR_OK);
    checkpoint_close(&checkpoint);
    struct buf content = {0};
    assert_int_equal(file_read_all(path, 10000, &content), ERR_OK);
    assert_true(bytes_equal(buf_bytes(&content), bytes_make(page, sizeof page)));
    buf_close(&content);
}

static void reference_is_three_seconds_before_the_older(void **state) {
    (void)state;
    struct checkpoint checkpoint = {.physic_ms = 20000, .logics_ms = 10000, .index_ms = 5000};
    assert_int_equal(checkpoint_reference_ms(&checkpoint, false), 7000);
    assert_int_equal(checkpoint_reference_ms(&checkpoint, true), 5000);
    checkpoint.index_ms = 9000;
    assert_int_equal(checkpoint_reference_ms(&checkpoint, true), 7000);
    checkpoint.physic_ms = 2000;
    assert_int_equal(checkpoint_reference_ms(&checkpoint, false), 0);
}

/* Too new a time would lose messages: such files count as empty. */
static void damaged_files_count_as_empty(void **state) {
    (void)state;
    char page[CHECKPOINT_SIZE_BYTES] = {0};
    struct checkpoint checkpoint;
    int64_t bad[] = {-1, INT64_MAX, clock_wall_ms() + 2 * 86400000};
    for (size_t i = 0; i < 3; i++)
        for (int at = 0; at < 24; at += 8) {
            for (int j = 0; j < 24; j += 8) store_u64be(page + j, 1000000);
            store_u64be(page + at, (uint64_t)bad[i]);
            write_file(page, sizeof page);
            assert_int_equal(checkpoint_open(path, &checkpoint), ERR_OK);
            assert_int_equal(checkpoint.physic_ms, 0);
            assert_int_equal(checkpoint.logics_ms, 0);
            assert_int_equal(checkpoint.index_ms, 0);
            checkpoint_close(&checkpoint);
        }
    size_t lengths[] = {0, 1, 24, 4095, 4097};
    for (size_t i = 0; i < 5; i++) {
        char content[4097];
        memset(content, 0x11, sizeof content);
        write_file(content, lengths[i]);
        assert_int_equal(checkpoint_open(path, &checkpoint), ERR_OK);
        assert_int_equal(checkpoint.physic_ms, 0);
        checkpoint.physic_ms = 7;
        assert_int_equal(checkpoint_flush(&checkpoint), ERR_OK);
        checkpoint_close(&checkpoint);
        assert_int_equal(checkpoint_open(path, &checkpoint), ERR_OK);
        assert_int_equal(checkpoint.physic_ms, 7);
        assert_int_equal(checkpoint.confirm_phys, 0);
        checkpoint_close(&checkpoint);
    }
}

static int fail_sync(enum file_call call, const char *name) {
    (void)name;
    return call == FILE_SYNC ? EIO : 0;
}

static void failed_sync_is_told(void **state) {
    (void)state;
    struct checkpoint checkpoint;
    assert_int_equal(checkpoint_open(path, &checkpoint), ERR_OK);
    file_set_fault(fail_sync);
    assert_int_equal(checkpoint_flush(&checkpoint), ERR_IO);
    file_set_fault(NULL);
    checkpoint_close(&checkpoint);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(missing_file_is_all_zero, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(own_values_hold_until_anything_changes, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(values_are_big_endian_in_this_order, make_dir, remove_dir),
        cmocka_unit_test(reference_is_three_seconds_before_the_older),
        cmocka_unit_test_setup_teardown(damaged_files_count_as_empty, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(failed_sync_is_told, make_dir, remove_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
