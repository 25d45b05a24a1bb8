/* cmd_consume_message.c - consumeMessage: all messages of a topic, of one queue, or a number of them from an offset. */
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/message_print.h"
#include "admin/message_read.h"

static enum err print_message(const rmq_message_ext_t *message, void *arg) {
    struct admin *admin = arg;
    return message_print_line(admin->out, message, true, (struct bytes){0});
}

static enum err read_queue(struct admin *admin, const struct args_consume_message *args,
                           const struct queue_place *place) {
    static const struct subscription all = {.expression = BYTES("*")};
    struct message_reading reading = {.admin = admin,
                                      .place = place,
                                      .group = args->group.data ? args->group : BYTES(TOOLS_CONSUMER_GROUP),
                                      .subscription = &all,
                                      .count_max = args->count,
                                      .each = print_message,
                                      .arg = admin};
    TRY(message_read_range(admin, place, args->begin, args->end, &reading.begin, &reading.end));
    if (args->offset >= 0) {
        if (args->offset < reading.begin || args->offset > reading.end)
            return fail(ERR_BAD_PARAMETER, "queue %d of %.*s has offsets from %lld to %lld, not %lld",
                        place->queue.queue_id, BYTES_ARG(place->queue.broker_name), (long long)reading.begin,
                        (long long)reading.end, (long long)args->offset);
        reading.begin = args->offset;
    }
    TRY(message_read(&reading));
    if (args->count > 0 && reading.count == args->count) return ERR_OK;
    fprintf(admin->out,
            "MessageQueue [topic=%.*s, brokerName=%.*s, queueId=%d] print msg finished. status=%s, offset=%lld\n",
            BYTES_ARG(place->queue.topic), BYTES_ARG(place->queue.broker_name), place->queue.queue_id,
            rmq_pull_status_name(RMQ_PULL_NO_NEW_MSG), (long long)reading.next);
    return ERR_OK;
}

static bool chosen(const struct args_consume_message *args, const struct queue_place *place) {
    if (args->broker_name.data && !bytes_equal(args->broker_name, place->queue.broker_name)) return false;
    return args->queue_id < 0 || args->queue_id == place->queue.queue_id;
}

enum err cmd_consume_message(struct admin *admin, const struct args_consume_message *args) {
    struct topic_route route;
    const struct queue_place *places;
    size_t count, read = 0;
    if (args->queue_id >= 0 && !args->broker_name.data)
        return fail(ERR_BAD_PARAMETER, "-i is a queue of one broker: name it with -b");
    if (args->offset >= 0 && args->queue_id < 0)
        return fail(ERR_BAD_PARAMETER, "-o is an offset in one queue: name it with -b and -i");
    TRY(admin_route(admin, args->topic, &route));
    TRY(admin_queues(admin, &route, args->topic, &places, &count));
    if (args->count > 0) fprintf(admin->out, "The older %lld message will be provided\n", (long long)args->count);
    fprintf(admin->out, "Consume ok\n");
    for (size_t i = 0; i < count; i++) {
        if (!chosen(args, &places[i])) continue;
        TRY(read_queue(admin, args, &places[i]));
        read++;
    }
    if (read > 0) return ERR_OK;
    return fail(ERR_NOT_FOUND, "topic %.*s has no such queue to read: mqadmin topicRoute -l shows its queues",
                BYTES_ARG(args->topic));
}
