/* commitlog.h - the append-only log all messages go to.
 * Invariants: bytes below commitlog_end never change; all bytes below reserved_phys have disk blocks and pages, so an
 * append neither faults nor waits; store times never go back. Disk format: docs/disk/commitlog.md */
#ifndef RMQ_STORE_COMMITLOG_H
#define RMQ_STORE_COMMITLOG_H

#include "store/bell.h"
#include "store/mapped_queue.h"
#include "store/store.h"

struct commitlog {
    struct mapped_queue files;
    struct lock append_lock;     /* LOCK_APPEND */
    struct mapped_file *current; /* the file that holds the end; under append_lock */
    _Atomic int64_t end_phys;    /* written; published after the bytes */
    _Atomic int64_t min_phys;    /* start of the oldest file */
    _Atomic int64_t reserved_phys;
    _Atomic int64_t flushed_phys;
    _Atomic int64_t last_store_time_ms; /* published before end_phys */
    _Atomic int64_t held_since_ms;      /* by the holder of append_lock; 0 = free */
};

/* Loads the files; the end is set by recovery (commitlog_set_end). */
enum err commitlog_open(struct commitlog *log, const char *dir, int64_t file_bytes) MUST_USE;
void commitlog_close(struct commitlog *log);
/* Recovery: the log ends here. Later files are removed, the rest of the file is zeroed. Everything below counts as
 * flushed (it was read from the files or synced by the caller). */
enum err commitlog_set_end(struct commitlog *log, int64_t end_phys, int64_t last_store_time_ms) MUST_USE;
/* Removes the files made ahead that hold nothing yet; at a clean stop. */
enum err commitlog_drop_unused(struct commitlog *log) MUST_USE;

/* As store_append, without the checks whether the store may be written. ERR_BUSY: space up to *need_phys must be
 * reserved first (prealloc_reserve), nothing was written. @thread any; takes LOCK_APPEND */
enum err commitlog_append(struct commitlog *log, struct put *puts, size_t count, int64_t *end_phys,
                          int64_t *need_phys) MUST_USE;

static inline int64_t commitlog_end(const struct commitlog *log) {
    return atomic_load_explicit(&log->end_phys, memory_order_acquire);
}
static inline int64_t commitlog_min(const struct commitlog *log) {
    return atomic_load_explicit(&log->min_phys, memory_order_acquire);
}
static inline int64_t commitlog_flushed(const struct commitlog *log) {
    return atomic_load_explicit(&log->flushed_phys, memory_order_acquire);
}
/* [offset_phys, + size_bytes) of one file, below the end; false when it is not (or no longer) there. Checks no record.
 * The slice's `hold` is a struct mapped_file. May fault when touched: see commitlog_resident. */
bool commitlog_slice(struct commitlog *log, int64_t offset_phys, int64_t size_bytes, struct store_slice *out);
/* The record at offset_phys, shape checked. ERR_NOT_FOUND: outside the log; ERR_CORRUPT: no record starts there. */
enum err commitlog_record(struct commitlog *log, int64_t offset_phys, struct store_slice *out,
                          struct record *record) MUST_USE;
/* The next file start behind offset_phys. */
int64_t commitlog_roll(const struct commitlog *log, int64_t offset_phys);
/* Removes the oldest file, never one that is written or not yet flushed (ERR_NOT_FOUND). @thread retention */
enum err commitlog_drop_first(struct commitlog *log) MUST_USE;

#endif
