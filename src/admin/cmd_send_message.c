/* cmd_send_message.c - sendMessage: one message of text, to any queue of the topic or to a given one. */
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/print.h"
#include "base/check.h"

static void print_result(FILE *out, const rmq_send_result_t *result) {
    static const struct column columns[] = {
        {"#Broker Name", -32, 2}, {"#QID", -4, 2}, {"#Send Result", -20, 4}, {"#MsgId", 0, 0}};
    struct table table = table_begin(out, columns, ARRAY_LEN(columns));
    table_text(&table, bytes_of(result->queue.broker_name));
    table_int(&table, result->queue.queue_id);
    table_text(&table, bytes_of(rmq_send_status_name(result->status)));
    table_text(&table, bytes_of(result->msg_id));
}

static enum err send(struct admin *admin, rmq_producer_t *producer, const struct args_send_message *args,
                     rmq_send_result_t **result) {
    char *topic = arena_strdup(&admin->arena, args->topic);
    char *tags = args->tags.data ? arena_strdup(&admin->arena, args->tags) : NULL;
    char *keys = args->keys.data ? arena_strdup(&admin->arena, args->keys) : NULL;
    rmq_message_t *message = rmq_message_create(topic, tags, keys, args->body.data, args->body.len);
    rmq_error_t error;
    if (args->broker.data) {
        rmq_message_queue_t queue = {topic, arena_strdup(&admin->arena, args->broker), (int32_t)args->queue_id};
        error = rmq_producer_send_to_queue(producer, message, &queue, result);
    } else {
        error = rmq_producer_send(producer, message, result);
    }
    enum err err = admin_err(admin, error);
    rmq_message_destroy(message);
    return err;
}

enum err cmd_send_message(struct admin *admin, const struct args_send_message *args) {
    if ((args->queue_id >= 0) != (args->broker.data != NULL))
        return fail(ERR_BAD_PARAMETER, "-b and -i name one queue together: give both or none");
    rmq_producer_t *producer;
    rmq_send_result_t *result = NULL;
    TRY(admin_producer(admin, args->trace, &producer));
    enum err err = send(admin, producer, args, &result);
    if (err == ERR_OK) print_result(admin->out, result);
    rmq_send_result_destroy(result);
    rmq_producer_destroy(producer);
    return err;
}
