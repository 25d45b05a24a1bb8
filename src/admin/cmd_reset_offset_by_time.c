/* cmd_reset_offset_by_time.c - resetOffsetByTime: moves a group to a time in all queues of a topic, through each
 * broker, which tells the clients; or in one queue. A group without connected clients cannot be moved by brokers
 * before 5.0 (code 206): then its offsets are written queue by queue.
 * @source apache/rocketmq tools/.../command/offset/ResetOffsetByTimeCommand.java, ResetOffsetByTimeOldCommand.java */
#include <inttypes.h>
#include <stdlib.h>
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/print.h"
#include "base/check.h"

static enum err reset_on_broker(struct admin *admin, const struct args_reset_offset_by_time *args, struct bytes address,
                                int64_t time_ms, const struct queue_offset **offsets, size_t *count) {
    struct hdr_reset_offset header = {.present = HEADER_ALL,
                                      .topic = args->topic,
                                      .group = args->group,
                                      .queue_id = -1,
                                      .timestamp = time_ms,
                                      .is_force = args->force,
                                      .offset = -1};
    struct command response;
    TRY(admin_ask(admin, address, ADMIN_REQUEST(INVOKE_BROKER_TO_RESET_OFFSET, reset_offset, &header), &response));
    return reset_offsets_decode(&admin->arena, response.body, offsets, count);
}

/* Writes the offsets of the queues that the group has consumed on this broker. */
static enum err write_offsets(struct admin *admin, const struct args_reset_offset_by_time *args, struct bytes address,
                              int64_t time_ms, const struct queue_offset **out, size_t *count) {
    struct consume_stats_table progress;
    TRY(admin_consume_stats(admin, address, args->group, args->topic, &progress));
    struct queue_offset *offsets = arena_calloc(&admin->arena, progress.count, sizeof *offsets);
    *count = 0;
    for (size_t i = 0; i < progress.count; i++) {
        const struct queue_progress *queue = &progress.queues[i];
        struct queue_place place = {queue->queue, address};
        int64_t offset;
        TRY(admin_search_offset(admin, &place, time_ms, &offset));
        if (!args->force && offset > queue->consumer_offset) offset = queue->consumer_offset;
        TRY(admin_update_offset(admin, &place, args->group, offset));
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

static enum err reset_all(struct admin *admin, const struct args_reset_offset_by_time *args, int64_t time_ms) {
    static const struct column columns[] = {{"#brokerName", -40, 2}, {"#queueId", -40, 2}, {"#offset", -40, 0}};
    struct topic_route route;
    TRY(admin_route_or(admin, args->cluster, args->topic, &route));
    fprintf(admin->out,
            "start reset consumer offset by specified, group[%.*s], topic[%.*s], force[%s], timestamp(string)[%.*s], "
            "timestamp(long)[%" PRId64 "]\n",
            BYTES_ARG(args->group), BYTES_ARG(args->topic), print_bool(args->force), BYTES_ARG(args->time), time_ms);
    struct table table = table_begin(admin->out, columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < route.broker_count; i++) {
        struct bytes address = admin_address_of(&route.brokers[i]);
        const struct queue_offset *offsets;
        size_t count;
        if (!address.data) continue;
        enum err err = reset_on_broker(admin, args, address, time_ms, &offsets, &count);
        if (err == ERR_RESPONSE && admin->response_code == RESPONSE_CONSUMER_NOT_ONLINE)
            err = write_offsets(admin, args, address, time_ms, &offsets, &count);
        TRY(err);
        print_offsets(admin, offsets, count, &table);
    }
    return ERR_OK;
}

/* Brokers before 5.0 take a reset of one queue for one of all. */
static enum err check_may_reset_one(struct admin *admin, const struct args_reset_offset_by_time *args,
                                    bool *has_queue_reset) {
    struct hdr_consumer_group header = {.present = HEADER_ALL, .consumer_group = args->group};
    struct command response;
    TRY(admin_call(admin, args->broker_addr, ADMIN_REQUEST(GET_CONSUMER_CONNECTION_LIST, consumer_group, &header),
                   &response));
    *has_queue_reset = response.version >= VERSION_5_0_0;
    if (*has_queue_reset || response.code != RESPONSE_SUCCESS) return ERR_OK;
    return fail(ERR_FAILED, "a broker before 5.0 cannot tell clients of one queue: stop the consumers of %.*s first",
                BYTES_ARG(args->group));
}

/* Nobody needs to be told when no consumer is connected. */
static enum err tell_of_one(struct admin *admin, const struct args_reset_offset_by_time *args, int64_t time_ms,
                            int64_t offset) {
    struct hdr_reset_offset header = {.present = HEADER_ALL,
                                      .topic = args->topic,
                                      .group = args->group,
                                      .queue_id = (int32_t)args->queue_id,
                                      .timestamp = time_ms,
                                      .is_force = args->force,
                                      .offset = offset};
    enum err err =
        admin_ask(admin, args->broker_addr, ADMIN_REQUEST(INVOKE_BROKER_TO_RESET_OFFSET, reset_offset, &header), NULL);
    return admin->response_code == RESPONSE_CONSUMER_NOT_ONLINE ? ERR_OK : err;
}

static enum err reset_one(struct admin *admin, const struct args_reset_offset_by_time *args, int64_t time_ms) {
    struct queue_place place = {{args->topic, {0}, (int32_t)args->queue_id}, args->broker_addr};
    int64_t offset = args->offset;
    bool has_queue_reset;
    TRY(check_may_reset_one(admin, args, &has_queue_reset));
    fprintf(admin->out,
            "start reset consumer offset by specified, group[%.*s], topic[%.*s], queueId[%d], broker[%.*s], "
            "timestamp(string)[%.*s], timestamp(long)[%" PRId64 "]\n",
            BYTES_ARG(args->group), BYTES_ARG(args->topic), place.queue.queue_id, BYTES_ARG(args->broker_addr),
            BYTES_ARG(args->time), time_ms);
    if (offset < 0) TRY(admin_search_offset(admin, &place, time_ms, &offset));
    TRY(admin_update_offset(admin, &place, args->group, offset));
    if (has_queue_reset) TRY(tell_of_one(admin, args, time_ms, offset));
    fprintf(admin->out, "reset consumer offset to %" PRId64 "\n", offset);
    return ERR_OK;
}

enum err cmd_reset_offset_by_time(struct admin *admin, const struct args_reset_offset_by_time *args) {
    int64_t time_ms;
    if ((args->queue_id >= 0) != (args->broker_addr.data != NULL))
        return fail(ERR_BAD_PARAMETER, "-b and -q name one queue together: give both or none");
    if (args->offset >= 0 && args->queue_id < 0)
        return fail(ERR_BAD_PARAMETER, "-o is an offset in one queue: name it with -b and -q");
    TRY(print_parse_time(args->time, &time_ms));
    return args->queue_id >= 0 ? reset_one(admin, args, time_ms) : reset_all(admin, args, time_ms);
}
