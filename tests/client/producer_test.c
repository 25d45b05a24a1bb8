/* producer_test.c - what a producer sends, and what it does with every kind of answer. */
#include "rocketmq/rocketmq.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/test.h"
#include "message/batch.h"
#include "message/compress.h"
#include "message/properties.h"
#include "message/record.h"
#include "os/clock.h"
#include "support/mock_broker.h"
#include "wire/request.h"

static struct mock_broker *mock;
static rmq_client_t *client;
static rmq_producer_t *producer;

static void start_with(const char *name_servers, int32_t timeout_ms) {
    rmq_client_options_t client_options;
    rmq_client_options_init(&client_options);
    client_options.name_servers = name_servers;
    assert_int_equal(rmq_client_create(&client_options, &client), RMQ_OK);
    rmq_producer_options_t options;
    rmq_producer_options_init(&options);
    options.group = "PG";
    options.send_timeout_ms = timeout_ms;
    assert_int_equal(rmq_producer_create(client, &options, &producer), RMQ_OK);
}

static int set_up(void **state) {
    (void)state;
    rmq_set_log(NULL, 3);
    mock = mock_broker_start("broker-a");
    start_with(mock_broker_address(mock), 3000);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    rmq_producer_destroy(producer);
    rmq_client_destroy(client);
    mock_broker_stop(mock);
    return 0;
}

static rmq_error_t send_text(const char *topic, const char *body, rmq_send_result_t **result) {
    rmq_message_t *message = rmq_message_create(topic, "TagA", "k1 k2", body, strlen(body));
    rmq_error_t error = rmq_producer_send(producer, message, result);
    rmq_message_destroy(message);
    return error;
}

/* ---- what goes over the wire ----------------------------------------------------------------------------- */

struct seen {
    struct hdr_send_message_v2 header;
    int32_t language, version;
    char properties[512], body[8192], topic[128];
    size_t body_len;
};

static void look(struct mock_broker *m, struct request *request, void *arg) {
    struct seen *seen = arg;
    assert_int_equal(header_decode(layout_send_message_v2(), &request->command, &seen->header), ERR_OK);
    snprintf(seen->properties, sizeof seen->properties, "%.*s", BYTES_ARG(seen->header.properties));
    snprintf(seen->topic, sizeof seen->topic, "%.*s", BYTES_ARG(seen->header.topic));
    seen->language = request->command.language;
    seen->version = request->command.version;
    seen->body_len = MIN(request->command.body.len, sizeof seen->body);
    memcpy(seen->body, request->command.body.data, seen->body_len);
    mock_broker_answer(m, request);
}

static struct bytes property(const struct seen *seen, struct bytes name) {
    return properties_get(bytes_of(seen->properties), name);
}

static void a_message_is_sent_as_the_java_client_does(void **state) {
    (void)state;
    static struct seen seen;
    mock_broker_on(mock, REQUEST_SEND_MESSAGE_V2, look, &seen);
    rmq_send_result_t *result;
    assert_int_equal(send_text("T", "hello", &result), RMQ_OK);
    assert_string_equal(seen.topic, "T");
    assert_int_equal(seen.header.default_topic_queue_nums, 4);
    assert_int_equal(seen.header.sys_flag, 0);
    assert_true(seen.header.has.unit_mode && seen.header.has.batch && !seen.header.has.max_reconsume_times);
    assert_int_equal(seen.language, LANGUAGE_OTHER);
    assert_int_equal(seen.version, VERSION_OURS);
    assert_true(bytes_is(property(&seen, PROPERTY_TAGS), "TagA"));
    assert_true(bytes_is(property(&seen, PROPERTY_KEYS), "k1 k2"));
    assert_true(bytes_is(property(&seen, PROPERTY_WAIT), "true"));
    assert_true(bytes_is(property(&seen, PROPERTY_UNIQ_KEY), result->msg_id));
    assert_int_equal(seen.body_len, 5);
    assert_int_equal(result->status, RMQ_SEND_OK);
    assert_string_equal(result->queue.broker_name, "broker-a");
    assert_string_equal(result->offset_msg_id, "7F00000100002A9F0000000000000001");
    char text[512];
    size_t len = rmq_send_result_print(result, text, sizeof text);
    assert_int_equal(len, strlen(text));
    assert_non_null(strstr(text, "SendResult [sendStatus=SEND_OK, msgId="));
    assert_non_null(strstr(text, "messageQueue=MessageQueue [topic=T, brokerName=broker-a, queueId="));
    rmq_send_result_destroy(result);
}

