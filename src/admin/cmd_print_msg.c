/* cmd_print_msg.c - printMsg: the messages of a topic, queue by queue, by tags and times. */
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/message_print.h"
#include "admin/message_read.h"

struct printing {
    FILE *out;
    const struct args_print_msg *args;
};

static enum err print_message(const rmq_message_ext_t *message, void *arg) {
    const struct printing *printing = arg;
    return message_print_line(printing->out, message, printing->args->body, printing->args->charset);
}

enum err cmd_print_msg(struct admin *admin, const struct args_print_msg *args) {
    struct printing printing = {admin->out, args};
    struct subscription subscription;
    struct topic_route route;
    const struct queue_place *places;
    size_t count;
    TRY(subscription_parse(&admin->arena, args->topic, args->expression.data ? args->expression : BYTES("*"),
                           (struct bytes){0}, &subscription));
    TRY(admin_route_or(admin, args->parent, args->topic, &route));
    TRY(admin_queues(admin, &route, args->topic, &places, &count));
    for (size_t i = 0; i < count; i++) {
        struct message_reading reading = {.admin = admin,
                                          .place = &places[i],
                                          .group = BYTES(TOOLS_CONSUMER_GROUP),
                                          .subscription = &subscription,
                                          .each = print_message,
                                          .arg = &printing};
        TRY(message_read_range(admin, &places[i], args->begin, args->end, &reading.begin, &reading.end));
        fprintf(admin->out, "minOffset=%lld, maxOffset=%lld, MessageQueue [topic=%.*s, brokerName=%.*s, queueId=%d]\n",
                (long long)reading.begin, (long long)reading.end, BYTES_ARG(args->topic),
                BYTES_ARG(places[i].queue.broker_name), places[i].queue.queue_id);
        TRY(message_read(&reading));
        fprintf(admin->out, "--------------------------------------------------------\n");
    }
    return ERR_OK;
}
