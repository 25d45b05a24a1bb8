/* body_queue.h - MessageQueue in JSON bodies: {"brokerName":"a","queueId":3,"topic":"T"}, as a value and as a key.
 * @source shared facts: protocol 2.2, 2.3 */
#ifndef RMQ_WIRE_BODY_QUEUE_H
#define RMQ_WIRE_BODY_QUEUE_H

#include "base/json.h"

struct message_queue {
    struct bytes topic, broker_name;
    int32_t queue_id;
};
/* By topic, broker name, queue id: the order in which all clients of a group see the queues; for qsort. */
int message_queue_compare(const void *a, const void *b);
bool message_queue_equal(const struct message_queue *a, const struct message_queue *b);
/* From a JSON object (a value, or key_object of a member); missing members are absent and 0. Texts live with it. */
struct message_queue message_queue_decode(const struct json *node);
void message_queue_encode(struct json_writer *w, const struct message_queue *queue); /* a value */
void message_queue_encode_key(struct json_writer *w, const struct message_queue *queue);
/* An array of them. Decoding a node that is no array gives none. */
void message_queues_decode(struct arena *arena, const struct json *array, const struct message_queue **out,
                           size_t *count);
void message_queues_encode(struct json_writer *w, const struct message_queue *queues, size_t count);

#endif
