/* producer.c - life of a producer and its ways to send: waiting, oneway, selected, batch, asynchronous. */
#include "client/producer/producer.h"

#include <stdlib.h>
#include "base/check.h"
#include "client/heartbeat.h"
#include "client/queue_list.h"
#include "client/producer/send.h"
#include "message/batch.h"
#include "message/properties.h"

void rmq_producer_options_init(rmq_producer_options_t *options) {
    *options = (rmq_producer_options_t){.size = sizeof *options,
                                        .send_timeout_ms = 3000,
                                        .retry_times_when_send_failed = 2,
                                        .retry_times_when_send_async_failed = 2,
                                        .compress_over_bytes = 4096,
                                        .max_message_size_bytes = 4 << 20,
                                        .default_topic_queue_count = 4,
                                        .create_topic_key = "TBW102"};
}

static rmq_error_t check_options(const rmq_producer_options_t *options) {
    if (!options || options->size != sizeof *options)
        return report(RMQ_INVALID_ARGUMENT, "the options were not set up by rmq_producer_options_init");
    rmq_error_t error = client_check_name("group", options->group, GROUP_MAX_LEN);
    if (error == RMQ_OK) error = client_check_name("create_topic_key", options->create_topic_key, TOPIC_MAX_LEN);
    if (error != RMQ_OK) return error;
    if (options->send_timeout_ms <= 0 || options->retry_times_when_send_failed < 0 ||
        options->retry_times_when_send_async_failed < 0 || options->compress_over_bytes < 0 ||
        options->max_message_size_bytes <= 0 || options->default_topic_queue_count <= 0)
        return report(RMQ_INVALID_ARGUMENT, "a number of the producer's options is negative or zero");
    return RMQ_OK;
}

static struct rmq_producer *make(struct rmq_client *client, const rmq_producer_options_t *options) {
    struct rmq_producer *producer = calloc(1, sizeof *producer);
    must(producer);
    producer->client = client;
    producer->options = *options;
    producer->group = bytes_of(bytes_dup(bytes_of(options->group)));
    producer->create_topic_key = bytes_of(bytes_dup(bytes_of(options->create_topic_key)));
    return producer;
}

void producer_free(struct rmq_producer *producer) {
    faults_close(&producer->faults);
    free((char *)(uintptr_t)producer->group.data);
    free((char *)(uintptr_t)producer->create_topic_key.data);
    free(producer);
}

struct rmq_producer *producer_create_inner(struct rmq_client *client) {
    rmq_producer_options_t options;
    rmq_producer_options_init(&options);
    options.group = INNER_PRODUCER_GROUP;
    struct rmq_producer *producer = make(client, &options);
    client->producers = producer;
    return producer;
}

/* ---- life ---------------------------------------------------------------------------------------------- */

struct producer_call {
    struct waiting_call call;
    struct rmq_producer *producer;
    struct answers_wait wait;
};

static void add_on_loop(struct job *job) {
    struct producer_call *op = CONTAINER_OF(job, struct producer_call, call.job);
    struct rmq_client *client = op->call.client;
    for (struct rmq_producer *p = client->producers; p; p = p->next) {
        if (!bytes_equal(p->group, op->producer->group)) continue;
        outcome_fail(&op->call.outcome, RMQ_WRONG_STATE, "the client has a producer of group %.*s already",
                     BYTES_ARG(p->group));
        waiting_call_end(&op->call);
        return;
    }
    op->producer->next = client->producers;
    client->producers = op->producer;
    if (client->routes.brokers) heartbeat_send(client, NULL);
    waiting_call_end(&op->call);
}

rmq_error_t rmq_producer_create(rmq_client_t *client, const rmq_producer_options_t *options, rmq_producer_t **out) {
    rmq_error_t error = check_options(options);
    if (error != RMQ_OK) return error;
    struct producer_call op = {.producer = make(client, options)};
    error = waiting_call_run(client, &op.call, add_on_loop);
    if (error != RMQ_OK)
        producer_free(op.producer);
    else
        *out = op.producer;
    return error;
}

static void on_unregistered(struct answers_wait *wait) {
    waiting_call_end(&CONTAINER_OF(wait, struct producer_call, wait)->call);
}

static void remove_on_loop(struct job *job) {
    struct producer_call *op = CONTAINER_OF(job, struct producer_call, call.job);
    struct rmq_producer **at = &op->call.client->producers;
    while (*at != op->producer) at = &(*at)->next;
    *at = op->producer->next;
    op->wait.done = on_unregistered;
    heartbeat_unregister(op->call.client, op->producer->group, (struct bytes){0}, &op->wait);
}

static void wait_idle_on_loop(struct job *job) {
    struct producer_call *op = CONTAINER_OF(job, struct producer_call, call.job);
    if (op->producer->sends > 0)
        op->producer->idle_waiter = &op->call;
    else
        waiting_call_end(&op->call);
}

