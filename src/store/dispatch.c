/* dispatch.c - records to queue entries, notices and keys, a batch at a time. */
#include "store/dispatch.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/endian.h"
#include "base/hash.h"
#include "base/log.h"
#include "message/lmq.h"
#include "message/properties.h"
#include "os/clock.h"
#include "os/thread.h"
#include "store/store_internal.h"

enum { BATCH_BYTES = 1 << 20, BATCH_RECORDS = 4096, RETRY_MS = 200 };

void dispatch_init(struct dispatch *dispatch, struct store *store) {
    *dispatch = (struct dispatch){.store = store, .behind_phys = INT64_MAX};
    lock_init(&dispatch->lock, LOCK_DISPATCH);
    bell_init(&dispatch->bell);
    bell_init(&dispatch->done_bell);
}

void dispatch_close(struct dispatch *dispatch) {
    while (dispatch->newest_tail) {
        struct queue_tail *tail = dispatch->newest_tail;
        dispatch->newest_tail = tail->older;
        free(tail);
    }
    lock_close(&dispatch->lock);
}

void dispatch_set_start(struct dispatch *dispatch, int64_t offset_phys) {
    atomic_store(&dispatch->done_phys, offset_phys);
}

/* --- tails ----------------------------------------------------------------------------------------------- */

static void unlink_tail(struct dispatch *dispatch, struct queue_tail *tail) {
    *(tail->newer ? &tail->newer->older : &dispatch->newest_tail) = tail->older;
    *(tail->older ? &tail->older->newer : &dispatch->oldest_tail) = tail->newer;
}

static void link_tail(struct dispatch *dispatch, struct queue_tail *tail) {
    tail->newer = NULL;
    tail->older = dispatch->newest_tail;
    *(tail->older ? &tail->older->newer : &dispatch->oldest_tail) = tail;
    dispatch->newest_tail = tail;
}

/* Takes the tail away from the queue that was written longest ago; what is pending there is written first. */
static enum err take_oldest(struct dispatch *dispatch, struct queue_tail **out) {
    struct queue_tail *tail = dispatch->oldest_tail;
    struct queue *owner = tail->owner;
    TRY(consumequeue_write(owner));
    consumequeue_set_tail(owner, NULL);
    unlink_tail(dispatch, tail);
    *out = tail;
    return ERR_OK;
}

enum err dispatch_tail(struct dispatch *dispatch, struct queue *queue) {
    struct queue_tail *tail = NULL;
    if (dispatch->tail_count >= dispatch->store->config->queue_tails_in_memory) {
        TRY(take_oldest(dispatch, &tail));
    } else {
        must((tail = calloc(1, sizeof *tail)));
        dispatch->tail_count++;
    }
    tail->owner = queue;
    tail->first_offset = queue->pending_end;
    tail->count = 0;
    link_tail(dispatch, tail);
    consumequeue_set_tail(queue, tail);
    return ERR_OK;
}

/* --- one record ------------------------------------------------------------------------------------------ */

int64_t dispatch_tags_code(const struct store *store, const struct record *record) {
    static const struct bytes schedule_topic = BYTES("SCHEDULE_TOPIC_XXXX");
    if (bytes_equal(record->topic, schedule_topic)) {
        int64_t level;
        struct bytes delay = properties_get(record->properties, PROPERTY_DELAY);
        if (delay.data && bytes_to_i64(delay, &level) && level > 0)
            return delay_levels_due_ms(&store->delay_levels, level, record->store_time_ms);
    }
    struct bytes tags = properties_get(record->properties, PROPERTY_TAGS);
    return tags.len > 0 ? java_string_hash(tags) : 0;
}

static void touch(struct dispatch *dispatch, struct queue *queue) {
    if (queue->touched) return;
    queue->touched = true;
    queue->touched_next = dispatch->touched;
    dispatch->touched = queue;
    if (queue->tail && dispatch->newest_tail != queue->tail) {
        unlink_tail(dispatch, queue->tail);
        link_tail(dispatch, queue->tail);
    }
}

/* Who gets an entry: messages and committed ones. PREPARED and ROLLBACK records of 4.2.0 do not; batches stored as one
 * record belong to another kind of queue. @source shared facts: store 3, 3.2 */
static bool has_entry(const struct record *record) {
    int32_t kind = record->sys_flag & SYS_FLAG_TRANSACTION_MASK;
    return (kind == 0 || kind == SYS_FLAG_COMMIT) && !(record->sys_flag & SYS_FLAG_INNER_BATCH);
}

