/* cmd_broker_consume_stats.c - brokerConsumeStats: every queue of every group on one broker. */
#include <stdlib.h>
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/print.h"
#include "base/check.h"
#include "base/json.h"

static int by_queue(const void *a, const void *b) {
    return message_queue_compare(&((const struct queue_progress *)a)->queue,
                                 &((const struct queue_progress *)b)->queue);
}

static void print_queues(struct admin *admin, struct bytes group, const struct consume_stats_table *stats,
                         int64_t level, struct table *table) {
    struct queue_progress *queues = arena_calloc(&admin->arena, stats->count, sizeof *queues);
    for (size_t i = 0; i < stats->count; i++) queues[i] = stats->queues[i];
    if (stats->count > 0) qsort(queues, stats->count, sizeof *queues, by_queue);
    for (size_t i = 0; i < stats->count; i++) {
        const struct queue_progress *queue = &queues[i];
        int64_t behind = queue->broker_offset - queue->consumer_offset;
        if (behind < level) continue;
        table_text(table, queue->queue.topic);
        table_text(table, group);
        table_text(table, queue->queue.broker_name);
        table_int(table, queue->queue.queue_id);
        table_int(table, queue->broker_offset);
        table_int(table, queue->consumer_offset);
        table_int(table, behind);
        table_text(table,
                   queue->last_time_ms > 0 ? print_time(&admin->arena, queue->last_time_ms, TIME_SECONDS) : BYTES("-"));
    }
}

enum err cmd_broker_consume_stats(struct admin *admin, const struct args_broker_consume_stats *args) {
    static const struct column columns[] = {
        {"#Topic", -64, 2},         {"#Group", -64, 2},           {"#Broker Name", -32, 2}, {"#QID", -4, 2},
        {"#Broker Offset", -20, 2}, {"#Consumer Offset", -20, 2}, {"#Diff", -20, 2},        {"#LastTime", 0, 0}};
    struct hdr_get_broker_consume_stats header = {.present = HEADER_ALL, .is_order = args->order};
    struct command response;
    const struct json *body;
    admin->timeout_ms = args->timeout_ms;
    TRY(admin_ask(admin, args->broker_addr, ADMIN_REQUEST(GET_BROKER_CONSUME_STATS, get_broker_consume_stats, &header),
                  &response));
    TRY(json_parse(&admin->arena, response.body, &body));
    struct table table = table_begin(admin->out, columns, ARRAY_LEN(columns));
    for (const struct json *item = json_first(json_get(body, "consumeStatsList")); item; item = item->next) {
        for (const struct json *group = json_first(item); group; group = group->next) {
            for (const struct json *one = json_first(group); one; one = one->next) {
                struct consume_stats_table stats;
                consume_stats_of(&admin->arena, one, &stats);
                print_queues(admin, group->key, &stats, args->level, &table);
            }
        }
    }
    fprintf(admin->out, "\nDiff Total: %lld\n", (long long)json_i64(json_get(body, "totalDiff"), 0));
    return ERR_OK;
}
