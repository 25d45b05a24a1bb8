/* consumequeue.c - entries go to the tail, where readers see them, and from there to files; reads look at the tail
 * first.
 */
#include "store/consumequeue.h"

#include <stdio.h>
#include "base/check.h"
#include "base/log.h"
#include "os/file.h"
#include "store/store_internal.h"

/* A jump of the queue offset over more entries than that is taken for damage, not for lost entries. */
enum { FILL_LIMIT_ENTRIES = 100 * 1000 * 1000 };

static struct lock *stripe_of(const struct queue *queue) {
    return &queue->store->queues.stripes[queue->hash % QUEUE_STRIPES];
}

static int64_t file_bytes_of(const struct queue *queue) {
    return queue->store->queue_files.file_bytes;
}

static int64_t file_start(const struct queue *queue, int64_t offset_queue) {
    int64_t at = offset_queue * QUEUE_ENTRY_BYTES;
    return at - at % file_bytes_of(queue);
}

int64_t consumequeue_roll(const struct queue *queue, int64_t offset_queue) {
    return (file_start(queue, offset_queue) + file_bytes_of(queue)) / QUEUE_ENTRY_BYTES;
}

void queue_entry_encode(const struct queue_entry *entry, char *out) {
    store_u64be(out, (uint64_t)entry->offset_phys);
    store_u32be(out + 8, (uint32_t)entry->size_bytes);
    store_u64be(out + 12, (uint64_t)entry->tags_code);
}

/* --- read ------------------------------------------------------------------------------------------------ */

/* *file_end: entries below are in files; those from there on may be in the tail only. */
static int32_t read_tail(struct queue *queue, int64_t offset_queue, int32_t max, char *raw, int64_t *file_end) {
    int32_t count = 0;
    lock_take(stripe_of(queue));
    const struct queue_tail *tail = queue->tail;
    *file_end = tail ? tail->first_offset : INT64_MAX;
    if (tail && offset_queue >= tail->first_offset && offset_queue < tail->first_offset + tail->count) {
        int64_t skip = offset_queue - tail->first_offset;
        count = (int32_t)MIN(max, tail->count - skip);
        memcpy(raw, tail->data + skip * QUEUE_ENTRY_BYTES, (size_t)count * QUEUE_ENTRY_BYTES);
    }
    lock_give(stripe_of(queue));
    return count;
}

/* `count` entries of one file. */
static enum err read_file(struct queue *queue, int64_t offset_queue, int32_t count, bool may_wait, char *raw) {
    struct queue_files *files = &queue->store->queue_files;
    struct queue_file *file;
    int64_t start = file_start(queue, offset_queue);
    TRY(queue_files_take(files, queue, start, false, &file));
    int64_t at = offset_queue * QUEUE_ENTRY_BYTES - start;
    size_t len = (size_t)count * QUEUE_ENTRY_BYTES;
    enum err err = may_wait ? file_pread(file->fd, file->path, raw, len, at)
                            : file_pread_cached(file->fd, file->path, raw, len, at);
    queue_files_give(files, file);
    return err;
}

static enum err read_entry(struct queue *queue, int64_t offset_queue, struct queue_entry *out) {
    char raw[QUEUE_ENTRY_BYTES];
    TRY(read_file(queue, offset_queue, 1, true, raw));
    *out = queue_entry_decode(raw);
    return ERR_OK;
}

enum err consumequeue_read(struct queue *queue, int64_t offset_queue, int32_t max, bool may_wait, char *raw,
                           int32_t *count) {
    *count = 0;
    int64_t max_offset = atomic_load_explicit(&queue->max_offset, memory_order_acquire);
    if (offset_queue < 0 || offset_queue >= max_offset) return ERR_OK;
    max = (int32_t)MIN(max, max_offset - offset_queue);
    int64_t file_end;
    int32_t found = read_tail(queue, offset_queue, max, raw, &file_end);
    if (found == 0) {
        file_end = MIN(file_end, consumequeue_roll(queue, offset_queue));
        found = (int32_t)MIN(max, file_end - offset_queue);
        TRY(read_file(queue, offset_queue, found, may_wait, raw));
    }
    *count = found;
    return ERR_OK;
}

/* --- append ---------------------------------------------------------------------------------------------- */