static void large_bodies_are_compressed(void **state) {
    (void)state;
    static struct seen seen;
    mock_broker_on(mock, REQUEST_SEND_MESSAGE_V2, look, &seen);
    char body[5000];
    memset(body, 'x', sizeof body);
    rmq_message_t *message = rmq_message_create("T", NULL, NULL, body, sizeof body);
    assert_int_equal(rmq_producer_send(producer, message, NULL), RMQ_OK);
    assert_true(seen.header.sys_flag & SYS_FLAG_COMPRESSED);
    struct buf plain = {0};
    assert_int_equal(body_decompress(seen.header.sys_flag, bytes_make(seen.body, seen.body_len), 10000, &plain),
                     ERR_OK);
    assert_int_equal(plain.len, sizeof body);
    assert_memory_equal(plain.data, body, sizeof body);
    buf_close(&plain);
    rmq_message_destroy(message);
}

static void messages_go_round_the_queues(void **state) {
    (void)state;
    int seen[4] = {0};
    for (int i = 0; i < 8; i++) {
        rmq_send_result_t *result;
        assert_int_equal(send_text("T", "x", &result), RMQ_OK);
        seen[result->queue.queue_id]++;
        rmq_send_result_destroy(result);
    }
    for (int i = 0; i < 4; i++) assert_int_equal(seen[i], 2);
    assert_int_equal(mock_broker_count(mock, REQUEST_GET_ROUTEINFO_BY_TOPIC), 1);
}

static size_t choose_third(void *context, const rmq_message_queue_t *queues, size_t count,
                           const rmq_message_t *message) {
    (void)context, (void)message;
    assert_int_equal(count, 4);
    assert_int_equal(queues[2].queue_id, 2);
    return 2;
}

static void queues_can_be_chosen(void **state) {
    (void)state;
    rmq_message_t *message = rmq_message_create("T", NULL, NULL, "x", 1);
    rmq_send_result_t *result;
    assert_int_equal(rmq_producer_send_selected(producer, message, choose_third, NULL, &result), RMQ_OK);
    assert_int_equal(result->queue.queue_id, 2);
    rmq_send_result_destroy(result);
    rmq_message_queue_t queue = {"T", "broker-a", 3};
    assert_int_equal(rmq_producer_send_to_queue(producer, message, &queue, &result), RMQ_OK);
    assert_int_equal(result->queue.queue_id, 3);
    rmq_send_result_destroy(result);
    queue.broker_name = "nobody";
    assert_int_equal(rmq_producer_send_to_queue(producer, message, &queue, &result), RMQ_NO_BROKER);
    queue.topic = "Other";
    assert_int_equal(rmq_producer_send_to_queue(producer, message, &queue, &result), RMQ_INVALID_ARGUMENT);
    rmq_message_destroy(message);
}

static void a_batch_is_one_request(void **state) {
    (void)state;
    static struct seen seen;
    mock_broker_on(mock, REQUEST_SEND_BATCH_MESSAGE, look, &seen);
    rmq_message_t *messages[3];
    for (size_t i = 0; i < 3; i++) messages[i] = rmq_message_create("T", "TagA", NULL, "abc", i + 1);
    rmq_send_result_t *result;
    assert_int_equal(rmq_producer_send_batch(producer, (const rmq_message_t *const *)messages, 3, &result), RMQ_OK);
    assert_true(seen.header.batch);
    struct bytes rest = bytes_make(seen.body, seen.body_len);
    struct batch_item item;
    bool more;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(batch_next(&rest, &item, &more), ERR_OK);
        assert_true(more);
        assert_int_equal(item.body.len, i + 1);
        char *id = bytes_dup(properties_get(item.properties, PROPERTY_UNIQ_KEY));
        assert_non_null(strstr(result->msg_id, id));
        free(id);
    }
    assert_int_equal(strlen(result->msg_id), 3 * 32 + 2);
    rmq_send_result_destroy(result);
    assert_int_equal(rmq_message_set_delay_level(messages[1], 3), RMQ_OK);
    assert_int_equal(rmq_producer_send_batch(producer, (const rmq_message_t *const *)messages, 3, &result),
                     RMQ_MESSAGE_ILLEGAL);
    for (size_t i = 0; i < 3; i++) rmq_message_destroy(messages[i]);
}