void producer_send_over(struct rmq_producer *producer) {
    if (--producer->sends > 0 || !producer->idle_waiter) return;
    struct waiting_call *waiter = producer->idle_waiter;
    producer->idle_waiter = NULL;
    waiting_call_end(waiter);
}

void rmq_producer_destroy(rmq_producer_t *producer) {
    if (!producer) return;
    struct producer_call op = {.producer = producer};
    waiting_call_run(producer->client, &op.call, wait_idle_on_loop);
    waiting_call_run(producer->client, &op.call, remove_on_loop);
    producer_free(producer);
}

/* ---- synchronous and oneway ---------------------------------------------------------------------------- */

static rmq_error_t set_queue(struct send *send, const struct rmq_message *message, const rmq_message_queue_t *queue) {
    if (!queue) return RMQ_OK;
    if (!queue->topic || !queue->broker_name || strcmp(queue->topic, message->topic) != 0)
        return report(RMQ_INVALID_ARGUMENT, "the queue is not one of the message's topic %s", message->topic);
    send->fixed_queue = true;
    send->queue = (struct message_queue){bytes_of(queue->topic), bytes_of(queue->broker_name), queue->queue_id};
    return RMQ_OK;
}

static rmq_error_t send_and_wait(struct rmq_producer *producer, const struct rmq_message *message,
                                 const rmq_message_queue_t *queue, enum send_mode mode, rmq_send_result_t **result) {
    struct send_memory memory;
    struct send_call op = {.send = {.mode = mode}};
    rmq_error_t error = send_content_of(producer, message, false, &memory, &op.send.content);
    if (error == RMQ_OK) error = set_queue(&op.send, message, queue);
    if (error == RMQ_OK) error = send_call_run(&op, producer, result);
    send_memory_close(&memory);
    return error;
}

rmq_error_t rmq_producer_send(rmq_producer_t *producer, const rmq_message_t *message, rmq_send_result_t **result) {
    return send_and_wait(producer, message, NULL, SEND_SYNC, result);
}

rmq_error_t rmq_producer_send_to_queue(rmq_producer_t *producer, const rmq_message_t *message,
                                       const rmq_message_queue_t *queue, rmq_send_result_t **result) {
    if (!queue) return report(RMQ_INVALID_ARGUMENT, "no queue");
    return send_and_wait(producer, message, queue, SEND_SYNC, result);
}

rmq_error_t rmq_producer_send_oneway(rmq_producer_t *producer, const rmq_message_t *message,
                                     const rmq_message_queue_t *queue) {
    return send_and_wait(producer, message, queue, SEND_ONEWAY, NULL);
}

/* ---- to a selected queue ------------------------------------------------------------------------------- */

rmq_error_t rmq_producer_send_selected(rmq_producer_t *producer, const rmq_message_t *message,
                                       rmq_queue_selector_fn *select, void *context, rmq_send_result_t **result) {
    if (!message || !select) return report(RMQ_INVALID_ARGUMENT, "no message or no selector");
    rmq_queue_list_t *list;
    rmq_error_t error = queue_list_fetch(producer->client, message->topic, producer->create_topic_key.data,
                                         producer->options.default_topic_queue_count, &list);
    if (error != RMQ_OK) return error;
    size_t index = select(context, list->queues, list->count, message);
    if (index < list->count)
        error = rmq_producer_send_to_queue(producer, message, &list->queues[index], result);
    else
        error = report(RMQ_INVALID_ARGUMENT, "the selector chose queue %zu of %zu", index, list->count);
    rmq_queue_list_destroy(list);
    return error;
}

/* ---- batch --------------------------------------------------------------------------------------------- */

static rmq_error_t add_to_batch(const struct rmq_producer *producer, const struct rmq_message *first,
                                const struct rmq_message *message, struct buf *body, struct buf *ids) {
    struct send_memory memory;
    struct send_content content;
    rmq_error_t error = send_content_of(producer, message, false, &memory, &content);
    if (error == RMQ_OK) {
        struct bytes topic = bytes_of(message->topic);
        if (!bytes_is(topic, first->topic))
            error = report(RMQ_MESSAGE_ILLEGAL, "the messages of a batch have one topic");
        else if (bytes_starts_with(topic, BYTES(RETRY_TOPIC_PREFIX)))
            error = report(RMQ_MESSAGE_ILLEGAL, "a batch cannot go to a retry topic");
        else if (properties_get(content.properties, PROPERTY_DELAY).data)
            error = report(RMQ_MESSAGE_ILLEGAL, "the messages of a batch cannot be delayed");
    }
    if (error == RMQ_OK) {
        struct batch_item item = {message->flag, buf_bytes(&message->body), content.properties};
        batch_append(body, &item);
        if (ids->len > 0) buf_append_char(ids, ',');
        buf_append_bytes(ids, content.msg_id);
        if (body->len > (size_t)producer->options.max_message_size_bytes)
            error = report(RMQ_MESSAGE_ILLEGAL, "the batch is larger than %d bytes",
                           producer->options.max_message_size_bytes);
    }
    send_memory_close(&memory);
    return error;
}