void consumequeue_set_tail(struct queue *queue, struct queue_tail *tail) {
    lock_take(stripe_of(queue));
    queue->tail = tail;
    lock_give(stripe_of(queue));
}

/* Room for one more at the end of the tail; what is not in the file yet may have to be written for that. */
static enum err make_room(struct queue *queue, bool may_wait) {
    enum { KEEP = QUEUE_TAIL_ENTRIES / 2 };
    if (!queue->tail) TRY(queue_tails_lend(&queue->store->dispatch.tails, queue, may_wait));
    struct queue_tail *tail = queue->tail;
    if (tail->count < QUEUE_TAIL_ENTRIES) return ERR_OK;
    int64_t first_kept = tail->first_offset + tail->count - KEEP;
    if (atomic_load_explicit(&queue->written_offset, memory_order_relaxed) < first_kept) {
        if (!may_wait) return ERR_BUSY;
        TRY(consumequeue_write(queue));
    }
    lock_take(stripe_of(queue));
    memmove(tail->data, tail->data + (tail->count - KEEP) * QUEUE_ENTRY_BYTES, KEEP * QUEUE_ENTRY_BYTES);
    tail->first_offset = first_kept;
    tail->count = KEEP;
    lock_give(stripe_of(queue));
    return ERR_OK;
}

static enum err put_next(struct queue *queue, const struct queue_entry *entry, bool may_wait) {
    TRY(make_room(queue, may_wait));
    struct queue_tail *tail = queue->tail;
    lock_take(stripe_of(queue));
    queue_entry_encode(entry, tail->data + tail->count * QUEUE_ENTRY_BYTES);
    tail->count++;
    lock_give(stripe_of(queue));
    queue->pending_end++;
    return ERR_OK;
}

static enum err fill(struct queue *queue, int64_t end_offset, bool may_wait) {
    static const struct queue_entry filler = {0, QUEUE_FILLER_SIZE, 0};
    while (queue->pending_end < end_offset) TRY(put_next(queue, &filler, may_wait));
    return ERR_OK;
}

bool consumequeue_is_empty(const struct queue *queue) {
    return queue->first_file_bytes < 0 && queue->pending_end == 0;
}

/* It begins at that offset: what was before is no longer in the log. */
static void begin_at(struct queue *queue, int64_t offset_queue) {
    queue->pending_end = offset_queue;
    atomic_store(&queue->written_offset, offset_queue);
    atomic_store(&queue->synced_offset, offset_queue);
    atomic_store(&queue->min_offset, offset_queue);
    atomic_store(&queue->max_offset, offset_queue);
    if (queue->tail) queue->tail->first_offset = offset_queue;
}

enum err consumequeue_put(struct queue *queue, int64_t offset_queue, const struct queue_entry *entry, bool may_wait) {
    if (offset_queue < queue->pending_end) return ERR_OK;
    /* All before it in the queue lie before it in the log, whatever was deleted since. */
    if (offset_queue > entry->offset_phys / RECORD_FIXED_V1_IPV4)
        return fail(ERR_CORRUPT, "the record at %lld says it is number %lld of its queue",
                    (long long)entry->offset_phys, (long long)offset_queue);
    if (consumequeue_is_empty(queue)) {
        begin_at(queue, offset_queue);
    } else if (offset_queue > queue->pending_end) {
        int64_t missing = offset_queue - queue->pending_end;
        if (missing > FILL_LIMIT_ENTRIES)
            return fail(ERR_CORRUPT, "queue %.*s/%d ends at %lld, a record says it is number %lld",
                        BYTES_ARG(queue->topic), queue->id, (long long)queue->pending_end, (long long)offset_queue);
        log_warn(STORE, "queue entries missing, filled: topic=%.*s queue=%d from=%lld count=%lld",
                 BYTES_ARG(queue->topic), queue->id, (long long)queue->pending_end, (long long)missing);
        TRY(fill(queue, offset_queue, may_wait));
    }
    TRY(put_next(queue, entry, may_wait));
    queue->newest_phys = entry->offset_phys;
    return ERR_OK;
}