static enum err put_entry_in(struct dispatch *dispatch, struct bytes topic, int32_t queue_id, int64_t offset_queue,
                             const struct queue_entry *entry) {
    struct store *store = dispatch->store;
    struct queue *queue = queue_table_find(&store->queues, store, topic, queue_id, true);
    enum err err =
        queue ? consumequeue_put(queue, offset_queue, entry)
              : fail(ERR_CORRUPT, "the record at %lld has no usable topic or queue", (long long)entry->offset_phys);
    if (queue) touch(dispatch, queue);
    if (err != ERR_CORRUPT) return err;
    log_error(STORE, "record not put into a queue: offset_phys=%lld why=%s", (long long)entry->offset_phys,
              err_detail(err));
    return ERR_OK;
}

/* The light queues that the record names. Names of other queues, which the Java broker would fill too, have no entry:
 * their offsets are the sender's word. @source apache/rocketmq ConsumeQueue.multiDispatchLmqQueue */
static enum err put_lmq_entries(struct dispatch *dispatch, const struct record *record,
                                const struct queue_entry *entry) {
    const struct store_config *config = dispatch->store->config;
    if (!config->enable_lmq || !config->enable_multi_dispatch || !lmq_topic_allows(record->topic)) return ERR_OK;
    struct bytes names = properties_get(record->properties, PROPERTY_INNER_MULTI_DISPATCH), name;
    struct bytes offsets = properties_get(record->properties, PROPERTY_INNER_MULTI_QUEUE_OFFSET), text;
    while (bytes_split(&names, ',', &name) && bytes_split(&offsets, ',', &text)) {
        int64_t offset_queue;
        if (!lmq_is(name) || !queue_table_is_topic(name) || !bytes_to_i64(text, &offset_queue) || offset_queue < 0)
            continue;
        TRY(put_entry_in(dispatch, name, 0, offset_queue, entry));
    }
    return ERR_OK;
}

static enum err put_entry(struct dispatch *dispatch, const struct record *record) {
    if (!has_entry(record)) return ERR_OK;
    struct queue_entry entry = {record->offset_phys, (int32_t)record->size_bytes,
                                dispatch_tags_code(dispatch->store, record)};
    TRY(put_entry_in(dispatch, record->topic, record->queue_id, record->offset_queue, &entry));
    return put_lmq_entries(dispatch, record, &entry);
}

/* An index that fails is left behind. What may pass is waited for: by the thread, not by a recovery. */
static enum err put_index(struct dispatch *dispatch, const struct record *record) {
    struct store *store = dispatch->store;
    if (!store->index || !LIVE(store, index_file_write_enable) ||
        (record->sys_flag & SYS_FLAG_TRANSACTION_MASK) == SYS_FLAG_ROLLBACK)
        return ERR_OK;
    struct index_record keys = {
        .offset_phys = record->offset_phys, .store_time_ms = record->store_time_ms, .topic = record->topic};
    struct bytes name, value;
    for (struct bytes rest = record->properties; properties_next(&rest, &name, &value);) {
        if (bytes_equal(name, PROPERTY_UNIQ_KEY))
            keys.uniq_key = value;
        else if (bytes_equal(name, PROPERTY_KEYS))
            keys.keys = value;
        else if (bytes_equal(name, PROPERTY_TAGS))
            keys.tags = value;
    }
    if (record->offset_phys >= dispatch->behind_phys) return ERR_OK;
    enum err err = index_put(store->index, &keys);
    if (err == ERR_OK || (dispatch->running && store_may_pass(err))) return err;
    if (store_may_pass(err)) {
        dispatch->behind_phys = record->offset_phys;
        return ERR_OK;
    }
    log_error(STORE, "index stopped, queries by key miss newer messages until a restart: %s", err_detail(err));
    index_stop(store->index);
    return ERR_OK;
}

/* --- batches --------------------------------------------------------------------------------------------- */

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
    if (dispatch->running)
        return fail(ERR_CORRUPT, "the log is damaged at %lld: %s", (long long)run->pos, err_text(err));
    int64_t from = run->pos;
    pass_over_damage(run);
    log_every_ms(1000, ERROR, STORE, "the log is damaged, messages are lost there: from_phys=%lld bytes=%lld",
                 (long long)from, (long long)(run->pos - from));
    return run->pos < run->limit ? next_record(run, record, found) : ERR_OK;
}

/* Entries of up to a batch of records; nothing is visible yet. */
static enum err put_entries(struct dispatch *dispatch, struct run *run) {
    int64_t start = run->pos;
    for (int i = 0; i < BATCH_RECORDS && run->pos < run->limit && run->pos - start < BATCH_BYTES; i++) {
        struct record record;
        bool found;
        TRY(next_good_record(dispatch, run, &record, &found));
        if (!found) break;
        TRY(put_entry(dispatch, &record));
    }
    return ERR_OK;
}

