/* pull_consumer.c - a pull consumer: its life, pulls, offsets. */
#include "client/consumer/pull_consumer.h"

#include <stdlib.h>
#include "base/check.h"
#include "client/heartbeat.h"
#include "client/consumer/offset_update.h"
#include "client/consumer/pull.h"
#include "client/consumer/push_consumer.h"
#include "wire/request.h"

enum { PULL_TIMEOUT_MS = 10000, SUSPEND_MS = 20000, SUSPENDED_TIMEOUT_MS = 30000 };

/* ---- life ---------------------------------------------------------------------------------------------- */

struct pull_consumer_call {
    struct waiting_call call;
    struct rmq_pull_consumer *consumer;
    struct answers_wait wait;
};

static void add_on_loop(struct job *job) {
    struct pull_consumer_call *op = CONTAINER_OF(job, struct pull_consumer_call, call.job);
    struct rmq_client *client = op->call.client;
    bool exists = push_consumer_find(client, op->consumer->group) != NULL;
    for (struct rmq_pull_consumer *c = client->pull_consumers; c; c = c->next)
        exists = exists || bytes_equal(c->group, op->consumer->group);
    if (exists) {
        outcome_fail(&op->call.outcome, RMQ_WRONG_STATE, "the client has a consumer of group %.*s already",
                     BYTES_ARG(op->consumer->group));
    } else {
        op->consumer->next = client->pull_consumers;
        client->pull_consumers = op->consumer;
        heartbeat_send(client, NULL);
    }
    waiting_call_end(&op->call);
}

static void pull_consumer_free(struct rmq_pull_consumer *consumer) {
    free((char *)(uintptr_t)consumer->group.data);
    free(consumer->offsets);
    free(consumer);
}

rmq_error_t rmq_pull_consumer_create(rmq_client_t *client, const char *group, rmq_pull_consumer_t **out) {
    rmq_error_t error = client_check_name("group", group, GROUP_MAX_LEN);
    if (error != RMQ_OK) return error;
    struct rmq_pull_consumer *consumer = calloc(1, sizeof *consumer);
    must(consumer);
    consumer->client = client;
    consumer->group = bytes_of(bytes_dup(bytes_of(group)));
    struct pull_consumer_call op = {.consumer = consumer};
    error = waiting_call_run(client, &op.call, add_on_loop);
    if (error != RMQ_OK)
        pull_consumer_free(consumer);
    else
        *out = consumer;
    return error;
}

static void on_unregistered(struct answers_wait *wait) {
    waiting_call_end(&CONTAINER_OF(wait, struct pull_consumer_call, wait)->call);
}

static void on_offsets_stored(struct answers_wait *wait) {
    struct pull_consumer_call *op = CONTAINER_OF(wait, struct pull_consumer_call, wait);
    struct rmq_pull_consumer **at = &op->call.client->pull_consumers;
    while (*at != op->consumer) at = &(*at)->next;
    *at = op->consumer->next;
    wait->done = on_unregistered;
    heartbeat_unregister(op->call.client, (struct bytes){0}, op->consumer->group, wait);
}

static void remove_on_loop(struct job *job) {
    struct pull_consumer_call *op = CONTAINER_OF(job, struct pull_consumer_call, call.job);
    op->wait.done = on_offsets_stored;
    answers_wait_begin(&op->wait);
    pull_consumer_persist_offsets(op->consumer, &op->wait);
    answers_wait_end(&op->wait);
}

void rmq_pull_consumer_destroy(rmq_pull_consumer_t *consumer) {
    if (!consumer) return;
    struct pull_consumer_call op = {.consumer = consumer};
    waiting_call_run(consumer->client, &op.call, remove_on_loop);
    pull_consumer_free(consumer);
}

/* ---- pulling ------------------------------------------------------------------------------------------- */

struct pull_result {
    struct rmq_pull_result shown; /* first: what the user has a pointer to */
    struct message_block *block;
};

struct pull_call {
    struct waiting_call call;
    struct rmq_pull_consumer *consumer;
    struct pull_request request;
    struct subscription subscription;
    int64_t timeout_ms;
    struct route_wait wait;
    struct pull_answer answer;
};

static void on_pulled(void *ctx, enum err err, const struct command *response) {
    struct pull_call *op = ctx;
    if (err != ERR_OK)
        outcome_err(&op->call.outcome, err);
    else
        pull_read(response, op->request.queue.broker_name, &op->subscription, (struct bytes){0}, &op->answer,
                  &op->call.outcome);
    waiting_call_end(&op->call);
}

