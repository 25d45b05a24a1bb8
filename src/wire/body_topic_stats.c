/* body_topic_stats.c - TopicStatsTable from JSON. */
#include "wire/body_topic_stats.h"

enum err topic_stats_decode(struct arena *arena, struct bytes body, struct topic_stats *out) {
    const struct json *top;
    TRY(json_parse(arena, body, &top));
    if (top->type != JSON_TYPE_OBJECT) return fail(ERR_BAD_INPUT, "topic statistics are no JSON object");
    const struct json *table = json_get(top, "offsetTable");
    struct queue_range *queues = arena_calloc(arena, table ? table->count : 0, sizeof *queues);
    *out = (struct topic_stats){.queues = queues, .put_tps = json_double(json_get(top, "topicPutTps"), 0)};
    for (const struct json *node = json_first(table); node; node = node->next) {
        queues[out->count++] = (struct queue_range){
            .queue = message_queue_decode(node->key_object),
            .min_offset = json_i64(json_get(node, "minOffset"), 0),
            .max_offset = json_i64(json_get(node, "maxOffset"), 0),
            .last_update_ms = json_i64(json_get(node, "lastUpdateTimestamp"), 0),
        };
    }
    return ERR_OK;
}
