/* dispatch.h - follows the log and derives from it: consume queue entries, then notices to readers, then the index.
 * Batches: all queues touched by a run of records get one write each before their new entries become visible. */
#ifndef RMQ_STORE_DISPATCH_H
#define RMQ_STORE_DISPATCH_H

#include <pthread.h>
#include "store/bell.h"
#include "store/consumequeue.h"

struct dispatch {
    struct store *store;
    struct lock lock;                /* LOCK_DISPATCH: held over a batch, taken by whoever changes derived data */
    struct bell bell;                /* rung when the confirmed offset moved */
    struct bell done_bell;           /* rung when done_phys moved */
    _Atomic int64_t done_phys;       /* everything below is in the queues and the index */
    _Atomic int64_t done_time_ms;    /* store time of the last record below, set before done_phys */
    _Atomic int64_t max_batch_bytes; /* dispatchMaxBuffer of the statistics: most bytes found waiting */
    _Atomic int lacking;             /* enum err: for want of what queues and index cannot be written now */
    _Atomic bool stop;
    int64_t entries_phys; /* records below may have entries: at times more than done, when the index could not follow */
    int64_t behind_phys;  /* recovery: the index could not follow from here on; INT64_MAX = it did */
    bool gaps;            /* a queue lacked entries before a record and got fillers; for recovery */
    struct queue *touched; /* of this batch */
    struct queue_tail *newest_tail, *oldest_tail;
    int32_t tail_count;
    pthread_t thread;
    bool running;
};
void dispatch_init(struct dispatch *dispatch, struct store *store);
void dispatch_close(struct dispatch *dispatch);
/* Where it goes on; before the first batch, and once more behind recovery's. */
void dispatch_set_start(struct dispatch *dispatch, int64_t offset_phys);
enum err dispatch_start(struct dispatch *dispatch) MUST_USE;
/* Works off what is confirmed, then ends. */
void dispatch_stop(struct dispatch *dispatch);
/* All records of [done, limit_phys) in batches, on this thread. ERR_CORRUPT: what is there is no record; before
 * dispatch_start (recovery) that is passed over. */
enum err dispatch_until(struct dispatch *dispatch, int64_t limit_phys) MUST_USE;
static inline int64_t dispatch_done(const struct dispatch *dispatch) {
    return atomic_load_explicit(&dispatch->done_phys, memory_order_acquire);
}
/* Waits until everything below offset_phys is dispatched. */
enum err dispatch_wait(struct dispatch *dispatch, int64_t offset_phys, int64_t timeout_ms) MUST_USE;
/* Gives `queue` an empty tail, taken from the queue least recently written if all are in use. @thread dispatch */
enum err dispatch_tail(struct dispatch *dispatch, struct queue *queue) MUST_USE;

/* What a queue entry carries for the record: hash of its tags, or the deliver time in the delay queues. */
int64_t dispatch_tags_code(const struct store *store, const struct record *record);

#endif
