/* send.c - the states of a send: content, route, queue, answer, another try. */
#include "client/producer/send.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "client/trace/send_trace.h"
#include "message/compress.h"
#include "message/properties.h"
#include "os/clock.h"
#include "wire/request.h"

enum { COMPRESS_LEVEL = 5 };

/* ---- content ------------------------------------------------------------------------------------------- */

static rmq_error_t check(const struct rmq_producer *producer, const struct rmq_message *message) {
    if (!message) return report(RMQ_INVALID_ARGUMENT, "no message");
    rmq_error_t error = client_check_name("topic", message->topic, TOPIC_MAX_LEN);
    if (error != RMQ_OK) return report(RMQ_MESSAGE_ILLEGAL, "%s", rmq_last_error());
    if (message->body.len == 0) return report(RMQ_MESSAGE_ILLEGAL, "the body is empty");
    if (message->body.len > (size_t)producer->options.max_message_size_bytes)
        return report(RMQ_MESSAGE_ILLEGAL, "the body has %zu bytes, the limit is %d", message->body.len,
                      producer->options.max_message_size_bytes);
    if (message->properties.len + MSGID_TEXT_MAX > RECORD_PROPERTIES_MAX)
        return report(RMQ_MESSAGE_ILLEGAL, "the properties have %zu bytes, the limit is about %d",
                      message->properties.len, RECORD_PROPERTIES_MAX);
    return RMQ_OK;
}

rmq_error_t send_content_of(const struct rmq_producer *producer, const struct rmq_message *message, bool copy,
                            struct send_memory *memory, struct send_content *content) {
    *memory = (struct send_memory){0};
    rmq_error_t error = check(producer, message);
    if (error != RMQ_OK) return error;
    *content = (struct send_content){
        .topic = bytes_of(message->topic), .body = buf_bytes(&message->body), .flag = message->flag};
    bool compress = message->body.len > (size_t)producer->options.compress_over_bytes;
    if (compress && body_compress_zlib(content->body, COMPRESS_LEVEL, &memory->body, &content->sys_flag) == ERR_OK) {
        content->body = buf_bytes(&memory->body);
    } else if (copy) {
        buf_clear(&memory->body);
        content->sys_flag = 0;
        buf_append_bytes(&memory->body, content->body);
        content->body = buf_bytes(&memory->body);
    }
    buf_append_bytes(&memory->properties, buf_bytes(&message->properties));
    struct bytes id = properties_get(buf_bytes(&memory->properties), PROPERTY_UNIQ_KEY);
    if (!id.data) {
        id = bytes_make(memory->id, msgid_unique_text(memory->id));
        properties_append(&memory->properties, PROPERTY_UNIQ_KEY, id);
        id = properties_get(buf_bytes(&memory->properties), PROPERTY_UNIQ_KEY);
    }
    content->msg_id = id;
    content->properties = buf_bytes(&memory->properties);
    return RMQ_OK;
}

void send_memory_close(struct send_memory *memory) {
    buf_close(&memory->body);
    buf_close(&memory->properties);
}

/* ---- end ----------------------------------------------------------------------------------------------- */

static void end(struct send *send) {
    struct rmq_producer *producer = send->producer;
    bool is_over = send->mode != SEND_ASYNC; /* an asynchronous one is when its callback has run */
    send->done(send);
    if (is_over) producer_send_over(producer);
}

static struct rmq_send_result *make_result(const struct send *send, rmq_send_status_t status,
                                           const struct hdr_send_result *header) {
    size_t id_len = send->content.msg_id.len, offset_id_len = header->msg_id.len;
    size_t topic_len = send->queue.topic.len, broker_len = send->queue.broker_name.len;
    struct rmq_send_result *result = malloc(sizeof *result + id_len + offset_id_len + topic_len + broker_len + 4);
    must(result);
    char *at = (char *)(result + 1);
    const struct bytes texts[] = {send->content.msg_id, header->msg_id, send->queue.topic, send->queue.broker_name};
    char *copies[ARRAY_LEN(texts)];
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        copies[i] = at;
        if (texts[i].len > 0) memcpy(at, texts[i].data, texts[i].len);
        at += texts[i].len;
        *at++ = '\0';
    }
    *result = (struct rmq_send_result){.status = status,
                                       .msg_id = copies[0],
                                       .offset_msg_id = copies[1],
                                       .queue = {copies[2], copies[3], header->queue_id},
                                       .queue_offset = header->queue_offset};
    return result;
}

/* ---- choosing a queue ---------------------------------------------------------------------------------- */

static const struct message_queue *next_queue(struct route *route, struct bytes not_on, const struct faults *faults) {
    int64_t now_ms = clock_monotonic_ms();
    for (size_t i = 0; i < route->publish_count; i++) {
        const struct message_queue *queue = &route->publish[route->next_publish++ % route->publish_count];
        if (queue->broker_name.data == not_on.data) continue;
        if (faults && !faults_available(faults, queue->broker_name, now_ms)) continue;
        return queue;
    }
    return NULL;
}

