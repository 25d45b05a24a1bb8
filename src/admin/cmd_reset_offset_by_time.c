/* cmd_reset_offset_by_time.c - resetOffsetByTime: moves a group to a time in all queues of a topic, through each
 * broker, which tells the clients; or in one queue. A group without connected clients cannot be moved by brokers
 * before 5.0 (code 206): then its offsets are written queue by queue.
 * @source apache/rocketmq tools/.../command/offset/ResetOffsetByTimeCommand.java, ResetOffsetByTimeOldCommand.java */
#include <inttypes.h>
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/offset_reset.h"
#include "admin/print.h"

static enum err reset_all(struct admin *admin, const struct args_reset_offset_by_time *args, int64_t time_ms) {
    struct offset_reset reset = {args->topic, args->group, args->cluster, time_ms, args->force};
    fprintf(admin->out,
            "start reset consumer offset by specified, group[%.*s], topic[%.*s], force[%s], timestamp(string)[%.*s], "
            "timestamp(long)[%" PRId64 "]\n",
            BYTES_ARG(args->group), BYTES_ARG(args->topic), print_bool(args->force), BYTES_ARG(args->time), time_ms);
    return offset_reset(admin, &reset);
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