static bool try_pull(struct pull_call *op) {
    bool is_slave = false;
    struct bytes address = broker_address_of(op->call.client, op->request.queue.broker_name, MASTER_ID, &is_slave);
    if (!address.data) return false;
    pull_send(op->call.client->remoting, address, is_slave, &op->request, op->timeout_ms, on_pulled, op);
    return true;
}

static void on_route(struct route_wait *wait, struct route *route, const struct outcome *outcome) {
    struct pull_call *op = CONTAINER_OF(wait, struct pull_call, wait);
    if (route && try_pull(op)) return;
    op->call.outcome = *outcome;
    if (outcome->error == RMQ_OK)
        outcome_fail(&op->call.outcome, RMQ_NO_BROKER, "broker %.*s is not known",
                     BYTES_ARG(op->request.queue.broker_name));
    waiting_call_end(&op->call);
}

static void pull_on_loop(struct job *job) {
    struct pull_call *op = CONTAINER_OF(job, struct pull_call, call.job);
    struct names *names = &op->call.client->names;
    op->request.queue.topic = names_keep(names, op->request.queue.topic);
    op->request.queue.broker_name = names_keep(names, op->request.queue.broker_name);
    if (try_pull(op)) return;
    op->wait.done = on_route;
    routes_fetch(op->call.client, op->request.queue.topic, &op->wait);
}

static rmq_pull_result_t *make_result(const struct pull_answer *answer) {
    size_t count = answer->block ? answer->block->count : 0;
    struct pull_result *result = malloc(sizeof *result + count * sizeof(rmq_message_ext_t *));
    must(result);
    *result = (struct pull_result){.shown = {.status = answer->status,
                                             .next_begin_offset = answer->next_begin_offset,
                                             .min_offset = answer->min_offset,
                                             .max_offset = answer->max_offset,
                                             .count = count,
                                             .messages = (const rmq_message_ext_t **)(void *)(result + 1)},
                                   .block = answer->block};
    if (answer->status == RMQ_PULL_FOUND && count == 0) result->shown.status = RMQ_PULL_NO_MATCHED_MSG;
    for (size_t i = 0; i < count; i++) result->shown.messages[i] = &answer->block->messages[i];
    return &result->shown;
}

void rmq_pull_result_destroy(rmq_pull_result_t *shown) {
    if (!shown) return;
    struct pull_result *result = CONTAINER_OF(shown, struct pull_result, shown);
    if (result->block) message_block_release(result->block);
    free(result);
}

static rmq_error_t check_queue(const rmq_message_queue_t *queue) {
    if (!queue || !queue->topic || !queue->broker_name || queue->queue_id < 0)
        return report(RMQ_INVALID_ARGUMENT, "no queue, or one without topic, broker or a valid id");
    return RMQ_OK;
}

static rmq_error_t pull(rmq_pull_consumer_t *consumer, const rmq_message_queue_t *queue, const char *tags,
                        int64_t offset, int32_t max_count, bool wait, rmq_pull_result_t **result) {
    rmq_error_t error = check_queue(queue);
    if (error != RMQ_OK) return error;
    if (offset < 0 || max_count <= 0) return report(RMQ_INVALID_ARGUMENT, "a negative offset, or no message wanted");
    struct arena arena = {0};
    struct pull_call op = {.consumer = consumer, .timeout_ms = wait ? SUSPENDED_TIMEOUT_MS : PULL_TIMEOUT_MS};
    enum err err = subscription_parse(&arena, bytes_of(queue->topic), bytes_of(tags), BYTES("TAG"), &op.subscription);
    if (err == ERR_OK) {
        op.request =
            (struct pull_request){.group = consumer->group,
                                  .queue = {bytes_of(queue->topic), bytes_of(queue->broker_name), queue->queue_id},
                                  .offset = offset,
                                  .suspend_ms = wait ? SUSPEND_MS : 0,
                                  .max_count = max_count,
                                  .flags = PULL_SUBSCRIPTION | (wait ? PULL_SUSPEND : 0),
                                  .subscription = &op.subscription};
        error = waiting_call_run(consumer->client, &op.call, pull_on_loop);
    } else {
        error = report_err(err);
    }
    arena_close(&arena);
    if (error == RMQ_OK) *result = make_result(&op.answer);
    return error;
}

rmq_error_t rmq_pull_consumer_pull(rmq_pull_consumer_t *consumer, const rmq_message_queue_t *queue, const char *tags,
                                   int64_t offset, int32_t max_count, rmq_pull_result_t **result) {
    return pull(consumer, queue, tags, offset, max_count, false, result);
}

rmq_error_t rmq_pull_consumer_pull_block_if_not_found(rmq_pull_consumer_t *consumer, const rmq_message_queue_t *queue,
                                                      const char *tags, int64_t offset, int32_t max_count,
                                                      rmq_pull_result_t **result) {
    return pull(consumer, queue, tags, offset, max_count, true, result);
}