static void illegal_messages_are_refused_here(void **state) {
    (void)state;
    rmq_send_result_t *result;
    assert_int_equal(send_text("bad topic", "x", &result), RMQ_MESSAGE_ILLEGAL);
    assert_int_equal(send_text("T", "", &result), RMQ_MESSAGE_ILLEGAL);
    size_t size = (4 << 20) + 1;
    char *body = calloc(1, size);
    rmq_message_t *message = rmq_message_create("T", NULL, NULL, body, size);
    assert_int_equal(rmq_producer_send(producer, message, &result), RMQ_MESSAGE_ILLEGAL);
    assert_non_null(strstr(rmq_last_error(), "4194305"));
    assert_int_equal(rmq_message_set_property(message, "a\x01", "b"), RMQ_INVALID_ARGUMENT);
    assert_int_equal(rmq_message_set_property(message, "a", "b\x02"), RMQ_INVALID_ARGUMENT);
    rmq_message_destroy(message);
    free(body);
    assert_int_equal(mock_broker_count(mock, REQUEST_SEND_MESSAGE_V2), 0);
}

/* ---- routes ---------------------------------------------------------------------------------------------- */

static void know_only_tbw102(struct mock_broker *m, struct request *request, void *arg) {
    (void)arg;
    if (bytes_is(command_ext(&request->command, "topic"), "TBW102"))
        mock_broker_answer(m, request);
    else
        remoting_reply(&request->to, &(struct outgoing){.code = RESPONSE_TOPIC_NOT_EXIST});
}

static void an_unknown_topic_takes_the_queues_of_tbw102(void **state) {
    (void)state;
    mock_broker_set_queues(mock, 8);
    mock_broker_on(mock, REQUEST_GET_ROUTEINFO_BY_TOPIC, know_only_tbw102, NULL);
    for (int i = 0; i < 5; i++) {
        rmq_send_result_t *result;
        assert_int_equal(send_text("New", "x", &result), RMQ_OK);
        assert_true(result->queue.queue_id < 4); /* of the eight, as many as a new topic gets */
        rmq_send_result_destroy(result);
    }
    assert_int_equal(mock_broker_count(mock, REQUEST_GET_ROUTEINFO_BY_TOPIC), 2);
}

static void know_nothing(struct mock_broker *m, struct request *request, void *arg) {
    (void)m, (void)arg;
    remoting_reply(&request->to, &(struct outgoing){.code = RESPONSE_TOPIC_NOT_EXIST});
}

static void without_a_route_the_error_says_so(void **state) {
    (void)state;
    mock_broker_on(mock, REQUEST_GET_ROUTEINFO_BY_TOPIC, know_nothing, NULL);
    rmq_send_result_t *result;
    assert_int_equal(send_text("New", "x", &result), RMQ_NO_ROUTE);
    assert_non_null(strstr(rmq_last_error(), "New"));
}

static void the_next_name_server_is_asked_when_one_is_gone(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) { /* the first one is chosen at random */
        rmq_producer_destroy(producer);
        rmq_client_destroy(client);
        char servers[128];
        snprintf(servers, sizeof servers, "127.0.0.1:1;%s", mock_broker_address(mock));
        start_with(servers, 3000);
        assert_int_equal(send_text("T", "x", NULL), RMQ_OK);
    }
    rmq_producer_destroy(producer);
    rmq_client_destroy(client);
    start_with("127.0.0.1:1;127.0.0.1:2", 3000);
    assert_int_equal(send_text("T", "x", NULL), RMQ_NO_NAME_SERVER);
}

