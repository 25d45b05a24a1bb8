/* cluster_driver.c - the whole client against a running cluster: cluster_driver [TEST NAME PATTERN]
 *   cluster_driver --create TOPIC BROKERS  only creates a topic, on so many broker sets, when they are there
 * NAMESRV_ADDR names it; brokers must create topics on their own. Run by cluster_test.sh with our servers and by
 * java_interop.sh with Java ones. Topics and groups are named anew by each run. */
#include "rocketmq/rocketmq.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/test.h"
#include "os/clock.h"

enum { MESSAGES = 200, PATIENCE_MS = 60000 };

static rmq_client_t *client;
static rmq_producer_t *producer;
static rmq_push_consumer_t *pusher; /* of the test that runs; destroyed also when it fails */
static rmq_pull_consumer_t *puller;
static char topic[64], group[128], offset_dir[64];

/* What listeners have received: each message by the number in its body. */
struct received {
    pthread_mutex_t mutex;
    int count[4096];
    int total, last_reconsume_times;
    int fail_first; /* so many calls fail first */
    int per_queue_last[64];
    bool out_of_order;
};

static rmq_client_t *make_client(void) {
    rmq_client_options_t options;
    rmq_client_options_init(&options);
    options.offset_dir = offset_dir;
    rmq_client_t *made;
    if (rmq_client_create(&options, &made) != RMQ_OK) fail_msg("%s", rmq_last_error());
    return made;
}

static void stop_pusher(void) {
    rmq_push_consumer_destroy(pusher);
    pusher = NULL;
}

static void stop_puller(void) {
    rmq_pull_consumer_destroy(puller);
    puller = NULL;
}

static int set_up(void **state) {
    (void)state;
    static int run;
    snprintf(topic, sizeof topic, "Driver-%d-%d-%lld", (int)getpid(), ++run, (long long)clock_wall_ms());
    snprintf(group, sizeof group, "G-%s", topic);
    snprintf(offset_dir, sizeof offset_dir, "/tmp/cluster_driver.XXXXXX");
    assert_non_null(mkdtemp(offset_dir));
    client = make_client();
    rmq_producer_options_t options;
    rmq_producer_options_init(&options);
    options.group = group;
    assert_int_equal(rmq_producer_create(client, &options, &producer), RMQ_OK);
    for (int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS; clock_monotonic_ms() < end_ms; clock_sleep_ms(50)) {
        rmq_queue_list_t *list; /* brokers and topics are known to the name server a moment after they are there */
        if (rmq_client_create_topic(client, NULL, topic, 4) == RMQ_OK &&
            rmq_client_publish_queues(client, topic, &list) == RMQ_OK) {
            rmq_queue_list_destroy(list);
            return 0;
        }
    }
    fail_msg("topic %s was not created: %s", topic, rmq_last_error());
    return -1;
}

static int tear_down(void **state) {
    (void)state;
    stop_pusher();
    stop_puller();
    rmq_producer_destroy(producer);
    rmq_client_destroy(client);
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", offset_dir);
    return system(command);
}

static rmq_message_t *make_message(int number, const char *tag) {
    char body[32], key[32];
    int len = snprintf(body, sizeof body, "%d", number);
    snprintf(key, sizeof key, "key%d", number);
    return rmq_message_create(topic, tag, key, body, (size_t)len);
}

static void send_numbers(int first, int count, const char *tag) {
    for (int i = first; i < first + count; i++) {
        rmq_message_t *message = make_message(i, tag);
        if (rmq_producer_send(producer, message, NULL) != RMQ_OK) fail_msg("%d: %s", i, rmq_last_error());
        rmq_message_destroy(message);
    }
}

static int number_of(const rmq_message_ext_t *message) {
    size_t size;
    int number = atoi(rmq_message_ext_body(message, &size));
    assert_in_range(number, 0, 4095);
    return number;
}

/* Each number of a queue must be above the one before, or be the same again after a failure. */
static void check_order(struct received *received, const rmq_message_ext_t *message, int number) {
    int *last = &received->per_queue_last[rmq_message_ext_queue_id(message)];
    if (number < *last) received->out_of_order = true;
    *last = number;
}

