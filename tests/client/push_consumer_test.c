/* push_consumer_test.c - a push consumer between a scripted broker and a listener: what it asks, when, and what it does
 * with answers that real brokers give only in trouble. */
#include "rocketmq/rocketmq.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/json.h"
#include "base/test.h"
#include "message/properties.h"
#include "message/record.h"
#include "os/clock.h"
#include "support/mock_broker.h"
#include "wire/body_lock.h"
#include "wire/request.h"

enum { CALL_TIMEOUT_MS = 2000 };
static struct mock_broker *mock;
static rmq_client_t *client;
static rmq_push_consumer_t *consumer;

/* ---- a queue that the mock serves ------------------------------------------------------------------------ */

static struct {
    _Atomic int64_t min, max; /* offsets there are, in queue 0 */
    _Atomic int64_t committed;
    atomic_bool damaged;
} queue;

static void append_message(struct buf *out, const char *topic, int64_t offset, const char *more_properties) {
    char body[32];
    int body_len = snprintf(body, sizeof body, "%lld", (long long)offset);
    struct buf properties = {0};
    properties_append(&properties, PROPERTY_TAGS, BYTES("TagA"));
    if (more_properties) buf_append_text(&properties, more_properties);
    struct record record = {.queue_id = 0,
                            .offset_queue = offset,
                            .offset_phys = offset * 100,
                            .born_time_ms = 1,
                            .store_time_ms = 2,
                            .body = bytes_make(body, (size_t)body_len),
                            .topic = bytes_of(topic),
                            .properties = buf_bytes(&properties)};
    uint32_t size = record_size(&record);
    char *at = buf_reserve(out, size);
    record_encode(&record, at);
    record_patch(at, offset, offset * 100, 2);
    out->len += size;
    buf_close(&properties);
}

static void reply_pull(struct request *request, int32_t code, int64_t next, struct bytes body) {
    struct hdr_pull_result header = {.present = HEADER_ALL,
                                     .next_begin_offset = next,
                                     .min_offset = atomic_load(&queue.min),
                                     .max_offset = atomic_load(&queue.max)};
    remoting_reply(&request->to,
                   &(struct outgoing){.code = code, .layout = layout_pull_result(), .fields = &header, .body = body});
}

static void serve_pull(struct mock_broker *m, struct request *request, void *arg) {
    (void)m, (void)arg;
    struct hdr_pull_message header;
    assert_ok(header_decode(layout_pull_message(), &request->command, &header));
    if (header.queue_id != 0 || bytes_starts_with(header.topic, BYTES("%RETRY%"))) return; /* held for ever */
    int64_t offset = header.queue_offset, max = atomic_load(&queue.max);
    if (offset < atomic_load(&queue.min) || offset > max) {
        reply_pull(request, RESPONSE_PULL_OFFSET_MOVED, atomic_load(&queue.min), (struct bytes){0});
        return;
    }
    if (offset == max) {
        clock_sleep_ms(2);
        reply_pull(request, RESPONSE_PULL_NOT_FOUND, offset, (struct bytes){0});
        return;
    }
    struct buf body = {0};
    int64_t end = MIN(max, offset + header.max_msg_nums);
    for (int64_t i = offset; i < end; i++) append_message(&body, "T", i, NULL);
    if (atomic_load(&queue.damaged)) buf_append_text(&body, "no record at all");
    reply_pull(request, RESPONSE_SUCCESS, end, buf_bytes(&body));
    buf_close(&body);
}

static void tell_only_us(struct mock_broker *m, struct request *request, void *arg) {
    (void)m, (void)arg;
    struct buf body = {0};
    buf_printf(&body, "{\"consumerIdList\":[\"%s\"]}", rmq_client_id(client));
    remoting_reply(&request->to, &(struct outgoing){.body = buf_bytes(&body)});
    buf_close(&body);
}

static void note_offset(struct mock_broker *m, struct request *request, void *arg) {
    (void)arg;
    struct hdr_update_consumer_offset header;
    assert_ok(header_decode(layout_update_consumer_offset(), &request->command, &header));
    if (header.queue_id == 0 && bytes_is(header.topic, "T")) atomic_store(&queue.committed, header.commit_offset);
    mock_broker_answer(m, request);
}