/* ---- answers --------------------------------------------------------------------------------------------- */

static void answer_code(struct mock_broker *m, struct request *request, void *arg) {
    struct hdr_send_result result = {.present = HEADER_ALL, .msg_id = BYTES("7F00000100002A9F0000000000000001")};
    (void)m;
    remoting_reply(&request->to, &(struct outgoing){.code = *(int *)arg,
                                                    .remark = BYTES("because"),
                                                    .layout = layout_send_result(),
                                                    .fields = &result});
}

static void stored_less_safely_is_still_stored(void **state) {
    (void)state;
    static const struct {
        int code;
        rmq_send_status_t status;
    } cases[] = {{RESPONSE_FLUSH_DISK_TIMEOUT, RMQ_SEND_FLUSH_DISK_TIMEOUT},
                 {RESPONSE_FLUSH_SLAVE_TIMEOUT, RMQ_SEND_FLUSH_SLAVE_TIMEOUT},
                 {RESPONSE_SLAVE_NOT_AVAILABLE, RMQ_SEND_SLAVE_NOT_AVAILABLE}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int code = cases[i].code;
        mock_broker_on(mock, REQUEST_SEND_MESSAGE_V2, answer_code, &code);
        rmq_send_result_t *result;
        assert_int_equal(send_text("T", "x", &result), RMQ_OK);
        assert_int_equal(result->status, cases[i].status);
        rmq_send_result_destroy(result);
    }
}

static void errors_are_tried_again_or_not_as_java_does(void **state) {
    (void)state;
    static const struct {
        int code, tries;
    } cases[] = {{RESPONSE_TOPIC_NOT_EXIST, 3},  {RESPONSE_SERVICE_NOT_AVAILABLE, 3}, {RESPONSE_SYSTEM_ERROR, 3},
                 {RESPONSE_NO_PERMISSION, 3},    {RESPONSE_SYSTEM_BUSY, 3},           {RESPONSE_MESSAGE_ILLEGAL, 1},
                 {RESPONSE_INVALID_PARAMETER, 1}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int code = cases[i].code, before = mock_broker_count(mock, REQUEST_SEND_MESSAGE_V2);
        mock_broker_on(mock, REQUEST_SEND_MESSAGE_V2, answer_code, &code);
        rmq_send_result_t *result;
        assert_int_equal(send_text("T", "x", &result), RMQ_BROKER);
        assert_int_equal(rmq_last_response_code(), cases[i].code);
        assert_non_null(strstr(rmq_last_error(), "because"));
        assert_int_equal(mock_broker_count(mock, REQUEST_SEND_MESSAGE_V2) - before, cases[i].tries);
    }
}

static void silence_ends_with_the_timeout(void **state) {
    (void)state;
    rmq_producer_destroy(producer);
    rmq_client_destroy(client);
    start_with(mock_broker_address(mock), 200);
    mock_broker_on(mock, REQUEST_SEND_MESSAGE_V2, mock_broker_be_silent, NULL);
    int64_t begin_ms = clock_monotonic_ms();
    assert_int_equal(send_text("T", "x", NULL), RMQ_TIMEOUT);
    int64_t took_ms = clock_monotonic_ms() - begin_ms;
    assert_true(took_ms >= 150 && took_ms < 2000);
}

static void another_broker_is_tried_when_one_fails(void **state) {
    (void)state;
    struct mock_broker *other = mock_broker_start("broker-b");
    mock_broker_add_peer(mock, "broker-b", mock_broker_address(other));
    int code = RESPONSE_SERVICE_NOT_AVAILABLE;
    mock_broker_on(mock, REQUEST_SEND_MESSAGE_V2, answer_code, &code);
    for (int i = 0; i < 6; i++) {
        rmq_send_result_t *result;
        assert_int_equal(send_text("T", "x", &result), RMQ_OK);
        assert_string_equal(result->queue.broker_name, "broker-b");
        rmq_send_result_destroy(result);
    }
    mock_broker_stop(other); /* its route stays: both fail now, the other by its connection */
    assert_int_not_equal(send_text("T", "x", NULL), RMQ_OK);
    mock_broker_on(mock, REQUEST_SEND_MESSAGE_V2, NULL, NULL);
    for (int i = 0; i < 6; i++) assert_int_equal(send_text("T", "x", NULL), RMQ_OK);
}

