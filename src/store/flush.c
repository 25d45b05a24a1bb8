/* flush.c - one sync serves all who wait; derived files follow at their own pace. */
#include "store/flush.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/map_guard.h"
#include "os/thread.h"
#include "store/store_internal.h"

enum { PAGE_BYTES = 4096, TICK_MS = 1000, SYNC_ONE_BY_ONE_MAX = 32, SAFE_WAIT_MS = 10000 };

void flush_init(struct flush *flush, struct store *store) {
    *flush = (struct flush){.store = store};
    lock_init(&flush->lock, LOCK_FLUSH);
    cond_init(&flush->flushed);
    bell_init(&flush->bell);
    bell_init(&flush->queues_bell);
}

void flush_close(struct flush *flush) {
    cond_close(&flush->flushed);
    lock_close(&flush->lock);
}

/* --- the log --------------------------------------------------------------------------------------------- */

static void publish_flushed(struct flush *flush, int64_t end_phys) {
    struct store *store = flush->store;
    lock_take(&flush->lock);
    atomic_store_explicit(&store->log.flushed_phys, end_phys, memory_order_release);
    cond_broadcast(&flush->flushed);
    lock_give(&flush->lock);
    if (!store->sync_flush) return;
    dispatch_advance(&store->dispatch);
    if (store->events.flushed) store->events.flushed(store->events.owner, end_phys);
}

/* Up to where the log is synced now. The folio that is being appended to waits for the next time, unless somebody waits
 * for it or it is all that there is: while it goes to the disk an append would wait for the disk too. */
static int64_t sync_end(const struct flush *flush, int64_t end, bool thorough) {
    int64_t spared = end - end % MAPPED_FOLIO_BYTES;
    bool wanted = thorough || flush->store->sync_flush || atomic_load(&flush->wanted_phys) > spared;
    return wanted || spared <= commitlog_flushed(&flush->store->log) ? end : spared;
}

/* Syncs each file that holds part of [flushed, end). A file that is full then is never written again. */
static enum err sync_log(struct flush *flush, bool thorough) {
    struct commitlog *log = &flush->store->log;
    int64_t time_ms = atomic_load_explicit(&log->last_store_time_ms, memory_order_acquire);
    int64_t log_end = commitlog_end(log), end = sync_end(flush, log_end, thorough), pos = commitlog_flushed(log);
    if (pos >= end) return ERR_OK;
    while (pos < end) {
        struct mapped_file *file = mapped_queue_find(&log->files, pos);
        must(file); /* retention spares the file being written, and full ones are flushed by their successor's time */
        int64_t file_end = file->start_phys + file->size_bytes;
        enum err err = mapped_file_sync_part(file, pos - file->start_phys, MIN(end, file_end) - pos);
        pos = file_end;
        if (err == ERR_OK && end >= pos) mapped_file_seal(file);
        mapped_file_release(file);
        TRY(err);
    }
    if (end == log_end) atomic_store(&flush->store->checkpoint.physic_ms, time_ms);
    publish_flushed(flush, end);
    return ERR_OK;
}

static bool is_due(struct flush *flush) {
    struct store *store = flush->store;
    struct commitlog *log = &store->log;
    int64_t flushed = commitlog_flushed(log), end = commitlog_end(log);
    return store->sync_flush || atomic_load(&flush->wanted_phys) > flushed || commitlog_roll(log, flushed) <= end ||
           end - flushed >= (int64_t)LIVE(store, flush_commit_log_least_pages) * PAGE_BYTES;
}

/* Has the time come for all that there is? */
static bool is_thorough(struct flush *flush, int64_t *last_ms) {
    int64_t now_ms = clock_monotonic_ms();
    if (now_ms - *last_ms < LIVE(flush->store, flush_commit_log_thorough_interval_ms)) return false;
    *last_ms = now_ms;
    return true;
}

static void run_log(void *arg) {
    struct flush *flush = arg;
    struct store *store = flush->store;
    int64_t thorough_ms = clock_monotonic_ms();
    for (;;) {
        uint32_t seen = bell_seen(&flush->bell);
        bool stop = atomic_load(&flush->stop), thorough = stop || is_thorough(flush, &thorough_ms);
        if (thorough || is_due(flush)) {
            enum err err = sync_log(flush, thorough);
            if (err != ERR_OK) store_fail(store, err_detail(err));
        }
        if (stop || store_has_failed(store)) return;
        bell_wait(&flush->bell, seen, store->sync_flush ? -1 : LIVE(store, flush_interval_commit_log_ms));
    }
}

