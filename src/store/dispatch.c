/* dispatch.c - records to queue entries, notices and keys, a batch at a time. */
#include "store/dispatch.h"

#include "base/check.h"
#include "base/endian.h"
#include "base/log.h"
#include "os/clock.h"
#include "os/thread.h"
#include "store/dispatch_record.h"
#include "store/store_internal.h"

/* BATCH: what is shown and settled under one lock. ADVANCE: what is shown by whoever moved the confirmed end. */
enum { BATCH_BYTES = 1 << 20, BATCH_RECORDS = 4096, ADVANCE_BYTES = 256 << 10, RETRY_MS = 200 };

void dispatch_init(struct dispatch *dispatch, struct store *store) {
    *dispatch = (struct dispatch){.store = store, .recovering = true, .behind_phys = INT64_MAX};
    lock_init(&dispatch->lock, LOCK_DISPATCH);
    bell_init(&dispatch->bell);
    bell_init(&dispatch->hurry_bell);
    bell_init(&dispatch->done_bell);
    queue_tails_init(&dispatch->tails, store->config->queue_tails_in_memory);
}

void dispatch_close(struct dispatch *dispatch) {
    queue_tails_close(&dispatch->tails);
    lock_close(&dispatch->lock);
}

void dispatch_set_start(struct dispatch *dispatch, int64_t offset_phys) {
    dispatch->put_phys = offset_phys;
    atomic_store(&dispatch->shown_phys, offset_phys);
    atomic_store(&dispatch->done_phys, offset_phys);
}

/* --- records --------------------------------------------------------------------------------------------- */

/* Records of one file, in order. */
struct run {
    struct mapped_file *file;
    int64_t pos, limit; /* physical */
    int64_t last_time_ms;
};

/* The record at run->pos; *found false at the end of the file. */
static enum err next_record(struct run *run, struct record *record, bool *found) {
    const char *at = run->file->data + (run->pos - run->file->start_phys);
    struct bytes input = bytes_make(at, (size_t)(run->limit - run->pos));
    *found = false;
    if (input.len >= 8 && load_u32be(at + RECORD_AT_MAGIC) == RECORD_MAGIC_BLANK) {
        run->pos = run->file->start_phys + run->file->size_bytes;
        return ERR_OK;
    }
    TRY(record_decode(input, RECORD_CHECK_SHAPE, record));
    if (record->offset_phys != run->pos) /* would be noted in queues and index at a place where it is not */
        return fail(ERR_CORRUPT, "the record at %lld says it is at %lld", (long long)run->pos,
                    (long long)record->offset_phys);
    run->pos += record->size_bytes;
    run->last_time_ms = record->store_time_ms;
    *found = true;
    return ERR_OK;
}

/* A damaged record in the middle of the log, met by a recovery: what follows must not be lost with it. The next record
 * is known by its magic and by saying itself where it is. */
static void pass_over_damage(struct run *run) {
    for (bool ok = false; !ok && run->pos < run->limit;) {
        run->pos++;
        struct bytes rest =
            bytes_make(run->file->data + (run->pos - run->file->start_phys), (size_t)(run->limit - run->pos));
        struct record record;
        if (rest.len < RECORD_FIXED_V1_IPV4) run->pos = run->limit;
        ok = run->pos < run->limit && load_i64be(rest.data + RECORD_AT_PHYSICAL_OFFSET) == run->pos &&
             record_decode(rest, RECORD_CHECK_SHAPE, &record) == ERR_OK;
    }
}

/* The same as next_record; in a recovery the next good one. */
static enum err next_good_record(const struct dispatch *dispatch, struct run *run, struct record *record, bool *found) {
    enum err err = next_record(run, record, found);
    if (err == ERR_OK) return err;
    if (!dispatch->recovering)
        return fail(ERR_CORRUPT, "the log is damaged at %lld: %s", (long long)run->pos, err_text(err));
    int64_t from = run->pos;
    pass_over_damage(run);
    if (dispatch->doubts) dispatch->doubts->records_lost = true;
    log_every_ms(1000, ERROR, STORE, "the log is damaged, messages are lost there: from_phys=%lld bytes=%lld",
                 (long long)from, (long long)(run->pos - from));
    return run->pos < run->limit ? next_record(run, record, found) : ERR_OK;
}

/* --- show ------------------------------------------------------------------------------------------------ */

