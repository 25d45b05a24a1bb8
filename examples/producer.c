/* producer.c - sends ten messages and waits for each answer: producer NAME_SERVERS TOPIC
 * The topic is created by its first message where brokers allow that (autoCreateTopicEnable). */
#include <rocketmq/rocketmq.h>
#include <stdio.h>

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: producer NAME_SERVERS TOPIC\n");
        return 2;
    }
    rmq_client_options_t client_options;
    rmq_client_options_init(&client_options);
    client_options.name_servers = argv[1]; /* "host:9876;host:9876" */
    rmq_client_t *client;
    if (rmq_client_create(&client_options, &client) != RMQ_OK) {
        fprintf(stderr, "%s\n", rmq_last_error());
        return 1;
    }
    rmq_producer_options_t options;
    rmq_producer_options_init(&options);
    options.group = "example_producers";
    rmq_producer_t *producer;
    int failed = rmq_producer_create(client, &options, &producer) != RMQ_OK;
    if (failed) producer = NULL;

    for (int i = 0; i < 10 && !failed; i++) {
        char body[32], key[32];
        int size = snprintf(body, sizeof body, "Hello %d", i);
        snprintf(key, sizeof key, "order-%d", i);
        rmq_message_t *message = rmq_message_create(argv[2], "TagA", key, body, (size_t)size);
        rmq_send_result_t *result;
        failed = rmq_producer_send(producer, message, &result) != RMQ_OK;
        if (!failed) {
            printf("%s is message %lld of queue %d on %s\n", result->msg_id, (long long)result->queue_offset,
                   (int)result->queue.queue_id, result->queue.broker_name);
            rmq_send_result_destroy(result);
        }
        rmq_message_destroy(message);
    }
    if (failed) fprintf(stderr, "%s\n", rmq_last_error());
    rmq_producer_destroy(producer); /* NULL is fine */
    rmq_client_destroy(client);
    return failed;
}
