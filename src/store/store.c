/* store.c - order of start and stop, health, append. */
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/check.h"
#include "base/log.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/thread.h"
#include "store/expire.h"
#include "store/recover.h"
#include "store/store_internal.h"

/* --- open and close -------------------------------------------------------------------------------------- */

static void root_path(const struct store *store, const char *name, char out[STORE_PATH_MAX]) {
    int len = snprintf(out, STORE_PATH_MAX, "%s/%s", store->root, name);
    must(len > 0 && len < STORE_PATH_MAX);
}

/* Room is left for topic, queue id and file name. */
static enum err set_paths(struct store *store) {
    struct bytes root = store->config->store_path_root_dir, log = store->config->store_path_commit_log;
    enum { LIMIT = STORE_PATH_MAX - 320 };
    if (root.len == 0) return fail(ERR_BAD_CONFIG, "storePathRootDir is not set");
    if (root.len >= LIMIT || log.len >= LIMIT)
        return fail(ERR_BAD_CONFIG, "storePathRootDir or storePathCommitLog is longer than %d bytes", LIMIT);
    snprintf(store->root, sizeof store->root, "%.*s", BYTES_ARG(root));
    snprintf(store->log_dir, sizeof store->log_dir, "%.*s%s", BYTES_ARG(log.len > 0 ? log : root),
             log.len > 0 ? "" : "/commitlog");
    return ERR_OK;
}

static enum err take_lock(struct store *store) {
    char path[STORE_PATH_MAX];
    root_path(store, "lock", path);
    TRY(file_make_dirs(store->root));
    TRY(file_open(path, FILE_CREATE, &store->lock_fd));
    enum err err = file_lock_byte0(store->lock_fd, path);
    if (err == ERR_LOCKED)
        return fail(err, "%s is in use by another broker: stop it or set storePathRootDir", store->root);
    return err == ERR_OK ? file_pwrite(store->lock_fd, path, "lock", 4, 0) : err;
}

/* Its presence counts; what is in it is for people, and on a full disk there may be no room for that. */
static enum err write_abort_file(struct store *store) {
    char path[STORE_PATH_MAX], text[24];
    int fd;
    root_path(store, "abort", path);
    TRY(file_open(path, FILE_CREATE, &fd));
    int len = snprintf(text, sizeof text, "%d", getpid());
    enum err err = file_pwrite(fd, path, text, (size_t)len, 0);
    if (err == ERR_OK || err == ERR_DISK_FULL) err = file_sync(fd, path);
    file_close(fd);
    return err == ERR_OK ? file_sync_dir(store->root) : err;
}

static enum err open_index(struct store *store, bool crashed) {
    const struct store_config *config = store->config;
    char dir[STORE_PATH_MAX];
    if (!config->message_index_enable) return ERR_OK;
    root_path(store, "index", dir);
    struct index_options options = {.dir = dir,
                                    .slots = config->max_hash_slot_num,
                                    .entries = config->max_index_num,
                                    .crashed = crashed,
                                    .checkpoint_ms = atomic_load(&store->checkpoint.index_ms),
                                    .state = {atomic_load(&store->checkpoint.index_mark),
                                              atomic_load(&store->checkpoint.index_end_phys),
                                              atomic_load(&store->checkpoint.index_open_phys)}};
    return index_open(&options, &store->index);
}

static void init_queues(struct store *store) {
    queue_table_init(&store->queues);
    const int64_t file_bytes[QUEUE_KINDS] = {store->config->mapped_file_size_consume_queue,
                                             store->config->mapper_file_size_batch_consume_queue};
    queue_files_init(&store->queue_files, (size_t)store->config->max_open_queue_files, file_bytes);
    dispatch_init(&store->dispatch, store);
    flush_init(&store->flush, store);
}

static void init_parts(struct store *store) {
    lock_init(&store->failed_lock, LOCK_STATS);
    store_stats_init(&store->stats);
    prealloc_init(&store->prealloc, store);
    init_queues(store);
}

void store_forget_queues(struct store *store) {
    flush_close(&store->flush);
    dispatch_close(&store->dispatch);
    queue_files_close(&store->queue_files);
    queue_table_close(&store->queues);
    init_queues(store);
}