static void tell_offset(struct mock_broker *m, struct request *request, void *arg) {
    (void)m, (void)arg;
    struct hdr_query_consumer_offset header;
    assert_ok(header_decode(layout_query_consumer_offset(), &request->command, &header));
    int64_t committed = header.queue_id == 0 && bytes_is(header.topic, "T") ? atomic_load(&queue.committed) : 0;
    struct hdr_offset_result result = {.present = HEADER_ALL, .offset = committed};
    remoting_reply(&request->to, &(struct outgoing){.layout = layout_offset_result(), .fields = &result});
}

static void lock_all(struct mock_broker *m, struct request *request, void *arg) {
    (void)m, (void)arg;
    struct lock_batch batch;
    assert_ok(lock_batch_decode(request->arena, request->command.body, &batch));
    struct buf body = {0};
    lock_result_encode(batch.queues, batch.count, &body);
    remoting_reply(&request->to, &(struct outgoing){.body = buf_bytes(&body)});
    buf_close(&body);
}

/* ---- the listener ------------------------------------------------------------------------------------------ */

static struct {
    atomic_int calls, messages;
    atomic_int fail_left;
    _Atomic int64_t last_offset;
    atomic_bool hang;
    atomic_bool topic_was_t;
} heard;

static rmq_consume_status_t listen_to(void *context, const rmq_message_ext_t *const *messages, size_t count,
                                      rmq_consume_context_t *consume) {
    (void)context;
    while (atomic_load(&heard.hang)) clock_sleep_ms(1);
    atomic_store(&heard.topic_was_t, strcmp(rmq_message_ext_topic(messages[0]), "T") == 0);
    atomic_store(&heard.last_offset, rmq_message_ext_queue_offset(messages[count - 1]));
    atomic_fetch_add(&heard.messages, (int)count);
    atomic_fetch_add(&heard.calls, 1);
    consume->suspend_ms = 10;
    return atomic_fetch_sub(&heard.fail_left, 1) > 0 ? RMQ_RECONSUME_LATER : RMQ_CONSUME_SUCCESS;
}

static void wait_for(atomic_int *number, int value) {
    for (int i = 0; i < 5000 && atomic_load(number) < value; i++) clock_sleep_ms(2);
    assert_true(atomic_load(number) >= value);
}

static void wait_for_i64(_Atomic int64_t *number, int64_t value) {
    for (int i = 0; i < 5000 && atomic_load(number) != value; i++) clock_sleep_ms(2);
    assert_int_equal(atomic_load(number), value);
}

static rmq_push_consumer_options_t options_now(void) {
    rmq_push_consumer_options_t options;
    rmq_push_consumer_options_init(&options);
    options.group = "CG";
    options.listener = listen_to;
    options.consume_thread_count = 2;
    options.consume_from_where = RMQ_CONSUME_FROM_FIRST_OFFSET;
    return options;
}

static void start_consumer(const rmq_push_consumer_options_t *options) {
    assert_int_equal(rmq_push_consumer_create(client, options, &consumer), RMQ_OK);
    assert_int_equal(rmq_push_consumer_subscribe(consumer, "T", "TagA || TagB"), RMQ_OK);
    if (rmq_push_consumer_start(consumer) != RMQ_OK) fail_msg("%s", rmq_last_error());
}

static void start_plain_consumer(void) {
    rmq_push_consumer_options_t options = options_now();
    start_consumer(&options);
}

static int set_up(void **state) {
    (void)state;
    rmq_set_log(NULL, 3);
    memset(&queue, 0, sizeof queue);
    memset(&heard, 0, sizeof heard);
    mock = mock_broker_start("broker-a");
    mock_broker_on(mock, REQUEST_PULL_MESSAGE, serve_pull, NULL);
    mock_broker_on(mock, REQUEST_GET_CONSUMER_LIST_BY_GROUP, tell_only_us, NULL);
    mock_broker_on(mock, REQUEST_UPDATE_CONSUMER_OFFSET, note_offset, NULL);
    mock_broker_on(mock, REQUEST_QUERY_CONSUMER_OFFSET, tell_offset, NULL);
    mock_broker_on(mock, REQUEST_LOCK_BATCH_MQ, lock_all, NULL);
    rmq_client_options_t options;
    rmq_client_options_init(&options);
    options.name_servers = mock_broker_address(mock);
    options.persist_consumer_offset_interval_ms = 100;
    options.call_timeout_ms = CALL_TIMEOUT_MS;
    assert_int_equal(rmq_client_create(&options, &client), RMQ_OK);
    return 0;
}

