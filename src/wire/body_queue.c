/* body_queue.c - MessageQueue in JSON bodies */
#include "wire/body_queue.h"

int message_queue_compare(const void *a, const void *b) {
    const struct message_queue *left = a, *right = b;
    int order = bytes_compare(left->topic, right->topic);
    if (order == 0) order = bytes_compare(left->broker_name, right->broker_name);
    if (order == 0) order = (left->queue_id > right->queue_id) - (left->queue_id < right->queue_id);
    return order;
}

bool message_queue_equal(const struct message_queue *a, const struct message_queue *b) {
    return a->queue_id == b->queue_id && bytes_equal(a->topic, b->topic) && bytes_equal(a->broker_name, b->broker_name);
}

struct message_queue message_queue_decode(const struct json *node) {
    return (struct message_queue){
        .topic = json_text(json_get(node, "topic")),
        .broker_name = json_text(json_get(node, "brokerName")),
        .queue_id = (int32_t)json_i64(json_get(node, "queueId"), 0),
    };
}

static void encode_members(struct json_writer *w, const struct message_queue *queue) {
    json_member(w, "brokerName", queue->broker_name);
    json_member_int(w, "queueId", queue->queue_id);
    json_member(w, "topic", queue->topic);
}

void message_queue_encode(struct json_writer *w, const struct message_queue *queue) {
    json_begin_object(w);
    encode_members(w, queue);
    json_end_object(w);
}

void message_queue_encode_key(struct json_writer *w, const struct message_queue *queue) {
    json_begin_key_object(w);
    encode_members(w, queue);
    json_end_key_object(w);
}

void message_queues_decode(struct arena *arena, const struct json *array, const struct message_queue **out,
                           size_t *count) {
    *count = array && array->type == JSON_TYPE_ARRAY ? array->count : 0;
    struct message_queue *queues = arena_calloc(arena, *count, sizeof *queues);
    if (*count > 0) {
        size_t i = 0;
        for (const struct json *node = json_first(array); node; node = node->next)
            queues[i++] = message_queue_decode(node);
    }
    *out = queues;
}

void message_queues_encode(struct json_writer *w, const struct message_queue *queues, size_t count) {
    json_begin_array(w);
    for (size_t i = 0; i < count; i++) message_queue_encode(w, &queues[i]);
    json_end_array(w);
}