static void close_parts(struct store *store) {
    flush_close(&store->flush);
    dispatch_close(&store->dispatch);
    prealloc_close(&store->prealloc);
    queue_files_close(&store->queue_files);
    queue_table_close(&store->queues);
    store_stats_close(&store->stats);
    lock_close(&store->failed_lock);
    index_close(store->index);
    if (store->checkpoint_is_open) checkpoint_close(&store->checkpoint);
    if (store->log_is_open) commitlog_close(&store->log);
    if (store->lock_fd >= 0) file_close(store->lock_fd);
}

static enum err open_files(struct store *store) {
    char path[STORE_PATH_MAX];
    TRY(delay_levels_parse(store->config->message_delay_level, &store->delay_levels));
    TRY(recover_check_format(store));
    TRY(take_lock(store));
    root_path(store, "abort", path);
    bool crashed = file_exists(path);
    root_path(store, "checkpoint", path);
    TRY(checkpoint_open(path, &store->checkpoint));
    store->checkpoint_is_open = true;
    if (store->events.locked) TRY(store->events.locked(store->events.owner));
    TRY(commitlog_open(&store->log, store->log_dir, store->config->mapped_file_size_commit_log));
    store->log_is_open = true;
    TRY(write_abort_file(store)); /* from here on files are changed */
    TRY(open_index(store, crashed));
    TRY(recover_run(store, crashed)); /* from one end to the other: the system reads ahead */
    mapped_queue_read_at_random(&store->log.files);
    queue_files_read_at_random(&store->queue_files);
    return ERR_OK;
}

static void stop_threads(struct store *store) {
    retention_stop(store->retention);
    store->retention = NULL;
    reader_stop(&store->reader);
    prealloc_stop(&store->prealloc);
    dispatch_stop(&store->dispatch);
    flush_stop(&store->flush);
}

static enum err start_threads(struct store *store) {
    struct retention_files files = expire_files(store);
    TRY(prealloc_start(&store->prealloc));
    TRY(flush_start(&store->flush));
    TRY(dispatch_start(&store->dispatch));
    TRY(reader_start(&store->reader, store));
    return retention_start(store->config, store->log_dir, store->root, &files, &store->retention);
}

enum err store_open(struct store_config *config, const struct store_events *events, struct store **out) {
    struct store *store = calloc(1, sizeof *store);
    must(store);
    store->config = config;
    if (events) store->events = *events;
    store->lock_fd = -1;
    store->sync_flush = bytes_is(config->flush_disk_type, "SYNC_FLUSH");
    store->is_slave = bytes_is(config->broker_role, "SLAVE");
    store->memory_bytes = machine_memory_bytes();
    init_parts(store);
    enum err err = set_paths(store);
    if (err == ERR_OK) err = open_files(store);
    if (err == ERR_OK) err = start_threads(store);
    if (err != ERR_OK) {
        stop_threads(store);
        close_parts(store);
        free(store);
        return err;
    }
    store->opened_phys = commitlog_end(&store->log);
    log_info(STORE, "store opened: root=%s min_phys=%lld end_phys=%lld", store->root,
             (long long)commitlog_min(&store->log), (long long)commitlog_end(&store->log));
    *out = store;
    return ERR_OK;
}

/* The abort file goes only when everything is on disk and dispatched: it makes the next start check the log. */
static enum err leave_clean(struct store *store) {
    char path[STORE_PATH_MAX];
    if (store_has_failed(store)) return fail(ERR_NOT_WRITABLE, "the store failed: %s", store->failed_why);
    if (dispatch_done(&store->dispatch) < commitlog_end(&store->log))
        return fail(ERR_DISK_FULL, "queues are behind the log");
    TRY(flush_all(&store->flush));
    TRY(commitlog_drop_unused(&store->log));
    root_path(store, "abort", path);
    TRY(file_unlink(path));
    return file_sync_dir(store->root);
}

void store_close(struct store *store) {
    if (!store) return;
    atomic_store(&store->closing, true);
    stop_threads(store);
    enum err err = leave_clean(store);
    if (err == ERR_OK)
        log_info(STORE, "store closed: end_phys=%lld", (long long)commitlog_end(&store->log));
    else
        log_error(STORE, "store closed, the next start recovers it: %s", err_detail(err));
    close_parts(store);
    free(store);
}

/* --- health ---------------------------------------------------------------------------------------------- */

