/* consumequeue.c - entries go to the tail, where readers see them, and from there to files; reads look at the tail
 * first.
 */
#include "store/consumequeue.h"

#include <stdio.h>
#include "base/check.h"
#include "base/log.h"
#include "message/batch.h"
#include "os/file.h"
#include "store/store_internal.h"

/* A jump of the queue offset over more entries than that is taken for damage, not for lost entries. */
enum { FILL_LIMIT_ENTRIES = 100 * 1000 * 1000 };

static struct lock *stripe_of(const struct queue *queue) {
    return &queue->store->queues.stripes[queue->hash % QUEUE_STRIPES];
}

static int64_t slot_bytes(const struct queue *queue, int64_t slots) {
    return slots * queue_entry_bytes(queue->kind);
}

/* Start of the file that holds it. */
static int64_t file_start(const struct queue *queue, int64_t slot) {
    int64_t at = slot_bytes(queue, slot);
    return at - at % queue_files_bytes(queue);
}

/* First slot of the file behind the one that holds it. */
static int64_t roll(const struct queue *queue, int64_t slot) {
    return (file_start(queue, slot) + queue_files_bytes(queue)) / queue_entry_bytes(queue->kind);
}

/* --- read ------------------------------------------------------------------------------------------------ */

/* *file_end: entries below are in files; those from there on may be in the tail only. */
static int32_t read_tail(struct queue *queue, int64_t slot, int32_t max, char *raw, int64_t *file_end) {
    int32_t count = 0;
    lock_take(stripe_of(queue));
    const struct queue_tail *tail = queue->tail;
    *file_end = tail ? tail->first_slot : INT64_MAX;
    if (tail && slot >= tail->first_slot && slot < tail->first_slot + tail->count) {
        int64_t skip = slot - tail->first_slot;
        count = (int32_t)MIN(max, tail->count - skip);
        memcpy(raw, tail->data + slot_bytes(queue, skip), (size_t)slot_bytes(queue, count));
    }
    lock_give(stripe_of(queue));
    return count;
}

enum err consumequeue_read_file(struct queue *queue, int64_t slot, int32_t count, bool may_wait, char *raw) {
    struct queue_files *files = &queue->store->queue_files;
    struct queue_file *file;
    int64_t start = file_start(queue, slot);
    TRY(queue_files_take(files, queue, start, false, &file));
    int64_t at = slot_bytes(queue, slot) - start;
    size_t len = (size_t)slot_bytes(queue, count);
    enum err err = may_wait ? file_pread(file->fd, file->path, raw, len, at)
                            : file_pread_cached(file->fd, file->path, raw, len, at);
    queue_files_give(files, file);
    return err;
}

/* Up to `max` entries from a slot on that is below max_slot; *count > 0. */
static enum err read_slots(struct queue *queue, int64_t slot, int32_t max, bool may_wait, char *raw, int32_t *count) {
    int64_t file_end;
    *count = read_tail(queue, slot, max, raw, &file_end);
    if (*count > 0) return ERR_OK;
    *count = (int32_t)MIN(max, MIN(file_end, roll(queue, slot)) - slot);
    return consumequeue_read_file(queue, slot, *count, may_wait, raw);
}

static enum err read_entry(struct queue *queue, int64_t slot, bool may_wait, struct queue_entry *out) {
    char raw[QUEUE_BATCH_ENTRY_BYTES];
    int32_t count;
    TRY(read_slots(queue, slot, 1, may_wait, raw, &count));
    *out = queue_entry_decode(queue->kind, slot, raw);
    return ERR_OK;
}

enum err consumequeue_entry(struct queue *queue, int64_t slot, struct queue_entry *out) {
    return read_entry(queue, slot, true, out);
}

/* The first slot in [low, high) with messages at or behind offset_queue; `high` if none. */
static enum err find_slot(struct queue *queue, int64_t low, int64_t high, int64_t offset_queue, bool may_wait,
                          int64_t *out) {
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        struct queue_entry entry;
        TRY(read_entry(queue, middle, may_wait, &entry));
        if (queue_entry_end(&entry) > offset_queue) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    *out = low;
    return ERR_OK;
}

/* A damaged entry may have led the search too far: then the one before it says so. */
static enum err slot_of(struct queue *queue, int64_t offset_queue, bool may_wait, int64_t *out) {
    *out = offset_queue;
    if (queue->kind == QUEUE_SIMPLE) return ERR_OK;
    int64_t low = atomic_load(&queue->min_slot);
    TRY(find_slot(queue, low, atomic_load(&queue->max_slot), offset_queue, may_wait, out));
    for (struct queue_entry before; *out - low >= 2;) {
        TRY(read_entry(queue, *out - 2, may_wait, &before));
        if (queue_entry_end(&before) <= offset_queue) break;
        TRY(find_slot(queue, low, *out - 2, offset_queue, may_wait, out));
    }
    return ERR_OK;
}