/* ---- offsets ------------------------------------------------------------------------------------------- */

struct offset_call {
    struct waiting_call call;
    struct rmq_pull_consumer *consumer;
    struct message_queue queue;
    bool from_store;
    int64_t offset;
    struct hdr_query_consumer_offset header;
    struct broker_call query;
};

static struct pull_offset *find_offset(struct rmq_pull_consumer *consumer, const struct message_queue *queue) {
    for (size_t i = 0; i < consumer->offset_count; i++) {
        if (message_queue_equal(&consumer->offsets[i].queue, queue)) return &consumer->offsets[i];
    }
    return NULL;
}

static void on_offset(struct broker_call *query, const struct command *response) {
    struct offset_call *op = CONTAINER_OF(query, struct offset_call, query);
    struct hdr_offset_result header;
    if (query->outcome.error == RMQ_OK && response->code == RESPONSE_QUERY_NOT_FOUND)
        op->offset = -1;
    else if (broker_call_succeeded(query, response) &&
             outcome_err(&query->outcome, header_decode(layout_offset_result(), response, &header)) == RMQ_OK)
        op->offset = header.offset;
    op->call.outcome = query->outcome;
    waiting_call_end(&op->call);
}

static void fetch_on_loop(struct job *job) {
    struct offset_call *op = CONTAINER_OF(job, struct offset_call, call.job);
    const struct pull_offset *known = find_offset(op->consumer, &op->queue);
    if (!op->from_store) {
        op->offset = known ? known->offset : -1;
        waiting_call_end(&op->call);
        return;
    }
    op->header = (struct hdr_query_consumer_offset){.present = HEADER_ALL,
                                                    .consumer_group = op->consumer->group,
                                                    .topic = op->queue.topic,
                                                    .queue_id = op->queue.queue_id};
    op->header.has.set_zero_if_not_found = false;
    op->query = (struct broker_call){.client = op->call.client,
                                     .topic = op->queue.topic,
                                     .broker_name = op->queue.broker_name,
                                     .request = {.code = REQUEST_QUERY_CONSUMER_OFFSET,
                                                 .layout = layout_query_consumer_offset(),
                                                 .fields = &op->header},
                                     .done = on_offset};
    broker_call(&op->query);
}

rmq_error_t rmq_pull_consumer_fetch_offset(rmq_pull_consumer_t *consumer, const rmq_message_queue_t *queue,
                                           bool from_store, int64_t *offset) {
    rmq_error_t error = check_queue(queue);
    if (error != RMQ_OK) return error;
    struct offset_call op = {.consumer = consumer,
                             .queue = {bytes_of(queue->topic), bytes_of(queue->broker_name), queue->queue_id},
                             .from_store = from_store};
    error = waiting_call_run(consumer->client, &op.call, fetch_on_loop);
    if (error == RMQ_OK) *offset = op.offset;
    return error;
}

static void update_on_loop(struct job *job) {
    struct offset_call *op = CONTAINER_OF(job, struct offset_call, call.job);
    struct rmq_pull_consumer *consumer = op->consumer;
    struct pull_offset *found = find_offset(consumer, &op->queue);
    if (!found) {
        consumer->offsets = realloc(consumer->offsets, (consumer->offset_count + 1) * sizeof *consumer->offsets);
        must(consumer->offsets);
        found = &consumer->offsets[consumer->offset_count++];
        found->queue =
            (struct message_queue){names_keep(&op->call.client->names, op->queue.topic),
                                   names_keep(&op->call.client->names, op->queue.broker_name), op->queue.queue_id};
    }
    found->offset = op->offset;
    found->changed = true;
    waiting_call_end(&op->call);
}

rmq_error_t rmq_pull_consumer_update_offset(rmq_pull_consumer_t *consumer, const rmq_message_queue_t *queue,
                                            int64_t offset) {
    rmq_error_t error = check_queue(queue);
    if (error != RMQ_OK) return error;
    if (offset < 0) return report(RMQ_INVALID_ARGUMENT, "a negative offset");
    struct offset_call op = {.consumer = consumer,
                             .queue = {bytes_of(queue->topic), bytes_of(queue->broker_name), queue->queue_id},
                             .offset = offset};
    return waiting_call_run(consumer->client, &op.call, update_on_loop);
}

void pull_consumer_persist_offsets(struct rmq_pull_consumer *consumer, struct answers_wait *wait) {
    for (size_t i = 0; i < consumer->offset_count; i++) {
        struct pull_offset *offset = &consumer->offsets[i];
        if (offset->changed && offset_update(consumer->client, consumer->group, &offset->queue, offset->offset, wait))
            offset->changed = false;
    }
}
