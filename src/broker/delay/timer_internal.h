/* timer_internal.h - the timer's parts. For the files of this folder alone. All is the thread's own, but for what is
 * atomic or said to be guarded. */
#ifndef RMQ_BROKER_TIMER_INTERNAL_H
#define RMQ_BROKER_TIMER_INTERNAL_H

#include <pthread.h>
#include "base/lock.h"
#include "broker/delay/delivery.h"
#include "broker/delay/timer.h"
#include "broker/tables/topic_counts.h"
#include "message/properties.h"
#include "store/timer_log.h"
#include "store/timer_wheel.h"

/* The commit log positions of messages that are in the wheel although the checkpoint may not say so, in the order of
 * the timer topic. */
struct logged {
    int64_t *offsets_phys;
    size_t count, cap, next;
};

/* A change of the counts that comes true with the append of the batch. */
struct counted {
    struct bytes topic;
    int32_t change;
};
/* Before slots that end at slot_ms are delivered, all that was stored before must have been read: it may be deletions.
 */
struct barrier {
    int64_t slot_ms, phys;
    int64_t queue_offset; /* -1: not all of it is in the queue yet */
};
/* `taken` waits for the commit log, then a work thread writes it. */
enum timer_save { SAVE_IDLE, SAVE_TAKEN, SAVE_RUNS, SAVE_DONE, SAVE_FAILED };

struct timer {
    struct broker *broker;
    struct topic *topic;
    struct topic_counts *counts;
    char *checkpoint_path, *log_dir, *wheel_path;
    struct timer_log log;
    struct timer_wheel wheel;
    int64_t precision_ms, roll_slots;

    _Atomic int64_t read_ms;      /* slots before are done */
    _Atomic int64_t queue_offset; /* of the timer topic: next to be put into the wheel */
    _Atomic int64_t waiting;      /* messages in the wheel less deletions */
    int64_t end_phys;             /* behind all records that the above tells of */
    int64_t partial_ms;           /* the slot whose delivery failed in the middle */
    int64_t slot_done;            /* messages of it that are done, oldest first */
    int64_t rescan_end,
        rescan_ms; /* queue offsets below are read a second time, as the files were lost; done till then */
    struct logged logged;
    struct barrier barrier;
    bool rolled; /* messages were put back into the timer topic since the barrier was passed */
    struct delivery *delivery;
    struct counted counted[DELIVERY_MAX];
    size_t counted_count;
    struct arena arena; /* of the batch; names and properties */

    struct timer_checkpoint taken;
    int64_t taken_phys, taken_ms;
    bool changed; /* since it was taken */
    _Atomic enum timer_save save;

    struct lock lock; /* guards `saved`, `closing` */
    struct cond wake;
    struct timer_checkpoint saved;
    bool closing;

    _Atomic int64_t taken_count, delivered_count; /* messages since start */
    int64_t sampled_ms, sampled_taken, sampled_delivered;
    _Atomic double take_tps, deliver_tps;
    pthread_t thread;
    bool started;
    atomic_bool is_open; /* files */
};

static inline int64_t timer_floor(const struct timer *timer, int64_t time_ms) {
    return time_ms / timer->precision_ms * timer->precision_ms;
}

/* Where a message that is due at *slot_ms goes, seen from now_ms: a slot before it when it is far away. */
static inline int64_t timer_roll_slot(const struct timer *timer, int64_t now_ms, int64_t slot_ms) {
    int64_t window_ms = timer->roll_slots * timer->precision_ms, ahead_ms = slot_ms - now_ms;
    if (ahead_ms < window_ms) return slot_ms;
    bool little_left = ahead_ms - window_ms < timer->roll_slots / 3 * timer->precision_ms;
    return now_ms + (little_left ? timer->roll_slots / 2 * timer->precision_ms : window_ms);
}

/* timer_recover.c: opens the files and makes them fit to each other and to the commit log. What is damaged is made anew
 * from the rest. Waits for the disk. */
enum err timer_recover(struct timer *timer) MUST_USE;

/* timer.c: slots from there on are not done any more: the clock was set back, or a message comes late. They are empty.
 */
enum err timer_step_back(struct timer *timer, int64_t slot_ms) MUST_USE;

/* timer_take.c: puts what the timer topic holds below `until` into the wheel. Stops early, with *more, so that other
 * things can be done. */
enum err timer_take(struct timer *timer, int64_t now_ms, int64_t until, bool *more) MUST_USE;

/* timer_deliver.c: one slot whose time is over, which is free then. */
enum err timer_deliver_slot(struct timer *timer, const struct timer_slot *slot) MUST_USE;
/* Adds a message that never was in the wheel to the batch; false: it cannot be delivered. */
bool timer_deliver_at_once(struct timer *timer, const struct record *record);
/* Appends the batch, which is empty then in any case. */
enum err timer_deliver_append(struct timer *timer) MUST_USE;
void timer_deliver_forget(struct timer *timer); /* empties it */

#endif