static enum err read_run(struct queue *queue, int32_t max, bool may_wait, struct queue_run *run) {
    int64_t end = atomic_load_explicit(&queue->max_slot, memory_order_acquire);
    run->count = 0;
    max = (int32_t)MIN(MIN(max, QUEUE_RUN_ENTRIES), end - run->first_slot);
    if (max <= 0) return ERR_OK;
    enum err err = read_slots(queue, run->first_slot, max, may_wait, run->raw, &run->count);
    if (err != ERR_OK) run->count = 0;
    return err;
}

enum err consumequeue_read(struct queue *queue, int64_t offset_queue, int32_t max, bool may_wait,
                           struct queue_run *out) {
    out->kind = queue->kind;
    out->count = 0;
    if (offset_queue < 0 || offset_queue >= atomic_load_explicit(&queue->max_offset, memory_order_acquire))
        return ERR_OK;
    TRY(slot_of(queue, offset_queue, may_wait, &out->first_slot));
    return read_run(queue, max, may_wait, out);
}

enum err consumequeue_read_on(struct queue *queue, int32_t max, bool may_wait, struct queue_run *run) {
    run->first_slot += run->count;
    return read_run(queue, max, may_wait, run);
}

int64_t consumequeue_roll(struct queue *queue, int64_t offset_queue) {
    if (queue->kind == QUEUE_SIMPLE) return roll(queue, offset_queue);
    int64_t end = atomic_load(&queue->max_slot);
    for (int64_t slot = roll(queue, atomic_load(&queue->min_slot)); slot < end; slot = roll(queue, slot)) {
        struct queue_entry entry;
        if (read_entry(queue, slot, true, &entry) == ERR_OK && entry.offset_queue > offset_queue)
            return entry.offset_queue;
    }
    return atomic_load(&queue->max_offset);
}

/* --- append ---------------------------------------------------------------------------------------------- */

void consumequeue_set_tail(struct queue *queue, struct queue_tail *tail) {
    lock_take(stripe_of(queue));
    queue->tail = tail;
    lock_give(stripe_of(queue));
}

/* Room for one more at the end of the tail; what is not in the file yet may have to be written for that. */
static enum err make_room(struct queue *queue, bool may_wait) {
    if (!queue->tail) TRY(queue_tails_lend(&queue->store->dispatch.tails, queue, may_wait));
    struct queue_tail *tail = queue->tail;
    int32_t cap = (int32_t)sizeof tail->data / queue_entry_bytes(queue->kind), keep = cap / 2;
    if (tail->count < cap) return ERR_OK;
    int64_t first_kept = tail->first_slot + tail->count - keep;
    if (atomic_load_explicit(&queue->written_slot, memory_order_relaxed) < first_kept) {
        if (!may_wait) return ERR_BUSY;
        TRY(consumequeue_write(queue));
    }
    lock_take(stripe_of(queue));
    memmove(tail->data, tail->data + slot_bytes(queue, tail->count - keep), (size_t)slot_bytes(queue, keep));
    tail->first_slot = first_kept;
    tail->count = keep;
    lock_give(stripe_of(queue));
    return ERR_OK;
}

static enum err put_next(struct queue *queue, const struct queue_entry *entry, bool may_wait) {
    TRY(make_room(queue, may_wait));
    struct queue_tail *tail = queue->tail;
    lock_take(stripe_of(queue));
    queue_entry_encode(queue->kind, entry, tail->data + slot_bytes(queue, tail->count));
    tail->count++;
    lock_give(stripe_of(queue));
    queue->pending_slot++;
    queue->pending_offset = queue_entry_end(entry);
    return ERR_OK;
}

static struct queue_entry filler_at(int64_t offset_queue) {
    return (struct queue_entry){.size_bytes = QUEUE_FILLER_SIZE, .offset_queue = offset_queue, .count = 1};
}

/* Entries of a simple queue up to that one. */
static enum err fill(struct queue *queue, int64_t end_offset, bool may_wait) {
    int64_t missing = end_offset - queue->pending_offset;
    if (missing > FILL_LIMIT_ENTRIES)
        return fail(ERR_CORRUPT, "queue %.*s/%d ends at %lld, a record says it is number %lld", BYTES_ARG(queue->topic),
                    queue->id, (long long)queue->pending_offset, (long long)end_offset);
    log_warn(STORE, "queue entries missing, filled: topic=%.*s queue=%d from=%lld count=%lld", BYTES_ARG(queue->topic),
             queue->id, (long long)queue->pending_offset, (long long)missing);
    while (queue->pending_offset < end_offset) {
        struct queue_entry filler = filler_at(queue->pending_offset);
        TRY(put_next(queue, &filler, may_wait));
    }
    return ERR_OK;
}