static void stop_consumer(void) {
    rmq_push_consumer_destroy(consumer);
    consumer = NULL;
}

static int tear_down(void **state) {
    (void)state;
    stop_consumer();
    rmq_client_destroy(client);
    mock_broker_stop(mock);
    return 0;
}

/* ---- in peace ---------------------------------------------------------------------------------------------- */

static void messages_are_consumed_and_offsets_stored(void **state) {
    (void)state;
    atomic_store(&queue.max, 500);
    start_plain_consumer();
    wait_for(&heard.messages, 500);
    stop_consumer();
    assert_int_equal(atomic_load(&heard.messages), 500);
    wait_for_i64(&queue.committed, 500);
    assert_true(mock_broker_count(mock, REQUEST_UNREGISTER_CLIENT) >= 1);
}

static void the_end_waits_for_offsets_to_be_stored_but_not_for_ever(void **state) {
    (void)state;
    atomic_store(&queue.max, 5);
    start_plain_consumer();
    wait_for(&heard.messages, 5);
    mock_broker_on(mock, REQUEST_UPDATE_CONSUMER_OFFSET, mock_broker_be_silent, NULL);
    int64_t began_ms = clock_monotonic_ms();
    stop_consumer();
    assert_in_range(clock_monotonic_ms() - began_ms, CALL_TIMEOUT_MS, 10 * CALL_TIMEOUT_MS);

    rmq_pull_consumer_t *pull;
    assert_int_equal(rmq_pull_consumer_create(client, "CG", &pull), RMQ_OK);
    const rmq_message_queue_t zero = {"T", "broker-a", 0};
    assert_int_equal(rmq_pull_consumer_update_offset(pull, &zero, 3), RMQ_OK);
    mock_broker_on(mock, REQUEST_UPDATE_CONSUMER_OFFSET, note_offset, NULL);
    rmq_pull_consumer_destroy(pull);
    assert_int_equal(atomic_load(&queue.committed), 3);
}

static void what_is_not_finished_is_not_committed(void **state) {
    (void)state;
    atomic_store(&queue.max, 10);
    atomic_store(&heard.hang, true);
    start_plain_consumer();
    mock_broker_wait(mock, REQUEST_PULL_MESSAGE, 12);
    assert_int_equal(atomic_load(&queue.committed), 0);
    atomic_store(&heard.hang, false);
    stop_consumer(); /* two calls were running: they end, the rest is left to others */
    assert_true(atomic_load(&heard.messages) >= 2);
    assert_true(atomic_load(&queue.committed) <= atomic_load(&heard.messages));
}

static void pulling_pauses_while_too_much_waits(void **state) {
    (void)state;
    atomic_store(&queue.max, 100000);
    atomic_store(&heard.hang, true);
    rmq_push_consumer_options_t options = options_now();
    options.pull_threshold_for_queue = 100;
    start_consumer(&options);
    clock_sleep_ms(300);
    int pulls = mock_broker_count(mock, REQUEST_PULL_MESSAGE);
    clock_sleep_ms(300);
    assert_int_equal(mock_broker_count(mock, REQUEST_PULL_MESSAGE), pulls); /* about four of 32 messages */
    atomic_store(&heard.hang, false);
    wait_for(&heard.messages, 1000);
    rmq_push_consumer_suspend(consumer);
    clock_sleep_ms(200);
    pulls = mock_broker_count(mock, REQUEST_PULL_MESSAGE);
    clock_sleep_ms(200);
    assert_true(mock_broker_count(mock, REQUEST_PULL_MESSAGE) <= pulls + 1);
    int seen = atomic_load(&heard.messages);
    rmq_push_consumer_resume(consumer);
    wait_for(&heard.messages, seen + 1000);
}

static void batches_are_as_large_as_wished(void **state) {
    (void)state;
    atomic_store(&queue.max, 64);
    rmq_push_consumer_options_t options = options_now();
    options.consume_message_batch_max_size = 10;
    start_consumer(&options);
    wait_for(&heard.messages, 64);
    assert_int_equal(atomic_load(&heard.calls), 8); /* 32 messages in 10, 10, 10, 2, twice */
}

/* ---- in trouble -------------------------------------------------------------------------------------------- */

static void an_illegal_offset_is_put_right(void **state) {
    (void)state;
    atomic_store(&queue.min, 70);
    atomic_store(&queue.max, 80);
    start_plain_consumer();
    wait_for(&heard.messages, 10);
    assert_int_equal(atomic_load(&heard.last_offset) >= 70, 1);
    wait_for_i64(&queue.committed, 80);
}

