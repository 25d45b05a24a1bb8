/* commitlog.c - plan, then write: an append that lacks room changes nothing. */
#include "store/commitlog.h"

#include <stdio.h>
#include "base/check.h"
#include "base/endian.h"
#include "os/clock.h"
#include "store/consumequeue.h"

/* A file always keeps room for the mark that ends it: size left (4), magic (4). @source shared facts: store 2.4 */
enum { BLANK_MARK_BYTES = 8, RECORD_HEAD_BYTES = 8 };

enum err commitlog_open(struct commitlog *log, const char *dir, int64_t file_bytes) {
    TRY(mapped_queue_open(&log->files, dir, file_bytes, "mappedFileSizeCommitLog"));
    lock_init(&log->append_lock, LOCK_APPEND);
    log->current = NULL;
    struct mapped_file *first = mapped_queue_first(&log->files);
    int64_t min_phys = first ? first->start_phys : 0;
    if (first) mapped_file_release(first);
    atomic_init(&log->min_phys, min_phys);
    atomic_init(&log->end_phys, mapped_queue_end(&log->files)); /* readable for recovery, which sets the true end */
    atomic_init(&log->reserved_phys, 0);
    atomic_init(&log->flushed_phys, 0);
    atomic_init(&log->last_store_time_ms, 0);
    atomic_init(&log->held_since_ms, 0);
    return ERR_OK;
}

void commitlog_close(struct commitlog *log) {
    if (log->current) mapped_file_release(log->current);
    mapped_queue_close(&log->files);
    lock_close(&log->append_lock);
}

int64_t commitlog_roll(const struct commitlog *log, int64_t offset_phys) {
    if (offset_phys > INT64_MAX - log->files.file_bytes) return INT64_MAX; /* a damaged entry may say anything */
    return (offset_phys / log->files.file_bytes + 1) * log->files.file_bytes;
}

enum err commitlog_set_end(struct commitlog *log, int64_t end_phys, int64_t last_store_time_ms) {
    TRY(mapped_queue_drop_after(&log->files, end_phys));
    for (size_t i = 0; i < mapped_queue_count(&log->files); i++) {
        struct mapped_file *file = mapped_queue_at(&log->files, i);
        int64_t at = end_phys - file->start_phys;
        enum err err = ERR_OK;
        if (at < file->size_bytes) {
            err = mapped_file_unseal(file);
            if (err == ERR_OK) err = mapped_file_cut(file, at);
            if (err == ERR_OK) err = mapped_file_sync(file); /* or what was cut off comes back behind new records */
        } else {
            mapped_file_seal(file);
        }
        mapped_file_release(file);
        TRY(err);
    }
    atomic_store(&log->last_store_time_ms, last_store_time_ms);
    atomic_store(&log->reserved_phys, end_phys);
    atomic_store(&log->flushed_phys, end_phys);
    atomic_store(&log->end_phys, end_phys);
    return ERR_OK;
}

enum err commitlog_drop_unused(struct commitlog *log) {
    return mapped_queue_drop_after(&log->files, MAX(commitlog_end(log), 1));
}

/* --- queue offsets ---------------------------------------------------------------------------------------- */

static int64_t take_offsets_of(struct queue *queue, int32_t count) {
    int64_t offset_queue = atomic_load_explicit(&queue->next_offset, memory_order_relaxed);
    atomic_store_explicit(&queue->next_offset, offset_queue + count, memory_order_relaxed);
    return offset_queue;
}

/* Before anything is planned: the offset decides how long the record is. */
static void set_batch_base(struct put *put) {
    char *at = record_last_value(put->record);
    at += sprintf(at, "%lld", (long long)put->offset_queue);
    put->size_bytes = record_end_last_value(put->record, at);
}

/* The same for offsets in light queues. */
static void take_lmq_offsets(struct put *put) {
    char *at = record_last_value(put->record);
    for (size_t i = 0; i < put->lmq_count; i++)
        at += sprintf(at, i > 0 ? ",%lld" : "%lld", (long long)take_offsets_of(put->lmqs[i], 1));
    put->size_bytes = record_end_last_value(put->record, at);
}

