/* takeover_client_driver - a user of brokers that take a store over from each other (takeover_load_interop.sh). Name
 * servers: NAMESRV_ADDR.
 *   load LIFE [transactions] [timers]   sends until the broker is gone: single messages, batches, delayed ones,
 *                                       transactions, timers. What a busy broker refuses is not sent again. A line
 *                                       for each that was acknowledged:
 *       at QUEUE OFFSET BODY   it is there; "offset" of topic TakeOver
 *       due BODY               it comes: delayed, timed, or a transaction that commits now or when asked
 *       never BODY             a transaction that was rolled back
 *   read                                all of the topics: "at QUEUE OFFSET BODY" and "due BODY"
 *   answer MS                           answers questions about transactions for so long
 *   commit / offsets                    moves the group on / prints its offsets, "QUEUE OFFSET" */
#include <rocketmq/rocketmq.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/check.h"

enum { BATCH = 8, PULL_MAX = 32, BUSY = 2, BUSY_MAX = 200, BUSY_PAUSE_US = 50000 };
static const char topic_at[] = "TakeOver", topic_due[] = "TakeOverDue", group[] = "take_over";

struct load {
    rmq_client_t *client;
    rmq_producer_t *producer;
    const char *life;
    bool transactions, timers;
    int number, busy; /* of the next message; refusals in a row */
};

static void die(const char *what) {
    fprintf(stderr, "takeover_client_driver: %s: %s\n", what, rmq_last_error());
    exit(1);
}

static rmq_client_t *new_client(void) {
    rmq_client_options_t options;
    rmq_client_options_init(&options);
    rmq_client_t *client;
    if (rmq_client_create(&options, &client) != RMQ_OK) die("client");
    return client;
}

/* --- sending --------------------------------------------------------------------------------------------- */

/* Whatever the broker asks about: the body says how it ended. */
static rmq_transaction_state_t how_it_ended(void *context, const rmq_message_ext_t *message) {
    (void)context;
    size_t size;
    return strstr(rmq_message_ext_body(message, &size), "rollback") ? RMQ_TRANSACTION_ROLLBACK : RMQ_TRANSACTION_COMMIT;
}

static rmq_producer_t *new_producer(rmq_client_t *client) {
    rmq_producer_options_t options;
    rmq_producer_options_init(&options);
    options.group = group;
    options.retry_times_when_send_failed = 0;
    options.check_transaction = how_it_ended;
    rmq_producer_t *producer;
    if (rmq_producer_create(client, &options, &producer) != RMQ_OK) die("producer");
    return producer;
}

static rmq_message_t *next_message(struct load *load, const char *topic, const char *kind, char body[64]) {
    snprintf(body, 64, "%s-%d%s", load->life, load->number++, kind);
    return rmq_message_create(topic, "TagA", body, body, strlen(body));
}

static bool send_one(struct load *load) {
    char body[64];
    rmq_send_result_t *result = NULL;
    rmq_message_t *message = next_message(load, topic_at, "", body);
    bool sent = rmq_producer_send(load->producer, message, &result) == RMQ_OK;
    if (sent) printf("at %d %" PRId64 " %s\n", result->queue.queue_id, result->queue_offset, body);
    rmq_send_result_destroy(result);
    rmq_message_destroy(message);
    return sent;
}

static bool send_batch(struct load *load) {
    char bodies[BATCH][64];
    rmq_message_t *messages[BATCH];
    rmq_send_result_t *result = NULL;
    for (int i = 0; i < BATCH; i++) messages[i] = next_message(load, topic_at, "-batch", bodies[i]);
    bool sent =
        rmq_producer_send_batch(load->producer, (const rmq_message_t *const *)messages, BATCH, &result) == RMQ_OK;
    for (int i = 0; i < BATCH; i++) {
        if (sent) printf("at %d %" PRId64 " %s\n", result->queue.queue_id, result->queue_offset + i, bodies[i]);
        rmq_message_destroy(messages[i]);
    }
    rmq_send_result_destroy(result);
    return sent;
}

static bool send_later(struct load *load, bool by_timer) {
    char body[64];
    rmq_message_t *message = next_message(load, topic_due, by_timer ? "-timer" : "-delay", body);
    if (by_timer)
        rmq_message_set_property(message, "TIMER_DELAY_SEC", "4");
    else
        rmq_message_set_delay_level(message, 2);
    bool sent = rmq_producer_send(load->producer, message, NULL) == RMQ_OK;
    if (sent) printf("due %s\n", body);
    rmq_message_destroy(message);
    return sent;
}

static rmq_transaction_state_t end_it(void *context, const rmq_message_t *message, const rmq_send_result_t *result) {
    (void)message, (void)result;
    return *(rmq_transaction_state_t *)context;
}