rmq_error_t rmq_producer_send_batch(rmq_producer_t *producer, const rmq_message_t *const *messages, size_t count,
                                    rmq_send_result_t **result) {
    if (count == 0 || !messages[0]) return report(RMQ_INVALID_ARGUMENT, "the batch is empty");
    struct buf body = {0}, ids = {0}, properties = {0};
    rmq_error_t error = RMQ_OK;
    for (size_t i = 0; i < count && error == RMQ_OK; i++)
        error = add_to_batch(producer, messages[0], messages[i], &body, &ids);
    if (error == RMQ_OK) {
        char id[MSGID_TEXT_MAX];
        size_t id_len = msgid_unique_text(id);
        properties_append(&properties, PROPERTY_UNIQ_KEY, bytes_make(id, id_len));
        properties_append(&properties, PROPERTY_WAIT,
                          properties_get(buf_bytes(&messages[0]->properties), PROPERTY_WAIT));
        struct send_call op = {.send = {.mode = SEND_SYNC}};
        op.send.content = (struct send_content){.topic = bytes_of(messages[0]->topic),
                                                .body = buf_bytes(&body),
                                                .properties = buf_bytes(&properties),
                                                .msg_id = buf_bytes(&ids),
                                                .batch = true};
        error = send_call_run(&op, producer, result);
    }
    buf_close(&body);
    buf_close(&ids);
    buf_close(&properties);
    return error;
}

/* ---- asynchronous -------------------------------------------------------------------------------------- */

struct async_send {
    struct send send;
    struct send_memory memory;
    rmq_send_callback_fn *callback;
    void *context;
    char *topic, *broker_name;
};

static void async_free(struct async_send *op) {
    send_memory_close(&op->memory);
    rmq_send_result_destroy(op->send.result);
    free(op->topic);
    free(op->broker_name);
    free(op);
}

static void async_over(struct job *job) {
    struct async_send *op = CONTAINER_OF(job, struct async_send, send.job);
    struct rmq_producer *producer = op->send.producer;
    async_free(op);
    producer_send_over(producer);
}

static void async_call_back(struct job *job) {
    struct async_send *op = CONTAINER_OF(job, struct async_send, send.job);
    struct rmq_producer *producer = op->send.producer;
    atomic_fetch_sub(&producer->async_sends, 1);
    rmq_error_t error = outcome_report(&op->send.outcome);
    op->callback(op->context, error, error == RMQ_OK ? op->send.result : NULL);
    op->send.job.run = async_over;
    client_post(producer->client, &op->send.job);
}

static void on_async_sent(struct send *send) {
    send->job.run = async_call_back;
    job_pool_put(&send->producer->client->callbacks, &send->job);
}

static void async_on_loop(struct job *job) {
    send_start(&CONTAINER_OF(job, struct async_send, send.job)->send);
}

rmq_error_t rmq_producer_send_async(rmq_producer_t *producer, const rmq_message_t *message,
                                    const rmq_message_queue_t *queue, rmq_send_callback_fn *callback, void *context) {
    if (!callback) return report(RMQ_INVALID_ARGUMENT, "no callback");
    if (atomic_fetch_add(&producer->async_sends, 1) >= ASYNC_SENDS_MAX) {
        atomic_fetch_sub(&producer->async_sends, 1);
        return report(RMQ_BUSY, "%d asynchronous sends are under way", ASYNC_SENDS_MAX);
    }
    struct async_send *op = calloc(1, sizeof *op);
    must(op);
    rmq_error_t error = send_content_of(producer, message, true, &op->memory, &op->send.content);
    if (error == RMQ_OK) error = set_queue(&op->send, message, queue);
    if (error != RMQ_OK) {
        atomic_fetch_sub(&producer->async_sends, 1);
        async_free(op);
        return error;
    }
    op->callback = callback;
    op->context = context;
    op->topic = bytes_dup(op->send.content.topic);
    op->send.content.topic = bytes_of(op->topic);
    if (op->send.fixed_queue) {
        op->broker_name = bytes_dup(op->send.queue.broker_name);
        op->send.queue.topic = op->send.content.topic;
        op->send.queue.broker_name = bytes_of(op->broker_name);
    }
    op->send.producer = producer;
    op->send.mode = SEND_ASYNC;
    op->send.done = on_async_sent;
    op->send.job.run = async_on_loop;
    client_post(producer->client, &op->send.job);
    return RMQ_OK;
}
