/* broadcast_consumer.c - every consumer of the group receives every message: broadcast_consumer NAME_SERVERS TOPIC
 * [TAGS] Runs until Enter is pressed. */
#include <rocketmq/rocketmq.h>
#include <stdio.h>

static rmq_consume_status_t on_messages(void *context, const rmq_message_ext_t *const *messages, size_t count,
                                        rmq_consume_context_t *consume) {
    (void)context, (void)consume;
    for (size_t i = 0; i < count; i++) {
        size_t size;
        const char *body = rmq_message_ext_body(messages[i], &size);
        printf("%s %.*s\n", rmq_message_ext_msg_id(messages[i]), (int)size, body);
    }
    return RMQ_CONSUME_SUCCESS; /* what fails is not delivered again here */
}

int main(int argc, char **argv) {
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: broadcast_consumer NAME_SERVERS TOPIC [TAGS]\n");
        return 2;
    }
    rmq_client_options_t client_options;
    rmq_client_options_init(&client_options);
    client_options.name_servers = argv[1];
    rmq_push_consumer_options_t options;
    rmq_push_consumer_options_init(&options);
    options.group = "example_broadcast_consumers";
    options.listener = on_messages;
    options.consume_from_where = RMQ_CONSUME_FROM_FIRST_OFFSET; /* the first time this group runs */
    options.message_model = RMQ_BROADCASTING; /* offsets are kept in a file of this host, in $HOME/.rocketmq_offsets */

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