/* Up to a batch of records into the tails; run->pos is behind the last. */
static enum err put_records(struct dispatch *dispatch, struct run *run, bool may_wait) {
    int64_t start = run->pos;
    for (int i = 0; i < BATCH_RECORDS && run->pos < run->limit && run->pos - start < BATCH_BYTES; i++) {
        struct run next = *run;
        struct record record;
        bool found;
        TRY(next_good_record(dispatch, &next, &record, &found));
        dispatch->put_phys = MAX(dispatch->put_phys, next.pos);
        if (found) TRY(dispatch_record(dispatch, &record, may_wait));
        *run = next;
        if (!found) break;
    }
    return ERR_OK;
}

static void publish_fresh(struct dispatch *dispatch) {
    const struct store_events *events = &dispatch->store->events;
    while (dispatch->fresh) {
        struct queue *queue = dispatch->fresh;
        dispatch->fresh = queue->fresh_next;
        queue->fresh = false;
        consumequeue_publish(queue);
        if (events->arrived && atomic_load(&queue->watchers)) events->arrived(events->owner, queue);
    }
}

/* Up to a batch, of one file of the log. @thread holder of the lock */
static enum err show(struct dispatch *dispatch, int64_t limit_phys, bool may_wait) {
    struct commitlog *log = &dispatch->store->log;
    int64_t start = dispatch_shown(dispatch);
    if (start >= limit_phys) return ERR_OK;
    struct mapped_file *file = mapped_queue_find(&log->files, start);
    if (!file) return fail(ERR_CORRUPT, "the log has no file for offset %lld", (long long)start);
    struct run run = {file, start, MIN(limit_phys, file->start_phys + file->size_bytes), dispatch->shown_time_ms};
    enum err err = put_records(dispatch, &run, may_wait);
    publish_fresh(dispatch);
    dispatch->shown_time_ms = run.last_time_ms;
    atomic_store_explicit(&dispatch->shown_phys, run.pos, memory_order_release);
    mapped_file_release(file);
    return err;
}

/* False when that is for the thread: others are at it, much is waiting, or something must be waited for. */
static bool show_now(struct dispatch *dispatch, int64_t limit_phys) {
    if (limit_phys - dispatch_shown(dispatch) > ADVANCE_BYTES || limit_phys - dispatch_done(dispatch) > BATCH_BYTES)
        return false;
    if (!lock_try(&dispatch->lock)) return false;
    enum err err = show(dispatch, limit_phys, false);
    lock_give(&dispatch->lock);
    return err == ERR_OK && dispatch_shown(dispatch) >= limit_phys;
}

void dispatch_advance(struct dispatch *dispatch) {
    bool shown = show_now(dispatch, store_confirmed_phys(dispatch->store));
    bell_ring(&dispatch->bell);
    if (!shown) bell_ring(&dispatch->hurry_bell);
}

/* --- settle ---------------------------------------------------------------------------------------------- */

void dispatch_note_write(struct dispatch *dispatch) {
    dispatch->entries_phys = MAX(dispatch->entries_phys, dispatch->put_phys);
}

static enum err write_pending(struct dispatch *dispatch) {
    while (dispatch->pending) {
        struct queue *queue = dispatch->pending;
        TRY(consumequeue_write(queue));
        dispatch->pending = queue->pending_next;
        queue->pending = false;
    }
    dispatch_note_write(dispatch); /* also if recovery found all in the files */
    return ERR_OK;
}

/* An index that fails is left behind. What may pass is waited for: by the thread, not by a recovery. */
static enum err put_keys(struct dispatch *dispatch) {
    struct index_service *index = dispatch->store->index;
    if (!index) return ERR_OK;
    enum err err = index_put(index);
    if (err == ERR_OK || (!dispatch->recovering && store_may_pass(err))) return err;
    if (store_may_pass(err)) {
        dispatch->behind_phys = index_drop_noted(index);
        return ERR_OK;
    }
    log_error(STORE, "index stopped, queries by key miss newer messages until a restart: %s", err_detail(err));
    index_stop(index);
    return ERR_OK;
}

/* @thread holder of the lock */
static enum err settle(struct dispatch *dispatch) {
    TRY(write_pending(dispatch));
    TRY(put_keys(dispatch));
    if (dispatch->shown_time_ms > 0) atomic_store(&dispatch->done_time_ms, dispatch->shown_time_ms);
    atomic_store_explicit(&dispatch->done_phys, dispatch_shown(dispatch), memory_order_release);
    bell_ring(&dispatch->done_bell);
    return ERR_OK;
}

