/* consumequeue_recover.c - where a queue begins and ends, found from its files. */
#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "os/file.h"
#include "store/store_internal.h"

enum { WALK_FILES = 3, CHUNK_ENTRIES = 2048 };

/* The files of a queue as one run of entries. */
struct walk {
    struct queue *queue;
    int64_t first_bytes, end_bytes; /* of the files */
    bool crashed;
};

static int64_t entry_bytes(const struct queue *queue) {
    return queue_entry_bytes(queue->kind);
}

static struct queue_entry entry_in(const struct walk *walk, int64_t slot, const char *raw, int64_t i) {
    return queue_entry_decode(walk->queue->kind, slot + i, raw + i * entry_bytes(walk->queue));
}

/* The size that existing files have wins; all queues must agree. */
static enum err check_size(struct queue *queue, const char *path, int64_t size_bytes) {
    static const char *const keys[QUEUE_KINDS] = {"mappedFileSizeConsumeQueue", "mapperFileSizeBatchConsumeQueue"};
    struct queue_files *files = &queue->store->queue_files;
    int64_t *file_bytes = &files->file_bytes[queue->kind];
    if (size_bytes == *file_bytes) return ERR_OK;
    if (files->size_is_known[queue->kind] || size_bytes == 0 || size_bytes % entry_bytes(queue) != 0)
        return fail(ERR_CORRUPT,
                    "%s has %lld bytes, queue files have %lld; stop, move the folder %s away and start again: "
                    "it is rebuilt from the log",
                    path, (long long)size_bytes, (long long)*file_bytes, queue_folders[queue->kind]);
    log_warn(STORE, "queue files keep their size: size_bytes=%lld; %s says %lld and is not used", (long long)size_bytes,
             keys[queue->kind], (long long)*file_bytes);
    *file_bytes = size_bytes;
    return ERR_OK;
}

static enum err size_of_file(struct queue *queue, int64_t start, const char *path, int64_t *size_bytes) {
    struct queue_files *files = &queue->store->queue_files;
    struct queue_file *file;
    TRY(queue_files_take(files, queue, start, false, &file));
    enum err err = file_size(file->fd, size_bytes);
    queue_files_give(files, file);
    return err == ERR_OK && *size_bytes > 0 ? check_size(queue, path, *size_bytes) : err;
}

static enum err add_file(struct walk *walk, int64_t start, bool is_last) {
    struct queue_files *files = &walk->queue->store->queue_files;
    char path[STORE_PATH_MAX];
    int64_t size_bytes;
    queue_files_path(walk->queue, start, path, sizeof path);
    TRY(size_of_file(walk->queue, start, path, &size_bytes));
    if (is_last && size_bytes == 0) { /* made by a process that was killed then */
        queue_files_forget(files, walk->queue, start + 1);
        return file_unlink(path);
    }
    if (size_bytes == 0) return fail(ERR_CORRUPT, "%s is empty; remove it, or restore it from a copy", path);
    files->size_is_known[walk->queue->kind] = true;
    if (walk->end_bytes != start) {
        if (walk->end_bytes > 0 && walk->crashed) return fail(ERR_CORRUPT, "the file before %s is missing", path);
        if (walk->end_bytes > 0) log_warn(STORE, "queue file missing, older ones not used: before=%s", path);
        walk->first_bytes = start;
    }
    walk->end_bytes = start + queue_files_bytes(walk->queue);
    return ERR_OK;
}

static enum err list_files(struct walk *walk) {
    char path[STORE_PATH_MAX];
    queue_files_path(walk->queue, -1, path, sizeof path);
    struct arena arena = {0};
    int64_t *starts;
    size_t count;
    enum err err = mapped_file_list(&arena, path, &starts, &count);
    walk->first_bytes = walk->end_bytes = -1;
    for (size_t i = 0; err == ERR_OK && i < count; i++) err = add_file(walk, starts[i], i + 1 == count);
    arena_close(&arena);
    return err;
}