static void records_that_cannot_be_read_do_not_stop_the_rest(void **state) {
    (void)state;
    rmq_set_log(NULL, 3);
    atomic_store(&queue.damaged, true);
    atomic_store(&queue.max, 100);
    start_plain_consumer();
    wait_for(&heard.messages, 100);
}

static struct {
    struct hdr_consumer_send_msg_back header;
    struct hdr_send_message_v2 sent;
    char origin_id[64], retry_topic[64], properties[512];
} back;

static void take_back(struct mock_broker *m, struct request *request, void *arg) {
    assert_ok(header_decode(layout_consumer_send_msg_back(), &request->command, &back.header));
    snprintf(back.origin_id, sizeof back.origin_id, "%.*s", BYTES_ARG(back.header.origin_msg_id));
    if (arg)
        remoting_reply(&request->to, &(struct outgoing){.code = RESPONSE_SYSTEM_ERROR});
    else
        mock_broker_answer(m, request);
}

static void failed_messages_are_sent_back(void **state) {
    (void)state;
    mock_broker_on(mock, REQUEST_CONSUMER_SEND_MSG_BACK, take_back, NULL);
    atomic_store(&heard.fail_left, 1);
    atomic_store(&queue.max, 1);
    start_plain_consumer();
    assert_true(mock_broker_wait(mock, REQUEST_CONSUMER_SEND_MSG_BACK, 1));
    assert_int_equal(back.header.offset, 0);
    assert_int_equal(back.header.max_reconsume_times, 16);
    assert_int_equal(back.header.delay_level, 0);
    wait_for_i64(&queue.committed, 1);
    assert_int_equal(atomic_load(&heard.calls), 1);
}

static void look_at_retry(struct mock_broker *m, struct request *request, void *arg) {
    (void)arg;
    assert_ok(header_decode(layout_send_message_v2(), &request->command, &back.sent));
    snprintf(back.retry_topic, sizeof back.retry_topic, "%.*s", BYTES_ARG(back.sent.topic));
    snprintf(back.properties, sizeof back.properties, "%.*s", BYTES_ARG(back.sent.properties));
    mock_broker_answer(m, request);
}

static void what_the_broker_does_not_take_back_goes_to_the_retry_topic(void **state) {
    (void)state;
    mock_broker_on(mock, REQUEST_CONSUMER_SEND_MSG_BACK, take_back, &back);
    mock_broker_on(mock, REQUEST_SEND_MESSAGE_V2, look_at_retry, NULL);
    atomic_store(&heard.fail_left, 1);
    atomic_store(&queue.max, 1);
    start_plain_consumer();
    assert_true(mock_broker_wait(mock, REQUEST_SEND_MESSAGE_V2, 1));
    assert_string_equal(back.retry_topic, "%RETRY%CG");
    assert_int_equal(back.sent.reconsume_times, 1);
    assert_int_equal(back.sent.max_reconsume_times, 16);
    struct bytes properties = bytes_of(back.properties);
    assert_bytes(properties_get(properties, PROPERTY_RETRY_TOPIC), "T");
    assert_bytes(properties_get(properties, PROPERTY_DELAY), "3");
    assert_bytes(properties_get(properties, PROPERTY_ORIGIN_MESSAGE_ID), back.origin_id);
    wait_for_i64(&queue.committed, 1);
}

static void a_broker_that_is_gone_for_a_while_loses_nothing(void **state) {
    (void)state;
    atomic_store(&queue.max, 50);
    start_plain_consumer();
    wait_for(&heard.messages, 50);
    mock_broker_disconnect(mock);
    atomic_store(&queue.max, 100);
    wait_for(&heard.messages, 100);
    wait_for_i64(&queue.committed, 100);
}

static void forget_the_group(struct mock_broker *m, struct request *request, void *arg) {
    if (atomic_fetch_sub((atomic_int *)arg, 1) > 0)
        remoting_reply(&request->to, &(struct outgoing){.code = RESPONSE_SUBSCRIPTION_NOT_EXIST});
    else
        serve_pull(m, request, NULL);
}

