/* queue_tails.h - the memory for the newest entries of queues (struct queue_tail), lent to those written last.
 * @thread holder of LOCK_DISPATCH */
#ifndef RMQ_STORE_QUEUE_TAILS_H
#define RMQ_STORE_QUEUE_TAILS_H

#include "store/consumequeue.h"

struct queue_tails {
    struct queue_tail *newest, *oldest;
    int32_t count, max; /* made; queueTailsInMemory */
};
void queue_tails_init(struct queue_tails *tails, int32_t max);
void queue_tails_close(struct queue_tails *tails);
/* Gives `queue` an empty tail, taken from the queue least recently written if all are in use. What that one has not in
 * its file yet is written first; with may_wait false ERR_BUSY instead. */
enum err queue_tails_lend(struct queue_tails *tails, struct queue *queue, bool may_wait) MUST_USE;
/* The queue is being written. */
void queue_tails_touch(struct queue_tails *tails, struct queue *queue);

#endif