static enum err is_used_at(const struct walk *walk, int64_t slot, bool *used) {
    struct queue_entry entry;
    TRY(consumequeue_entry(walk->queue, slot, &entry));
    *used = queue_entry_is_used(&entry);
    return ERR_OK;
}

/* End of the entries in [low, high) of one file: valid ones come first, in one piece. */
static enum err find_end_quick(const struct walk *walk, int64_t low, int64_t high, int64_t *end) {
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        bool used;
        TRY(is_used_at(walk, middle, &used));
        if (used) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *end = low;
    return ERR_OK;
}

/* The same, with the word of the file system where the data ends: mostly one read instead of twenty. */
static enum err find_end_by_hole(const struct walk *walk, int64_t low, int64_t high, int64_t *end) {
    enum { BLOCK_BYTES = 4096 + 2 * QUEUE_BATCH_ENTRY_BYTES };
    struct queue_files *files = &walk->queue->store->queue_files;
    struct queue_file *file;
    int64_t size = entry_bytes(walk->queue), start = low * size, data_end;
    char raw[BLOCK_BYTES];
    TRY(queue_files_take(files, walk->queue, start, false, &file));
    enum err err = file_data_end(file->fd, file->path, &data_end);
    queue_files_give(files, file);
    TRY(err);
    high = MIN(high, (start + data_end + size - 1) / size);
    int64_t block = MAX(low, high - BLOCK_BYTES / size), count = 0;
    if (block < high) TRY(consumequeue_read_file(walk->queue, block, (int32_t)(high - block), true, raw));
    for (; count < high - block; count++) {
        struct queue_entry entry = entry_in(walk, block, raw, count);
        if (!queue_entry_is_used(&entry)) break;
    }
    *end = block + count;
    return count > 0 ? ERR_OK : find_end_quick(walk, low, block, end);
}

/* The same, looking at each: an entry that does not go forward is left over from before a cut, and those of records
 * that may not be on disk are made again. */
static enum err find_end_walking(const struct walk *walk, int64_t low, int64_t high, int64_t synced_phys,
                                 int64_t *end) {
    int64_t file_entries = queue_files_bytes(walk->queue) / entry_bytes(walk->queue), last_phys = -1, last_end = 0;
    char *raw = malloc((size_t)(CHUNK_ENTRIES * entry_bytes(walk->queue)));
    must(raw);
    enum err err = ERR_OK;
    bool ended = false;
    while (err == ERR_OK && !ended && low < high) {
        int64_t count = MIN(MIN(high - low, CHUNK_ENTRIES), file_entries - low % file_entries);
        err = consumequeue_read_file(walk->queue, low, (int32_t)count, true, raw);
        for (int64_t i = 0; err == ERR_OK && i < count; i++) {
            struct queue_entry entry = entry_in(walk, low - i, raw, i);
            bool filler = queue_entry_is_filler(&entry);
            ended = !queue_entry_is_used(&entry) || entry.offset_queue < last_end ||
                    (!filler && (entry.offset_phys <= last_phys || entry.offset_phys >= synced_phys));
            if (ended) break;
            if (!filler) last_phys = entry.offset_phys;
            last_end = queue_entry_end(&entry);
            low++;
        }
    }
    free(raw);
    *end = low;
    return err;
}

/* How many files, from the last one back, may have holes: those with entries that were not synced, at least three. */
static enum err count_unsure_files(const struct walk *walk, int64_t synced_phys, int64_t *files) {
    int64_t file_bytes = queue_files_bytes(walk->queue);
    for (*files = WALK_FILES; walk->end_bytes - *files * file_bytes > walk->first_bytes; (*files)++) {
        struct queue_entry entry;
        TRY(consumequeue_entry(walk->queue, (walk->end_bytes - *files * file_bytes) / entry_bytes(walk->queue),
                               &entry));
        if (queue_entry_is_used(&entry) && entry.offset_phys < synced_phys) break;
    }
    return ERR_OK;
}

