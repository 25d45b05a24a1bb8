/* body_lock.h - the bodies of LOCK_BATCH_MQ and UNLOCK_BATCH_MQ. @source shared facts: protocol 2.3 */
#ifndef RMQ_WIRE_BODY_LOCK_H
#define RMQ_WIRE_BODY_LOCK_H

#include "wire/body_queue.h"

struct lock_batch {
    struct bytes consumer_group, client_id;
    const struct message_queue *queues;
    size_t count;
    bool only_this_broker;
};
/* All in `arena` or pointing into `body`. ERR_BAD_INPUT: no JSON object. */
enum err lock_batch_decode(struct arena *arena, struct bytes body, struct lock_batch *out) MUST_USE;
void lock_batch_encode(const struct lock_batch *batch, struct buf *out);
/* The answer to a lock: the queues that are locked now. */
enum err lock_result_decode(struct arena *arena, struct bytes body, const struct message_queue **queues,
                            size_t *count) MUST_USE;
void lock_result_encode(const struct message_queue *queues, size_t count, struct buf *out);

#endif