void store_fail(struct store *store, const char *why) {
    lock_take(&store->failed_lock);
    bool first = !store_has_failed(store);
    if (first) {
        snprintf(store->failed_why, sizeof store->failed_why, "%s", why);
        atomic_store_explicit(&store->failed, true, memory_order_release);
    }
    lock_give(&store->failed_lock);
    if (!first) return;
    log_error(STORE, "store is read-only until a restart recovers it: %s", store->failed_why);
    flush_wake_waiters(&store->flush);
    bell_ring(&store->dispatch.bell);
    if (store->events.failed) store->events.failed(store->events.owner, store->failed_why);
}

int64_t store_confirmed_phys(const struct store *store) {
    return store->sync_flush ? commitlog_flushed(&store->log) : commitlog_end(&store->log);
}

static enum err fail_lacking(const struct store *store, enum err lacking) {
    if (lacking == ERR_DISK_FULL) return fail(lacking, "no space left on the disk of %s", store->root);
    if (lacking == ERR_NO_FILES)
        return fail(lacking, "too many open files: raise the limit (ulimit -n) or lower maxOpenQueueFiles");
    return fail(lacking, "the system has no memory for files of %s", store->log_dir);
}

enum err store_writable(const struct store *store) {
    if (store_has_failed(store)) return fail(ERR_NOT_WRITABLE, "store is read-only: %s", store->failed_why);
    if (atomic_load_explicit(&store->closing, memory_order_relaxed)) return fail(ERR_SHUTTING_DOWN, "store is closing");
    if (retention_disk_full(store->retention))
        return fail(ERR_DISK_FULL, "disk is fuller than diskSpaceWarningLevelRatio=%d %%",
                    LIVE(store, disk_space_warning_level_ratio));
    int lacking = atomic_load_explicit(&store->prealloc.lacking, memory_order_relaxed);
    if (!lacking) lacking = atomic_load_explicit(&store->dispatch.lacking, memory_order_relaxed);
    return lacking ? fail_lacking(store, (enum err)lacking) : ERR_OK;
}

int64_t store_append_busy_ms(const struct store *store) {
    int64_t since_ms = atomic_load_explicit(&store->log.held_since_ms, memory_order_relaxed);
    return since_ms == 0 ? 0 : clock_monotonic_ms() - since_ms;
}

bool store_is_sync_flush(const struct store *store) {
    return store->sync_flush;
}

int64_t store_flushed_phys(const struct store *store) {
    return commitlog_flushed(&store->log);
}

int64_t store_end_phys(const struct store *store) {
    return commitlog_end(&store->log);
}

int64_t store_dispatched_phys(const struct store *store) {
    return dispatch_shown(&store->dispatch);
}

enum err store_wait_flushed(struct store *store, int64_t offset_phys, int64_t timeout_ms) {
    return flush_wait(&store->flush, offset_phys, timeout_ms);
}

/* --- append ---------------------------------------------------------------------------------------------- */

static enum err append(struct store *store, struct put *puts, size_t count, int64_t *end_phys) {
    for (;;) {
        int64_t need_phys;
        TRY(store_writable(store));
        enum err err = commitlog_append(&store->log, puts, count, end_phys, &need_phys);
        if (err != ERR_BUSY) return err;
        TRY(prealloc_reserve(&store->prealloc, need_phys));
    }
}

enum err store_append(struct store *store, struct put *puts, size_t count, int64_t *end_phys) {
    int64_t start_ms = clock_monotonic_ms(), size_bytes = 0;
    size_t messages = 0;
    enum err err = append(store, puts, count, end_phys);
    if (err != ERR_OK) {
        atomic_fetch_add(&store->stats.put_failed, (int64_t)count);
        return err;
    }
    prealloc_appended(&store->prealloc, *end_phys);
    for (size_t i = 0; i < count; i++) {
        size_bytes += puts[i].size_bytes;
        messages += (size_t)put_messages(&puts[i]);
    }
    store_stats_put(&store->stats, messages, size_bytes, clock_monotonic_ms() - start_ms);
    if (store->sync_flush)
        bell_ring(&store->flush.bell);
    else
        dispatch_advance(&store->dispatch);
    return ERR_OK;
}

void store_set_read_ahead(struct store *store, bool ahead) {
    __atomic_store_n(&store->config->data_read_ahead_enable, ahead, __ATOMIC_RELAXED);
}

void store_release(void *hold) {
    if (hold) mapped_file_release(hold);
}
