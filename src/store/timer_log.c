/* timer_log.c - units in their files */
#include "store/timer_log.h"

#include <inttypes.h>
#include "base/check.h"
#include "base/endian.h"
#include "base/log.h"

/* A unit leaves room for the mark that ends a file: bytes left, 0, magic. */
enum { BLANK_BYTES = 16, RESERVE_BYTES = 1 << 20, KINDS = 0xF };
#define BLANK_MAGIC 0xCBD43194u

enum at {
    AT_SIZE = 0,
    AT_PREV = 4,
    AT_KIND = 12,
    AT_WRITE = 16,
    AT_DELAY = 24,
    AT_PHYS = 28,
    AT_BYTES = 36,
    AT_HASH = 40
};

enum err timer_log_open(struct timer_log *log, const char *dir, int64_t file_bytes) {
    *log = (struct timer_log){0};
    return mapped_queue_open(&log->files, dir, file_bytes, "mappedFileSizeTimerLog");
}

void timer_log_close(struct timer_log *log) {
    mapped_queue_close(&log->files);
}

int64_t timer_log_begin(struct timer_log *log) {
    struct mapped_file *first = mapped_queue_first(&log->files);
    if (!first) return 0;
    int64_t begin = first->start_phys;
    mapped_file_release(first);
    return begin;
}

static bool has_room(const struct timer_log *log, int64_t position) {
    return position % log->files.file_bytes + TIMER_UNIT_BYTES + BLANK_BYTES <= log->files.file_bytes;
}

bool timer_log_is_boundary(const struct timer_log *log, int64_t position) {
    return position % log->files.file_bytes % TIMER_UNIT_BYTES == 0;
}

/* --- reading ------------------------------------------------------------------------------------------------ */

static bool unit_decode(const char *at, struct timer_unit *out) {
    *out = (struct timer_unit){.prev = load_i64be(at + AT_PREV),
                               .kind = load_i32be(at + AT_KIND),
                               .write_ms = load_i64be(at + AT_WRITE),
                               .delay_ms = load_i32be(at + AT_DELAY),
                               .offset_phys = load_i64be(at + AT_PHYS),
                               .size_bytes = load_i32be(at + AT_BYTES),
                               .topic_hash = load_i32be(at + AT_HASH)};
    return load_i32be(at + AT_SIZE) == TIMER_UNIT_BYTES && (out->kind | KINDS) == KINDS && out->offset_phys >= 0 &&
           out->size_bytes > 0;
}

static void unit_encode(const struct timer_unit *unit, char *at) {
    memset(at, 0, TIMER_UNIT_BYTES);
    store_u32be(at + AT_SIZE, TIMER_UNIT_BYTES);
    store_u64be(at + AT_PREV, (uint64_t)unit->prev);
    store_u32be(at + AT_KIND, (uint32_t)unit->kind);
    store_u64be(at + AT_WRITE, (uint64_t)unit->write_ms);
    store_u32be(at + AT_DELAY, (uint32_t)unit->delay_ms);
    store_u64be(at + AT_PHYS, (uint64_t)unit->offset_phys);
    store_u32be(at + AT_BYTES, (uint32_t)unit->size_bytes);
    store_u32be(at + AT_HASH, (uint32_t)unit->topic_hash);
}

enum err timer_log_read(struct timer_log *log, int64_t position, struct timer_unit *out) {
    struct mapped_file *file = mapped_queue_find(&log->files, position);
    if (!file) return fail(ERR_NOT_FOUND, "the timer log has no position %" PRId64, position);
    bool good = timer_log_is_boundary(log, position) && has_room(log, position) &&
                unit_decode(file->data + position - file->start_phys, out);
    mapped_file_release(file);
    return good ? ERR_OK : fail(ERR_CORRUPT, "%s has no unit at position %" PRId64, log->files.dir, position);
}

static bool is_blank(struct timer_log *log, int64_t position) {
    struct mapped_file *file = mapped_queue_find(&log->files, position);
    if (!file) return false;
    bool blank = load_u32be(file->data + position - file->start_phys + AT_KIND) == BLANK_MAGIC;
    mapped_file_release(file);
    return blank;
}

enum err timer_log_next(struct timer_log *log, int64_t *position, struct timer_unit *out) {
    int64_t file_bytes = log->files.file_bytes;
    if (!has_room(log, *position) || is_blank(log, *position)) *position += file_bytes - *position % file_bytes;
    enum err err = timer_log_read(log, *position, out);
    return err == ERR_CORRUPT ? fail(ERR_NOT_FOUND, "the timer log ends at %" PRId64, *position) : err;
}