/* Round robin over the queues; not on the broker that just failed, nor (when wished) on slow ones, if others remain. */
static const struct message_queue *choose_queue(struct send *send, struct route *route) {
    struct bytes failed = send->tries > 0 ? send->queue.broker_name : (struct bytes){0};
    const struct message_queue *queue = NULL;
    if (send->producer->options.send_latency_fault_enable) queue = next_queue(route, failed, &send->producer->faults);
    if (!queue) queue = next_queue(route, failed, NULL);
    return queue ? queue : &route->publish[route->next_publish++ % route->publish_count];
}

/* ---- sending ------------------------------------------------------------------------------------------- */

static void try_once(struct send *send);

static bool retry_code(int32_t code) {
    enum { NO_BUYER_ID = 204, NOT_IN_CURRENT_UNIT = 205 };
    switch (code) {
    case RESPONSE_TOPIC_NOT_EXIST:
    case RESPONSE_SERVICE_NOT_AVAILABLE:
    case RESPONSE_SYSTEM_ERROR:
    case RESPONSE_SYSTEM_BUSY:
    case RESPONSE_NO_PERMISSION:
    case RESPONSE_GO_AWAY:
    case NO_BUYER_ID:
    case NOT_IN_CURRENT_UNIT:
        return true;
    default:
        return false;
    }
}

static bool stored(int32_t code, rmq_send_status_t *status) {
    switch (code) {
    case RESPONSE_SUCCESS:
        *status = RMQ_SEND_OK;
        return true;
    case RESPONSE_FLUSH_DISK_TIMEOUT:
        *status = RMQ_SEND_FLUSH_DISK_TIMEOUT;
        return true;
    case RESPONSE_FLUSH_SLAVE_TIMEOUT:
        *status = RMQ_SEND_FLUSH_SLAVE_TIMEOUT;
        return true;
    case RESPONSE_SLAVE_NOT_AVAILABLE:
        *status = RMQ_SEND_SLAVE_NOT_AVAILABLE;
        return true;
    default:
        return false;
    }
}

/* Tries again if that may help and there is time and a try left; else ends with the outcome as it is. */
static void try_again(struct send *send, bool may_help) {
    if (may_help && send->tries < send->tries_max && loop_now_ms(send->producer->client->loop) < send->deadline_ms) {
        log_every_ms(1000, WARN, CLIENT, "send failed, trying again: broker=%.*s error=%s",
                     BYTES_ARG(send->queue.broker_name), send->outcome.detail);
        try_once(send);
        return;
    }
    end(send);
}

static void on_stored(struct send *send, rmq_send_status_t status, const struct command *response) {
    struct hdr_send_result header;
    enum err err = header_decode(layout_send_result(), response, &header);
    free(send->result); /* of an earlier try that was stored less safely */
    send->result = NULL;
    if (err != ERR_OK) {
        outcome_fail(&send->outcome, RMQ_BAD_ANSWER, "answer to a send: %s", err_detail(err));
        end(send);
        return;
    }
    send->result = make_result(send, status, &header);
    send_trace_stored(send, status, &header);
    bool elsewhere = status != RMQ_SEND_OK && send->mode == SEND_SYNC &&
                     send->producer->options.retry_another_broker_when_not_store_ok;
    outcome_ok(&send->outcome);
    if (elsewhere && send->tries < send->tries_max)
        try_once(send);
    else
        end(send);
}

static void on_answer(void *ctx, enum err err, const struct command *response) {
    struct send *send = ctx;
    struct rmq_producer *producer = send->producer;
    int64_t now_ms = loop_now_ms(producer->client->loop);
    rmq_send_status_t status;
    bool is_stored = err == ERR_OK && stored(response->code, &status);
    faults_update(&producer->faults, send->queue.broker_name, now_ms - send->sent_ms, !is_stored, now_ms);
    if (is_stored) {
        on_stored(send, status, response);
    } else if (send->result) { /* a former try was stored: that one counts */
        outcome_ok(&send->outcome);
        end(send);
    } else if (err != ERR_OK) {
        outcome_err(&send->outcome, err);
        try_again(send, err != ERR_CANCELLED);
    } else {
        outcome_response(&send->outcome, response);
        try_again(send, send->mode == SEND_SYNC && retry_code(response->code));
    }
}

