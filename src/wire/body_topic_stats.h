/* body_topic_stats.h - TopicStatsTable, the answer to GET_TOPIC_STATS_INFO: how far the queues of a topic reach on one
 * broker. @source shared facts: protocol 2.2, 2.3 */
#ifndef RMQ_WIRE_BODY_TOPIC_STATS_H
#define RMQ_WIRE_BODY_TOPIC_STATS_H

#include "wire/body_queue.h"

struct queue_range {
    struct message_queue queue;
    int64_t min_offset, max_offset; /* of the first message, and behind the last */
    int64_t last_update_ms;         /* when the last one was stored; 0: none */
};
struct topic_stats {
    const struct queue_range *queues;
    size_t count;
    double put_tps; /* 0 from brokers before 5.0 */
};
/* All in `arena` or pointing into `body`. ERR_BAD_INPUT: no JSON object. */
enum err topic_stats_decode(struct arena *arena, struct bytes body, struct topic_stats *out) MUST_USE;

#endif