static rmq_consume_status_t receive(void *context, const rmq_message_ext_t *const *messages, size_t count,
                                    rmq_consume_context_t *consume) {
    struct received *received = context;
    rmq_consume_status_t status = RMQ_CONSUME_SUCCESS;
    pthread_mutex_lock(&received->mutex);
    if (received->fail_first > 0) {
        received->fail_first--;
        consume->delay_level = 1;
        consume->suspend_ms = 100;
        status = RMQ_RECONSUME_LATER;
    }
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(rmq_message_ext_topic(messages[i]), topic);
        int number = number_of(messages[i]);
        check_order(received, messages[i], number);
        received->last_reconsume_times = rmq_message_ext_reconsume_times(messages[i]);
        if (status == RMQ_CONSUME_SUCCESS && received->count[number]++ == 0) received->total++;
    }
    pthread_mutex_unlock(&received->mutex);
    return status;
}

static int total(struct received *received) {
    pthread_mutex_lock(&received->mutex);
    int now = received->total;
    pthread_mutex_unlock(&received->mutex);
    return now;
}

static void wait_for_total(struct received *received, int wanted) {
    for (int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS; clock_monotonic_ms() < end_ms; clock_sleep_ms(10)) {
        if (total(received) >= wanted) break;
    }
    assert_int_equal(total(received), wanted);
}

static rmq_push_consumer_options_t consumer_options(struct received *received) {
    rmq_push_consumer_options_t options;
    rmq_push_consumer_options_init(&options);
    options.group = group;
    options.listener = receive;
    options.listener_context = received;
    options.consume_from_where = RMQ_CONSUME_FROM_FIRST_OFFSET;
    options.consume_thread_count = 4;
    return options;
}

static rmq_push_consumer_t *start_consumer(rmq_client_t *with, const rmq_push_consumer_options_t *options,
                                           const char *tags) {
    rmq_push_consumer_t *consumer;
    assert_int_equal(rmq_push_consumer_create(with, options, &consumer), RMQ_OK);
    assert_int_equal(rmq_push_consumer_subscribe(consumer, topic, tags), RMQ_OK);
    if (rmq_push_consumer_start(consumer) != RMQ_OK) fail_msg("%s", rmq_last_error());
    return consumer;
}

/* ---- push ------------------------------------------------------------------------------------------------ */

static void everything_sent_is_received_once(void **state) {
    (void)state;
    static struct received received = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    rmq_push_consumer_options_t options = consumer_options(&received);
    options.consume_message_batch_max_size = 8;
    send_numbers(0, MESSAGES / 2, "TagA");
    pusher = start_consumer(client, &options, "*");
    send_numbers(MESSAGES / 2, MESSAGES / 2, NULL);
    wait_for_total(&received, MESSAGES);
    stop_pusher();
    for (int i = 0; i < MESSAGES; i++) assert_int_equal(received.count[i], 1);

    static struct received again = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    options = consumer_options(&again);
    send_numbers(MESSAGES, 10, NULL);
    pusher = start_consumer(client, &options, "*"); /* goes on where the group was */
    wait_for_total(&again, 10);
    stop_pusher();
}

static void tags_select(void **state) {
    (void)state;
    static struct received received = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    rmq_push_consumer_options_t options = consumer_options(&received);
    send_numbers(0, 20, "TagA");
    send_numbers(20, 20, "TagB");
    send_numbers(40, 20, "TagC");
    pusher = start_consumer(client, &options, "TagA || TagC");
    wait_for_total(&received, 40);
    stop_pusher();
    for (int i = 0; i < 60; i++) assert_int_equal(received.count[i], i < 20 || i >= 40);
}

static void what_failed_comes_again(void **state) {
    (void)state;
    static struct received received = {.mutex = PTHREAD_MUTEX_INITIALIZER, .fail_first = 2};
    rmq_push_consumer_options_t options = consumer_options(&received);
    pusher = start_consumer(client, &options, "*");
    send_numbers(0, 2, NULL);
    wait_for_total(&received, 2);
    stop_pusher();
    assert_in_range(received.last_reconsume_times, 1, 2); /* the first may fail twice before the second comes */
}