bool consumequeue_is_empty(const struct queue *queue) {
    return queue->first_file_bytes < 0 && queue->pending_offset == 0;
}

/* It begins at that offset: what was before is no longer in the log. */
static void begin_at(struct queue *queue, int64_t offset_queue) {
    int64_t slot = queue->kind == QUEUE_SIMPLE ? offset_queue : 0;
    queue->pending_slot = slot;
    queue->pending_offset = offset_queue;
    atomic_store(&queue->written_slot, slot);
    atomic_store(&queue->synced_slot, slot);
    atomic_store(&queue->min_slot, slot);
    atomic_store(&queue->max_slot, slot);
    atomic_store(&queue->min_offset, offset_queue);
    atomic_store(&queue->max_offset, offset_queue);
    if (queue->tail) queue->tail->first_slot = slot;
}

/* All before it in the queue lie before it in the log, whatever was deleted since. */
static bool is_possible(const struct queue *queue, const struct queue_entry *entry) {
    int64_t message_bytes = queue->kind == QUEUE_SIMPLE ? RECORD_FIXED_V1_IPV4 : BATCH_ITEM_FIXED;
    return entry->offset_queue <= entry->offset_phys / message_bytes;
}

enum err consumequeue_put(struct queue *queue, const struct queue_entry *entry, bool may_wait) {
    if (entry->offset_queue < queue->pending_offset) return ERR_OK;
    if (!is_possible(queue, entry))
        return fail(ERR_CORRUPT, "the record at %lld says it is number %lld of its queue",
                    (long long)entry->offset_phys, (long long)entry->offset_queue);
    if (consumequeue_is_empty(queue))
        begin_at(queue, entry->offset_queue);
    else if (queue->kind == QUEUE_SIMPLE && entry->offset_queue > queue->pending_offset)
        TRY(fill(queue, entry->offset_queue, may_wait));
    TRY(put_next(queue, entry, may_wait));
    queue->newest_phys = entry->offset_phys;
    return ERR_OK;
}

/* Fillers from the start of the first file up to the first entry: Java takes zeros for the end of the queue. */
static enum err pad_first_file(struct queue_file *file, int64_t len) {
    char chunk[QUEUE_ENTRY_BYTES * 256];
    struct queue_entry filler = filler_at(0);
    for (size_t i = 0; i < sizeof chunk; i += QUEUE_ENTRY_BYTES) queue_entry_encode(QUEUE_SIMPLE, &filler, chunk + i);
    for (int64_t at = 0; at < len; at += (int64_t)sizeof chunk)
        TRY(file_pwrite(file->fd, file->path, chunk, (size_t)MIN(len - at, (int64_t)sizeof chunk), at));
    return ERR_OK;
}

/* Writes entries [from, end) that lie in one file. */
static enum err write_part(struct queue *queue, int64_t from, int64_t end) {
    struct queue_files *files = &queue->store->queue_files;
    const struct queue_tail *tail = queue->tail;
    int64_t start = file_start(queue, from), at = slot_bytes(queue, from) - start;
    struct queue_file *file;
    TRY(queue_files_take(files, queue, start, true, &file));
    enum err err = queue->first_file_bytes < 0 ? pad_first_file(file, at) : ERR_OK;
    const char *entries = tail->data + slot_bytes(queue, from - tail->first_slot);
    if (err == ERR_OK) err = file_pwrite(file->fd, file->path, entries, (size_t)slot_bytes(queue, end - from), at);
    queue_files_give(files, file);
    if (err != ERR_OK) return err;
    if (queue->first_file_bytes < 0) queue->first_file_bytes = start;
    atomic_store(&queue->written_slot, end);
    return ERR_OK;
}

enum err consumequeue_write(struct queue *queue) {
    int64_t from = atomic_load(&queue->written_slot), end = queue->pending_slot;
    if (from >= end) return ERR_OK;
    dispatch_note_write(&queue->store->dispatch);
    for (int64_t part_end; from < end; from = part_end) {
        part_end = MIN(end, roll(queue, from));
        TRY(write_part(queue, from, part_end));
    }
    flush_add_queue(&queue->store->flush, queue);
    return ERR_OK;
}

void consumequeue_publish(struct queue *queue) {
    atomic_store_explicit(&queue->max_slot, queue->pending_slot, memory_order_release);
    atomic_store(&queue->max_offset, queue->pending_offset);
}

/* --- sync and expiry ------------------------------------------------------------------------------------- */

