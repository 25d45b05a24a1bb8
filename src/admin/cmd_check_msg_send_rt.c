/* cmd_check_msg_send_rt.c - checkMsgSendRT: how long sends to each queue of a topic take. The first is not in the
 * average, since it makes the connection. */
#include <stdlib.h>
#include <string.h>
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/print.h"
#include "base/check.h"
#include "os/clock.h"

/* *took_ms is told also when it fails. */
static enum err send_timed(struct admin *admin, rmq_producer_t *producer, const rmq_message_t *message,
                           const rmq_message_queue_t *queue, int64_t *took_ms) {
    rmq_send_result_t *result = NULL;
    int64_t begin_ms = clock_monotonic_ms();
    enum err err = admin_err(admin, rmq_producer_send_to_queue(producer, message, queue, &result));
    *took_ms = clock_monotonic_ms() - begin_ms;
    if (err == ERR_OK && result->status != RMQ_SEND_OK)
        err = fail(ERR_FAILED, "%s", rmq_send_status_name(result->status));
    rmq_send_result_destroy(result);
    return err;
}

static void send_all(struct admin *admin, rmq_producer_t *producer, const struct args_check_msg_send_rt *args,
                     const rmq_queue_list_t *queues) {
    static const struct column columns[] = {
        {"#Broker Name", -32, 2}, {"#QID", -4, 2}, {"#Send Result", -20, 4}, {"#RT", 0, 0}};
    char *body = malloc((size_t)args->size_bytes);
    must(body);
    memset(body, 'a', (size_t)args->size_bytes);
    rmq_message_t *message = rmq_message_create(queues->queues[0].topic, NULL, NULL, body, (size_t)args->size_bytes);
    struct table table = table_begin(admin->out, columns, ARRAY_LEN(columns));
    int64_t all_ms = 0;
    for (int64_t i = 0; i < args->amount; i++) {
        const rmq_message_queue_t *queue = &queues->queues[(size_t)i % queues->count];
        int64_t took_ms;
        enum err err = send_timed(admin, producer, message, queue, &took_ms);
        if (i > 0) all_ms += took_ms;
        table_text(&table, bytes_of(queue->broker_name));
        table_int(&table, queue->queue_id);
        table_text(&table, bytes_of(print_bool(err == ERR_OK)));
        table_int(&table, took_ms);
        if (err != ERR_OK) admin_problem(admin, err, "send to queue %d of %s", queue->queue_id, queue->broker_name);
    }
    fprintf(admin->out, "Avg RT: %.2f\n", (double)all_ms / (double)(args->amount - 1));
    rmq_message_destroy(message);
    free(body);
}

enum err cmd_check_msg_send_rt(struct admin *admin, const struct args_check_msg_send_rt *args) {
    rmq_producer_t *producer;
    rmq_queue_list_t *queues = NULL;
    TRY(admin_producer(admin, false, &producer));
    enum err err =
        admin_err(admin, rmq_client_publish_queues(admin->client, arena_strdup(&admin->arena, args->topic), &queues));
    if (err == ERR_OK && queues->count == 0)
        err = fail(ERR_NOT_FOUND, "no queue of topic %.*s may be written to now", BYTES_ARG(args->topic));
    if (err == ERR_OK) send_all(admin, producer, args, queues);
    rmq_queue_list_destroy(queues);
    rmq_producer_destroy(producer);
    return err;
}