static void bodies_come_as_they_were_sent(void **state) {
    (void)state;
    enum { SIZE = 100000 };
    char *body = malloc(SIZE);
    for (int i = 0; i < SIZE; i++) body[i] = (char)("abcdefgh"[i % 8] + i / 10000);
    rmq_message_t *message = rmq_message_create(topic, NULL, NULL, body, SIZE);
    assert_int_equal(rmq_message_set_property(message, "mine", "value"), RMQ_OK);
    rmq_message_set_flag(message, 7);
    rmq_send_result_t *result;
    assert_int_equal(rmq_producer_send(producer, message, &result), RMQ_OK);
    rmq_message_destroy(message);

    rmq_message_list_t *list;
    if (rmq_client_view_message(client, NULL, result->offset_msg_id, &list) != RMQ_OK) fail_msg("%s", rmq_last_error());
    assert_int_equal(list->count, 1);
    size_t size;
    const void *got = rmq_message_ext_body(list->messages[0], &size);
    assert_int_equal(size, SIZE);
    assert_memory_equal(got, body, SIZE);
    assert_string_equal(rmq_message_ext_property(list->messages[0], "mine"), "value");
    assert_string_equal(rmq_message_ext_msg_id(list->messages[0]), result->msg_id);
    assert_int_equal(rmq_message_ext_flag(list->messages[0]), 7);
    assert_true(rmq_message_ext_store_size(list->messages[0]) < SIZE); /* it was compressed */
    rmq_message_list_destroy(list);
    rmq_send_result_destroy(result);
    free(body);
}

static void two_consumers_share_and_take_over(void **state) {
    (void)state;
    static struct received first = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    static struct received second = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    rmq_client_t *other = make_client();
    rmq_push_consumer_options_t options = consumer_options(&first), other_options = consumer_options(&second);
    pusher = start_consumer(client, &options, "*");
    rmq_push_consumer_t *other_consumer = start_consumer(other, &other_options, "*");
    int sent = 0;
    for (int i = 0; i < 60 && (total(&first) == 0 || total(&second) == 0); i++) { /* until both have some */
        send_numbers(sent, 16, NULL);
        sent += 16;
        clock_sleep_ms(500);
    }
    assert_true(total(&first) > 0 && total(&second) > 0);
    rmq_push_consumer_destroy(other_consumer);
    rmq_client_destroy(other);
    int left_at = total(&second);
    send_numbers(sent, 64, NULL);
    sent += 64;
    int missing = sent;
    for (int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS; clock_monotonic_ms() < end_ms && missing > 0;
         clock_sleep_ms(50)) {
        missing = 0;
        pthread_mutex_lock(&first.mutex);
        for (int i = 0; i < sent; i++) missing += first.count[i] + second.count[i] == 0;
        pthread_mutex_unlock(&first.mutex);
    }
    assert_int_equal(missing, 0);
    assert_int_equal(total(&second), left_at);
    stop_pusher();
}

static size_t by_number(void *context, const rmq_message_queue_t *queues, size_t count, const rmq_message_t *message) {
    (void)queues, (void)message;
    return (size_t)(*(int *)context % 3) % count;
}

static void orderly_consumers_keep_the_order(void **state) {
    (void)state;
    static struct received received = {.mutex = PTHREAD_MUTEX_INITIALIZER, .fail_first = 3};
    rmq_push_consumer_options_t options = consumer_options(&received);
    options.orderly = true;
    pusher = start_consumer(client, &options, "*");
    for (int i = 0; i < MESSAGES; i++) {
        rmq_message_t *message = make_message(i, NULL);
        assert_int_equal(rmq_producer_send_selected(producer, message, by_number, &i, NULL), RMQ_OK);
        rmq_message_destroy(message);
    }
    wait_for_total(&received, MESSAGES);
    stop_pusher();
    assert_false(received.out_of_order);

    static struct received again = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    options = consumer_options(&again); /* the locks were given back */
    options.orderly = true;
    rmq_client_t *other = make_client();
    pusher = start_consumer(other, &options, "*");
    send_numbers(MESSAGES, 12, NULL);
    wait_for_total(&again, 12);
    stop_pusher();
    rmq_client_destroy(other);
}

