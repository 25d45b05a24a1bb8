/* body_queue_mapping.c - TopicQueueMappingDetail and TopicQueueMappingInfo as JSON. */
#include "wire/body_queue_mapping.h"

#include <stdlib.h>
#include "base/check.h"

#define SCOPE_GLOBAL BYTES("__global__")

static int64_t offset_of(const struct json *item, const char *key, int64_t otherwise) {
    return MAX(MIN(json_i64(json_get(item, key), otherwise), OFFSET_MAX), OFFSET_UNDECIDED);
}

static struct mapping_item decode_item(struct arena *arena, const struct json *node) {
    return (struct mapping_item){.gen = (int32_t)json_i64(json_get(node, "gen"), 0),
                                 .queue_id = (int32_t)json_i64(json_get(node, "queueId"), 0),
                                 .broker_name = arena_copy(arena, json_text(json_get(node, "bname"))),
                                 .logic_offset = offset_of(node, "logicOffset", 0),
                                 .start_offset = offset_of(node, "startOffset", 0),
                                 .end_offset = offset_of(node, "endOffset", OFFSET_UNDECIDED),
                                 .start_time_ms = json_i64(json_get(node, "timeOfStart"), -1),
                                 .end_time_ms = json_i64(json_get(node, "timeOfEnd"), -1)};
}

static enum err decode_queue(struct arena *arena, const struct json *node, struct logic_queue *out) {
    if (!bytes_to_i32(node->key, &out->id) || out->id < 0 || node->type != JSON_TYPE_ARRAY)
        return fail(ERR_BAD_INPUT, "the mapping has a queue that is no list with a number: \"%.*s\"",
                    (int)MIN(node->key.len, 40), node->key.data);
    if (node->count == 0) return fail(ERR_BAD_INPUT, "the mapping of queue %d is empty", out->id);
    struct mapping_item *items = arena_alloc(arena, node->count * sizeof *items);
    for (const struct json *item = json_first(node); item; item = item->next) {
        items[out->item_count] = decode_item(arena, item);
        if (items[out->item_count++].broker_name.len == 0)
            return fail(ERR_BAD_INPUT, "the mapping of queue %d has an item without a bname", out->id);
    }
    out->items = items;
    return ERR_OK;
}

int logic_queue_compare(const void *a, const void *b) {
    int32_t x = ((const struct logic_queue *)a)->id, y = ((const struct logic_queue *)b)->id;
    return (x > y) - (x < y);
}

enum err queue_mapping_detail_decode(struct arena *arena, const struct json *node, struct queue_mapping_detail *out) {
    struct bytes scope = json_text(json_get(node, "scope"));
    const struct json *table = json_get(node, "hostedQueues");
    *out = (struct queue_mapping_detail){
        .topic = arena_copy(arena, json_text(json_get(node, "topic"))),
        .broker_name = arena_copy(arena, json_text(json_get(node, "bname"))),
        .scope = scope.data ? arena_copy(arena, scope) : SCOPE_GLOBAL,
        .total_queues = (int32_t)json_i64(json_get(node, "totalQueues"), 0),
        .epoch = json_i64(json_get(node, "epoch"), 0),
        .dirty = json_bool(json_get(node, "dirty"), false),
    };
    if (out->topic.len == 0 || out->broker_name.len == 0)
        return fail(ERR_BAD_INPUT, "a mapping needs a topic and a bname");
    struct logic_queue *queues = arena_calloc(arena, (table ? table->count : 0) + 1, sizeof *queues);
    for (const struct json *queue = json_first(table); queue; queue = queue->next)
        TRY(decode_queue(arena, queue, &queues[out->queue_count++]));
    qsort(queues, out->queue_count, sizeof *queues, logic_queue_compare);
    out->queues = queues;
    return ERR_OK;
}

static void encode_item(struct json_writer *w, const struct mapping_item *item) {
    json_begin_object(w);
    json_member(w, "bname", item->broker_name);
    json_member_int(w, "endOffset", item->end_offset);
    json_member_int(w, "gen", item->gen);
    json_member_int(w, "logicOffset", item->logic_offset);
    json_member_int(w, "queueId", item->queue_id);
    json_member_int(w, "startOffset", item->start_offset);
    json_member_int(w, "timeOfEnd", item->end_time_ms);
    json_member_int(w, "timeOfStart", item->start_time_ms);
    json_end_object(w);
}

/* Which physical queues of this broker take messages. */
static void encode_current(struct json_writer *w, const struct queue_mapping_detail *detail) {
    for (size_t i = 0; i < detail->queue_count; i++) {
        const struct logic_queue *queue = &detail->queues[i];
        const struct mapping_item *last = &queue->items[queue->item_count - 1];
        if (!bytes_equal(last->broker_name, detail->broker_name)) continue;
        json_key_i64(w, queue->id);
        json_int(w, last->queue_id);
    }
}

static void encode_queues(struct json_writer *w, const struct queue_mapping_detail *detail) {
    json_key_text(w, "hostedQueues");
    json_begin_object(w);
    for (size_t i = 0; i < detail->queue_count; i++) {
        const struct logic_queue *queue = &detail->queues[i];
        json_key_i64(w, queue->id);
        json_begin_array(w);
        for (size_t k = 0; k < queue->item_count; k++) encode_item(w, &queue->items[k]);
        json_end_array(w);
    }
    json_end_object(w);
}

/* One of the two forms: only the detail has the queues, only the info says which are current. */
static void encode(struct json_writer *w, const struct queue_mapping_detail *detail, bool info) {
    json_begin_object(w);
    json_member(w, "bname", detail->broker_name);
    json_key_text(w, "currIdMap");
    json_begin_object(w);
    if (info) encode_current(w, detail);
    json_end_object(w);
    json_member_bool(w, "dirty", detail->dirty);
    json_member_int(w, "epoch", detail->epoch);
    if (!info) encode_queues(w, detail);
    json_member(w, "scope", detail->scope);
    json_member(w, "topic", detail->topic);
    json_member_int(w, "totalQueues", detail->total_queues);
    json_end_object(w);
}

void queue_mapping_detail_encode(struct json_writer *w, const struct queue_mapping_detail *detail) {
    encode(w, detail, false);
}

void queue_mapping_info_encode(struct json_writer *w, const struct queue_mapping_detail *detail) {
    encode(w, detail, true);
}
