/* query.c - messages by key, by the id of a producer, and by where they are stored. */
#include "client/query.h"

#include <inttypes.h>
#include <stdlib.h>
#include "base/check.h"
#include "client/call.h"
#include "client/client.h"
#include "client/message_list.h"
#include "message/msgid.h"
#include "message/properties.h"
#include "os/clock.h"
#include "wire/request.h"

enum { QUERY_TIMEOUT_MS = 15000, UNIQUE_QUERY_MAX = 32, QUERY_MAX = 1024 };

struct query_call {
    struct waiting_call call;
    struct route_wait wait;
    struct bytes route_topic;
    struct hdr_query_message header;
    struct answers_wait answers;
    int answered;
    struct outcome failure;
    struct message_list *list;
};

/* ---- by key -------------------------------------------------------------------------------------------- */

static bool has_key(const char *keys, struct bytes key) {
    struct bytes rest = bytes_of(keys), piece;
    while (keys && bytes_split(&rest, ' ', &piece)) {
        if (bytes_equal(piece, key)) return true;
    }
    return false;
}

/* Brokers find by a hash of topic and key: others may be among what they find. */
static bool really_has_key(const struct rmq_message_ext *message, const void *arg) {
    const struct hdr_query_message *query = arg;
    if (!bytes_is(query->topic, message->topic)) return false;
    if (bytes_is(query->index_type, "T")) return bytes_is(query->key, rmq_message_ext_tag(message));
    if (bytes_is(query->key, message->msg_id)) return true;
    return !query->unique_key_query && has_key(rmq_message_ext_keys(message), query->key);
}

static void on_all_answered(struct answers_wait *answers) {
    struct query_call *op = CONTAINER_OF(answers, struct query_call, answers);
    if (op->list->shown.count == 0) {
        if (op->answered > 0)
            outcome_fail(&op->failure, RMQ_NOT_FOUND, "no message of topic %.*s with key %.*s in that time",
                         BYTES_ARG(op->header.topic), BYTES_ARG(op->header.key));
        op->call.outcome = op->failure;
    }
    waiting_call_end(&op->call);
}

static void on_found(void *ctx, enum err err, const struct command *response) {
    struct query_call *op = ctx;
    if (err != ERR_OK) {
        outcome_err(&op->failure, err);
    } else if (response->code == RESPONSE_SUCCESS) {
        op->answered++;
        message_list_take(op->list, message_block_create(response->body, BYTES(""), NULL, (struct bytes){0}),
                          really_has_key, &op->header);
    } else if (response->code == RESPONSE_QUERY_NOT_FOUND) {
        op->answered++;
    } else {
        outcome_response(&op->failure, response);
    }
    answers_wait_end(&op->answers);
}

static void ask_brokers(struct route_wait *wait, struct route *route, const struct outcome *outcome) {
    struct query_call *op = CONTAINER_OF(wait, struct query_call, wait);
    struct rmq_client *client = op->call.client;
    op->failure = *outcome;
    op->answers.done = on_all_answered;
    answers_wait_begin(&op->answers);
    for (size_t i = 0; route && i < route->broker_count; i++) {
        bool is_slave;
        struct bytes address = broker_address_of(client, route->broker_names[i], MASTER_ID, &is_slave);
        if (!address.data) continue;
        struct outgoing request = {
            .code = REQUEST_QUERY_MESSAGE, .layout = layout_query_message(), .fields = &op->header};
        answers_wait_add(&op->answers);
        remoting_call(client->remoting, address, &request, QUERY_TIMEOUT_MS, on_found, op);
    }
    answers_wait_end(&op->answers);
}

static void query_on_loop(struct job *job) {
    struct query_call *op = CONTAINER_OF(job, struct query_call, call.job);
    struct route *route = route_find(op->call.client, op->route_topic);
    op->wait.done = ask_brokers;
    if (route)
        ask_brokers(&op->wait, route, &op->call.outcome);
    else
        routes_fetch(op->call.client, op->route_topic, &op->wait);
}