/* Sends to all queues until `received` has one more. How long that took. */
static int64_t ms_to_next_message(struct received *received, int *sent) {
    int64_t begin_ms = clock_monotonic_ms();
    int before = total(received);
    while (total(received) == before && clock_monotonic_ms() - begin_ms < PATIENCE_MS) {
        send_numbers(*sent, 8, NULL);
        *sent += 8;
        clock_sleep_ms(20);
    }
    assert_true(total(received) > before);
    return clock_monotonic_ms() - begin_ms;
}

/* The interval of rebalancing is 20 s: locks that others give back are tried again much sooner. The bound is wide for
 * the sake of slow machines; what it took is printed. */
static void orderly_queues_change_hands_at_once(void **state) {
    (void)state;
    static struct received first = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    static struct received second = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    rmq_push_consumer_options_t options = consumer_options(&first), other_options = consumer_options(&second);
    options.orderly = other_options.orderly = true;
    rmq_client_t *other = make_client();
    int sent = 0;
    rmq_push_consumer_t *leaving = start_consumer(other, &other_options, "*");
    (void)ms_to_next_message(&second, &sent);
    pusher = start_consumer(client, &options, "*");
    int64_t joined_ms = ms_to_next_message(&first, &sent);
    rmq_push_consumer_destroy(leaving);
    rmq_client_destroy(other);
    int64_t begin_ms = clock_monotonic_ms();
    int have = 0;
    for (; have < sent && clock_monotonic_ms() - begin_ms < PATIENCE_MS; clock_sleep_ms(5)) {
        have = 0;
        for (int i = 0; i < sent; i++) have += first.count[i] + second.count[i] > 0;
    }
    int64_t left_ms = clock_monotonic_ms() - begin_ms;
    printf("ordered queues changed hands after %lld ms on joining, %lld ms on leaving\n", (long long)joined_ms,
           (long long)left_ms);
    assert_int_equal(have, sent);
    assert_in_range(joined_ms, 0, 5000);
    assert_in_range(left_ms, 0, 5000);
    stop_pusher();
}

static void broadcasting_reaches_everybody(void **state) {
    (void)state;
    static struct received first = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    static struct received second = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    static struct received third = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    rmq_client_t *other = make_client();
    rmq_push_consumer_options_t options = consumer_options(&first), other_options = consumer_options(&second);
    options.message_model = other_options.message_model = RMQ_BROADCASTING;
    pusher = start_consumer(client, &options, "*");
    rmq_push_consumer_t *other_consumer = start_consumer(other, &other_options, "*");
    send_numbers(0, 40, NULL);
    wait_for_total(&first, 40);
    wait_for_total(&second, 40);
    rmq_push_consumer_destroy(other_consumer);
    rmq_client_destroy(other);
    stop_pusher();

    send_numbers(40, 8, NULL);
    options.listener_context = &third; /* goes on where the file says */
    pusher = start_consumer(client, &options, "*");
    wait_for_total(&third, 8);
    stop_pusher();
}

/* ---- pull ------------------------------------------------------------------------------------------------ */

static int pull_all(rmq_pull_consumer_t *consumer, const rmq_message_queue_t *queue, const char *tags) {
    int64_t offset = 0;
    int count = 0;
    for (;;) {
        rmq_pull_result_t *result;
        if (rmq_pull_consumer_pull(consumer, queue, tags, offset, 16, &result) != RMQ_OK)
            fail_msg("%s", rmq_last_error());
        count += (int)result->count;
        offset = result->next_begin_offset;
        bool at_end = result->status == RMQ_PULL_NO_NEW_MSG || result->status == RMQ_PULL_OFFSET_ILLEGAL;
        rmq_pull_result_destroy(result);
        if (at_end) return count;
    }
}