static void a_lost_connection_is_made_again(void **state) {
    (void)state;
    assert_int_equal(send_text("T", "x", NULL), RMQ_OK);
    mock_broker_disconnect(mock);
    assert_int_equal(send_text("T", "x", NULL), RMQ_OK);
}

/* ---- asynchronous and oneway ------------------------------------------------------------------------------- */

struct heard {
    atomic_int ok, failed;
    _Atomic int32_t code;
};

static void hear(void *context, rmq_error_t error, const rmq_send_result_t *result) {
    struct heard *heard = context;
    if (error == RMQ_OK && result->status == RMQ_SEND_OK) atomic_fetch_add(&heard->ok, 1);
    if (error != RMQ_OK) {
        atomic_store(&heard->code, rmq_last_response_code());
        atomic_fetch_add(&heard->failed, 1);
    }
}

static void wait_for(atomic_int *number, int value) {
    for (int i = 0; i < 5000 && atomic_load(number) < value; i++) clock_sleep_ms(2);
    assert_int_equal(atomic_load(number), value);
}

static void asynchronous_sends_all_end_with_a_callback(void **state) {
    (void)state;
    struct heard heard = {0};
    rmq_message_t *message = rmq_message_create("T", NULL, NULL, "x", 1);
    for (int i = 0; i < 500; i++)
        assert_int_equal(rmq_producer_send_async(producer, message, NULL, hear, &heard), RMQ_OK);
    rmq_message_set_body(message, "changed", 7); /* it was copied */
    wait_for(&heard.ok, 500);
    int code = RESPONSE_MESSAGE_ILLEGAL;
    mock_broker_on(mock, REQUEST_SEND_MESSAGE_V2, answer_code, &code);
    assert_int_equal(rmq_producer_send_async(producer, message, NULL, hear, &heard), RMQ_OK);
    wait_for(&heard.failed, 1);
    assert_int_equal(atomic_load(&heard.code), RESPONSE_MESSAGE_ILLEGAL);
    rmq_message_destroy(message);
}

static void destroying_waits_for_callbacks(void **state) {
    (void)state;
    struct heard heard = {0};
    rmq_message_t *message = rmq_message_create("T", NULL, NULL, "x", 1);
    for (int i = 0; i < 100; i++)
        assert_int_equal(rmq_producer_send_async(producer, message, NULL, hear, &heard), RMQ_OK);
    rmq_producer_destroy(producer);
    producer = NULL;
    assert_int_equal(atomic_load(&heard.ok), 100);
    rmq_message_destroy(message);
}

static void a_oneway_message_arrives(void **state) {
    (void)state;
    static struct seen seen;
    mock_broker_on(mock, REQUEST_SEND_MESSAGE_V2, look, &seen);
    rmq_message_t *message = rmq_message_create("T", NULL, NULL, "x", 1);
    assert_int_equal(rmq_producer_send_oneway(producer, message, NULL), RMQ_OK);
    assert_true(mock_broker_wait(mock, REQUEST_SEND_MESSAGE_V2, 1));
    rmq_message_destroy(message);
}

/* ---- transactions ------------------------------------------------------------------------------------------ */

static struct {
    struct hdr_end_transaction header;
    char msg_id[64], topic[64];
    atomic_int executed, checked;
} transaction;

static void look_at_end(struct mock_broker *m, struct request *request, void *arg) {
    (void)m, (void)arg;
    assert_true(request->to.oneway);
    assert_int_equal(header_decode(layout_end_transaction(), &request->command, &transaction.header), ERR_OK);
    snprintf(transaction.msg_id, sizeof transaction.msg_id, "%.*s", BYTES_ARG(transaction.header.msg_id));
    snprintf(transaction.topic, sizeof transaction.topic, "%.*s", BYTES_ARG(transaction.header.topic));
}