static void send_now(struct send *send, struct bytes address) {
    struct rmq_producer *producer = send->producer;
    struct rmq_client *client = producer->client;
    const struct send_content *content = &send->content;
    struct hdr_send_message_v2 header = {.present = HEADER_ALL,
                                         .producer_group = producer->group,
                                         .topic = content->topic,
                                         .default_topic = producer->create_topic_key,
                                         .default_topic_queue_nums = producer->options.default_topic_queue_count,
                                         .queue_id = send->queue.queue_id,
                                         .sys_flag = content->sys_flag,
                                         .born_timestamp = clock_wall_ms(),
                                         .flag = content->flag,
                                         .properties = content->properties,
                                         .reconsume_times = content->reconsume_times,
                                         .max_reconsume_times = content->max_reconsume_times,
                                         .batch = content->batch,
                                         .broker_name = send->queue.broker_name};
    header.has.max_reconsume_times = content->max_reconsume_times > 0;
    struct outgoing request = {.code = content->batch ? REQUEST_SEND_BATCH_MESSAGE : REQUEST_SEND_MESSAGE_V2,
                               .layout = layout_send_message_v2(),
                               .fields = &header,
                               .body = content->body};
    send->sent_ms = loop_now_ms(client->loop);
    send->tries++;
    if (send->mode == SEND_ONEWAY) {
        remoting_oneway(client->remoting, address, &request);
        outcome_ok(&send->outcome);
        end(send);
        return;
    }
    remoting_call(client->remoting, address, &request, send->deadline_ms - send->sent_ms, on_answer, send);
}

/* ---- route --------------------------------------------------------------------------------------------- */

static void on_route(struct route_wait *wait, struct route *route, const struct outcome *outcome) {
    struct send *send = CONTAINER_OF(wait, struct send, wait);
    struct rmq_producer *producer = send->producer;
    if (route && (route->publish_count > 0 || send->fixed_queue)) {
        try_once(send);
    } else if (!send->asked_default && (route || outcome->error == RMQ_NO_ROUTE) && !send->fixed_queue) {
        send->asked_default = true;
        routes_fetch_default(producer->client, send->content.topic, producer->create_topic_key,
                             producer->options.default_topic_queue_count, wait);
    } else {
        if (route || outcome->error == RMQ_NO_ROUTE)
            outcome_fail(&send->outcome, RMQ_NO_ROUTE,
                         "no route to topic %.*s, and no broker that may create it: create the topic, or set "
                         "autoCreateTopicEnable on a broker",
                         BYTES_ARG(send->content.topic));
        else
            send->outcome = *outcome;
        end(send);
    }
}

static void fetch_route(struct send *send) {
    send->wait.done = on_route;
    routes_fetch(send->producer->client, send->content.topic, &send->wait);
}

static void try_fixed(struct send *send) {
    struct bytes address = broker_master(send->producer->client, send->queue.broker_name);
    if (address.data) {
        send_now(send, address);
    } else if (!send->asked_default) {
        send->asked_default = true;
        fetch_route(send);
    } else {
        outcome_fail(&send->outcome, RMQ_NO_BROKER, "broker %.*s is not known or has no master now",
                     BYTES_ARG(send->queue.broker_name));
        end(send);
    }
}

static void try_once(struct send *send) {
    struct rmq_client *client = send->producer->client;
    if (send->fixed_queue) {
        try_fixed(send);
        return;
    }
    struct route *route = route_find(client, send->content.topic);
    if (!route || route->publish_count == 0) {
        fetch_route(send);
        return;
    }
    send->queue = *choose_queue(send, route);
    struct bytes address = broker_master(client, send->queue.broker_name);
    if (address.data) {
        send_now(send, address);
        return;
    }
    outcome_fail(&send->outcome, RMQ_NO_BROKER, "broker %.*s has no master now", BYTES_ARG(send->queue.broker_name));
    send->tries++;
    try_again(send, true);
}

void send_start(struct send *send) {
    const struct rmq_producer_options *options = &send->producer->options;
    struct rmq_client *client = send->producer->client;
    send->producer->sends++;
    send->tries = 0;
    send->tries_max = send->fixed_queue          ? 1
                      : send->mode == SEND_SYNC  ? 1 + options->retry_times_when_send_failed
                      : send->mode == SEND_ASYNC ? 1 + options->retry_times_when_send_async_failed
                                                 : 1;
    send->begin_ms = loop_now_ms(client->loop);
    send->deadline_ms = send->begin_ms + options->send_timeout_ms;
    send->asked_default = false;
    send->result = NULL;
    if (send->fixed_queue) {
        send->queue.topic = names_keep(&client->names, send->queue.topic);
        send->queue.broker_name = names_keep(&client->names, send->queue.broker_name);
    }
    try_once(send);
}

/* ---- waiting for it ------------------------------------------------------------------------------------ */

static void on_sent(struct send *send) {
    struct send_call *op = CONTAINER_OF(send, struct send_call, send);
    op->call.outcome = send->outcome;
    waiting_call_end(&op->call);
}

static void send_on_loop(struct job *job) {
    send_start(&CONTAINER_OF(job, struct send_call, call.job)->send);
}

rmq_error_t send_call_run(struct send_call *op, struct rmq_producer *producer, struct rmq_send_result **result) {
    op->send.producer = producer;
    op->send.done = on_sent;
    rmq_error_t error = waiting_call_run(producer->client, &op->call, send_on_loop);
    if (result && error == RMQ_OK)
        *result = op->send.result;
    else
        rmq_send_result_destroy(op->send.result);
    return error;
}