static void take_offsets(struct put *puts, size_t count) {
    for (size_t i = 0; i < count; i++) {
        puts[i].offset_queue = puts[i].no_offset ? 0 : take_offsets_of(puts[i].queue, put_messages(&puts[i]));
        if (puts[i].batch_count > 0) set_batch_base(&puts[i]);
        if (puts[i].lmq_count > 0) take_lmq_offsets(&puts[i]);
    }
}

static void give_offsets_back(const struct put *puts, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!puts[i].no_offset) (void)take_offsets_of(puts[i].queue, -put_messages(&puts[i]));
        for (size_t j = 0; j < puts[i].lmq_count; j++) (void)take_offsets_of(puts[i].lmqs[j], -1);
    }
}

/* --- plan -------------------------------------------------------------------------------------------------- */

/* Puts [first, result) belong together. */
static size_t group_end(const struct put *puts, size_t count, size_t first, int64_t *size_bytes) {
    int64_t sum = 0;
    size_t i = first;
    do {
        sum += puts[i].size_bytes;
    } while (puts[i++].with_next && i < count);
    *size_bytes = sum;
    return i;
}

/* Where a group that may begin at `pos` begins: there, or in the next file. */
static int64_t place(const struct commitlog *log, int64_t pos, int64_t size_bytes) {
    int64_t next_file = commitlog_roll(log, pos);
    return size_bytes + BLANK_MARK_BYTES > next_file - pos ? next_file : pos;
}

static enum err check_queue(const struct queue *queue) {
    if (!atomic_load_explicit(&queue->closing, memory_order_relaxed)) return ERR_OK;
    return fail(ERR_NO_TOPIC, "topic %.*s is being deleted", BYTES_ARG(queue->topic));
}

/* Checks all puts and finds where the last one will end. */
static enum err plan(const struct commitlog *log, const struct put *puts, size_t count, int64_t *end_phys) {
    int64_t pos = commitlog_end(log);
    for (size_t i = 0; i < count;) {
        int64_t size_bytes;
        size_t end = group_end(puts, count, i, &size_bytes);
        if (size_bytes + BLANK_MARK_BYTES > log->files.file_bytes)
            return fail(ERR_TOO_BIG, "%lld bytes do not fit into a log file of %lld; raise mappedFileSizeCommitLog",
                        (long long)size_bytes, (long long)log->files.file_bytes);
        for (; i < end; i++) {
            TRY(check_queue(puts[i].queue));
            for (size_t j = 0; j < puts[i].lmq_count; j++) TRY(check_queue(puts[i].lmqs[j]));
        }
        pos = place(log, pos, size_bytes) + size_bytes;
    }
    *end_phys = pos;
    return ERR_OK;
}

/* --- write ------------------------------------------------------------------------------------------------- */

/* Makes the file that holds `pos` the current one. */
static void enter_file(struct commitlog *log, int64_t pos) {
    struct mapped_file *file = log->current;
    if (file && pos < file->start_phys + file->size_bytes) return;
    if (file) mapped_file_release(file);
    log->current = mapped_queue_find(&log->files, pos);
    must(log->current); /* pos < reserved_phys */
}

/* Ends the current file at `pos` with the blank mark. */
static void write_blank(struct commitlog *log, int64_t pos) {
    enter_file(log, pos);
    char *at = log->current->data + (pos - log->current->start_phys);
    store_u32be(at, (uint32_t)(commitlog_roll(log, pos) - pos));
    store_u32be(at + 4, RECORD_MAGIC_BLANK);
}

static void write_put(struct commitlog *log, struct put *put, int64_t pos, int64_t now_ms) {
    put->offset_phys = pos;
    put->store_time_ms = now_ms;
    record_patch(put->record, put->offset_queue, pos, now_ms);
    memcpy(log->current->data + (pos - log->current->start_phys) + RECORD_HEAD_BYTES, put->record + RECORD_HEAD_BYTES,
           put->size_bytes - RECORD_HEAD_BYTES);
}

/* All of a group or none must survive the end of this process at any instruction: size and magic, without which nothing
 * is a record, come last, those of the first record behind all others. The fence holds the compiler: a process that
 * ends has done its instructions in order. */
