/* body_lock.c - the bodies of LOCK_BATCH_MQ and UNLOCK_BATCH_MQ */
#include "wire/body_lock.h"

static enum err parse_object(struct arena *arena, struct bytes body, const struct json **root) {
    TRY(json_parse(arena, body, root));
    if ((*root)->type != JSON_TYPE_OBJECT) return fail(ERR_BAD_INPUT, "the body of a lock request is no object");
    return ERR_OK;
}

enum err lock_batch_decode(struct arena *arena, struct bytes body, struct lock_batch *out) {
    const struct json *root;
    TRY(parse_object(arena, body, &root));
    *out = (struct lock_batch){
        .consumer_group = json_text(json_get(root, "consumerGroup")),
        .client_id = json_text(json_get(root, "clientId")),
        .only_this_broker = json_bool(json_get(root, "onlyThisBroker"), false),
    };
    message_queues_decode(arena, json_get(root, "mqSet"), &out->queues, &out->count);
    return ERR_OK;
}

void lock_batch_encode(const struct lock_batch *batch, struct buf *out) {
    struct json_writer w = {.out = out};
    json_begin_object(&w);
    json_member(&w, "clientId", batch->client_id);
    json_member(&w, "consumerGroup", batch->consumer_group);
    json_key_text(&w, "mqSet");
    message_queues_encode(&w, batch->queues, batch->count);
    json_member_bool(&w, "onlyThisBroker", batch->only_this_broker);
    json_end_object(&w);
}

enum err lock_result_decode(struct arena *arena, struct bytes body, const struct message_queue **queues,
                            size_t *count) {
    const struct json *root;
    TRY(parse_object(arena, body, &root));
    message_queues_decode(arena, json_get(root, "lockOKMQSet"), queues, count);
    return ERR_OK;
}

void lock_result_encode(const struct message_queue *queues, size_t count, struct buf *out) {
    struct json_writer w = {.out = out};
    json_begin_object(&w);
    json_key_text(&w, "lockOKMQSet");
    message_queues_encode(&w, queues, count);
    json_end_object(&w);
}
