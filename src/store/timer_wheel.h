/* timer_wheel.h - the file timerwheel: a slot for each moment of 14 days (of `precision` steps), which leads to the
 * newest unit of its chain in the timer log. Moments that lie a whole turn apart share a slot; the slot says whose it
 * is.
 *
 * What is written to slots stays in memory until it is taken (timer_wheel_take) and saved (timer_wheel_save): the file
 * is as of one moment, which its user saves together with what belongs to it. Memory: the pages of the file that
 * changed since. @thread one (the timer), unless said otherwise. @source shared facts: store 9; store/timer/TimerWheel
 */
#ifndef RMQ_STORE_TIMER_WHEEL_H
#define RMQ_STORE_TIMER_WHEEL_H

#include "base/err.h"
#include "base/lock.h"

enum {
    TIMER_WHEEL_SLOTS = 14 * 86400,
    TIMER_SLOT_BYTES = 32,
    TIMER_WHEEL_BYTES = TIMER_WHEEL_SLOTS * TIMER_SLOT_BYTES
};
enum { TIMER_PAGE_BYTES = 4096, TIMER_PAGES = TIMER_WHEEL_BYTES / TIMER_PAGE_BYTES };

struct timer_slot {
    int64_t time_ms; /* whose slot it is; 0 = free */
    int64_t first, last;
    int32_t count; /* messages less deletions, as the Java broker counts */
};
struct timer_page {
    char data[TIMER_PAGE_BYTES];
    bool changed; /* since the last take */
};
struct timer_wheel {
    char *path;
    int fd;
    int64_t precision_ms;
    struct lock lock; /* guards `pages` and what they hold */
    struct timer_page *pages[TIMER_PAGES];
    size_t page_count; /* in memory */
    struct timer_page seen;
    int64_t seen_page; /* the last one read from the file; -1 = none */
    struct taken_page *taken;
    size_t taken_count;
};
/* Opens or makes the file. ERR_CORRUPT: another length; timer_wheel_clear makes it good, and empty. */
enum err timer_wheel_open(struct timer_wheel *wheel, const char *path, int64_t precision_ms) MUST_USE;
void timer_wheel_close(struct timer_wheel *wheel);
enum err timer_wheel_clear(struct timer_wheel *wheel) MUST_USE;

/* The slot in the place of that moment, whosever it is. */
enum err timer_wheel_get(struct timer_wheel *wheel, int64_t time_ms, struct timer_slot *out) MUST_USE;
/* Puts `slot` there; a free one with time_ms 0. */
enum err timer_wheel_put(struct timer_wheel *wheel, int64_t time_ms, const struct timer_slot *slot) MUST_USE;
/* The first slot in use of [from_ms, until_ms), at most one turn; out->time_ms is 0 when there is none. */
enum err timer_wheel_next(struct timer_wheel *wheel, int64_t from_ms, int64_t until_ms,
                          struct timer_slot *out) MUST_USE;
/* The least moment of all slots in use; 0 if none is. */
enum err timer_wheel_first(struct timer_wheel *wheel, int64_t *out) MUST_USE;
/* The count of a slot, when that is known without the disk, else 0. @thread any */
int32_t timer_wheel_count(struct timer_wheel *wheel, int64_t time_ms);

/* Copies what changed, for the save. What was taken before must be saved. */
void timer_wheel_take(struct timer_wheel *wheel);
/* Writes and syncs what was taken; after an error it may be tried again, unless it was the sync. @thread any, one */
enum err timer_wheel_save(struct timer_wheel *wheel) MUST_USE;
/* It was saved: gives memory back. */
void timer_wheel_saved(struct timer_wheel *wheel);

#endif
