/* lmq.h - names of light message queues (LMQ): queues %LMQ%<name>/0 that hold a message beside the queue of its topic.
 * The sender lists them in the property INNER_MULTI_DISPATCH, comma separated; the store adds the message's offset in
 * each of them as INNER_MULTI_QUEUE_OFFSET, in the same order. @source apache/rocketmq MixAll, LmqDispatch */
#ifndef RMQ_MESSAGE_LMQ_H
#define RMQ_MESSAGE_LMQ_H

#include "base/bytes.h"

#define LMQ_PREFIX BYTES("%LMQ%")

static inline bool lmq_is(struct bytes name) {
    return bytes_starts_with(name, LMQ_PREFIX);
}
/* May a message stored in this topic go to light queues too? Not while it is retried, given up, delayed or, unlike in
 * the Java broker, while its transaction is open. */
bool lmq_topic_allows(struct bytes topic);

#endif
