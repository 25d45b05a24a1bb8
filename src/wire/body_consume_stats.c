/* body_consume_stats.c - ConsumeStats and ResetOffsetBody from JSON. */
#include "wire/body_consume_stats.h"

void consume_stats_of(struct arena *arena, const struct json *node, struct consume_stats_table *out) {
    const struct json *table = json_get(node, "offsetTable");
    struct queue_progress *queues = arena_calloc(arena, table ? table->count : 0, sizeof *queues);
    *out = (struct consume_stats_table){.queues = queues, .consume_tps = json_double(json_get(node, "consumeTps"), 0)};
    for (const struct json *row = json_first(table); row; row = row->next) {
        int64_t consumer_offset = json_i64(json_get(row, "consumerOffset"), 0);
        queues[out->count++] = (struct queue_progress){
            .queue = message_queue_decode(row->key_object),
            .broker_offset = json_i64(json_get(row, "brokerOffset"), 0),
            .consumer_offset = consumer_offset,
            .pull_offset = json_i64(json_get(row, "pullOffset"), consumer_offset),
            .last_time_ms = json_i64(json_get(row, "lastTimestamp"), 0),
        };
    }
}

enum err consume_stats_decode(struct arena *arena, struct bytes body, struct consume_stats_table *out) {
    const struct json *top;
    TRY(json_parse(arena, body, &top));
    if (top->type != JSON_TYPE_OBJECT) return fail(ERR_BAD_INPUT, "consume statistics are no JSON object");
    consume_stats_of(arena, top, out);
    return ERR_OK;
}

enum err reset_offsets_decode(struct arena *arena, struct bytes body, const struct queue_offset **out, size_t *count) {
    const struct json *top;
    TRY(json_parse(arena, body, &top));
    if (top->type != JSON_TYPE_OBJECT) return fail(ERR_BAD_INPUT, "offsets of a reset are no JSON object");
    const struct json *table = json_get(top, "offsetTable");
    struct queue_offset *offsets = arena_calloc(arena, table ? table->count : 0, sizeof *offsets);
    *out = offsets;
    *count = 0;
    for (const struct json *row = json_first(table); row; row = row->next)
        offsets[(*count)++] = (struct queue_offset){message_queue_decode(row->key_object), json_i64(row, 0)};
    return ERR_OK;
}
