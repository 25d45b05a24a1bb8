/* The policy, with a log that is only counted. */
#include "store/retention.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include "base/test.h"
#include "os/clock.h"
#include "os/file.h"
#include "store/store.h"

enum { FILES = 30, HOUR_MS = 3600000 };

/* A log of FILES files; each is a per cent of the disk. */
static char dir[64];
static _Atomic int first, derived, fail_drops;
static _Atomic int used_percent;

static void path_of(int n, char *path, size_t size) {
    snprintf(path, size, "%s/%02d", dir, n);
}

static bool oldest_log_file(void *owner, char *path, size_t size) {
    (void)owner;
    if (atomic_load(&first) == FILES - 1) return false;
    path_of(atomic_load(&first), path, size);
    return true;
}

static enum err drop_oldest_log_file(void *owner) {
    (void)owner;
    if (atomic_load(&fail_drops) > 0) {
        atomic_fetch_sub(&fail_drops, 1);
        return ERR_IO;
    }
    assert_true(atomic_load(&first) < FILES - 1);
    atomic_fetch_add(&first, 1);
    atomic_fetch_sub(&used_percent, 1);
    return ERR_OK;
}

static void drop_derived(void *owner) {
    (void)owner;
    atomic_store(&derived, atomic_load(&first));
}

static enum err disk_used(void *owner, const char *where, double *out) {
    (void)owner;
    *out = strcmp(where, dir) == 0 ? atomic_load(&used_percent) / 100.0 : 0.01;
    return ERR_OK;
}

static const struct retention_files files = {NULL, oldest_log_file, drop_oldest_log_file, drop_derived, disk_used};
static struct store_config config;

/* The first `old` files are older than the default of 72 hours. Rounds come every millisecond. */
static void set_up(int old, int percent) {
    atomic_store(&first, 0);
    atomic_store(&derived, -1);
    atomic_store(&used_percent, percent);
    for (int n = 0; n < FILES; n++) {
        char path[128];
        path_of(n, path, sizeof path);
        assert_int_equal(file_replace(path, BYTES("x"), false), ERR_OK);
        int64_t mtime_ms = clock_wall_ms() - (n < old ? 72 * HOUR_MS + 1000 : 72 * HOUR_MS - 60000);
        struct timespec times[2] = {{mtime_ms / 1000, 0}, {mtime_ms / 1000, 0}};
        assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    }
    store_config_init(&config);
    config.clean_resource_interval_ms = 1;
    config.delete_commit_log_files_interval_ms = 0;
    time_t now_s = (time_t)(clock_wall_ms() / 1000);
    struct tm local;
    localtime_r(&now_s, &local);
    static char other_hour[16];
    snprintf(other_hour, sizeof other_hour, "%02d;%d", (local.tm_hour + 12) % 24, (local.tm_hour + 6) % 24);
    config.delete_when = bytes_of(other_hour);
}

static struct retention *start(void) {
    struct retention *retention;
    assert_int_equal(retention_start(&config, dir, "/", &files, &retention), ERR_OK);
    return retention;
}

static bool wait_for(_Atomic int *value, int expected) {
    for (int i = 0; i < 5000 && atomic_load(value) != expected; i++) clock_sleep_ms(1);
    return atomic_load(value) == expected;
}

static int make_dir(void **state) {
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/retention-XXXXXX");
    assert_non_null(mkdtemp(dir));
    return 0;
}

static int remove_dir(void **state) {
    (void)state;
    return file_remove_tree(dir) == ERR_OK ? 0 : -1;
}

static void expired_files_go_at_the_hour(void **state) {
    (void)state;
    set_up(12, 10);
    time_t now_s = (time_t)(clock_wall_ms() / 1000);
    struct tm local;
    localtime_r(&now_s, &local);
    char hours[32];
    snprintf(hours, sizeof hours, "x; %02d ;%02d", local.tm_hour, (local.tm_hour + 1) % 24);
    config.delete_when = bytes_of(hours);
    struct retention *retention = start();
    assert_true(wait_for(&derived, 12));
    clock_sleep_ms(20);
    assert_int_equal(atomic_load(&first), 12);
    assert_false(retention_disk_full(retention));
    retention_stop(retention);
}