static void a_broker_that_forgot_the_group_is_told_again(void **state) {
    (void)state;
    static atomic_int times = 8; /* each of the queues once; static: the mock outlives this function */
    mock_broker_on(mock, REQUEST_PULL_MESSAGE, forget_the_group, &times);
    atomic_store(&queue.max, 10);
    start_plain_consumer();
    wait_for(&heard.messages, 10);
    assert_true(mock_broker_count(mock, REQUEST_HEART_BEAT) >= 4); /* first route, start, timer, this */
}

static void refuse(struct mock_broker *m, struct request *request, void *arg) {
    (void)m, (void)arg;
    remoting_reply(&request->to,
                   &(struct outgoing){.code = RESPONSE_SUBSCRIPTION_PARSE_FAILED, .remark = BYTES("near a")});
}

static void a_wrong_condition_is_told_at_start(void **state) {
    (void)state;
    mock_broker_on(mock, REQUEST_CHECK_CLIENT_CONFIG, refuse, NULL);
    rmq_push_consumer_options_t options = options_now();
    assert_int_equal(rmq_push_consumer_create(client, &options, &consumer), RMQ_OK);
    assert_int_equal(rmq_push_consumer_start(consumer), RMQ_WRONG_STATE); /* nothing is subscribed */
    assert_int_equal(rmq_push_consumer_subscribe_sql(consumer, "T", "a >"), RMQ_OK);
    assert_int_equal(rmq_push_consumer_start(consumer), RMQ_BROKER);
    assert_int_equal(rmq_last_response_code(), RESPONSE_SUBSCRIPTION_PARSE_FAILED);
    assert_non_null(strstr(rmq_last_error(), "near a"));
}

/* ---- orderly ----------------------------------------------------------------------------------------------- */

static void orderly_queues_are_locked_and_failures_repeated_in_place(void **state) {
    (void)state;
    atomic_store(&queue.max, 20);
    atomic_store(&heard.fail_left, 2);
    rmq_push_consumer_options_t options = options_now();
    options.orderly = true;
    start_consumer(&options);
    wait_for(&heard.messages, 22);
    wait_for_i64(&queue.committed, 20);
    assert_true(mock_broker_count(mock, REQUEST_LOCK_BATCH_MQ) >= 4);
    assert_int_equal(mock_broker_count(mock, REQUEST_CONSUMER_SEND_MSG_BACK), 0);
    stop_consumer();
    assert_true(mock_broker_wait(mock, REQUEST_UNLOCK_BATCH_MQ, 8)); /* four of T, four of the retry topic */
}

static void an_orderly_message_that_fails_too_often_goes_away(void **state) {
    (void)state;
    mock_broker_on(mock, REQUEST_SEND_MESSAGE_V2, look_at_retry, NULL);
    atomic_store(&queue.max, 5);
    atomic_store(&heard.fail_left, 3); /* at first, and two times more */
    rmq_push_consumer_options_t options = options_now();
    options.orderly = true;
    options.max_reconsume_times = 2;
    start_consumer(&options);
    wait_for(&heard.messages, 7);
    wait_for_i64(&queue.committed, 5);
    assert_int_equal(mock_broker_count(mock, REQUEST_SEND_MESSAGE_V2), 1);
    assert_string_equal(back.retry_topic, "%RETRY%CG");
    assert_int_equal(back.sent.reconsume_times, 2);
    assert_int_equal(back.sent.max_reconsume_times, 2);
}

/* ---- asked by brokers -------------------------------------------------------------------------------------- */

static void a_change_of_the_group_rebalances(void **state) {
    (void)state;
    start_plain_consumer();
    int before = mock_broker_count(mock, REQUEST_GET_CONSUMER_LIST_BY_GROUP);
    struct hdr_consumer_group header = {.present = HEADER_ALL, .consumer_group = BYTES("CG")};
    mock_broker_tell(mock, REQUEST_NOTIFY_CONSUMER_IDS_CHANGED, layout_consumer_group(), &header, (struct bytes){0});
    assert_true(mock_broker_wait(mock, REQUEST_GET_CONSUMER_LIST_BY_GROUP, before + 2));
}