static enum err find_end(const struct walk *walk, int64_t synced_phys, int64_t *end) {
    bool quick = synced_phys == INT64_MAX;
    int64_t file_bytes = queue_files_bytes(walk->queue);
    int64_t files = 1, high = walk->end_bytes / entry_bytes(walk->queue), low;
    if (!quick) TRY(count_unsure_files(walk, synced_phys, &files));
    for (;; files++) {
        int64_t low_bytes = MAX(walk->first_bytes, walk->end_bytes - files * file_bytes);
        low = low_bytes / entry_bytes(walk->queue);
        TRY(quick ? find_end_by_hole(walk, low, high, end) : find_end_walking(walk, low, high, synced_phys, end));
        /* nothing there: the queue ended earlier */
        if (*end > low || low_bytes == walk->first_bytes) return ERR_OK;
        high = low;
    }
}

/* Those that hold [from_bytes, end_bytes); the last one first: whenever this ends, no gap is left. */
static enum err remove_files(struct queue *queue, int64_t from_bytes, int64_t end_bytes) {
    struct queue_files *files = &queue->store->queue_files;
    int64_t file_bytes = queue_files_bytes(queue), start = (end_bytes - 1) / file_bytes * file_bytes;
    for (; start >= from_bytes; start -= file_bytes) {
        char path[STORE_PATH_MAX];
        queue_files_forget(files, queue, start + file_bytes);
        queue_files_path(queue, start, path, sizeof path);
        TRY(file_unlink(path));
    }
    return ERR_OK;
}

/* Nothing may follow the end, or a later start would take it for entries: zeroes the rest of the file that holds the
 * end and removes the files behind it. */
static enum err cut_behind(struct queue *queue, int64_t end_slot, int64_t files_end_bytes) {
    struct queue_files *files = &queue->store->queue_files;
    int64_t file_bytes = queue_files_bytes(queue);
    int64_t end_bytes = end_slot * entry_bytes(queue), start = end_bytes - end_bytes % file_bytes;
    if (start < files_end_bytes) {
        struct queue_file *file;
        TRY(queue_files_take(files, queue, start, false, &file));
        enum err err = file_zero(file->fd, file->path, end_bytes - start, start + file_bytes - end_bytes);
        queue_files_give(files, file);
        TRY(err);
    }
    return remove_files(queue, start + file_bytes, files_end_bytes);
}

/* All entries are in the files, or there are none. */
static enum err set_bounds(struct queue *queue, int64_t min_slot, int64_t max_slot) {
    struct queue_entry first = {.offset_queue = min_slot}, last = {.offset_queue = max_slot};
    if (queue->kind == QUEUE_BATCH && min_slot < max_slot) {
        TRY(consumequeue_entry(queue, min_slot, &first));
        TRY(consumequeue_entry(queue, max_slot - 1, &last));
    }
    queue->pending_slot = max_slot;
    queue->pending_offset = queue_entry_end(&last);
    atomic_store(&queue->written_slot, max_slot);
    atomic_store(&queue->synced_slot, max_slot);
    atomic_store(&queue->min_slot, min_slot);
    atomic_store(&queue->max_slot, max_slot);
    atomic_store(&queue->min_offset, first.offset_queue);
    atomic_store(&queue->max_offset, queue->pending_offset);
    atomic_store(&queue->next_offset, queue->pending_offset);
    return ERR_OK;
}

/* The numbers of a batch queue are what its entries say: those at its ends are compared with the records. */
static enum err check_number(struct queue *queue, int64_t slot, const struct queue_entry *entry) {
    struct store_slice slice;
    struct record record;
    if (queue->kind == QUEUE_SIMPLE || entry->offset_phys < commitlog_min(&queue->store->log)) return ERR_OK;
    bool agrees = commitlog_record(&queue->store->log, entry->offset_phys, &slice, &record) == ERR_OK;
    if (agrees) {
        agrees =
            record.offset_queue == entry->offset_queue && entry->count == dispatch_entry_count(queue->kind, &record);
        store_release(slice.hold);
    }
    if (agrees && atomic_load(&queue->min_offset) <= atomic_load(&queue->max_offset)) return ERR_OK;
    return fail(ERR_CORRUPT, "entry %lld of batch queue %.*s/%d is not that of its record at %lld", (long long)slot,
                BYTES_ARG(queue->topic), queue->id, (long long)entry->offset_phys);
}

