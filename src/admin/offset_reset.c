/* offset_reset.c - through each broker, which tells the clients. A group without connected clients cannot be moved by
 * brokers before 5.0 (code 206): then its offsets are written queue by queue.
 * @source apache/rocketmq tools/.../command/offset/ResetOffsetByTimeCommand.java, ResetOffsetByTimeOldCommand.java */
#include "admin/offset_reset.h"

#include <stdlib.h>
#include "admin/print.h"
#include "base/check.h"

static enum err reset_on_broker(struct admin *admin, const struct offset_reset *reset, struct bytes address,
                                const struct queue_offset **offsets, size_t *count) {
    struct hdr_reset_offset header = {.present = HEADER_ALL,
                                      .topic = reset->topic,
                                      .group = reset->group,
                                      .queue_id = -1,
                                      .timestamp = reset->time_ms,
                                      .is_force = reset->force,
                                      .offset = -1};
    struct command response;
    TRY(admin_ask(admin, address, ADMIN_REQUEST(INVOKE_BROKER_TO_RESET_OFFSET, reset_offset, &header), &response));
    return reset_offsets_decode(&admin->arena, response.body, offsets, count);
}

/* Writes the offsets of the queues that the group has consumed on this broker. */
static enum err write_offsets(struct admin *admin, const struct offset_reset *reset, struct bytes address,
                              const struct queue_offset **out, size_t *count) {
    struct consume_stats_table progress;
    TRY(admin_consume_stats(admin, address, reset->group, reset->topic, &progress));
    struct queue_offset *offsets = arena_calloc(&admin->arena, progress.count, sizeof *offsets);
    *count = 0;
    for (size_t i = 0; i < progress.count; i++) {
        const struct queue_progress *queue = &progress.queues[i];
        struct queue_place place = {queue->queue, address};
        int64_t offset;
        TRY(admin_search_offset(admin, &place, reset->time_ms, &offset));
        if (!reset->force && offset > queue->consumer_offset) offset = queue->consumer_offset;
        TRY(admin_update_offset(admin, &place, reset->group, offset));
        offsets[(*count)++] = (struct queue_offset){queue->queue, offset};
    }
    *out = offsets;
    return ERR_OK;
}

static int by_queue(const void *a, const void *b) {
    return message_queue_compare(&((const struct queue_offset *)a)->queue, &((const struct queue_offset *)b)->queue);
}

static void print_offsets(struct admin *admin, const struct queue_offset *offsets, size_t count, struct table *table) {
    struct queue_offset *sorted = arena_calloc(&admin->arena, count, sizeof *sorted);
    for (size_t i = 0; i < count; i++) sorted[i] = offsets[i];
    if (count > 0) qsort(sorted, count, sizeof *sorted, by_queue);
    for (size_t i = 0; i < count; i++) {
        table_text(table, sorted[i].queue.broker_name);
        table_int(table, sorted[i].queue.queue_id);
        table_int(table, sorted[i].offset);
    }
}

enum err offset_reset(struct admin *admin, const struct offset_reset *reset) {
    static const struct column columns[] = {{"#brokerName", -40, 2}, {"#queueId", -40, 2}, {"#offset", -40, 0}};
    struct topic_route route;
    TRY(admin_route_or(admin, reset->cluster, reset->topic, &route));
    struct table table = table_begin(admin->out, columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < route.broker_count; i++) {
        struct bytes address = admin_address_of(&route.brokers[i]);
        const struct queue_offset *offsets;
        size_t count;
        if (!address.data) continue;
        enum err err = reset_on_broker(admin, reset, address, &offsets, &count);
        if (err == ERR_RESPONSE && admin->response_code == RESPONSE_CONSUMER_NOT_ONLINE)
            err = write_offsets(admin, reset, address, &offsets, &count);
        TRY(err);
        print_offsets(admin, offsets, count, &table);
    }
    return ERR_OK;
}
