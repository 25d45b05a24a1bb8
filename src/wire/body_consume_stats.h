/* body_consume_stats.h - how far consumer groups are: ConsumeStats, the answer to GET_CONSUME_STATS, and the offsets
 * that a reset made. @source shared facts: protocol 2.2, 2.3 */
#ifndef RMQ_WIRE_BODY_CONSUME_STATS_H
#define RMQ_WIRE_BODY_CONSUME_STATS_H

#include "wire/body_queue.h"

struct queue_progress {
    struct message_queue queue;
    int64_t broker_offset;   /* behind the last message */
    int64_t consumer_offset; /* of the next one to be consumed; all before are */
    int64_t pull_offset;     /* of the next one to be sent out; consumer_offset from brokers before 5.0 */
    int64_t last_time_ms;    /* when the last consumed message was stored; 0: none */
};
struct consume_stats_table {
    const struct queue_progress *queues;
    size_t count;
    double consume_tps;
};
/* All in `arena` or pointing into `body`. ERR_BAD_INPUT: no JSON object. */
enum err consume_stats_decode(struct arena *arena, struct bytes body, struct consume_stats_table *out) MUST_USE;
/* The same from a node of a tree, whose texts it shares. */
void consume_stats_of(struct arena *arena, const struct json *node, struct consume_stats_table *out);

struct queue_offset {
    struct message_queue queue;
    int64_t offset;
};
/* ResetOffsetBody, the answer to INVOKE_BROKER_TO_RESET_OFFSET. */
enum err reset_offsets_decode(struct arena *arena, struct bytes body, const struct queue_offset **out,
                              size_t *count) MUST_USE;

#endif