/* --- writing ------------------------------------------------------------------------------------------------ */

enum err timer_log_cut(struct timer_log *log, int64_t end) {
    TRY(mapped_queue_drop_after(&log->files, end));
    log->end = log->reserved = end;
    log->synced = MAX(end - 1, 0) / log->files.file_bytes * log->files.file_bytes;
    struct mapped_file *last = mapped_queue_last(&log->files);
    if (!last) return ERR_OK;
    enum err err = mapped_file_unseal(last);
    if (err == ERR_OK && end < last->start_phys + last->size_bytes) err = mapped_file_cut(last, end - last->start_phys);
    mapped_file_release(last);
    return err;
}

static enum err reserve(struct timer_log *log, struct mapped_file *file) {
    int64_t at = log->end - file->start_phys, len = MIN(RESERVE_BYTES, file->size_bytes - at);
    if (log->end + TIMER_UNIT_BYTES + BLANK_BYTES <= log->reserved) return ERR_OK;
    TRY(mapped_file_reserve(file, at, len));
    log->reserved = log->end + len;
    return ERR_OK;
}

/* Ends the last file with its mark and makes the next one. */
static enum err roll(struct timer_log *log, struct mapped_file *last) {
    int64_t at = log->end - last->start_phys;
    if (at < last->size_bytes) {
        TRY(reserve(log, last));
        store_u32be(last->data + at, (uint32_t)(last->size_bytes - at));
        store_u64be(last->data + at + 4, 0);
        store_u32be(last->data + at + AT_KIND, BLANK_MAGIC);
    }
    TRY(mapped_queue_grow(&log->files, last->start_phys + last->size_bytes));
    log->end = log->reserved = last->start_phys + last->size_bytes;
    return ERR_OK;
}

static enum err file_for_append(struct timer_log *log, struct mapped_file **out) {
    struct mapped_file *last = mapped_queue_last(&log->files);
    if (last && has_room(log, log->end) && log->end < last->start_phys + last->size_bytes) {
        *out = last;
        return ERR_OK;
    }
    enum err err = last ? roll(log, last)
                        : mapped_queue_grow(&log->files, log->end / log->files.file_bytes * log->files.file_bytes);
    if (last) mapped_file_release(last);
    if (err == ERR_OK) *out = mapped_queue_last(&log->files);
    return err;
}

enum err timer_log_append(struct timer_log *log, const struct timer_unit *unit, int64_t *position) {
    struct mapped_file *file;
    TRY(file_for_append(log, &file));
    enum err err = reserve(log, file);
    if (err == ERR_OK) {
        unit_encode(unit, file->data + log->end - file->start_phys);
        *position = log->end;
        log->end += TIMER_UNIT_BYTES;
    }
    mapped_file_release(file);
    return err;
}

enum err timer_log_sync(struct timer_log *log, int64_t end) {
    while (log->synced < end) {
        struct mapped_file *file = mapped_queue_find(&log->files, log->synced);
        if (file) {
            enum err err = mapped_file_sync(file);
            mapped_file_release(file);
            TRY(err);
        }
        log->synced = MIN(end, log->synced - log->synced % log->files.file_bytes + log->files.file_bytes);
    }
    return ERR_OK;
}

/* Where the last message of a full file is. */
static enum err last_phys(struct timer_log *log, const struct mapped_file *file, int64_t *out) {
    int64_t units = (file->size_bytes - BLANK_BYTES) / TIMER_UNIT_BYTES;
    struct timer_unit unit;
    TRY(timer_log_read(log, file->start_phys + (units - 1) * TIMER_UNIT_BYTES, &unit));
    *out = unit.offset_phys;
    return ERR_OK;
}

enum err timer_log_expire(struct timer_log *log, int64_t min_phys) {
    enum err err = ERR_OK;
    while (err == ERR_OK && mapped_queue_count(&log->files) > 1) {
        struct mapped_file *first = mapped_queue_first(&log->files);
        int64_t phys;
        err = last_phys(log, first, &phys);
        mapped_file_release(first);
        if (err != ERR_OK || phys >= min_phys) break;
        err = mapped_queue_drop_first(&log->files);
    }
    return err;
}
