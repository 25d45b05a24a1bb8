/* body_heartbeat.c - HeartbeatData */
#include "wire/body_heartbeat.h"

#include "base/check.h"

static const char *const consume_types[] = {
    [CONSUME_ACTIVELY] = "CONSUME_ACTIVELY",
    [CONSUME_PASSIVELY] = "CONSUME_PASSIVELY",
    [CONSUME_POP] = "CONSUME_POP",
};
static const char *const message_models[] = {
    [BROADCASTING] = "BROADCASTING",
    [CLUSTERING] = "CLUSTERING",
};
static const char *const consume_from_wheres[] = {
    [CONSUME_FROM_LAST_OFFSET] = "CONSUME_FROM_LAST_OFFSET",
    [CONSUME_FROM_FIRST_OFFSET] = "CONSUME_FROM_FIRST_OFFSET",
    [CONSUME_FROM_TIMESTAMP] = "CONSUME_FROM_TIMESTAMP",
};

const char *consume_type_name(enum consume_type type) {
    return consume_types[type];
}

const char *message_model_name(enum message_model model) {
    return message_models[model];
}

const char *consume_from_where_name(enum consume_from_where where) {
    return consume_from_wheres[where];
}

static int name_index(const char *const *names, int count, struct bytes name, int otherwise) {
    for (int i = 0; i < count; i++)
        if (bytes_is(name, names[i])) return i;
    return otherwise;
}

static struct consumer_data decode_consumer(struct arena *arena, const struct json *node) {
    struct consumer_data consumer = {.group = json_text(json_get(node, "groupName"))};
    struct bytes type = json_text(json_get(node, "consumeType")), model = json_text(json_get(node, "messageModel"));
    struct bytes where = json_text(json_get(node, "consumeFromWhere"));
    consumer.type = name_index(consume_types, ARRAY_LEN(consume_types), type, CONSUME_PASSIVELY);
    consumer.model = name_index(message_models, ARRAY_LEN(message_models), model, CLUSTERING);
    consumer.from_where =
        name_index(consume_from_wheres, ARRAY_LEN(consume_from_wheres), where, CONSUME_FROM_LAST_OFFSET);
    consumer.unit_mode = json_bool(json_get(node, "unitMode"), false);
    const struct json *set = json_get(node, "subscriptionDataSet");
    struct subscription *subscriptions = arena_calloc(arena, set ? set->count : 0, sizeof *subscriptions);
    for (const struct json *item = json_first(set); item; item = item->next)
        subscriptions[consumer.subscription_count++] = subscription_decode(arena, item);
    consumer.subscriptions = subscriptions;
    return consumer;
}

enum err heartbeat_decode(struct arena *arena, struct bytes body, struct heartbeat *out) {
    const struct json *root;
    TRY(json_parse(arena, body, &root));
    *out = (struct heartbeat){
        .client_id = json_text(json_get(root, "clientID")),
        .fingerprint = (int32_t)json_i64(json_get(root, "heartbeatFingerprint"), 0),
        .without_sub = json_bool(json_get(root, "withoutSub"), false),
    };
    if (out->client_id.len == 0) return fail(ERR_BAD_INPUT, "heartbeat without a client id");
    const struct json *producers = json_get(root, "producerDataSet"), *consumers = json_get(root, "consumerDataSet");
    struct bytes *groups = arena_calloc(arena, producers ? producers->count : 0, sizeof *groups);
    struct consumer_data *data = arena_calloc(arena, consumers ? consumers->count : 0, sizeof *data);
    for (const struct json *item = json_first(producers); item; item = item->next)
        groups[out->producer_count++] = json_text(json_get(item, "groupName"));
    for (const struct json *item = json_first(consumers); item; item = item->next)
        data[out->consumer_count++] = decode_consumer(arena, item);
    out->producer_groups = groups;
    out->consumers = data;
    return ERR_OK;
}

static void encode_consumer(struct json_writer *w, const struct consumer_data *consumer) {
    json_begin_object(w);
    json_member(w, "consumeFromWhere", bytes_of(consume_from_where_name(consumer->from_where)));
    json_member(w, "consumeType", bytes_of(consume_type_name(consumer->type)));
    json_member(w, "groupName", consumer->group);
    json_member(w, "messageModel", bytes_of(message_model_name(consumer->model)));
    json_key_text(w, "subscriptionDataSet");
    json_begin_array(w);
    for (size_t i = 0; i < consumer->subscription_count; i++) subscription_encode(w, &consumer->subscriptions[i]);
    json_end_array(w);
    json_member_bool(w, "unitMode", consumer->unit_mode);
    json_end_object(w);
}

void heartbeat_encode(const struct heartbeat *heartbeat, struct buf *out) {
    struct json_writer w = {.out = out};
    json_begin_object(&w);
    json_member(&w, "clientID", heartbeat->client_id);
    json_key_text(&w, "consumerDataSet");
    json_begin_array(&w);
    for (size_t i = 0; i < heartbeat->consumer_count; i++) encode_consumer(&w, &heartbeat->consumers[i]);
    json_end_array(&w);
    json_member_int(&w, "heartbeatFingerprint", heartbeat->fingerprint);
    json_key_text(&w, "producerDataSet");
    json_begin_array(&w);
    for (size_t i = 0; i < heartbeat->producer_count; i++) {
        json_begin_object(&w);
        json_member(&w, "groupName", heartbeat->producer_groups[i]);
        json_end_object(&w);
    }
    json_end_array(&w);
    json_member_bool(&w, "withoutSub", heartbeat->without_sub);
    json_end_object(&w);
}
