/* body_register.c - RegisterBrokerBody: JSON both ways, packed to be read. */
#include "wire/body_register.h"

#include "base/endian.h"

void topic_config_encode_members(struct json_writer *w, const struct topic_config *topic) {
    json_key_text(w, "attributes");
    json_raw(w, topic->attributes.data != NULL ? topic->attributes : BYTES("{}"));
    json_member_bool(w, "order", topic->order);
    json_member_int(w, "perm", topic->perm);
    json_member_int(w, "readQueueNums", topic->read_queue_nums);
    json_member(w, "topicFilterType", topic->multi_tag ? BYTES("MULTI_TAG") : BYTES("SINGLE_TAG"));
    json_member(w, "topicName", topic->name);
    json_member_int(w, "topicSysFlag", topic->sys_flag);
    json_member_int(w, "writeQueueNums", topic->write_queue_nums);
}

void topic_config_encode(struct json_writer *w, const struct topic_config *topic) {
    json_begin_object(w);
    topic_config_encode_members(w, topic);
    json_end_object(w);
}

void register_body_encode(const struct register_body *body, struct buf *out) {
    struct json_writer w = {.out = out};
    json_begin_object(&w);
    if (body->has_filter_servers) {
        json_key_text(&w, "filterServerList");
        json_begin_array(&w);
        for (size_t i = 0; i < body->filter_server_count; i++) json_string(&w, body->filter_servers[i]);
        json_end_array(&w);
    }
    json_key_text(&w, "topicConfigSerializeWrapper");
    json_begin_object(&w);
    json_key_text(&w, "dataVersion");
    data_version_encode(&w, &body->data_version);
    json_key_text(&w, "topicConfigTable");
    json_begin_object(&w);
    for (size_t i = 0; i < body->topic_count; i++) {
        json_key(&w, body->topics[i].name);
        topic_config_encode(&w, &body->topics[i]);
    }
    json_end_object(&w);
    json_key_text(&w, "topicQueueMappingInfoMap");
    json_begin_object(&w);
    for (size_t i = 0; i < body->mapping_count; i++) {
        json_key(&w, body->mappings[i].topic);
        json_raw(&w, body->mappings[i].info);
    }
    json_end_object(&w);
    json_end_object(&w);
    json_end_object(&w);
}

static void decode_topics(struct arena *arena, const struct json *table, struct register_body *out) {
    struct topic_config *topics = arena_alloc(arena, (table != NULL ? table->count : 0) * sizeof *topics);
    for (const struct json *node = json_first(table); node != NULL; node = node->next) {
        if (node->type != JSON_TYPE_OBJECT || node->key.data == NULL) continue;
        topics[out->topic_count++] = (struct topic_config){
            .name = node->key,
            .read_queue_nums = (int32_t)json_i64(json_get(node, "readQueueNums"), 0),
            .write_queue_nums = (int32_t)json_i64(json_get(node, "writeQueueNums"), 0),
            .perm = (int32_t)json_i64(json_get(node, "perm"), 0),
            .sys_flag = (int32_t)json_i64(json_get(node, "topicSysFlag"), 0),
            .order = json_bool(json_get(node, "order"), false),
            .multi_tag = bytes_is(json_text(json_get(node, "topicFilterType")), "MULTI_TAG"),
        };
    }
    out->topics = topics;
}

enum err register_body_decode(struct arena *arena, struct bytes body, struct register_body *out) {
    const struct json *top;
    TRY(json_parse(arena, body, &top));
    if (top->type != JSON_TYPE_OBJECT) return fail(ERR_BAD_INPUT, "registration is no JSON object");
    const struct json *wrapper = json_get(top, "topicConfigSerializeWrapper");
    if (wrapper == NULL) wrapper = top;
    *out = (struct register_body){.data_version = data_version_decode(json_get(wrapper, "dataVersion"))};
    decode_topics(arena, json_get(wrapper, "topicConfigTable"), out);
    const struct json *filters = json_get(top, "filterServerList");
    out->has_filter_servers = filters != NULL && filters->type == JSON_TYPE_ARRAY;
    json_texts(arena, filters, &out->filter_servers, &out->filter_server_count);
    const struct json *table = json_get(wrapper, "topicQueueMappingInfoMap");
    struct topic_mapping *mappings = arena_alloc(arena, (table != NULL ? table->count : 0) * sizeof *mappings);
    for (const struct json *node = json_first(table); node != NULL; node = node->next)
        if (node->key.data != NULL)
            mappings[out->mapping_count++] = (struct topic_mapping){node->key, json_node_copy(arena, node)};
    out->mappings = mappings;
    return ERR_OK;
}