/* Readers are told before anything is written: who waits for a message should not wait for files. */
enum err dispatch_until(struct dispatch *dispatch, int64_t limit_phys) {
    enum err err = ERR_OK;
    while (err == ERR_OK && dispatch_done(dispatch) < limit_phys) {
        lock_take(&dispatch->lock);
        err = show(dispatch, limit_phys, true);
        if (err == ERR_OK) err = settle(dispatch);
        lock_give(&dispatch->lock);
    }
    return err;
}

/* --- thread ---------------------------------------------------------------------------------------------- */

static void note_backlog(struct dispatch *dispatch, int64_t bytes) {
    if (bytes > atomic_load_explicit(&dispatch->max_batch_bytes, memory_order_relaxed))
        atomic_store_explicit(&dispatch->max_batch_bytes, bytes, memory_order_relaxed);
}

/* What may pass, as a full disk, is waited for: the batch is tried again, what it wrote already is written over. */
static bool may_retry(struct dispatch *dispatch, enum err err) {
    int lacking = store_may_pass(err) ? (int)err : ERR_OK;
    if (err != ERR_OK && !lacking) store_fail(dispatch->store, err_detail(err));
    if (atomic_exchange(&dispatch->lacking, lacking) != lacking) {
        if (lacking)
            log_error(STORE, "queues and index cannot be written now: %s", err_detail(err));
        else if (err == ERR_OK)
            log_info(STORE, "queues and index can be written again");
    }
    return err == ERR_OK || lacking;
}

/* While all that is confirmed can be read, files and index may wait: what comes soon is written in one go. */
static void gather(struct dispatch *dispatch, uint32_t hurry_seen) {
    int64_t gather_ms = LIVE(dispatch->store, dispatch_gather_ms);
    if (gather_ms > 0 && dispatch_shown(dispatch) >= store_confirmed_phys(dispatch->store))
        bell_wait(&dispatch->hurry_bell, hurry_seen, gather_ms);
}

static void run_thread(void *arg) {
    struct dispatch *dispatch = arg;
    struct store *store = dispatch->store;
    for (;;) {
        uint32_t seen = bell_seen(&dispatch->bell), hurry_seen = bell_seen(&dispatch->hurry_bell);
        bool stop = atomic_load(&dispatch->stop), waiting = store_confirmed_phys(store) > dispatch_done(dispatch);
        enum err err = ERR_OK;
        if (waiting) {
            if (!stop) gather(dispatch, hurry_seen);
            int64_t limit = store_confirmed_phys(store);
            note_backlog(dispatch, limit - dispatch_done(dispatch));
            err = dispatch_until(dispatch, limit);
            if (!may_retry(dispatch, err)) return;
        }
        if (stop && (err != ERR_OK || store_has_failed(store) || dispatch_done(dispatch) >= commitlog_end(&store->log)))
            return;
        if (err != ERR_OK) {
            bell_wait(&dispatch->bell, bell_seen(&dispatch->bell), RETRY_MS);
        } else if (!waiting) {
            bell_wait(&dispatch->bell, seen, -1);
        }
    }
}

enum err dispatch_start(struct dispatch *dispatch) {
    dispatch->behind_phys = INT64_MAX;
    dispatch->recovering = false; /* before the thread, which looks at it */
    TRY(thread_start(&dispatch->thread, "dispatch", run_thread, dispatch));
    dispatch->running = true;
    return ERR_OK;
}

void dispatch_stop(struct dispatch *dispatch) {
    if (!dispatch->running) return;
    atomic_store(&dispatch->stop, true);
    bell_ring(&dispatch->bell);
    bell_ring(&dispatch->hurry_bell);
    thread_join(dispatch->thread);
    dispatch->running = false;
}

enum err dispatch_wait(struct dispatch *dispatch, int64_t offset_phys, int64_t timeout_ms) {
    int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
    for (;;) {
        uint32_t seen = bell_seen(&dispatch->done_bell);
        if (dispatch_done(dispatch) >= offset_phys) return ERR_OK;
        bell_ring(&dispatch->hurry_bell);
        int64_t left_ms = deadline_ms - clock_monotonic_ms();
        if (left_ms <= 0 || store_has_failed(dispatch->store))
            return fail(ERR_TIMEOUT, "queues are behind the log: %lld of %lld", (long long)dispatch_done(dispatch),
                        (long long)offset_phys);
        bell_wait(&dispatch->done_bell, seen, MIN(left_ms, 100));
    }
}
