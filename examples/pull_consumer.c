/* pull_consumer.c - reads all queues of a topic from where the group was to their ends: pull_consumer NAME_SERVERS
 * TOPIC */
#include <rocketmq/rocketmq.h>
#include <stdio.h>

/* Returns 0 when the end of the queue was reached. */
static int read_queue(rmq_pull_consumer_t *consumer, const rmq_message_queue_t *queue) {
    int64_t offset;
    if (rmq_pull_consumer_fetch_offset(consumer, queue, true, &offset) != RMQ_OK) return 1;
    if (offset < 0) offset = 0; /* the group has not read this queue yet */
    for (;;) {
        rmq_pull_result_t *result;
        if (rmq_pull_consumer_pull(consumer, queue, "*", offset, 32, &result) != RMQ_OK) return 1;
        for (size_t i = 0; i < result->count; i++) {
            size_t size;
            const char *body = rmq_message_ext_body(result->messages[i], &size);
            printf("%s queue %d offset %lld: %.*s\n", queue->broker_name, (int)queue->queue_id,
                   (long long)rmq_message_ext_queue_offset(result->messages[i]), (int)size, body);
        }
        offset = result->next_begin_offset;
        int at_end = result->status == RMQ_PULL_NO_NEW_MSG;
        rmq_pull_result_destroy(result);
        if (rmq_pull_consumer_update_offset(consumer, queue, offset) != RMQ_OK) return 1;
        if (at_end) return 0;
    }
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: pull_consumer NAME_SERVERS TOPIC\n");
        return 2;
    }
    rmq_client_options_t client_options;
    rmq_client_options_init(&client_options);
    client_options.name_servers = argv[1];
    rmq_client_t *client = NULL;
    rmq_pull_consumer_t *consumer = NULL;
    rmq_queue_list_t *list = NULL;
    int failed = rmq_client_create(&client_options, &client) != RMQ_OK ||
                 rmq_pull_consumer_create(client, "example_pull_consumers", &consumer) != RMQ_OK ||
                 rmq_client_subscribe_queues(client, argv[2], &list) != RMQ_OK;
    for (size_t i = 0; !failed && i < list->count; i++) failed = read_queue(consumer, &list->queues[i]);
    if (failed) fprintf(stderr, "%s\n", rmq_last_error());
    rmq_queue_list_destroy(list);
    rmq_pull_consumer_destroy(consumer); /* stores the offsets */
    rmq_client_destroy(client);
    return failed;
}
