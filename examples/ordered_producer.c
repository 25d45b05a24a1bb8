/* ordered_producer.c - all messages of one order go to one queue, so that they are consumed in the order in which they
 * were sent: ordered_producer NAME_SERVERS TOPIC */
#include <rocketmq/rocketmq.h>
#include <stdio.h>

static size_t queue_of_order(void *context, const rmq_message_queue_t *queues, size_t count,
                             const rmq_message_t *message) {
    const int *order = context;
    (void)queues, (void)message;
    return (size_t)*order % count;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: ordered_producer NAME_SERVERS TOPIC\n");
        return 2;
    }
    rmq_client_options_t client_options;
    rmq_client_options_init(&client_options);
    client_options.name_servers = argv[1];
    rmq_producer_options_t options;
    rmq_producer_options_init(&options);
    options.group = "example_ordered_producers";
    rmq_client_t *client = NULL;
    rmq_producer_t *producer = NULL;
    int failed = rmq_client_create(&client_options, &client) != RMQ_OK ||
                 rmq_producer_create(client, &options, &producer) != RMQ_OK;

    static const char *const steps[] = {"created", "paid", "shipped", "delivered"};
    for (int step = 0; step < 4 && !failed; step++) {
        for (int order = 0; order < 8 && !failed; order++) {
            char body[64];
            int size = snprintf(body, sizeof body, "order %d %s", order, steps[step]);
            rmq_message_t *message = rmq_message_create(argv[2], steps[step], NULL, body, (size_t)size);
            failed = rmq_producer_send_selected(producer, message, queue_of_order, &order, NULL) != RMQ_OK;
            rmq_message_destroy(message);
        }
    }
    if (failed) fprintf(stderr, "%s\n", rmq_last_error());
    rmq_producer_destroy(producer);
    rmq_client_destroy(client);
    return failed;
}
