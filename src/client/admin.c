/* admin.c - what a client asks and changes of topics and queues: offsets, times, new topics. */
#include <inttypes.h>
#include <stdlib.h>
#include "base/check.h"
#include "client/call.h"
#include "client/client.h"
#include "wire/request.h"

enum { QUEUES_MAX = 65535, PERM_READ_WRITE = 6, ADMIN_TIMEOUT_MS = 5000 };

/* ---- one number of a queue ----------------------------------------------------------------------------- */

struct number_call {
    struct waiting_call call;
    struct broker_call broker;
    const struct header_layout *answer; /* offset_result or timestamp_result, which are both one 64-bit number */
    int64_t number;
};

static void on_number(struct broker_call *broker, const struct command *response) {
    struct number_call *op = CONTAINER_OF(broker, struct number_call, broker);
    if (broker_call_succeeded(broker, response)) {
        union {
            struct hdr_offset_result offset;
            struct hdr_timestamp_result timestamp;
        } header;
        enum err err = header_decode(op->answer, response, &header);
        if (outcome_err(&broker->outcome, err) == RMQ_OK)
            op->number = op->answer == layout_offset_result() ? header.offset.offset : header.timestamp.timestamp;
    }
    op->call.outcome = broker->outcome;
    waiting_call_end(&op->call);
}

static void number_on_loop(struct job *job) {
    struct number_call *op = CONTAINER_OF(job, struct number_call, call.job);
    op->broker.client = op->call.client;
    op->broker.done = on_number;
    broker_call(&op->broker);
}

static rmq_error_t ask_number(rmq_client_t *client, const rmq_message_queue_t *queue, int32_t code,
                              const struct header_layout *layout, const void *fields,
                              const struct header_layout *answer, int64_t *number) {
    struct number_call op = {.broker = {.topic = bytes_of(queue->topic),
                                        .broker_name = bytes_of(queue->broker_name),
                                        .request = {.code = code, .layout = layout, .fields = fields},
                                        .timeout_ms = ADMIN_TIMEOUT_MS},
                             .answer = answer};
    rmq_error_t error = waiting_call_run(client, &op.call, number_on_loop);
    if (error == RMQ_OK) *number = op.number;
    return error;
}

static rmq_error_t check_queue(const rmq_message_queue_t *queue) {
    if (queue && queue->topic && queue->broker_name) return RMQ_OK;
    return report(RMQ_INVALID_ARGUMENT, "no queue, or one without topic or broker");
}

rmq_error_t rmq_client_min_offset(rmq_client_t *client, const rmq_message_queue_t *queue, int64_t *offset) {
    rmq_error_t error = check_queue(queue);
    if (error != RMQ_OK) return error;
    struct hdr_queue header = {.present = HEADER_ALL, .topic = bytes_of(queue->topic), .queue_id = queue->queue_id};
    return ask_number(client, queue, REQUEST_GET_MIN_OFFSET, layout_queue(), &header, layout_offset_result(), offset);
}

rmq_error_t rmq_client_max_offset(rmq_client_t *client, const rmq_message_queue_t *queue, int64_t *offset) {
    rmq_error_t error = check_queue(queue);
    if (error != RMQ_OK) return error;
    struct hdr_get_max_offset header = {
        .present = HEADER_ALL, .topic = bytes_of(queue->topic), .queue_id = queue->queue_id, .committed = true};
    return ask_number(client, queue, REQUEST_GET_MAX_OFFSET, layout_get_max_offset(), &header, layout_offset_result(),
                      offset);
}

rmq_error_t rmq_client_search_offset(rmq_client_t *client, const rmq_message_queue_t *queue, int64_t time_ms,
                                     int64_t *offset) {
    rmq_error_t error = check_queue(queue);
    if (error != RMQ_OK) return error;
    struct hdr_search_offset_by_timestamp header = {
        .present = HEADER_ALL, .topic = bytes_of(queue->topic), .queue_id = queue->queue_id, .timestamp = time_ms};
    return ask_number(client, queue, REQUEST_SEARCH_OFFSET_BY_TIMESTAMP, layout_search_offset_by_timestamp(), &header,
                      layout_offset_result(), offset);
}

