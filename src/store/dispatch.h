/* dispatch.h - follows the log and derives from it, in two steps, each in the order of the log:
 *  - show: entries go to the tails of the queues in memory, readers see them and are told;
 *  - settle: entries go to the files of the queues, keys to the index.
 * Whoever moves the confirmed end of the log shows at once what is new, if nobody else is at it and nothing must be
 * waited for: a held pull is answered in the turn of the send. The thread `dispatch` shows the rest and settles, what
 * comes within dispatchGatherMs in one go. */
#ifndef RMQ_STORE_DISPATCH_H
#define RMQ_STORE_DISPATCH_H

#include <pthread.h>
#include "store/bell.h"
#include "store/queue_doubts.h"
#include "store/queue_tails.h"

struct dispatch {
    struct store *store;
    struct lock lock;                /* LOCK_DISPATCH: held over a batch, taken by whoever changes derived data */
    struct bell bell;                /* rung when the confirmed end moved */
    struct bell hurry_bell;          /* rung when that cannot wait for the gathering to end */
    struct bell done_bell;           /* rung when done_phys moved */
    _Atomic int64_t shown_phys;      /* records below can be read from their queues */
    _Atomic int64_t done_phys;       /* everything below is in the files of the queues and in the index */
    _Atomic int64_t done_time_ms;    /* store time of the last record below, set before done_phys */
    _Atomic int64_t max_batch_bytes; /* dispatchMaxBuffer of the statistics: most bytes found waiting */
    _Atomic int lacking;             /* enum err: for want of what queues and index cannot be written now */
    _Atomic bool stop;
    /* under the lock: */
    int64_t shown_time_ms;       /* store time of the last record below shown_phys */
    int64_t put_phys;            /* tails may have entries of records below: at times more than shown */
    int64_t entries_phys;        /* files may have entries of records below: at times more than done */
    int64_t behind_phys;         /* recovery: the index could not follow from here on; INT64_MAX = it did */
    int64_t no_entries_below;    /* recovery: records below have theirs in the files, whatever they say now */
    bool gaps;                   /* recovery: a queue lacked entries before a record and got fillers */
    struct queue_doubts *doubts; /* recovery, while all queues are made again; else NULL */
    struct queue *fresh;         /* have entries that readers do not see yet, by fresh_next */
    struct queue *pending;       /* have entries that are in their tail only, by pending_next */
    struct queue_tails tails;
    pthread_t thread;
    bool running;    /* the thread; of those that start and stop it */
    bool recovering; /* until the thread starts: damage is passed over, the rest waits for nothing */
};
void dispatch_init(struct dispatch *dispatch, struct store *store);
void dispatch_close(struct dispatch *dispatch);
/* Where it goes on; before the first batch, and once more behind recovery's. */
void dispatch_set_start(struct dispatch *dispatch, int64_t offset_phys);
enum err dispatch_start(struct dispatch *dispatch) MUST_USE;
/* Works off what is confirmed, then ends. */
void dispatch_stop(struct dispatch *dispatch);
/* The confirmed end of the log moved. Shows or has shown what is new; never waits. @thread any, LOCK_DISPATCH not
 * held */
void dispatch_advance(struct dispatch *dispatch);
/* Shows and settles all records below limit_phys in batches, on this thread. ERR_CORRUPT: what is there is no record;
 * before dispatch_start (recovery) that is passed over. */
enum err dispatch_until(struct dispatch *dispatch, int64_t limit_phys) MUST_USE;
static inline int64_t dispatch_shown(const struct dispatch *dispatch) {
    return atomic_load_explicit(&dispatch->shown_phys, memory_order_acquire);
}
static inline int64_t dispatch_done(const struct dispatch *dispatch) {
    return atomic_load_explicit(&dispatch->done_phys, memory_order_acquire);
}
/* Waits until everything below offset_phys is settled. */
enum err dispatch_wait(struct dispatch *dispatch, int64_t offset_phys, int64_t timeout_ms) MUST_USE;
/* A file of a queue is about to be written. @thread holder of LOCK_DISPATCH */
void dispatch_note_write(struct dispatch *dispatch);

#endif
