/* heartbeat.c - one body for all brokers, and counting the answers. */
#include "client/heartbeat.h"

#include "base/log.h"
#include "client/client.h"
#include "client/producer/producer.h"
#include "client/consumer/pull_consumer.h"
#include "client/consumer/push_consumer.h"
#include "wire/body_heartbeat.h"
#include "wire/request.h"

enum { UNREGISTER_TIMEOUT_MS = 3000 };

static size_t count_consumers(struct rmq_client *client) {
    size_t count = 0;
    for (struct rmq_push_consumer *c = client->push_consumers; c; c = c->next) count += push_consumer_is_online(c);
    for (struct rmq_pull_consumer *c = client->pull_consumers; c; c = c->next) count++;
    return count;
}

static void encode(struct rmq_client *client, struct buf *body) {
    struct arena arena = {0};
    size_t producer_count = 0, consumer_count = 0;
    for (struct rmq_producer *p = client->producers; p; p = p->next) producer_count++;
    struct bytes *producers = arena_calloc(&arena, producer_count, sizeof *producers);
    producer_count = 0;
    for (struct rmq_producer *p = client->producers; p; p = p->next) producers[producer_count++] = p->group;

    struct consumer_data *consumers = arena_calloc(&arena, count_consumers(client) + 1, sizeof *consumers);
    for (struct rmq_push_consumer *c = client->push_consumers; c; c = c->next) {
        if (push_consumer_is_online(c)) push_consumer_describe(c, &arena, &consumers[consumer_count++]);
    }
    for (struct rmq_pull_consumer *c = client->pull_consumers; c; c = c->next)
        consumers[consumer_count++] = (struct consumer_data){
            .group = c->group, .type = CONSUME_ACTIVELY, .model = CLUSTERING, .from_where = CONSUME_FROM_LAST_OFFSET};
    struct heartbeat heartbeat = {.client_id = bytes_of(client->id),
                                  .producer_groups = producers,
                                  .producer_count = producer_count,
                                  .consumers = consumers,
                                  .consumer_count = consumer_count};
    heartbeat_encode(&heartbeat, body);
    arena_close(&arena);
}

static void on_answer(void *ctx, enum err err, const struct command *response) {
    struct answers_wait *wait = ctx;
    if (err != ERR_OK && err != ERR_CANCELLED)
        log_every_ms(10000, WARN, CLIENT, "heartbeat failed: %s", err_detail(err));
    else if (err == ERR_OK && response->code != RESPONSE_SUCCESS)
        log_every_ms(10000, WARN, CLIENT, "heartbeat refused: code=%d remark=%.*s", response->code,
                     BYTES_ARG(response->remark));
    if (wait) answers_wait_end(wait);
}

static void call_all(struct rmq_client *client, const struct outgoing *request, bool masters_only, int64_t timeout_ms,
                     struct answers_wait *wait) {
    if (wait) answers_wait_begin(wait);
    for (struct broker *broker = client->routes.brokers; broker; broker = broker->next) {
        for (size_t i = 0; i < broker->address_count; i++) {
            if (masters_only && broker->addresses[i].broker_id != MASTER_ID) continue;
            if (wait) answers_wait_add(wait);
            remoting_call(client->remoting, broker->addresses[i].address, request, timeout_ms, on_answer, wait);
        }
    }
    if (wait) answers_wait_end(wait);
}

void heartbeat_send(struct rmq_client *client, struct answers_wait *wait) {
    struct buf body = {0};
    encode(client, &body);
    struct outgoing request = {.code = REQUEST_HEART_BEAT, .body = buf_bytes(&body)};
    call_all(client, &request, count_consumers(client) == 0, client->options.call_timeout_ms, wait);
    buf_close(&body);
}

void heartbeat_unregister(struct rmq_client *client, struct bytes producer_group, struct bytes consumer_group,
                          struct answers_wait *wait) {
    struct hdr_unregister_client header = {.present = HEADER_ALL,
                                           .client_id = bytes_of(client->id),
                                           .producer_group = producer_group,
                                           .consumer_group = consumer_group};
    struct outgoing request = {
        .code = REQUEST_UNREGISTER_CLIENT, .layout = layout_unregister_client(), .fields = &header};
    call_all(client, &request, consumer_group.data == NULL, UNREGISTER_TIMEOUT_MS, wait);
}