static void pulling_finds_what_is_there(void **state) {
    (void)state;
    assert_int_equal(rmq_pull_consumer_create(client, group, &puller), RMQ_OK);
    send_numbers(0, 40, "TagA");
    send_numbers(40, 40, "TagB");
    rmq_queue_list_t *list;
    assert_int_equal(rmq_client_subscribe_queues(client, topic, &list), RMQ_OK);
    assert_int_equal(list->count, 4);
    clock_sleep_ms(1000); /* brokers make messages visible a moment after they acknowledged them */
    int all = 0, of_b = 0;
    for (size_t i = 0; i < list->count; i++) {
        all += pull_all(puller, &list->queues[i], NULL);
        of_b += pull_all(puller, &list->queues[i], "TagB");
    }
    assert_int_equal(all, 80);
    assert_int_equal(of_b, 40);

    const rmq_message_queue_t *queue = &list->queues[0];
    rmq_pull_result_t *result;
    assert_int_equal(rmq_pull_consumer_pull(puller, queue, "*", 1000, 16, &result), RMQ_OK);
    assert_int_equal(result->status, RMQ_PULL_OFFSET_ILLEGAL);
    /* 4.2.0 brokers go back to the first when that is 0, later ones to the end */
    assert_true(result->next_begin_offset == 20 || result->next_begin_offset == 0);
    rmq_pull_result_destroy(result);
    int64_t offset;
    assert_int_equal(rmq_pull_consumer_update_offset(puller, queue, 5), RMQ_OK);
    assert_int_equal(rmq_pull_consumer_fetch_offset(puller, queue, false, &offset), RMQ_OK);
    assert_int_equal(offset, 5);
    stop_puller(); /* stores it */
    assert_int_equal(rmq_pull_consumer_create(client, group, &puller), RMQ_OK);
    assert_int_equal(rmq_pull_consumer_fetch_offset(puller, queue, true, &offset), RMQ_OK);
    assert_int_equal(offset, 5);
    stop_puller();
    rmq_queue_list_destroy(list);
}

static void *send_soon(void *arg) {
    (void)arg;
    clock_sleep_ms(500);
    rmq_message_t *message = make_message(1, NULL);
    rmq_message_queue_t queue = {topic, NULL, 0};
    rmq_queue_list_t *list;
    if (rmq_client_publish_queues(client, topic, &list) == RMQ_OK) {
        queue.broker_name = list->queues[0].broker_name;
        rmq_producer_send_to_queue(producer, message, &queue, NULL);
        rmq_queue_list_destroy(list);
    }
    rmq_message_destroy(message);
    return NULL;
}

static void a_blocking_pull_waits_for_a_message(void **state) {
    (void)state;
    assert_int_equal(rmq_pull_consumer_create(client, group, &puller), RMQ_OK);
    rmq_queue_list_t *list;
    assert_int_equal(rmq_client_subscribe_queues(client, topic, &list), RMQ_OK);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, send_soon, NULL), 0);
    rmq_pull_result_t *result = NULL;
    rmq_pull_status_t status = RMQ_PULL_NO_NEW_MSG;
    for (int i = 0; i < 3 && status != RMQ_PULL_FOUND; i++) {
        rmq_pull_result_destroy(result);
        if (rmq_pull_consumer_pull_block_if_not_found(puller, &list->queues[0], "*", 0, 16, &result) != RMQ_OK)
            fail_msg("%s", rmq_last_error());
        status = result->status;
    }
    assert_string_equal(rmq_pull_status_name(status), "FOUND");
    assert_int_equal(number_of(result->messages[0]), 1);
    rmq_pull_result_destroy(result);
    pthread_join(thread, NULL);
    rmq_queue_list_destroy(list);
    stop_puller();
}

/* ---- other sends, queries ---------------------------------------------------------------------------------- */

static atomic_int called_back;

static void count_success(void *context, rmq_error_t error, const rmq_send_result_t *result) {
    (void)context, (void)result;
    if (error == RMQ_OK) atomic_fetch_add(&called_back, 1);
}