enum err flush_wait(struct flush *flush, int64_t offset_phys, int64_t timeout_ms) {
    struct store *store = flush->store;
    int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
    enum err err = ERR_OK;
    int64_t wanted_phys = atomic_load(&flush->wanted_phys);
    while (wanted_phys < offset_phys && !atomic_compare_exchange_weak(&flush->wanted_phys, &wanted_phys, offset_phys)) {
    }
    if (commitlog_flushed(&store->log) < offset_phys) bell_ring(&flush->bell);
    lock_take(&flush->lock);
    while (err == ERR_OK && commitlog_flushed(&store->log) < offset_phys) {
        int64_t left_ms = deadline_ms - clock_monotonic_ms();
        if (store_has_failed(store)) {
            err = ERR_NOT_WRITABLE;
        } else if (left_ms <= 0) {
            err = fail(ERR_TIMEOUT, "not on disk after %lld ms", (long long)timeout_ms);
        } else {
            cond_wait_ms(&flush->flushed, &flush->lock, left_ms);
        }
    }
    lock_give(&flush->lock);
    return err == ERR_NOT_WRITABLE ? store_writable(store) : err;
}

void flush_wake_waiters(struct flush *flush) {
    lock_take(&flush->lock);
    cond_broadcast(&flush->flushed);
    lock_give(&flush->lock);
}

/* --- queues, index, checkpoint ---------------------------------------------------------------------------- */

void flush_add_queue(struct flush *flush, struct queue *queue) {
    if (atomic_exchange(&queue->dirty, true)) return;
    lock_take(&flush->lock);
    queue->dirty_next = flush->dirty;
    flush->dirty = queue;
    lock_give(&flush->lock);
}

static struct queue *take_dirty(struct flush *flush) {
    lock_take(&flush->lock);
    struct queue *list = flush->dirty;
    flush->dirty = NULL;
    lock_give(&flush->lock);
    return list;
}

/* Of the dirty queues those that have enough to write; the others stay dirty. The mark is taken off before the end of
 * the queue is read: entries that come later set it again. */
static struct queue *take_due(struct flush *flush, int64_t least_bytes, int64_t *count) {
    struct queue *due = NULL;
    *count = 0;
    for (struct queue *queue = take_dirty(flush), *next; queue; queue = next) {
        next = queue->dirty_next;
        atomic_store(&queue->dirty, false);
        queue->sync_end = atomic_load(&queue->written_slot);
        int64_t unsynced = queue->sync_end - atomic_load(&queue->synced_slot);
        if (unsynced * queue_entry_bytes(queue->kind) < least_bytes) {
            flush_add_queue(flush, queue);
            continue;
        }
        queue->due_next = due;
        due = queue;
        ++*count;
    }
    return due;
}

/* What the checkpoint may say when all queues are synced. What a batch has written half is not to be told apart. */
static int64_t safe_place(struct flush *flush, uint64_t *entries_mark) {
    struct store *store = flush->store;
    lock_take(&store->dispatch.lock);
    int64_t done_phys = dispatch_done(&store->dispatch);
    *entries_mark = store->dispatch.entries_phys > done_phys ? 0 : queue_table_mark(&store->queues, false);
    lock_give(&store->dispatch.lock);
    if (flush_wait(flush, done_phys, SAFE_WAIT_MS) == ERR_OK) return done_phys;
    *entries_mark = 0;
    return MIN(done_phys, commitlog_flushed(&store->log));
}

/* `all`: also those with little to write; then the checkpoint may say so. Many are cheaper in one. */
static enum err sync_queues(struct flush *flush, bool all) {
    struct store *store = flush->store;
    int64_t time_ms = atomic_load(&store->dispatch.done_time_ms), count;
    uint64_t entries_mark;
    int64_t safe_phys = all ? safe_place(flush, &entries_mark) : 0;
    int64_t least_bytes = all ? 0 : (int64_t)LIVE(store, flush_consume_queue_least_pages) * PAGE_BYTES;
    struct queue *due = take_due(flush, least_bytes, &count);
    bool in_one = count > SYNC_ONE_BY_ONE_MAX;
    enum err err = in_one ? file_sync_system(store->root) : ERR_OK;
    for (; due && err == ERR_OK; due = due->due_next) {
        if (in_one) {
            consumequeue_set_synced(due, due->sync_end);
        } else {
            err = consumequeue_sync(due);
        }
    }
    if (err != ERR_OK || !all) return err;
    if (time_ms > 0) atomic_store(&store->checkpoint.logics_ms, time_ms);
    atomic_store(&store->checkpoint.safe_phys, safe_phys);
    atomic_store(&store->checkpoint.entries_mark, entries_mark);
    return ERR_OK;
}