static void offsets_can_be_reset(void **state) {
    (void)state;
    atomic_store(&queue.max, 30);
    start_plain_consumer();
    wait_for(&heard.messages, 30);
    struct hdr_reset_offset header = {
        .present = HEADER_ALL, .topic = BYTES("T"), .group = BYTES("CG"), .timestamp = 0, .is_force = true};
    mock_broker_tell(mock, REQUEST_RESET_CONSUMER_CLIENT_OFFSET, layout_reset_offset(), &header,
                     BYTES("{\"offsetTable\":{{\"brokerName\":\"broker-a\",\"queueId\":0,\"topic\":\"T\"}:20}}"));
    wait_for(&heard.messages, 40);
    wait_for_i64(&queue.committed, 30);
    mock_broker_tell(mock, REQUEST_RESET_CONSUMER_CLIENT_OFFSET, layout_reset_offset(), &header, BYTES("[{{{ damaged"));
    mock_broker_tell(mock, REQUEST_RESET_CONSUMER_CLIENT_OFFSET, layout_reset_offset(), &header,
                     BYTES("{\"offsetTable\":[{\"brokerName\":\"broker-a\",\"offset\":25,\"queueId\":0,"
                           "\"topic\":\"T\"}]}"));
    wait_for(&heard.messages, 45);
}

struct answer {
    atomic_bool came;
    int32_t code;
    char body[8192];
};

static void keep_answer(void *ctx, enum err err, const struct command *response) {
    struct answer *answer = ctx;
    answer->code = err == ERR_OK ? response->code : -1;
    if (err == ERR_OK) snprintf(answer->body, sizeof answer->body, "%.*s", BYTES_ARG(response->body));
    atomic_store(&answer->came, true);
}

static void ask(int32_t code, const struct header_layout *layout, const void *fields, struct bytes body,
                struct answer *answer) {
    *answer = (struct answer){0};
    mock_broker_ask(mock, &(struct outgoing){.code = code, .layout = layout, .fields = fields, .body = body},
                    keep_answer, answer);
    for (int i = 0; i < 5000 && !atomic_load(&answer->came); i++) clock_sleep_ms(2);
    assert_true(atomic_load(&answer->came));
}

static void brokers_learn_what_the_consumer_does(void **state) {
    (void)state;
    atomic_store(&queue.max, 30);
    start_plain_consumer();
    wait_for(&heard.messages, 30);
    wait_for_i64(&queue.committed, 30);
    static struct answer answer;
    struct hdr_get_consumer_running_info header = {
        .present = HEADER_ALL, .consumer_group = BYTES("CG"), .client_id = BYTES("x")};
    ask(REQUEST_GET_CONSUMER_RUNNING_INFO, layout_get_consumer_running_info(), &header, (struct bytes){0}, &answer);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    struct arena arena = {0};
    const struct json *root;
    assert_ok(json_parse(&arena, bytes_of(answer.body), &root));
    assert_int_equal(json_get(root, "mqTable")->count, 8); /* four of T, four of the retry topic */
    assert_int_equal(json_get(root, "subscriptionSet")->count, 2);
    assert_bytes(json_text(json_get(json_get(root, "properties"), "PROP_CONSUME_TYPE")), "CONSUME_PASSIVELY");
    bool found = false;
    for (const struct json *n = json_first(json_get(root, "mqTable")); n; n = n->next) {
        struct message_queue mq = message_queue_decode(n->key_object);
        if (mq.queue_id == 0 && bytes_is(mq.topic, "T")) found = json_i64(json_get(n, "commitOffset"), -1) == 30;
    }
    assert_true(found);

    struct hdr_get_consumer_status status = {.present = HEADER_ALL, .topic = BYTES("T"), .group = BYTES("CG")};
    ask(REQUEST_GET_CONSUMER_STATUS_FROM_CLIENT, layout_get_consumer_status(), &status, (struct bytes){0}, &answer);
    assert_ok(json_parse(&arena, bytes_of(answer.body), &root));
    assert_int_equal(json_get(root, "messageQueueTable")->count, 4);

    header.consumer_group = BYTES("Other");
    ask(REQUEST_GET_CONSUMER_RUNNING_INFO, layout_get_consumer_running_info(), &header, (struct bytes){0}, &answer);
    assert_int_equal(answer.code, RESPONSE_SYSTEM_ERROR);
    ask(REQUEST_PUSH_REPLY_MESSAGE_TO_CLIENT, NULL, NULL, (struct bytes){0}, &answer);
    assert_int_equal(answer.code, RESPONSE_REQUEST_CODE_NOT_SUPPORTED);
    arena_close(&arena);
}