rmq_error_t rmq_client_earliest_store_time(rmq_client_t *client, const rmq_message_queue_t *queue, int64_t *time_ms) {
    rmq_error_t error = check_queue(queue);
    if (error != RMQ_OK) return error;
    struct hdr_queue header = {.present = HEADER_ALL, .topic = bytes_of(queue->topic), .queue_id = queue->queue_id};
    return ask_number(client, queue, REQUEST_GET_EARLIEST_MSG_STORETIME, layout_queue(), &header,
                      layout_timestamp_result(), time_ms);
}

/* ---- creating a topic ---------------------------------------------------------------------------------- */

struct create_call {
    struct waiting_call call;
    struct route_wait wait;
    struct bytes key_topic;
    struct hdr_update_and_create_topic header;
    struct answers_wait answers;
    int created;
    struct outcome failure; /* the last one */
};

static void on_all_answered(struct answers_wait *answers) {
    struct create_call *op = CONTAINER_OF(answers, struct create_call, answers);
    if (op->created == 0) op->call.outcome = op->failure;
    waiting_call_end(&op->call);
}

static void on_created(void *ctx, enum err err, const struct command *response) {
    struct create_call *op = ctx;
    if (err != ERR_OK)
        outcome_err(&op->failure, err);
    else if (response->code != RESPONSE_SUCCESS)
        outcome_response(&op->failure, response);
    else
        op->created++;
    answers_wait_end(&op->answers);
}

static void on_key_route(struct route_wait *wait, struct route *route, const struct outcome *outcome) {
    struct create_call *op = CONTAINER_OF(wait, struct create_call, wait);
    struct rmq_client *client = op->call.client;
    op->failure = *outcome;
    op->answers.done = on_all_answered;
    answers_wait_begin(&op->answers);
    if (route)
        outcome_fail(&op->failure, RMQ_NO_BROKER, "no broker of topic %.*s has a master", BYTES_ARG(op->key_topic));
    for (size_t i = 0; route && i < route->broker_count; i++) {
        struct bytes address = broker_master(client, route->broker_names[i]);
        if (!address.data) continue;
        struct outgoing request = {
            .code = REQUEST_UPDATE_AND_CREATE_TOPIC, .layout = layout_update_and_create_topic(), .fields = &op->header};
        answers_wait_add(&op->answers);
        remoting_call(client->remoting, address, &request, ADMIN_TIMEOUT_MS, on_created, op);
    }
    answers_wait_end(&op->answers);
}

static void create_on_loop(struct job *job) {
    struct create_call *op = CONTAINER_OF(job, struct create_call, call.job);
    op->wait.done = on_key_route;
    routes_fetch(op->call.client, op->key_topic, &op->wait);
}

rmq_error_t rmq_client_create_topic(rmq_client_t *client, const char *key_topic, const char *topic,
                                    int32_t queue_count) {
    rmq_error_t error = client_check_name("topic", topic, TOPIC_MAX_LEN);
    if (error != RMQ_OK) return error;
    if (queue_count <= 0 || queue_count > QUEUES_MAX)
        return report(RMQ_INVALID_ARGUMENT, "the number of queues must be from 1 to %d", QUEUES_MAX);
    struct create_call op = {.key_topic = bytes_of(key_topic ? key_topic : "TBW102")};
    op.header = (struct hdr_update_and_create_topic){.present = HEADER_ALL,
                                                     .topic = bytes_of(topic),
                                                     .default_topic = op.key_topic,
                                                     .read_queue_nums = queue_count,
                                                     .write_queue_nums = queue_count,
                                                     .perm = PERM_READ_WRITE,
                                                     .topic_filter_type = BYTES("SINGLE_TAG")};
    op.header.has.force = false;
    return waiting_call_run(client, &op.call, create_on_loop);
}