static enum err write_touched(struct dispatch *dispatch) {
    for (struct queue *queue = dispatch->touched; queue; queue = queue->touched_next) TRY(consumequeue_write(queue));
    return ERR_OK;
}

static void publish_touched(struct dispatch *dispatch) {
    const struct store_events *events = &dispatch->store->events;
    while (dispatch->touched) {
        struct queue *queue = dispatch->touched;
        dispatch->touched = queue->touched_next;
        queue->touched = false;
        consumequeue_publish(queue);
        if (events->arrived && atomic_load(&queue->watchers)) events->arrived(events->owner, queue);
    }
}

static enum err put_keys(struct dispatch *dispatch, struct run run, int64_t end) {
    while (run.pos < end) {
        struct record record;
        bool found;
        TRY(next_good_record(dispatch, &run, &record, &found));
        if (!found) break;
        TRY(put_index(dispatch, &record));
    }
    return ERR_OK;
}

/* Readers are told before the index is written: who waits for a message should not wait for its keys. */
static enum err dispatch_batch(struct dispatch *dispatch, int64_t limit_phys) {
    struct commitlog *log = &dispatch->store->log;
    int64_t start = dispatch_done(dispatch);
    struct mapped_file *file = mapped_queue_find(&log->files, start);
    if (!file) return fail(ERR_CORRUPT, "the log has no file for offset %lld", (long long)start);
    struct run run = {file, start, MIN(limit_phys, file->start_phys + file->size_bytes), 0};
    const struct run keys = run;
    enum err err = put_entries(dispatch, &run);
    if (err == ERR_OK) err = write_touched(dispatch);
    dispatch->entries_phys = MAX(dispatch->entries_phys, run.pos);
    if (err == ERR_OK) {
        publish_touched(dispatch);
        err = put_keys(dispatch, keys, run.pos);
    }
    if (err == ERR_OK) {
        if (run.last_time_ms > 0) atomic_store(&dispatch->done_time_ms, run.last_time_ms);
        atomic_store_explicit(&dispatch->done_phys, run.pos, memory_order_release);
        bell_ring(&dispatch->done_bell);
    }
    mapped_file_release(file);
    return err;
}

enum err dispatch_until(struct dispatch *dispatch, int64_t limit_phys) {
    enum err err = ERR_OK;
    while (err == ERR_OK && dispatch_done(dispatch) < limit_phys) {
        lock_take(&dispatch->lock);
        err = dispatch_batch(dispatch, limit_phys);
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

static void run_thread(void *arg) {
    struct dispatch *dispatch = arg;
    struct store *store = dispatch->store;
    for (;;) {
        uint32_t seen = bell_seen(&dispatch->bell);
        int64_t limit = store_confirmed_phys(store), waiting = limit - dispatch_done(dispatch);
        bool stop = atomic_load(&dispatch->stop);
        enum err err = ERR_OK;
        if (waiting > 0) {
            note_backlog(dispatch, waiting);
            err = dispatch_until(dispatch, limit);
            if (!may_retry(dispatch, err)) return;
        }
        if (stop && (err != ERR_OK || store_has_failed(store) || dispatch_done(dispatch) >= commitlog_end(&store->log)))
            return;
        if (err != ERR_OK) {
            bell_wait(&dispatch->bell, bell_seen(&dispatch->bell), RETRY_MS);
        } else if (waiting <= 0) {
            bell_wait(&dispatch->bell, seen, -1);
        }
    }
}

enum err dispatch_start(struct dispatch *dispatch) {
    dispatch->behind_phys = INT64_MAX;
    dispatch->running = true; /* before the thread, which looks at it */
    enum err err = thread_start(&dispatch->thread, "dispatch", run_thread, dispatch);
    if (err != ERR_OK) dispatch->running = false;
    return err;
}

void dispatch_stop(struct dispatch *dispatch) {
    if (!dispatch->running) return;
    atomic_store(&dispatch->stop, true);
    bell_ring(&dispatch->bell);
    thread_join(dispatch->thread);
    dispatch->running = false;
}

enum err dispatch_wait(struct dispatch *dispatch, int64_t offset_phys, int64_t timeout_ms) {
    int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
    for (;;) {
        uint32_t seen = bell_seen(&dispatch->done_bell);
        if (dispatch_done(dispatch) >= offset_phys) return ERR_OK;
        int64_t left_ms = deadline_ms - clock_monotonic_ms();
        if (left_ms <= 0 || store_has_failed(dispatch->store))
            return fail(ERR_TIMEOUT, "queues are behind the log: %lld of %lld", (long long)dispatch_done(dispatch),
                        (long long)offset_phys);
        bell_wait(&dispatch->done_bell, seen, MIN(left_ms, 100));
    }
}