/* Fillers from the start of the first file up to the first entry: Java takes zeros for the end of the queue. */
static enum err pad_first_file(struct queue_file *file, int64_t len) {
    char chunk[QUEUE_ENTRY_BYTES * 256];
    static const struct queue_entry filler = {0, QUEUE_FILLER_SIZE, 0};
    for (size_t i = 0; i < sizeof chunk; i += QUEUE_ENTRY_BYTES) queue_entry_encode(&filler, chunk + i);
    for (int64_t at = 0; at < len; at += (int64_t)sizeof chunk)
        TRY(file_pwrite(file->fd, file->path, chunk, (size_t)MIN(len - at, (int64_t)sizeof chunk), at));
    return ERR_OK;
}

/* Writes entries [from, end) that lie in one file. */
static enum err write_part(struct queue *queue, int64_t from, int64_t end) {
    struct queue_files *files = &queue->store->queue_files;
    const struct queue_tail *tail = queue->tail;
    int64_t start = file_start(queue, from), at = from * QUEUE_ENTRY_BYTES - start;
    struct queue_file *file;
    TRY(queue_files_take(files, queue, start, true, &file));
    enum err err = queue->first_file_bytes < 0 ? pad_first_file(file, at) : ERR_OK;
    const char *entries = tail->data + (from - tail->first_offset) * QUEUE_ENTRY_BYTES;
    if (err == ERR_OK) err = file_pwrite(file->fd, file->path, entries, (size_t)(end - from) * QUEUE_ENTRY_BYTES, at);
    queue_files_give(files, file);
    if (err != ERR_OK) return err;
    if (queue->first_file_bytes < 0) queue->first_file_bytes = start;
    atomic_store(&queue->written_offset, end);
    return ERR_OK;
}

enum err consumequeue_write(struct queue *queue) {
    int64_t from = atomic_load(&queue->written_offset), end = queue->pending_end;
    if (from >= end) return ERR_OK;
    dispatch_note_write(&queue->store->dispatch);
    for (int64_t part_end; from < end; from = part_end) {
        part_end = MIN(end, consumequeue_roll(queue, from));
        TRY(write_part(queue, from, part_end));
    }
    flush_add_queue(&queue->store->flush, queue);
    return ERR_OK;
}

void consumequeue_publish(struct queue *queue) {
    atomic_store(&queue->max_offset, queue->pending_end);
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
    int64_t end = atomic_load_explicit(&queue->written_offset, memory_order_acquire);
    for (int64_t from = atomic_load(&queue->synced_offset); from < end; from = consumequeue_roll(queue, from)) {
        enum err err = sync_file(queue, file_start(queue, from));
        if (atomic_load(&queue->deleted)) return ERR_OK;
        if (err != ERR_OK && err != ERR_NOT_FOUND) return err; /* not found: expired meanwhile */
    }
    atomic_store(&queue->synced_offset, end);
    return ERR_OK;
}

void consumequeue_set_synced(struct queue *queue, int64_t end_offset) {
    if (end_offset == 0) return;
    atomic_store(&queue->synced_offset, end_offset);
    queue->named_bytes = file_start(queue, end_offset - 1);
}

/* First offset in [low, high) whose entry is of the log from min_phys on; high if none. Older entries come first, and
 * mostly there are none: `low` is looked at before all others. */
static enum err find_first(struct queue *queue, int64_t low, int64_t high, int64_t min_phys, int64_t *out) {
    for (int64_t middle = low; low < high; middle = low + (high - low) / 2) {
        struct queue_entry entry;
        TRY(read_entry(queue, middle, &entry));
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
    queue->first_file_bytes += file_bytes_of(queue);
    queue_files_forget(&queue->store->queue_files, queue, queue->first_file_bytes);
    return ERR_OK;
}

enum err consumequeue_expire(struct queue *queue, int64_t min_phys, int32_t *dropped) {
    *dropped = 0;
    if (queue->first_file_bytes < 0) return ERR_OK;
    for (;;) {
        int64_t first = queue->first_file_bytes / QUEUE_ENTRY_BYTES, found;
        int64_t written = atomic_load(&queue->written_offset), end = MIN(written, consumequeue_roll(queue, first));
        int64_t low = MIN(MAX(first, atomic_load(&queue->min_offset)), end);
        TRY(find_first(queue, low, end, min_phys, &found));
        bool keep = found < end || end == written;
        if (keep) {
            atomic_store(&queue->min_offset, found);
            return ERR_OK;
        }
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