static void write_group(struct commitlog *log, struct put *puts, size_t count, int64_t pos, int64_t now_ms) {
    for (size_t i = 0; i < count; pos += puts[i++].size_bytes) write_put(log, &puts[i], pos, now_ms);
    for (size_t i = count; i-- > 0;) {
        pos -= puts[i].size_bytes;
        atomic_signal_fence(memory_order_release);
        memcpy(log->current->data + (pos - log->current->start_phys), puts[i].record, RECORD_HEAD_BYTES);
    }
}

static void write_all(struct commitlog *log, struct put *puts, size_t count, int64_t end_phys) {
    int64_t pos = commitlog_end(log);
    int64_t now_ms = MAX(clock_wall_ms(), atomic_load_explicit(&log->last_store_time_ms, memory_order_relaxed));
    for (size_t i = 0; i < count;) {
        int64_t size_bytes;
        size_t end = group_end(puts, count, i, &size_bytes);
        int64_t start = place(log, pos, size_bytes);
        if (start != pos) write_blank(log, pos);
        enter_file(log, start);
        write_group(log, puts + i, end - i, start, now_ms);
        pos = start + size_bytes;
        i = end;
    }
    must(pos == end_phys);
    atomic_store_explicit(&log->last_store_time_ms, now_ms, memory_order_release);
    atomic_store_explicit(&log->end_phys, end_phys, memory_order_release);
}

enum err commitlog_append(struct commitlog *log, struct put *puts, size_t count, int64_t *end_phys,
                          int64_t *need_phys) {
    int64_t end = 0;
    lock_take(&log->append_lock);
    atomic_store_explicit(&log->held_since_ms, clock_monotonic_ms(), memory_order_relaxed);
    take_offsets(puts, count);
    enum err err = plan(log, puts, count, &end);
    bool room = err == ERR_OK && end <= atomic_load_explicit(&log->reserved_phys, memory_order_acquire);
    if (room)
        write_all(log, puts, count, end);
    else
        give_offsets_back(puts, count);
    atomic_store_explicit(&log->held_since_ms, 0, memory_order_relaxed);
    lock_give(&log->append_lock);
    if (err != ERR_OK) return err;
    *need_phys = *end_phys = end;
    return room ? ERR_OK : ERR_BUSY;
}

bool commitlog_slice(struct commitlog *log, int64_t offset_phys, int64_t size_bytes, struct store_slice *out) {
    if (offset_phys < 0 || size_bytes < 0 || size_bytes > commitlog_end(log) - offset_phys) return false;
    struct mapped_file *file = mapped_queue_find(&log->files, offset_phys);
    if (!file) return false;
    int64_t at = offset_phys - file->start_phys;
    if (size_bytes > file->size_bytes - at) {
        mapped_file_release(file);
        return false;
    }
    *out = (struct store_slice){bytes_make(file->data + at, (size_t)size_bytes), file};
    return true;
}

enum err commitlog_record(struct commitlog *log, int64_t offset_phys, struct store_slice *out, struct record *record) {
    int64_t limit = commitlog_end(log);
    if (offset_phys >= 0 && offset_phys < limit) limit = MIN(limit, commitlog_roll(log, offset_phys));
    if (offset_phys < 0 || offset_phys >= limit || !commitlog_slice(log, offset_phys, limit - offset_phys, out))
        return fail(ERR_NOT_FOUND, "offset %lld is outside the log", (long long)offset_phys);
    enum err err = record_decode(out->bytes, RECORD_CHECK_SHAPE, record);
    if (err == ERR_OK && record->offset_phys != offset_phys)
        err = fail(ERR_CORRUPT, "the record at %lld says it is at %lld", (long long)offset_phys,
                   (long long)record->offset_phys);
    if (err != ERR_OK) {
        mapped_file_release(out->hold);
        return err;
    }
    out->bytes.len = record->size_bytes;
    return ERR_OK;
}

enum err commitlog_drop_first(struct commitlog *log) {
    int64_t next_phys = commitlog_roll(log, commitlog_min(log));
    if (next_phys >= commitlog_end(log) || next_phys > commitlog_flushed(log))
        return fail(ERR_NOT_FOUND, "the oldest file of the log is still being written or flushed");
    TRY(mapped_queue_drop_first(&log->files));
    atomic_store_explicit(&log->min_phys, next_phys, memory_order_release);
    return ERR_OK;
}