static void nothing_goes_at_another_hour(void **state) {
    (void)state;
    set_up(12, 75);
    struct retention *retention = start();
    assert_true(wait_for(&derived, 0)); /* what an earlier stop may have left */
    clock_sleep_ms(30);
    assert_int_equal(atomic_load(&first), 0);
    retention_stop(retention);
}

static void expired_files_go_when_asked(void **state) {
    (void)state;
    set_up(12, 10);
    config.clean_resource_interval_ms = 1000000;
    struct retention *retention = start();
    clock_sleep_ms(20);
    assert_int_equal(atomic_load(&first), 0);
    retention_run_now(retention);
    assert_true(wait_for(&derived, 10)); /* deleteFileBatchMax */
    assert_int_equal(atomic_load(&first), 10);
    retention_stop(retention);
}

static void expired_files_go_when_space_is_short(void **state) {
    (void)state;
    set_up(12, 80);
    struct retention *retention = start();
    assert_true(wait_for(&derived, 10)); /* a batch; then less than 75 % are in use */
    clock_sleep_ms(20);
    assert_int_equal(atomic_load(&first), 10);
    assert_false(retention_disk_full(retention));
    retention_stop(retention);
}

static void young_files_go_only_until_there_is_space(void **state) {
    (void)state;
    set_up(0, 95);
    config.clean_resource_interval_ms = 1000000; /* does not wait for the first round */
    struct retention *retention = start();
    assert_true(wait_for(&derived, 10));
    clock_sleep_ms(20);
    assert_int_equal(atomic_load(&first), 10); /* 85 % */
    assert_false(retention_disk_full(retention));
    retention_stop(retention);
}

static void young_files_stay_when_told_so(void **state) {
    (void)state;
    set_up(1, 95);
    config.clean_file_forcibly_enable = false;
    struct retention *retention = start();
    assert_true(wait_for(&derived, 1));
    clock_sleep_ms(20);
    assert_int_equal(atomic_load(&first), 1);
    assert_true(retention_disk_full(retention));
    retention_stop(retention);
}

static void last_file_stays(void **state) {
    (void)state;
    set_up(FILES, 99);
    struct retention *retention = start();
    assert_true(wait_for(&first, FILES - 1));
    clock_sleep_ms(10);
    assert_int_equal(atomic_load(&first), FILES - 1);
    retention_stop(retention);
}

static void full_disk_is_known_before_the_start_returns(void **state) {
    (void)state;
    set_up(0, 91);
    config.clean_file_forcibly_enable = false;
    struct retention *retention = start();
    assert_true(retention_disk_full(retention));
    assert_true(retention_log_disk_ratio(retention) > 0.905);
    assert_true(retention_root_disk_ratio(retention) < 0.02);
    atomic_store(&used_percent, 90);
    for (int i = 0; i < 5000 && retention_disk_full(retention); i++) clock_sleep_ms(1);
    assert_false(retention_disk_full(retention));
    retention_stop(retention);
}

static void failed_deletion_is_tried_again(void **state) {
    (void)state;
    set_up(3, 80);
    atomic_store(&fail_drops, 2);
    struct retention *retention = start();
    assert_true(wait_for(&derived, 3));
    retention_stop(retention);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)
    const struct CMUnitTest tests[] = {
        TEST(expired_files_go_at_the_hour),
        TEST(nothing_goes_at_another_hour),
        TEST(expired_files_go_when_asked),
        TEST(expired_files_go_when_space_is_short),
        TEST(young_files_go_only_until_there_is_space),
        TEST(young_files_stay_when_told_so),
        TEST(last_file_stays),
        TEST(full_disk_is_known_before_the_start_returns),
        TEST(failed_deletion_is_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