static rmq_transaction_state_t execute(void *context, const rmq_message_t *message, const rmq_send_result_t *result) {
    (void)message;
    assert_int_equal(result->status, RMQ_SEND_OK);
    atomic_fetch_add(&transaction.executed, 1);
    return *(rmq_transaction_state_t *)context;
}

static rmq_transaction_state_t check_commits(void *context, const rmq_message_ext_t *message) {
    (void)context;
    assert_string_equal(rmq_message_ext_topic(message), "T");
    atomic_fetch_add(&transaction.checked, 1);
    return RMQ_TRANSACTION_COMMIT;
}

static void start_transactional(void) {
    memset(&transaction, 0, sizeof transaction);
    rmq_producer_destroy(producer);
    rmq_producer_options_t options;
    rmq_producer_options_init(&options);
    options.group = "PG";
    options.check_transaction = check_commits;
    assert_int_equal(rmq_producer_create(client, &options, &producer), RMQ_OK);
    mock_broker_on(mock, REQUEST_END_TRANSACTION, look_at_end, NULL);
}

static void transactions_end_as_they_were_executed(void **state) {
    (void)state;
    rmq_message_t *message = rmq_message_create("T", "A", NULL, "x", 1);
    rmq_transaction_state_t wanted = RMQ_TRANSACTION_COMMIT, got;
    assert_int_equal(rmq_producer_send_in_transaction(producer, message, execute, &wanted, &got, NULL),
                     RMQ_WRONG_STATE);
    start_transactional();
    assert_int_equal(rmq_message_set_delay_level(message, 3), RMQ_OK);
    static struct seen seen;
    mock_broker_on(mock, REQUEST_SEND_MESSAGE_V2, look, &seen);
    static const struct {
        rmq_transaction_state_t state;
        int bits;
    } cases[] = {{RMQ_TRANSACTION_COMMIT, 8}, {RMQ_TRANSACTION_ROLLBACK, 12}, {RMQ_TRANSACTION_UNKNOWN, 0}};
    for (int i = 0; i < 3; i++) {
        wanted = cases[i].state;
        rmq_send_result_t *result;
        assert_int_equal(rmq_producer_send_in_transaction(producer, message, execute, &wanted, &got, &result), RMQ_OK);
        assert_true(got == wanted);
        assert_int_equal(seen.header.sys_flag, SYS_FLAG_PREPARED);
        assert_bytes(property(&seen, PROPERTY_TRAN_MSG), "true");
        assert_bytes(property(&seen, PROPERTY_PGROUP), "PG");
        assert_null(property(&seen, PROPERTY_DELAY).data);
        assert_true(mock_broker_wait(mock, REQUEST_END_TRANSACTION, i + 1));
        assert_int_equal(transaction.header.commit_or_rollback, cases[i].bits);
        assert_int_equal(transaction.header.commit_log_offset, 1); /* of the offset id the mock gives */
        assert_int_equal(transaction.header.tran_state_table_offset, result->queue_offset);
        assert_string_equal(transaction.msg_id, result->msg_id);
        assert_false(transaction.header.from_transaction_check);
        rmq_send_result_destroy(result);
    }
    int code = RESPONSE_FLUSH_SLAVE_TIMEOUT; /* not safe enough: not executed, rolled back */
    mock_broker_on(mock, REQUEST_SEND_MESSAGE_V2, answer_code, &code);
    assert_int_equal(rmq_producer_send_in_transaction(producer, message, execute, &wanted, &got, NULL), RMQ_OK);
    assert_true(got == RMQ_TRANSACTION_ROLLBACK);
    assert_int_equal(atomic_load(&transaction.executed), 3);
    rmq_message_destroy(message);
}