static bool send_in_transaction(struct load *load) {
    static const char *const kinds[] = {"-commit", "-rollback", "-unknown", "-unknown-rollback"};
    static const rmq_transaction_state_t ends[] = {RMQ_TRANSACTION_COMMIT, RMQ_TRANSACTION_ROLLBACK,
                                                   RMQ_TRANSACTION_UNKNOWN, RMQ_TRANSACTION_UNKNOWN};
    int kind = load->number % 4;
    char body[64];
    rmq_transaction_state_t end = ends[kind];
    rmq_message_t *message = next_message(load, topic_due, kinds[kind], body);
    bool sent = rmq_producer_send_in_transaction(load->producer, message, end_it, &end, NULL, NULL) == RMQ_OK;
    if (sent) printf("%s %s\n", strstr(body, "rollback") ? "never" : "due", body);
    rmq_message_destroy(message);
    return sent;
}

static bool go_on(struct load *load, bool sent) {
    if (!sent && rmq_last_response_code() != BUSY) return false;
    load->busy = sent ? 0 : load->busy + 1;
    if (!sent) usleep(BUSY_PAUSE_US);
    return load->busy < BUSY_MAX;
}

static int run_load(int argc, char **argv) {
    if (argc < 3) return 2;
    struct load load = {.life = argv[2], .client = new_client()};
    for (int i = 3; i < argc; i++) {
        load.transactions |= strcmp(argv[i], "transactions") == 0;
        load.timers |= strcmp(argv[i], "timers") == 0;
    }
    load.producer = new_producer(load.client);
    setvbuf(stdout, NULL, _IOLBF, 0);
    bool sent = true;
    for (int i = 0; go_on(&load, sent); i++) {
        if (i % 16 == 3)
            sent = send_batch(&load);
        else if (i % 16 == 6)
            sent = send_later(&load, false);
        else if (i % 16 == 9 && load.transactions)
            sent = send_in_transaction(&load);
        else if (i % 16 == 12 && load.timers)
            sent = send_later(&load, true);
        else
            sent = send_one(&load);
    }
    fprintf(stderr, "load ends: %s\n", rmq_last_error());
    rmq_producer_destroy(load.producer);
    rmq_client_destroy(load.client);
    return 0;
}

/* --- reading --------------------------------------------------------------------------------------------- */

static void read_queue(rmq_pull_consumer_t *consumer, const rmq_message_queue_t *queue, int64_t offset, int64_t end) {
    bool at = strcmp(queue->topic, topic_at) == 0;
    while (offset < end) {
        rmq_pull_result_t *result;
        if (rmq_pull_consumer_pull(consumer, queue, NULL, offset, PULL_MAX, &result) != RMQ_OK) die("pull");
        for (size_t i = 0; i < result->count; i++) {
            size_t size;
            const char *body = rmq_message_ext_body(result->messages[i], &size);
            if (at)
                printf("at %d %" PRId64 " %s\n", queue->queue_id, rmq_message_ext_queue_offset(result->messages[i]),
                       body);
            else
                printf("due %s\n", body);
        }
        if (result->next_begin_offset <= offset) die("a pull that does not move on");
        offset = result->next_begin_offset;
        rmq_pull_result_destroy(result);
    }
}

static void each_queue(rmq_client_t *client, rmq_pull_consumer_t *consumer, const char *topic, const char *what) {
    rmq_queue_list_t *list;
    if (rmq_client_subscribe_queues(client, topic, &list) != RMQ_OK) die("queues");
    for (size_t i = 0; i < list->count; i++) {
        const rmq_message_queue_t *queue = &list->queues[i];
        int64_t min, max, offset;
        if (rmq_client_min_offset(client, queue, &min) != RMQ_OK ||
            rmq_client_max_offset(client, queue, &max) != RMQ_OK)
            die("offsets of a queue");
        if (strcmp(what, "read") == 0) {
            read_queue(consumer, queue, min, max);
        } else if (strcmp(what, "commit") == 0) {
            rmq_pull_consumer_update_offset(consumer, queue, max / 2 + 1);
        } else {
            if (rmq_pull_consumer_fetch_offset(consumer, queue, true, &offset) != RMQ_OK) die("offset of the group");
            printf("%d %" PRId64 "\n", queue->queue_id, offset);
        }
    }
    rmq_queue_list_destroy(list);
}

static int run_reader(const char *what) {
    rmq_client_t *client = new_client();
    rmq_pull_consumer_t *consumer;
    if (rmq_pull_consumer_create(client, group, &consumer) != RMQ_OK) die("consumer");
    each_queue(client, consumer, topic_at, what);
    if (strcmp(what, "read") == 0) each_queue(client, consumer, topic_due, what);
    rmq_pull_consumer_destroy(consumer);
    rmq_client_destroy(client);
    return 0;
}

/* A producer of the group is there for brokers to ask. */
static int run_answers(const char *ms) {
    rmq_client_t *client = new_client();
    rmq_producer_t *producer = new_producer(client);
    rmq_message_t *message = rmq_message_create("TakeOverHello", NULL, NULL, "hello", 5);
    if (rmq_producer_send(producer, message, NULL) != RMQ_OK) die("hello"); /* makes the broker known, for heartbeats */
    rmq_message_destroy(message);
    usleep((useconds_t)atoi(ms) * 1000);
    rmq_producer_destroy(producer);
    rmq_client_destroy(client);
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    if (strcmp(argv[1], "load") == 0) return run_load(argc, argv);
    if (strcmp(argv[1], "answer") == 0 && argc == 3) return run_answers(argv[2]);
    return run_reader(argv[1]);
}