static void batches_asynchronous_and_oneway_sends_arrive(void **state) {
    (void)state;
    static struct received received = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    rmq_push_consumer_options_t options = consumer_options(&received);
    pusher = start_consumer(client, &options, "*");
    rmq_message_t *messages[30];
    for (int i = 0; i < 30; i++) messages[i] = make_message(i, "TagA");
    rmq_send_result_t *result;
    if (rmq_producer_send_batch(producer, (const rmq_message_t *const *)messages, 10, &result) != RMQ_OK)
        fail_msg("%s", rmq_last_error());
    assert_non_null(strchr(result->offset_msg_id, ','));
    rmq_send_result_destroy(result);
    for (int i = 10; i < 20; i++)
        assert_int_equal(rmq_producer_send_async(producer, messages[i], NULL, count_success, NULL), RMQ_OK);
    for (int i = 20; i < 30; i++) assert_int_equal(rmq_producer_send_oneway(producer, messages[i], NULL), RMQ_OK);
    wait_for_total(&received, 30);
    for (int i = 0; i < 1000 && atomic_load(&called_back) < 10; i++) clock_sleep_ms(10);
    assert_int_equal(atomic_load(&called_back), 10);
    for (int i = 0; i < 30; i++) rmq_message_destroy(messages[i]);
    stop_pusher();
}

static rmq_error_t query(const char *key, rmq_message_list_t **list) {
    rmq_error_t error = RMQ_NOT_FOUND;
    for (int i = 0; i < 100 && error == RMQ_NOT_FOUND; i++) { /* the index is built a moment later */
        if (i > 0) clock_sleep_ms(100);
        error = rmq_client_query_message(client, topic, key, 32, 0, INT64_MAX, list);
    }
    return error;
}

static rmq_transaction_state_t as_told(void *context, const rmq_message_t *message, const rmq_send_result_t *result) {
    (void)message, (void)result;
    return *(rmq_transaction_state_t *)context;
}

static rmq_transaction_state_t never_known(void *context, const rmq_message_ext_t *message) {
    (void)context, (void)message;
    return RMQ_TRANSACTION_UNKNOWN;
}

static void only_committed_transactions_are_delivered(void **state) {
    (void)state;
    static struct received received = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    rmq_push_consumer_options_t options = consumer_options(&received);
    pusher = start_consumer(client, &options, "*");
    rmq_producer_options_t transactional;
    rmq_producer_options_init(&transactional);
    transactional.group = "DriverTransactions";
    transactional.check_transaction = never_known;
    transactional.message_trace_enable = true;
    rmq_producer_t *with;
    assert_int_equal(rmq_producer_create(client, &transactional, &with), RMQ_OK);
    for (int i = 0; i < 30; i++) {
        rmq_transaction_state_t end = (rmq_transaction_state_t)(i % 3);
        rmq_message_t *message = make_message(i, NULL);
        if (rmq_producer_send_in_transaction(with, message, as_told, &end, NULL, NULL) != RMQ_OK)
            fail_msg("%s", rmq_last_error());
        rmq_message_destroy(message);
    }
    rmq_producer_destroy(with);
    wait_for_total(&received, 10);
    clock_sleep_ms(500);
    stop_pusher();
    for (int i = 0; i < 30; i++) assert_int_equal(received.count[i], i % 3 == RMQ_TRANSACTION_COMMIT);
}

