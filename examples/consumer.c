/* consumer.c - receives messages; several of them share the work of a group: consumer NAME_SERVERS TOPIC [TAGS]
 * Runs until Enter is pressed. */
#include <rocketmq/rocketmq.h>
#include <stdio.h>

/* Runs on the consumer threads, several at a time. RMQ_RECONSUME_LATER: the messages come again after a while. */
static rmq_consume_status_t on_messages(void *context, const rmq_message_ext_t *const *messages, size_t count,
                                        rmq_consume_context_t *consume) {
    (void)context;
    for (size_t i = 0; i < count; i++) {
        size_t size;
        const char *body = rmq_message_ext_body(messages[i], &size);
        printf("thread %d: %s %.*s\n", (int)consume->thread_number, rmq_message_ext_msg_id(messages[i]), (int)size,
               body);
    }
    return RMQ_CONSUME_SUCCESS;
}

int main(int argc, char **argv) {
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: consumer NAME_SERVERS TOPIC [TAGS]\n");
        return 2;
    }
    rmq_client_options_t client_options;
    rmq_client_options_init(&client_options);
    client_options.name_servers = argv[1];
    rmq_push_consumer_options_t options;
    rmq_push_consumer_options_init(&options);
    options.group = "example_consumers";
    options.listener = on_messages;
    options.consume_from_where = RMQ_CONSUME_FROM_FIRST_OFFSET; /* the first time this group runs */
    options.consume_message_batch_max_size = 16;                /* up to so many in a call; 1 if not set */

    rmq_client_t *client = NULL;
    rmq_push_consumer_t *consumer = NULL;
    int failed = rmq_client_create(&client_options, &client) != RMQ_OK ||
                 rmq_push_consumer_create(client, &options, &consumer) != RMQ_OK ||
                 rmq_push_consumer_subscribe(consumer, argv[2], argc > 3 ? argv[3] : "*") != RMQ_OK ||
                 rmq_push_consumer_start(consumer) != RMQ_OK;
    if (failed)
        fprintf(stderr, "%s\n", rmq_last_error());
    else
        getchar();
    rmq_push_consumer_destroy(consumer); /* waits for the listener, stores the offsets */
    rmq_client_destroy(client);
    return failed;
}