static enum err take_count(struct bytes *rest, size_t *out) {
    if (rest->len < 4) return fail(ERR_BAD_INPUT, "packed registration is cut short");
    const int32_t count = load_i32be(rest->data);
    *rest = bytes_skip(*rest, 4);
    if (count < 0 || (size_t)count > rest->len) return fail(ERR_BAD_INPUT, "packed registration is malformed");
    *out = (size_t)count; /* of bytes, or of items that take at least one each */
    return ERR_OK;
}

static enum err take_text(struct bytes *rest, struct bytes *out) {
    size_t len = 0;
    TRY(take_count(rest, &len));
    *out = bytes_make(rest->data, len);
    *rest = bytes_skip(*rest, len);
    return ERR_OK;
}

/* "name readQueueNums writeQueueNums perm filterType", since 5.0 with the attributes behind. */
static enum err decode_packed_topic(struct bytes line, struct topic_config *out) {
    struct bytes read, write, perm, filter_type;
    const struct bytes whole = line;
    *out = (struct topic_config){0};
    if (!bytes_split(&line, ' ', &out->name) || !bytes_split(&line, ' ', &read) || !bytes_split(&line, ' ', &write) ||
        !bytes_split(&line, ' ', &perm) || !bytes_to_i32(read, &out->read_queue_nums) ||
        !bytes_to_i32(write, &out->write_queue_nums) || !bytes_to_i32(perm, &out->perm))
        return fail(ERR_BAD_INPUT, "packed topic is malformed: %.*s", BYTES_ARG(whole));
    out->multi_tag = bytes_split(&line, ' ', &filter_type) && bytes_is(filter_type, "MULTI_TAG");
    return ERR_OK;
}

static enum err decode_packed_topics(struct arena *arena, struct bytes *rest, struct register_body *out) {
    size_t count = 0;
    TRY(take_count(rest, &count));
    if (count > rest->len / 4) return fail(ERR_BAD_INPUT, "packed registration is malformed");
    struct topic_config *topics = arena_alloc(arena, count * sizeof *topics);
    for (size_t i = 0; i < count; i++) {
        struct bytes line;
        TRY(take_text(rest, &line));
        TRY(decode_packed_topic(line, &topics[i]));
    }
    out->topics = topics;
    out->topic_count = count;
    return ERR_OK;
}

static enum err decode_packed_mappings(struct arena *arena, struct bytes *rest, struct register_body *out) {
    size_t count = 0;
    TRY(take_count(rest, &count));
    if (count > rest->len / 4) return fail(ERR_BAD_INPUT, "packed registration is malformed");
    struct topic_mapping *mappings = arena_alloc(arena, count * sizeof *mappings);
    for (size_t i = 0; i < count; i++) {
        struct bytes text;
        const struct json *info;
        TRY(take_text(rest, &text));
        TRY(json_parse(arena, text, &info));
        mappings[i] = (struct topic_mapping){json_text(json_get(info, "topic")), json_node_copy(arena, info)};
        if (mappings[i].topic.data == NULL) return fail(ERR_BAD_INPUT, "queue mapping without a topic");
    }
    out->mappings = mappings;
    out->mapping_count = count;
    return ERR_OK;
}

enum err register_body_decode_packed(struct arena *arena, struct bytes plain, struct register_body *out) {
    struct bytes text;
    const struct json *node;
    *out = (struct register_body){0};
    TRY(take_text(&plain, &text));
    TRY(json_parse(arena, text, &node));
    out->data_version = data_version_decode(node);
    TRY(decode_packed_topics(arena, &plain, out));
    TRY(take_text(&plain, &text));
    TRY(json_parse(arena, text, &node));
    out->has_filter_servers = node->type == JSON_TYPE_ARRAY;
    json_texts(arena, node, &out->filter_servers, &out->filter_server_count);
    return plain.len > 0 ? decode_packed_mappings(arena, &plain, out) : ERR_OK;
}
