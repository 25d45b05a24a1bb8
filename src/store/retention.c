/* The thread that deletes and measures: when, how much, and what it says about full disks. */
#include "store/retention.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include "base/check.h"
#include "base/log.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/thread.h"
#include "store/bell.h"
#include "store/store.h"

/* @source shared facts: store 10.4 */
enum {
    FIRST_ROUND_INTERVALS = 6, /* of cleanResourceInterval: a restart is not disturbed by deletions */
    DISK_CHECK_MS = 1000,
    RUN_NOW_ROUNDS = 20,
    FORCIBLY_MIN = 30,
    FORCIBLY_MAX = 85,
    WARNING_MIN = 35,
    WARNING_MAX = 90, /* percent: other settings count as these */
    PATH_MAX_BYTES = 1200
};
#define HOUR_MS INT64_C(3600000)

struct retention {
    const struct store_config *config;
    const char *log_dir, *root_dir;
    struct retention_files files;
    struct bell bell; /* rung to stop and to run now */
    pthread_t thread, watch_thread;
    _Atomic bool stop;
    _Atomic int rounds_asked; /* by retention_run_now */
    _Atomic bool disk_full;
    _Atomic double log_ratio, root_ratio;
    bool derived_behind; /* files were dropped, what is derived from them not yet */
};

#define LIVE(retention, member) __atomic_load_n(&(retention)->config->member, __ATOMIC_RELAXED)

/* --- disks ----------------------------------------------------------------------------------------------- */

static double disk_used(struct retention *retention, const char *dir) {
    double used = -1;
    int64_t total_bytes, free_bytes;
    enum err err = retention->files.disk_used ? retention->files.disk_used(retention->files.owner, dir, &used)
                                              : file_disk_usage(dir, &total_bytes, &free_bytes, &used);
    if (err == ERR_OK) return used;
    log_every_ms(60000, ERROR, STORE, "disk cannot be measured: dir=%s error=%s", dir, err_detail(err));
    return -1;
}

static bool over(const struct retention *retention, int percent) {
    return atomic_load(&retention->log_ratio) * 100 > percent || atomic_load(&retention->root_ratio) * 100 > percent;
}

/* Used space is over the level at which files go whatever their age. */
static bool must_make_space(const struct retention *retention) {
    int percent = LIVE(retention, disk_space_clean_forcibly_ratio);
    return LIVE(retention, clean_file_forcibly_enable) &&
           over(retention, MAX(FORCIBLY_MIN, MIN(percent, FORCIBLY_MAX)));
}

static void measure(struct retention *retention) {
    atomic_store(&retention->log_ratio, disk_used(retention, retention->log_dir));
    atomic_store(&retention->root_ratio, disk_used(retention, retention->root_dir));
    int percent = LIVE(retention, disk_space_warning_level_ratio);
    percent = MAX(WARNING_MIN, MIN(percent, WARNING_MAX));
    bool full = over(retention, percent);
    if (full == atomic_exchange(&retention->disk_full, full)) return;
    double log_ratio = atomic_load(&retention->log_ratio), root_ratio = atomic_load(&retention->root_ratio);
    if (full)
        log_error(STORE,
                  "disk is full, messages are refused until there is space: log_dir=%s used=%.3f root_dir=%s "
                  "used=%.3f limit_percent=%d (diskSpaceWarningLevelRatio)",
                  retention->log_dir, log_ratio, retention->root_dir, root_ratio, percent);
    else
        log_info(STORE, "disk has space again, messages are taken: log_dir=%s used=%.3f root_dir=%s used=%.3f",
                 retention->log_dir, log_ratio, retention->root_dir, root_ratio);
}

/* --- deletion -------------------------------------------------------------------------------------------- */

/* deleteWhen: hours of the day, "04;16". */
static bool hour_has_come(struct bytes delete_when) {
    time_t now_s = (time_t)(clock_wall_ms() / 1000);
    struct tm local;
    localtime_r(&now_s, &local);
    struct bytes hour;
    int32_t number;
    while (bytes_split(&delete_when, ';', &hour))
        if (bytes_to_i32(bytes_trim(hour), &number) && number == local.tm_hour) return true;
    return false;
}

static bool stopped(const struct retention *retention) {
    return atomic_load(&retention->stop);
}

/* Sleeps, but not through a stop. */
static void pause_ms(struct retention *retention, int64_t ms) {
    uint32_t seen = bell_seen(&retention->bell);
    if (ms > 0 && !stopped(retention)) bell_wait(&retention->bell, seen, ms);
}

static bool expired(const struct retention *retention, const char *path) {
    int64_t mtime_ms;
    if (file_mtime_ms(path, &mtime_ms) != ERR_OK) return false;
    return mtime_ms + LIVE(retention, file_reserved_time_h) * HOUR_MS <= clock_wall_ms();
}

