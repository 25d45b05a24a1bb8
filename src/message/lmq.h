/* lmq.h - names of light message queues (LMQ): queues %LMQ%<name>/0 that hold a message beside the queue of its topic.
 * The sender lists them in the property INNER_MULTI_DISPATCH, comma separated; the store adds the message's offset in
 * each of them as INNER_MULTI_QUEUE_OFFSET, in the same order. @source apache/rocketmq MixAll, LmqDispatch, LiteUtil */
#ifndef RMQ_MESSAGE_LMQ_H
#define RMQ_MESSAGE_LMQ_H

#include "base/arena.h"
#include "base/bytes.h"

#define LMQ_PREFIX BYTES("%LMQ%")

static inline bool lmq_is(struct bytes name) {
    return bytes_starts_with(name, LMQ_PREFIX);
}
/* May a message stored in this topic go to light queues too? Not while it is retried, given up, delayed or, unlike in
 * the Java broker, while its transaction is open. */
bool lmq_topic_allows(struct bytes topic);

/* Lite topics (5.5.0) are light queues below a parent topic: %LMQ%$parent$lite. `$` is no letter of topic names. */
struct bytes lite_queue_name(struct arena *arena, struct bytes parent, struct bytes lite);
/* Takes such a name apart; false for any other. The parts point into it. */
bool lite_queue_parse(struct bytes name, struct bytes *parent, struct bytes *lite);

#endif