/* Makes the name of a new file last: its folder, and for a new queue the folders above. */
static enum err sync_names(struct queue *queue, int64_t start) {
    if (start <= queue->named_bytes) return ERR_OK;
    char path[STORE_PATH_MAX];
    queue_files_path(queue, -1, path, sizeof path);
    TRY(file_sync_dir(path));
    for (int up = 0; up < 2 && queue->named_bytes < 0; up++) {
        *strrchr(path, '/') = '\0';
        TRY(file_sync_dir(path));
    }
    queue->named_bytes = start;
    return ERR_OK;
}

static enum err sync_file(struct queue *queue, int64_t start) {
    struct queue_files *files = &queue->store->queue_files;
    struct queue_file *file;
    TRY(queue_files_take(files, queue, start, false, &file));
    enum err err = file_sync(file->fd, file->path);
    queue_files_give(files, file);
    return err == ERR_OK ? sync_names(queue, start) : err;
}

enum err consumequeue_sync(struct queue *queue) {
    int64_t end = atomic_load_explicit(&queue->written_slot, memory_order_acquire);
    for (int64_t from = atomic_load(&queue->synced_slot); from < end; from = roll(queue, from)) {
        enum err err = sync_file(queue, file_start(queue, from));
        if (atomic_load(&queue->deleted)) return ERR_OK;
        if (err != ERR_OK && err != ERR_NOT_FOUND) return err; /* not found: expired meanwhile */
    }
    atomic_store(&queue->synced_slot, end);
    return ERR_OK;
}

void consumequeue_set_synced(struct queue *queue, int64_t end_slot) {
    if (end_slot == 0) return;
    atomic_store(&queue->synced_slot, end_slot);
    queue->named_bytes = file_start(queue, end_slot - 1);
}

/* First slot in [low, high) whose entry is of the log from min_phys on; high if none. Older entries come first, and
 * mostly there are none: `low` is looked at before all others. */
static enum err find_first(struct queue *queue, int64_t low, int64_t high, int64_t min_phys, int64_t *out) {
    for (int64_t middle = low; low < high; middle = low + (high - low) / 2) {
        struct queue_entry entry;
        TRY(read_entry(queue, middle, true, &entry));
        if (entry.offset_phys >= min_phys && !queue_entry_is_filler(&entry)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    *out = low;
    return ERR_OK;
}

static enum err drop_first_file(struct queue *queue) {
    char path[STORE_PATH_MAX];
    queue_files_path(queue, queue->first_file_bytes, path, sizeof path);
    TRY(file_unlink(path));
    queue->first_file_bytes += queue_files_bytes(queue);
    queue_files_forget(&queue->store->queue_files, queue, queue->first_file_bytes);
    return ERR_OK;
}

/* The queue offset that an entry at that slot has, or will have. */
static enum err offset_at(struct queue *queue, int64_t slot, int64_t *out) {
    *out = slot;
    if (queue->kind == QUEUE_SIMPLE) return ERR_OK;
    *out = queue->pending_offset;
    if (slot >= queue->pending_slot) return ERR_OK;
    struct queue_entry entry;
    TRY(read_entry(queue, slot, true, &entry));
    *out = entry.offset_queue;
    return ERR_OK;
}

static enum err begin_later(struct queue *queue, int64_t slot) {
    int64_t offset_queue;
    TRY(offset_at(queue, slot, &offset_queue));
    atomic_store(&queue->min_slot, slot);
    /* a damaged entry says anything */
    atomic_store(&queue->min_offset, MAX(atomic_load(&queue->min_offset), MIN(offset_queue, queue->pending_offset)));
    return ERR_OK;
}

enum err consumequeue_expire(struct queue *queue, int64_t min_phys, int32_t *dropped) {
    *dropped = 0;
    if (queue->first_file_bytes < 0) return ERR_OK;
    for (;;) {
        int64_t first = queue->first_file_bytes / queue_entry_bytes(queue->kind), found;
        int64_t written = atomic_load(&queue->written_slot), end = MIN(written, roll(queue, first));
        int64_t low = MIN(MAX(first, atomic_load(&queue->min_slot)), end);
        TRY(find_first(queue, low, end, min_phys, &found));
        bool keep = found < end || end == written;
        if (keep) return begin_later(queue, found);
        TRY(drop_first_file(queue));
        ++*dropped;
    }
}

enum err consumequeue_remove(struct queue *queue) {
    char path[STORE_PATH_MAX];
    queue_files_forget(&queue->store->queue_files, queue, INT64_MAX);
    queue_files_path(queue, -1, path, sizeof path);
    TRY(file_remove_tree(path));
    atomic_store(&queue->min_offset, 0);
    atomic_store(&queue->max_offset, 0);
    return ERR_OK;
}
