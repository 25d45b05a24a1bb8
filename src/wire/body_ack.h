/* body_ack.h - the body of BATCH_ACK_MESSAGE: acknowledgements of several pops at once.
 * @source shared facts: protocol 2.3; apache/rocketmq BatchAck, BitSetSerializerDeserializer 5.3.3 */
#ifndef RMQ_WIRE_BODY_ACK_H
#define RMQ_WIRE_BODY_ACK_H

#include "base/json.h"

/* Of one pop's messages from one queue. */
struct batch_ack {
    struct bytes consumer_group, topic;
    int32_t retry; /* which topic it was popped from: 0 itself, 1 and 2 retry topics; -1: none of them */
    int64_t start_offset;
    int32_t queue_id, revive_queue_id;
    int64_t pop_time_ms, invisible_ms;
    struct bytes bits; /* bit i, the lowest of a byte first: the message at start_offset + i */
};
/* All in `arena` or pointing into `body`. An entry whose bits are no base64 has none. ERR_BAD_INPUT: no JSON. */
enum err batch_acks_decode(struct arena *arena, struct bytes body, const struct batch_ack **out,
                           size_t *count) MUST_USE;
static inline bool batch_ack_has(const struct batch_ack *ack, size_t i) {
    return i / 8 < ack->bits.len && ((uint8_t)ack->bits.data[i / 8] >> i % 8 & 1);
}

#endif