static void a_message_can_be_consumed_directly(void **state) {
    (void)state;
    start_plain_consumer();
    struct buf body = {0};
    append_message(&body, "%RETRY%CG", 7, "RETRY_TOPIC\x01T\x02");
    struct hdr_consume_message_directly header = {
        .present = HEADER_ALL, .consumer_group = BYTES("CG"), .broker_name = BYTES("broker-a")};
    static struct answer answer;
    ask(REQUEST_CONSUME_MESSAGE_DIRECTLY, layout_consume_message_directly(), &header, buf_bytes(&body), &answer);
    assert_non_null(strstr(answer.body, "\"consumeResult\":\"CR_SUCCESS\""));
    assert_true(atomic_load(&heard.topic_was_t)); /* the topic of the first delivery */
    atomic_store(&heard.fail_left, 1);
    ask(REQUEST_CONSUME_MESSAGE_DIRECTLY, layout_consume_message_directly(), &header, buf_bytes(&body), &answer);
    assert_non_null(strstr(answer.body, "\"consumeResult\":\"CR_LATER\""));
    ask(REQUEST_CONSUME_MESSAGE_DIRECTLY, layout_consume_message_directly(), &header, BYTES("nothing"), &answer);
    assert_int_not_equal(answer.code, RESPONSE_SUCCESS);
    assert_int_equal(atomic_load(&heard.calls), 2);
    assert_int_equal(mock_broker_count(mock, REQUEST_CONSUMER_SEND_MSG_BACK), 0);
    buf_close(&body);
}

static void subscriptions_change_while_it_runs(void **state) {
    (void)state;
    atomic_store(&queue.max, 10);
    start_plain_consumer();
    wait_for(&heard.messages, 10);
    int beats = mock_broker_count(mock, REQUEST_HEART_BEAT);
    assert_int_equal(rmq_push_consumer_unsubscribe(consumer, "T"), RMQ_OK);
    assert_true(mock_broker_count(mock, REQUEST_HEART_BEAT) > beats);
    atomic_store(&queue.max, 20);
    clock_sleep_ms(100);
    assert_int_equal(atomic_load(&heard.messages), 10);
    assert_int_equal(rmq_push_consumer_subscribe(consumer, "T", "*"), RMQ_OK);
    wait_for(&heard.messages, 20);
    assert_int_equal(rmq_push_consumer_start(consumer), RMQ_WRONG_STATE);
}

static void wrong_settings_are_refused(void **state) {
    (void)state;
    rmq_push_consumer_options_t options = options_now();
    options.pull_batch_size = 0;
    assert_int_equal(rmq_push_consumer_create(client, &options, &consumer), RMQ_INVALID_ARGUMENT);
    assert_non_null(strstr(rmq_last_error(), "pull_batch_size must be from 1 to 1024"));
    options = options_now();
    options.listener = NULL;
    assert_int_equal(rmq_push_consumer_create(client, &options, &consumer), RMQ_INVALID_ARGUMENT);
    options = options_now();
    assert_int_equal(rmq_push_consumer_create(client, &options, &consumer), RMQ_OK);
    rmq_push_consumer_t *second;
    assert_int_equal(rmq_push_consumer_create(client, &options, &second), RMQ_WRONG_STATE);
    rmq_pull_consumer_t *pull;
    assert_int_equal(rmq_pull_consumer_create(client, "CG", &pull), RMQ_WRONG_STATE);
    assert_int_equal(rmq_push_consumer_subscribe(consumer, "a b", "*"), RMQ_INVALID_ARGUMENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(messages_are_consumed_and_offsets_stored),
        TEST(the_end_waits_for_offsets_to_be_stored_but_not_for_ever),
        TEST(what_is_not_finished_is_not_committed),
        TEST(pulling_pauses_while_too_much_waits),
        TEST(batches_are_as_large_as_wished),
        TEST(an_illegal_offset_is_put_right),
        TEST(records_that_cannot_be_read_do_not_stop_the_rest),
        TEST(failed_messages_are_sent_back),
        TEST(what_the_broker_does_not_take_back_goes_to_the_retry_topic),
        TEST(a_broker_that_is_gone_for_a_while_loses_nothing),
        TEST(a_broker_that_forgot_the_group_is_told_again),
        TEST(a_wrong_condition_is_told_at_start),
        TEST(orderly_queues_are_locked_and_failures_repeated_in_place),
        TEST(an_orderly_message_that_fails_too_often_goes_away),
        TEST(a_change_of_the_group_rebalances),
        TEST(offsets_can_be_reset),
        TEST(brokers_learn_what_the_consumer_does),
        TEST(a_message_can_be_consumed_directly),
        TEST(subscriptions_change_while_it_runs),
        TEST(wrong_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