static rmq_error_t run(rmq_client_t *client, struct query_call *op, void (*start)(struct job *job),
                       rmq_message_list_t **list) {
    op->list = message_list_create();
    rmq_error_t error = waiting_call_run(client, &op->call, start);
    if (error == RMQ_OK)
        *list = &op->list->shown;
    else
        rmq_message_list_destroy(&op->list->shown);
    return error;
}

rmq_error_t client_query(rmq_client_t *client, struct bytes route_topic, const struct hdr_query_message *query,
                         rmq_message_list_t **list) {
    struct query_call op = {.route_topic = route_topic, .header = *query};
    return run(client, &op, query_on_loop, list);
}

rmq_error_t rmq_client_query_message(rmq_client_t *client, const char *topic, const char *key, int32_t max_count,
                                     int64_t begin_time_ms, int64_t end_time_ms, rmq_message_list_t **list) {
    if (!topic || !key || !*key || max_count <= 0 || max_count > QUERY_MAX)
        return report(RMQ_INVALID_ARGUMENT, "a query needs a topic, a key and a count from 1 to %d", QUERY_MAX);
    struct hdr_query_message query = {.present = HEADER_ALL,
                                      .topic = bytes_of(topic),
                                      .key = bytes_of(key),
                                      .max_num = max_count,
                                      .begin_timestamp = begin_time_ms,
                                      .end_timestamp = end_time_ms};
    return client_query(client, query.topic, &query, list);
}

/* ---- by id --------------------------------------------------------------------------------------------- */

struct view_call {
    struct query_call query;
    struct hdr_view_message_by_id header;
    char address[64];
};

static void on_viewed(void *ctx, enum err err, const struct command *response) {
    struct view_call *op = ctx;
    struct outcome *outcome = &op->query.call.outcome;
    if (err != ERR_OK) {
        outcome_err(outcome, err);
    } else if (response->code != RESPONSE_SUCCESS) {
        outcome_response(outcome, response);
    } else {
        message_list_take(op->query.list, message_block_create(response->body, BYTES(""), NULL, (struct bytes){0}),
                          NULL, NULL);
        if (op->query.list->shown.count == 0)
            outcome_fail(outcome, RMQ_NOT_FOUND, "the broker has no message with that id");
    }
    waiting_call_end(&op->query.call);
}

static void view_on_loop(struct job *job) {
    struct view_call *op = CONTAINER_OF(job, struct view_call, query.call.job);
    struct outgoing request = {
        .code = REQUEST_VIEW_MESSAGE_BY_ID, .layout = layout_view_message_by_id(), .fields = &op->header};
    remoting_call(op->query.call.client->remoting, bytes_of(op->address), &request, QUERY_TIMEOUT_MS, on_viewed, op);
}

/* An id of a producer has the form of an offset id, of a host that is none: it is looked up as a key first. */
static rmq_error_t view_by_unique_id(rmq_client_t *client, const char *topic, struct bytes id,
                                     rmq_message_list_t **list) {
    int64_t born_ms = 0;
    enum err err = msgid_unique_time_ms(id, clock_wall_ms(), &born_ms);
    struct hdr_query_message query = {.present = HEADER_ALL,
                                      .topic = bytes_of(topic),
                                      .key = id,
                                      .max_num = UNIQUE_QUERY_MAX,
                                      .begin_timestamp = err == ERR_OK ? born_ms - 1000 : 0,
                                      .end_timestamp = INT64_MAX,
                                      .unique_key_query = true};
    return client_query(client, query.topic, &query, list);
}

rmq_error_t rmq_client_view_message(rmq_client_t *client, const char *topic, const char *msg_id,
                                    rmq_message_list_t **list) {
    struct bytes id = bytes_of(msg_id);
    struct host host;
    int64_t offset_phys;
    enum err err = msgid_offset_parse(id, &host, &offset_phys);
    if (err != ERR_OK) return report_err(err);
    if (topic) {
        rmq_error_t error = view_by_unique_id(client, topic, id, list);
        if (error != RMQ_NOT_FOUND) return error;
    }
    struct view_call op = {.header = {.present = HEADER_ALL, .offset = offset_phys, .topic = bytes_of(topic)}};
    host_text(&host, op.address);
    return run(client, &op.query, view_on_loop, list);
}
