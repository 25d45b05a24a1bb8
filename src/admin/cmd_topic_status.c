/* cmd_topic_status.c - topicStatus: first and last offset of every queue, and when it was last written. */
#include <stdlib.h>
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/print.h"
#include "base/check.h"

static int by_queue(const void *a, const void *b) {
    return message_queue_compare(&((const struct queue_range *)a)->queue, &((const struct queue_range *)b)->queue);
}

static void print_queues(struct admin *admin, const struct queue_range *queues, size_t count) {
    static const struct column columns[] = {{"#Broker Name", -32, 2},
                                            {"#QID", -4, 2},
                                            {"#Min Offset", -20, 2},
                                            {"#Max Offset", -20, 4},
                                            {"#Last Updated", 0, 0}};
    struct table table = table_begin(admin->out, columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < count; i++) {
        const struct queue_range *range = &queues[i];
        table_text(&table, range->queue.broker_name);
        table_int(&table, range->queue.queue_id);
        table_int(&table, range->min_offset);
        table_int(&table, range->max_offset);
        table_text(&table, range->last_update_ms > 0 ? print_time(&admin->arena, range->last_update_ms, TIME_MILLIS)
                                                     : BYTES(""));
    }
}

enum err cmd_topic_status(struct admin *admin, const struct args_topic_status *args) {
    struct topic_route route;
    struct queue_range *queues = NULL;
    size_t count = 0;
    double put_tps = 0;
    TRY(admin_route_or(admin, args->cluster, args->topic, &route));
    for (size_t i = 0; i < route.broker_count; i++) {
        struct bytes address = admin_address_of(&route.brokers[i]);
        struct topic_stats stats;
        if (!address.data) continue;
        TRY(admin_topic_stats(admin, address, args->topic, &stats));
        struct queue_range *more = arena_calloc(&admin->arena, count + stats.count, sizeof *more);
        for (size_t k = 0; k < count; k++) more[k] = queues[k];
        for (size_t k = 0; k < stats.count; k++) more[count + k] = stats.queues[k];
        queues = more;
        count += stats.count;
        put_tps += stats.put_tps;
    }
    if (count == 0) return fail(ERR_NOT_FOUND, "no broker has queues of topic %.*s now", BYTES_ARG(args->topic));
    qsort(queues, count, sizeof *queues, by_queue);
    print_queues(admin, queues, count);
    struct buf tps = {0};
    json_real(&(struct json_writer){.out = &tps}, put_tps);
    fprintf(admin->out, "\nTopic Put TPS: %.*s\n", BYTES_ARG(buf_bytes(&tps)));
    buf_close(&tps);
    return ERR_OK;
}
