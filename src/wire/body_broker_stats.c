/* body_broker_stats.c - BrokerStatsData from JSON. */
#include "wire/body_broker_stats.h"

static struct stats_span span_of(const struct json *node) {
    return (struct stats_span){.sum = json_i64(json_get(node, "sum"), 0),
                               .tps = json_double(json_get(node, "tps"), 0),
                               .average = json_double(json_get(node, "avgpt"), 0)};
}

enum err broker_stats_decode(struct arena *arena, struct bytes body, struct broker_stats *out) {
    const struct json *top;
    TRY(json_parse(arena, body, &top));
    if (top->type != JSON_TYPE_OBJECT) return fail(ERR_BAD_INPUT, "broker statistics are no JSON object");
    *out = (struct broker_stats){.minute = span_of(json_get(top, "statsMinute")),
                                 .hour = span_of(json_get(top, "statsHour")),
                                 .day = span_of(json_get(top, "statsDay"))};
    return ERR_OK;
}