enum err consumequeue_load(struct queue *queue, int64_t synced_phys, struct queue_entry *last) {
    struct walk walk = {.queue = queue, .crashed = synced_phys != INT64_MAX};
    *last = (struct queue_entry){0};
    TRY(list_files(&walk));
    if (walk.end_bytes < 0) return ERR_OK;
    int64_t end, first = walk.first_bytes / entry_bytes(queue);
    TRY(find_end(&walk, synced_phys, &end));
    /* no entry is left: the log tells where the queue begins; the first of these files may have been lost */
    if (walk.crashed && end == first) return remove_files(queue, walk.first_bytes, walk.end_bytes);
    if (walk.crashed) TRY(cut_behind(queue, end, walk.end_bytes));
    queue->first_file_bytes = walk.first_bytes;
    queue->named_bytes = walk.end_bytes - queue_files_bytes(queue);
    TRY(set_bounds(queue, first, end));
    if (end == first) return ERR_OK;
    struct queue_entry entry;
    TRY(consumequeue_entry(queue, end - 1, &entry));
    TRY(check_number(queue, end - 1, &entry));
    if (!queue_entry_is_filler(&entry)) {
        *last = entry;
        queue->newest_phys = entry.offset_phys;
    }
    TRY(consumequeue_entry(queue, first, &entry)); /* mostly of the same file, still open */
    TRY(check_number(queue, first, &entry));
    queue->min_is_known = !queue_entry_is_filler(&entry) && entry.offset_phys >= commitlog_min(&queue->store->log);
    return ERR_OK;
}

static void cut_tail(struct queue *queue, int64_t end_slot) {
    struct queue_tail *tail = queue->tail;
    if (!tail) return;
    tail->first_slot = MIN(tail->first_slot, end_slot);
    tail->count = (int32_t)(end_slot - tail->first_slot);
}

static enum err cut(struct queue *queue, int64_t end_slot) {
    TRY(consumequeue_write(queue));
    int64_t min_slot = atomic_load(&queue->min_slot), end = end_slot > min_slot ? end_slot : 0;
    if (end > 0) {
        TRY(cut_behind(queue, end, queue->pending_slot * entry_bytes(queue)));
        queue->named_bytes = MIN(queue->named_bytes, end * entry_bytes(queue));
    } else { /* nothing is left of it */
        TRY(consumequeue_remove(queue));
        queue->first_file_bytes = queue->named_bytes = -1;
    }
    queue->newest_phys = -1;
    cut_tail(queue, end);
    return set_bounds(queue, MIN(min_slot, end), end);
}

enum err consumequeue_cut(struct queue *queue, int64_t end_offset) {
    int64_t end_slot = queue->pending_slot, min_slot = atomic_load(&queue->min_slot);
    if (queue->kind == QUEUE_SIMPLE) return cut(queue, end_offset);
    for (struct queue_entry entry; end_slot > min_slot; end_slot--) {
        TRY(consumequeue_entry(queue, end_slot - 1, &entry));
        if (queue_entry_end(&entry) <= end_offset) break;
    }
    return cut(queue, end_slot);
}

enum err consumequeue_truncate(struct queue *queue, int64_t end_phys, int64_t *cut_count) {
    int64_t first = queue->first_file_bytes / entry_bytes(queue), written = atomic_load(&queue->written_slot);
    int64_t end = written;
    *cut_count = 0;
    while (queue->first_file_bytes >= 0 && end > first) {
        struct queue_entry entry;
        TRY(consumequeue_entry(queue, end - 1, &entry));
        if (entry.offset_phys <= end_phys - entry.size_bytes || queue_entry_is_filler(&entry)) break;
        end--;
    }
    *cut_count = written - end;
    return *cut_count > 0 ? cut(queue, end) : ERR_OK;
}