static void brokers_ask_for_the_end_of_transactions(void **state) {
    (void)state;
    start_transactional();
    assert_int_equal(send_text("T", "x", NULL), RMQ_OK); /* so that there is a connection */
    struct record record = {.topic = BYTES("T"),
                            .body = BYTES("x"),
                            .properties = BYTES("PGROUP\x01PG\x02UNIQ_KEY\x01THEID\x02"),
                            .sys_flag = SYS_FLAG_PREPARED};
    char encoded[256];
    record_encode(&record, encoded);
    struct hdr_check_transaction_state header = {
        .present = HEADER_ALL, .tran_state_table_offset = 77, .commit_log_offset = 88, .transaction_id = BYTES("TX")};
    mock_broker_tell(mock, REQUEST_CHECK_TRANSACTION_STATE, layout_check_transaction_state(), &header,
                     bytes_make(encoded, record_size(&record)));
    assert_true(mock_broker_wait(mock, REQUEST_END_TRANSACTION, 1));
    assert_int_equal(transaction.header.tran_state_table_offset, 77);
    assert_int_equal(transaction.header.commit_log_offset, 88);
    assert_int_equal(transaction.header.commit_or_rollback, 8);
    assert_true(transaction.header.from_transaction_check);
    assert_string_equal(transaction.msg_id, "THEID");
    assert_string_equal(transaction.topic, "T");
    record.properties = BYTES("PGROUP\x01OTHER\x02"); /* of nobody here: no answer */
    record_encode(&record, encoded);
    mock_broker_tell(mock, REQUEST_CHECK_TRANSACTION_STATE, layout_check_transaction_state(), &header,
                     bytes_make(encoded, record_size(&record)));
    mock_broker_tell(mock, REQUEST_CHECK_TRANSACTION_STATE, layout_check_transaction_state(), &header, BYTES("bad"));
    assert_int_equal(send_text("T", "x", NULL), RMQ_OK);
    assert_int_equal(atomic_load(&transaction.checked), 1);
    assert_int_equal(mock_broker_count(mock, REQUEST_END_TRANSACTION), 1);
}

/* ---- life ------------------------------------------------------------------------------------------------ */

static void brokers_hear_of_producers_and_their_end(void **state) {
    (void)state;
    assert_int_equal(send_text("T", "x", NULL), RMQ_OK);
    assert_true(mock_broker_wait(mock, REQUEST_HEART_BEAT, 1));
    rmq_producer_destroy(producer);
    producer = NULL;
    assert_int_equal(mock_broker_count(mock, REQUEST_UNREGISTER_CLIENT), 1);
}

static void wrong_settings_are_refused(void **state) {
    (void)state;
    rmq_producer_options_t options;
    rmq_producer_options_init(&options);
    rmq_producer_t *other;
    assert_int_equal(rmq_producer_create(client, &options, &other), RMQ_INVALID_ARGUMENT);
    options.group = "PG";
    assert_int_equal(rmq_producer_create(client, &options, &other), RMQ_WRONG_STATE);
    options.group = "a b";
    assert_int_equal(rmq_producer_create(client, &options, &other), RMQ_INVALID_ARGUMENT);
    rmq_client_options_t client_options;
    rmq_client_options_init(&client_options);
    client_options.name_servers = "nowhere";
    rmq_client_t *another;
    assert_int_equal(rmq_client_create(&client_options, &another), RMQ_INVALID_ARGUMENT);
    client_options.name_servers = " ; ";
    assert_int_equal(rmq_client_create(&client_options, &another), RMQ_INVALID_ARGUMENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_message_is_sent_as_the_java_client_does),
        TEST(large_bodies_are_compressed),
        TEST(messages_go_round_the_queues),
        TEST(queues_can_be_chosen),
        TEST(a_batch_is_one_request),
        TEST(illegal_messages_are_refused_here),
        TEST(an_unknown_topic_takes_the_queues_of_tbw102),
        TEST(without_a_route_the_error_says_so),
        TEST(the_next_name_server_is_asked_when_one_is_gone),
        TEST(stored_less_safely_is_still_stored),
        TEST(errors_are_tried_again_or_not_as_java_does),
        TEST(silence_ends_with_the_timeout),
        TEST(another_broker_is_tried_when_one_fails),
        TEST(a_lost_connection_is_made_again),
        TEST(asynchronous_sends_all_end_with_a_callback),
        TEST(destroying_waits_for_callbacks),
        TEST(a_oneway_message_arrives),
        TEST(transactions_end_as_they_were_executed),
        TEST(brokers_ask_for_the_end_of_transactions),
        TEST(brokers_hear_of_producers_and_their_end),
        TEST(wrong_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