/* Oldest first, up to a batch, as long as they are old enough or space must be made. */
static void delete_log_files(struct retention *retention) {
    for (int32_t left = LIVE(retention, delete_file_batch_max); left > 0 && !stopped(retention); left--) {
        char path[PATH_MAX_BYTES];
        if (!retention->files.oldest_log_file(retention->files.owner, path, sizeof path)) return;
        bool old = expired(retention, path);
        if (!old && !must_make_space(retention)) return;
        enum err err = retention->files.drop_oldest_log_file(retention->files.owner);
        if (err != ERR_OK) {
            log_error(STORE, "commit log file cannot be deleted: path=%s error=%s", path, err_detail(err));
            return;
        }
        log_info(STORE, "commit log file deleted: path=%s why=%s", path, old ? "expired" : "disk space");
        retention->derived_behind = true;
        pause_ms(retention, LIVE(retention, delete_commit_log_files_interval_ms));
        measure(retention);
    }
}

static bool take_asked_round(struct retention *retention) {
    int rounds = atomic_load(&retention->rounds_asked);
    while (rounds > 0)
        if (atomic_compare_exchange_weak(&retention->rounds_asked, &rounds, rounds - 1)) return true;
    return false;
}

static void clean(struct retention *retention) {
    bool asked = take_asked_round(retention);
    if (asked || hour_has_come(retention->config->delete_when) ||
        over(retention, LIVE(retention, disk_max_used_space_ratio)))
        delete_log_files(retention);
    if (!retention->derived_behind || stopped(retention)) return;
    retention->derived_behind = false;
    retention->files.drop_derived(retention->files.owner);
}

/* On a thread of its own: deleting big files or the queues of many topics takes its time. */
static void run_watch(void *arg) {
    struct retention *retention = arg;
    while (!stopped(retention)) {
        measure(retention);
        pause_ms(retention, DISK_CHECK_MS);
    }
}

static void run(void *arg) {
    struct retention *retention = arg;
    int64_t interval_ms = LIVE(retention, clean_resource_interval_ms);
    int64_t round_at_ms = clock_monotonic_ms() + FIRST_ROUND_INTERVALS * interval_ms;
    while (!stopped(retention)) {
        uint32_t seen = bell_seen(&retention->bell);
        measure(retention);
        bool just_asked = atomic_load(&retention->rounds_asked) == RUN_NOW_ROUNDS;
        if (just_asked || must_make_space(retention) || clock_monotonic_ms() >= round_at_ms) {
            clean(retention);
            round_at_ms = clock_monotonic_ms() + LIVE(retention, clean_resource_interval_ms);
        }
        int64_t wait_ms = MIN(DISK_CHECK_MS, round_at_ms - clock_monotonic_ms());
        if (!stopped(retention) && wait_ms > 0) bell_wait(&retention->bell, seen, wait_ms);
    }
}

static void stop_thread(struct retention *retention, pthread_t thread) {
    atomic_store(&retention->stop, true);
    bell_ring(&retention->bell);
    thread_join(thread);
}

enum err retention_start(const struct store_config *config, const char *log_dir, const char *root_dir,
                         const struct retention_files *files, struct retention **out) {
    struct retention *retention = calloc(1, sizeof *retention);
    must(retention);
    retention->config = config;
    retention->log_dir = log_dir;
    retention->root_dir = root_dir;
    retention->files = *files;
    retention->derived_behind = true; /* a stop may have come between */
    bell_init(&retention->bell);
    measure(retention);
    enum err err = thread_start(&retention->thread, "retention", run, retention);
    if (err == ERR_OK && (err = thread_start(&retention->watch_thread, "disk-watch", run_watch, retention)) != ERR_OK)
        stop_thread(retention, retention->thread);
    if (err != ERR_OK) {
        free(retention);
        return err;
    }
    *out = retention;
    return ERR_OK;
}

void retention_stop(struct retention *retention) {
    if (!retention) return;
    stop_thread(retention, retention->thread);
    stop_thread(retention, retention->watch_thread);
    free(retention);
}

void retention_run_now(struct retention *retention) {
    atomic_store(&retention->rounds_asked, RUN_NOW_ROUNDS);
    bell_ring(&retention->bell);
}

bool retention_disk_full(const struct retention *retention) {
    return atomic_load_explicit(&retention->disk_full, memory_order_relaxed);
}

double retention_log_disk_ratio(const struct retention *retention) {
    return atomic_load(&retention->log_ratio);
}

double retention_root_disk_ratio(const struct retention *retention) {
    return atomic_load(&retention->root_ratio);
}
