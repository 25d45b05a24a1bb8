/* queue_doubts.h - while all queues are made again from the log: records that say another number than their queue has
 * reached. No check sum covers that number, so a bit of it may have flipped; or records before it are lost; or its
 * topic was deleted and made again, and counts from 0. Such a record is in doubt: it takes the next place of its queue,
 * where readers do not get it, for it says another. Does the next record of its queue go on from the number it says,
 * the two are believed: what is missing before them is filled, what is in their way gives way. @thread recovery */
#ifndef RMQ_STORE_QUEUE_DOUBTS_H
#define RMQ_STORE_QUEUE_DOUBTS_H

#include "store/consumequeue.h"

struct queue_doubt {
    struct queue *queue;
    int64_t place;            /* it has taken; -1 = no longer in doubt */
    struct queue_entry entry; /* as the record says */
    struct queue_doubt *next;
};
struct queue_doubts {
    struct queue_doubt *first; /* one a queue */
    bool all_there;            /* the log has all records there ever were: queues begin with number 0 */
    bool records_lost;         /* records were passed over: numbers may be missing anywhere from there on */
};
/* consumequeue_put for a queue that is made again from its first record on. */
enum err queue_doubts_put(struct queue_doubts *doubts, struct queue *queue, const struct queue_entry *entry) MUST_USE;
/* No record follows. What is still in doubt is believed if records were lost and it goes forward. */
enum err queue_doubts_end(struct queue_doubts *doubts) MUST_USE;
void queue_doubts_close(struct queue_doubts *doubts);

#endif