static enum err sync_index(struct flush *flush, bool all) {
    struct store *store = flush->store;
    if (!store->index) return ERR_OK;
    int64_t time_ms;
    TRY(index_flush(store->index, all, &time_ms));
    struct index_state state = index_state(store->index);
    atomic_store(&store->checkpoint.index_ms, time_ms);
    atomic_store(&store->checkpoint.index_mark, state.mark);
    atomic_store(&store->checkpoint.index_end_phys, state.end_phys);
    atomic_store(&store->checkpoint.index_open_phys, state.open_phys);
    return ERR_OK;
}

static enum err sync_derived(struct flush *flush, bool all_queues, bool all_index) {
    TRY(sync_queues(flush, all_queues));
    TRY(sync_index(flush, all_index));
    return checkpoint_flush(&flush->store->checkpoint);
}

/* Once a second. */
static void tick(struct flush *flush, int64_t *sampled_ms, int64_t now_ms) {
    *sampled_ms = now_ms;
    store_stats_sample(&flush->store->stats, now_ms);
    int64_t lost_pages = map_guard_pages();
    if (lost_pages == flush->lost_pages) return;
    flush->lost_pages = lost_pages;
    log_error(STORE, "the disk cannot read pages of the store, what is in them is lost: pages=%lld",
              (long long)lost_pages);
}

static void run_queues(void *arg) {
    struct flush *flush = arg;
    struct store *store = flush->store;
    int64_t thorough_ms = clock_monotonic_ms(), queues_ms = thorough_ms, sampled_ms = 0;
    while (!atomic_load(&flush->stop) && !store_has_failed(store)) {
        int64_t wait_ms = MIN(TICK_MS, LIVE(store, flush_interval_consume_queue_ms));
        bell_wait(&flush->queues_bell, bell_seen(&flush->queues_bell), wait_ms);
        int64_t now_ms = clock_monotonic_ms();
        if (now_ms - sampled_ms >= TICK_MS) tick(flush, &sampled_ms, now_ms);
        bool due = now_ms - queues_ms >= LIVE(store, flush_interval_consume_queue_ms);
        bool all = now_ms - thorough_ms >= LIVE(store, flush_consume_queue_thorough_interval_ms);
        enum err err = ERR_OK;
        bool recount = atomic_exchange(&flush->recount, false);
        if (recount) atomic_store(&store->checkpoint.entries_mark, 0);
        if (due || all || recount) {
            queues_ms = now_ms;
            if (all) thorough_ms = now_ms;
            err = sync_derived(flush, all, false);
        }
        if (err != ERR_OK) store_fail(store, err_detail(err));
    }
}

void flush_files_removed(struct flush *flush) {
    atomic_store(&flush->recount, true);
    bell_ring(&flush->queues_bell);
}

enum err flush_all(struct flush *flush) {
    struct store *store = flush->store;
    TRY(sync_log(flush, true));
    TRY(sync_queues(flush, true));
    TRY(sync_index(flush, true));
    atomic_store(&store->checkpoint.files_mark, queue_table_mark(&store->queues, true));
    return checkpoint_flush(&store->checkpoint);
}

enum err flush_recovered(struct flush *flush) {
    struct store *store = flush->store;
    TRY(file_sync_system(store->root));
    TRY(sync_index(flush, true));
    for (struct queue *queue = take_dirty(flush); queue; queue = queue->dirty_next) atomic_store(&queue->dirty, false);
    size_t count;
    struct queue **queues = queue_table_list(&store->queues, &count);
    for (size_t i = 0; i < count; i++) consumequeue_set_synced(queues[i], atomic_load(&queues[i]->written_slot));
    free(queues);
    int64_t time_ms = atomic_load(&store->log.last_store_time_ms);
    if (time_ms > 0) {
        atomic_store(&store->checkpoint.physic_ms, time_ms);
        atomic_store(&store->checkpoint.logics_ms, time_ms);
    }
    atomic_store(&store->checkpoint.safe_phys, commitlog_end(&store->log));
    atomic_store(&store->checkpoint.entries_mark, queue_table_mark(&store->queues, false));
    atomic_store(&store->checkpoint.files_mark, 0);
    return checkpoint_flush(&store->checkpoint);
}

/* --- threads --------------------------------------------------------------------------------------------- */

enum err flush_start(struct flush *flush) {
    TRY(thread_start(&flush->log_thread, "flush", run_log, flush));
    flush->running = 1;
    TRY(thread_start(&flush->queues_thread, "flush-queues", run_queues, flush));
    flush->running = 2;
    return ERR_OK;
}

void flush_stop(struct flush *flush) {
    atomic_store(&flush->stop, true);
    bell_ring(&flush->bell);
    bell_ring(&flush->queues_bell);
    if (flush->running > 0) thread_join(flush->log_thread);
    if (flush->running > 1) thread_join(flush->queues_thread);
    flush->running = 0;
}
