/* async_producer.c - sends many messages without waiting; callbacks tell how each ended: async_producer NAME_SERVERS
 * TOPIC */
#include <rocketmq/rocketmq.h>
#include <stdatomic.h>
#include <stdio.h>

struct counts {
    atomic_int sent, failed;
};

/* Runs on a callback thread of the client. */
static void on_sent(void *context, rmq_error_t error, const rmq_send_result_t *result) {
    struct counts *counts = context;
    (void)result; /* valid until this returns; NULL after an error */
    if (error == RMQ_OK)
        atomic_fetch_add(&counts->sent, 1);
    else if (atomic_fetch_add(&counts->failed, 1) == 0)
        fprintf(stderr, "first failure: %s\n", rmq_last_error());
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: async_producer NAME_SERVERS TOPIC\n");
        return 2;
    }
    rmq_client_options_t client_options;
    rmq_client_options_init(&client_options);
    client_options.name_servers = argv[1];
    rmq_producer_options_t options;
    rmq_producer_options_init(&options);
    options.group = "example_producers";
    rmq_client_t *client = NULL;
    rmq_producer_t *producer = NULL;
    if (rmq_client_create(&client_options, &client) != RMQ_OK ||
        rmq_producer_create(client, &options, &producer) != RMQ_OK) {
        fprintf(stderr, "%s\n", rmq_last_error());
        rmq_client_destroy(client);
        return 1;
    }
    struct counts counts = {0};
    rmq_message_t *message = rmq_message_create(argv[2], "TagA", NULL, "", 0);
    for (int i = 0; i < 1000; i++) {
        char body[32];
        int size = snprintf(body, sizeof body, "Hello %d", i);
        rmq_message_set_body(message, body, (size_t)size); /* one message serves for all: sends copy it */
        if (rmq_producer_send_async(producer, message, NULL, on_sent, &counts) != RMQ_OK)
            fprintf(stderr, "message %d: %s\n", i, rmq_last_error());
    }
    rmq_message_destroy(message);
    rmq_producer_destroy(producer); /* waits for the last callback */
    rmq_client_destroy(client);
    printf("%d sent, %d failed\n", atomic_load(&counts.sent), atomic_load(&counts.failed));
    return atomic_load(&counts.failed) > 0;
}