static void messages_are_found_by_key_and_id(void **state) {
    (void)state;
    send_numbers(0, 10, "TagA");
    rmq_message_list_t *list;
    if (query("key7", &list) != RMQ_OK) fail_msg("%s", rmq_last_error());
    assert_int_equal(list->count, 1);
    assert_int_equal(number_of(list->messages[0]), 7);
    assert_string_equal(rmq_message_ext_tag(list->messages[0]), "TagA");

    rmq_message_list_t *by_id;
    if (rmq_client_view_message(client, topic, rmq_message_ext_msg_id(list->messages[0]), &by_id) != RMQ_OK)
        fail_msg("%s", rmq_last_error());
    assert_int_equal(number_of(by_id->messages[0]), 7);
    rmq_message_list_destroy(by_id);
    if (rmq_client_view_message(client, NULL, rmq_message_ext_offset_msg_id(list->messages[0]), &by_id) != RMQ_OK)
        fail_msg("%s", rmq_last_error());
    assert_int_equal(number_of(by_id->messages[0]), 7);
    rmq_message_list_destroy(by_id);
    rmq_message_list_destroy(list);
    assert_int_equal(rmq_client_query_message(client, topic, "nokey", 32, 0, INT64_MAX, &list), RMQ_NOT_FOUND);
    assert_int_equal(rmq_client_view_message(client, NULL, "nonsense", &list), RMQ_INVALID_ARGUMENT);
}

static void offsets_of_queues_are_told(void **state) {
    (void)state;
    int64_t before_ms = clock_wall_ms() - 1000;
    send_numbers(0, 40, NULL);
    rmq_queue_list_t *list;
    assert_int_equal(rmq_client_publish_queues(client, topic, &list), RMQ_OK);
    clock_sleep_ms(1000);
    const rmq_message_queue_t *queue = &list->queues[1];
    int64_t number;
    assert_int_equal(rmq_client_min_offset(client, queue, &number), RMQ_OK);
    assert_int_equal(number, 0);
    assert_int_equal(rmq_client_max_offset(client, queue, &number), RMQ_OK);
    assert_int_equal(number, 10);
    assert_int_equal(rmq_client_search_offset(client, queue, before_ms, &number), RMQ_OK);
    assert_int_equal(number, 0);
    assert_int_equal(rmq_client_earliest_store_time(client, queue, &number), RMQ_OK);
    assert_true(number >= before_ms && number <= clock_wall_ms() + 1000);
    rmq_message_queue_t nobody = {topic, "nobody", 0};
    assert_int_equal(rmq_client_max_offset(client, &nobody, &number), RMQ_NO_BROKER);
    rmq_queue_list_destroy(list);
}

/* ---- for scripts ------------------------------------------------------------------------------------------- */

static int count_brokers(rmq_client_t *with, const char *of_topic) {
    rmq_queue_list_t *list;
    if (rmq_client_publish_queues(with, of_topic, &list) != RMQ_OK) return 0;
    int count = 0;
    for (size_t i = 0; i < list->count; i++) count += list->queues[i].queue_id == 0;
    rmq_queue_list_destroy(list);
    return count;
}

static int create(const char *name, int brokers) {
    rmq_client_t *with = make_client();
    int found = 0;
    for (int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS; clock_monotonic_ms() < end_ms; clock_sleep_ms(100)) {
        if (count_brokers(with, "TBW102") >= brokers) rmq_client_create_topic(with, NULL, name, 4);
        if ((found = count_brokers(with, name)) >= brokers) break;
    }
    rmq_client_destroy(with);
    return found >= brokers ? 0 : 1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(int argc, char **argv) {
    if (!getenv("NAMESRV_ADDR")) {
        fputs("cluster_driver: set NAMESRV_ADDR\n", stderr);
        return 2;
    }
    if (argc == 4 && strcmp(argv[1], "--create") == 0) return create(argv[2], atoi(argv[3]));
    const struct CMUnitTest tests[] = {
        TEST(everything_sent_is_received_once),
        TEST(tags_select),
        TEST(what_failed_comes_again),
        TEST(bodies_come_as_they_were_sent),
        TEST(two_consumers_share_and_take_over),
        TEST(orderly_consumers_keep_the_order),
        TEST(orderly_queues_change_hands_at_once),
        TEST(broadcasting_reaches_everybody),
        TEST(pulling_finds_what_is_there),
        TEST(a_blocking_pull_waits_for_a_message),
        TEST(batches_asynchronous_and_oneway_sends_arrive),
        TEST(only_committed_transactions_are_delivered),
        TEST(messages_are_found_by_key_and_id),
        TEST(offsets_of_queues_are_told),
    };
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
