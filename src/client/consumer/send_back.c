/* send_back.c - a failed message on its way back, by the broker or by the retry topic. */
#include "client/consumer/send_back.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "client/consumer/push_consumer.h"
#include "client/producer/send.h"
#include "message/properties.h"
#include "wire/request.h"

enum { SEND_BACK_TIMEOUT_MS = 5000, MAX_RECONSUME_TIMES_DEFAULT = 16, FIRST_DELAY_LEVEL = 3 };

struct send_back {
    struct rmq_push_consumer *consumer;
    struct rmq_message_ext *message;
    send_back_done *done;
    struct hdr_consumer_send_msg_back header;
    struct broker_call call;
    struct send send;
    struct buf properties;
};

int32_t send_back_max_reconsume_times(const struct rmq_push_consumer *consumer) {
    if (consumer->options.max_reconsume_times >= 0) return consumer->options.max_reconsume_times;
    return consumer->options.orderly ? INT32_MAX : MAX_RECONSUME_TIMES_DEFAULT;
}

static struct send_back *make(struct rmq_push_consumer *consumer, struct rmq_message_ext *message,
                              send_back_done *done) {
    struct send_back *op = calloc(1, sizeof *op);
    must(op);
    op->consumer = consumer;
    push_consumer_hold(consumer);
    op->message = message;
    op->done = done;
    consumer->stop.sending_back++;
    return op;
}

static void end(struct send_back *op, bool success) {
    struct rmq_push_consumer *consumer = op->consumer;
    op->done(op->message, success);
    rmq_send_result_destroy(op->send.result);
    buf_close(&op->properties);
    free(op);
    consumer->stop.sending_back--;
    if (consumer->stop.call) push_consumer_settled(consumer);
    push_consumer_release(consumer);
}

/* ---- as a message to the retry topic ------------------------------------------------------------------- */

static void on_sent(struct send *send) {
    struct send_back *op = CONTAINER_OF(send, struct send_back, send);
    bool success = send->outcome.error == RMQ_OK;
    if (!success)
        log_warn(CLIENT, "failed message could not be sent back, it is consumed again here: id=%s error=%s",
                 op->message->msg_id, send->outcome.detail);
    end(op, success);
}

static void fill_properties(struct send_back *op, int32_t delay_level) {
    const struct rmq_message_ext *message = op->message;
    const char *name, *value, *origin = rmq_message_ext_property(message, PROPERTY_ORIGIN_MESSAGE_ID.data);
    for (size_t at = 0; (at = rmq_message_ext_next_property(message, at, &name, &value)) != 0;) {
        struct bytes key = bytes_of(name);
        if (!bytes_equal(key, PROPERTY_ORIGIN_MESSAGE_ID) && !bytes_equal(key, PROPERTY_RETRY_TOPIC) &&
            !bytes_equal(key, PROPERTY_DELAY))
            properties_append(&op->properties, key, bytes_of(value));
    }
    char level[16];
    int level_len = snprintf(level, sizeof level, "%" PRId32, delay_level);
    properties_append(&op->properties, PROPERTY_ORIGIN_MESSAGE_ID, bytes_of(origin ? origin : message->msg_id));
    properties_append(&op->properties, PROPERTY_RETRY_TOPIC, bytes_of(message->topic));
    properties_append(&op->properties, PROPERTY_DELAY, bytes_make(level, (size_t)level_len));
}

static void send_to_retry_topic(struct send_back *op, int32_t reconsume_times) {
    const struct rmq_message_ext *message = op->message;
    fill_properties(op, FIRST_DELAY_LEVEL + rmq_message_ext_reconsume_times(message));
    op->send.producer = op->consumer->client->inner_producer;
    op->send.mode = SEND_SYNC;
    op->send.done = on_sent;
    op->send.content = (struct send_content){.topic = op->consumer->retry_topic,
                                             .body = bytes_make(message->body, message->body_len),
                                             .properties = buf_bytes(&op->properties),
                                             .msg_id = bytes_of(message->msg_id),
                                             .flag = message->record.flag,
                                             .reconsume_times = reconsume_times,
                                             .max_reconsume_times = send_back_max_reconsume_times(op->consumer)};
    send_start(&op->send);
}

void send_back_to_retry_topic(struct rmq_push_consumer *consumer, struct rmq_message_ext *message,
                              int32_t reconsume_times, send_back_done *done) {
    send_to_retry_topic(make(consumer, message, done), reconsume_times);
}

/* ---- by the broker ------------------------------------------------------------------------------------- */

static void on_answer(struct broker_call *call, const struct command *response) {
    struct send_back *op = CONTAINER_OF(call, struct send_back, call);
    if (broker_call_succeeded(call, response)) {
        end(op, true);
    } else if (call->outcome.error == RMQ_CANCELLED) {
        end(op, false);
    } else {
        log_warn(CLIENT, "broker did not take a failed message back, sending it to the retry topic: id=%s error=%s",
                 op->message->msg_id, call->outcome.detail);
        send_to_retry_topic(op, rmq_message_ext_reconsume_times(op->message) + 1);
    }
}

void send_back(struct rmq_push_consumer *consumer, struct rmq_message_ext *message, int32_t delay_level,
               send_back_done *done) {
    struct send_back *op = make(consumer, message, done);
    op->header = (struct hdr_consumer_send_msg_back){.present = HEADER_ALL,
                                                     .offset = message->record.offset_phys,
                                                     .group = consumer->group,
                                                     .delay_level = delay_level,
                                                     .origin_msg_id = bytes_of(message->msg_id),
                                                     .origin_topic = bytes_of(message->topic),
                                                     .max_reconsume_times = send_back_max_reconsume_times(consumer)};
    op->call = (struct broker_call){.client = consumer->client,
                                    .topic = message->queue->queue.topic,
                                    .broker_name = message->queue->queue.broker_name,
                                    .request = {.code = REQUEST_CONSUMER_SEND_MSG_BACK,
                                                .layout = layout_consumer_send_msg_back(),
                                                .fields = &op->header},
                                    .timeout_ms = SEND_BACK_TIMEOUT_MS,
                                    .done = on_answer};
    broker_call(&op->call);
}
