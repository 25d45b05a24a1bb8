/* timer_log.h - the files timerlog/: one unit for each time that a message was put into the timer wheel. The units of a
 * slot are chained, each to the one before it; the slot leads to the newest. Unit and chain are drawn in
 * docs/disk/timer.md.
 * @thread one (the timer), but for timer_log_sync. @source shared facts: store 9; store/timer/TimerLog */
#ifndef RMQ_STORE_TIMER_LOG_H
#define RMQ_STORE_TIMER_LOG_H

#include <stdatomic.h>
#include "store/mapped_queue.h"

enum { TIMER_UNIT_BYTES = 52 };
enum timer_unit_kind {
    TIMER_UNIT_MESSAGE = 1, /* always set */
    TIMER_UNIT_ROLL = 2,    /* put back into the timer topic when its slot is due */
    TIMER_UNIT_DELETE = 4   /* names another message, which is not to be delivered */
};
struct timer_unit {
    int64_t prev; /* position of the one before it in its slot; -1 = none */
    int32_t kind;
    int64_t write_ms; /* when it was put into the wheel, a multiple of the precision */
    int32_t delay_ms; /* from there to its slot */
    int64_t offset_phys;
    int32_t size_bytes;
    int32_t topic_hash; /* Java's hash of the real topic */
};
static inline int64_t timer_unit_slot_ms(const struct timer_unit *unit) {
    return unit->write_ms + unit->delay_ms;
}

struct timer_log {
    struct mapped_queue files;
    int64_t end;      /* behind the last unit */
    int64_t reserved; /* disk blocks up to here */
    int64_t synced;   /* on disk up to here; timer_log_sync's own */
};
/* Opens what is there; `end` is not known before timer_log_cut. ERR_CORRUPT: a gap between files, a wrong size. */
enum err timer_log_open(struct timer_log *log, const char *dir, int64_t file_bytes) MUST_USE;
void timer_log_close(struct timer_log *log);
int64_t timer_log_begin(struct timer_log *log); /* first position that may have a unit */
/* Could a unit, or what ends a file, start there? */
bool timer_log_is_boundary(const struct timer_log *log, int64_t position);

/* The unit at a position. ERR_NOT_FOUND outside of the files, ERR_CORRUPT when none is there. */
enum err timer_log_read(struct timer_log *log, int64_t position, struct timer_unit *out) MUST_USE;
/* The first unit at or behind *position, which becomes its own (in the next file, when this one has no more).
 * ERR_NOT_FOUND: there are no more. */
enum err timer_log_next(struct timer_log *log, int64_t *position, struct timer_unit *out) MUST_USE;

/* The log ends there: what is behind becomes zeros. Before the first append. */
enum err timer_log_cut(struct timer_log *log, int64_t end) MUST_USE;
/* Adds a unit; makes a file when there is no room. ERR_DISK_FULL: nothing was written, try again later. */
enum err timer_log_append(struct timer_log *log, const struct timer_unit *unit, int64_t *position) MUST_USE;
/* Everything below `end` to the disk. An error is final. @thread any, one */
enum err timer_log_sync(struct timer_log *log, int64_t end) MUST_USE;
/* Removes files whose units all lead below the begin of the commit log. */
enum err timer_log_expire(struct timer_log *log, int64_t min_phys) MUST_USE;

#endif
