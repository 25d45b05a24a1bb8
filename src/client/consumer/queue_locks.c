/* queue_locks.c - locks of queues on brokers: taken one by one, renewed broker by broker. */
#include "client/consumer/queue_locks.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "client/consumer/push_consumer.h"
#include "wire/body_lock.h"
#include "wire/request.h"

enum { LOCK_TIMEOUT_MS = 1000 };

static void encode(struct rmq_push_consumer *consumer, const struct message_queue *queues, size_t count,
                   struct buf *body) {
    struct lock_batch batch = {.consumer_group = consumer->group,
                               .client_id = bytes_of(consumer->client->id),
                               .queues = queues,
                               .count = count};
    lock_batch_encode(&batch, body);
}

bool queue_locks_hold(const struct process_queue *queue) {
    return queue->locked && loop_now_ms(queue->consumer->client->loop) - queue->lock_ms <= LOCK_MAX_LIVE_MS;
}

static bool contains(const struct message_queue *queues, size_t count, const struct message_queue *queue) {
    for (size_t i = 0; i < count; i++) {
        if (message_queue_equal(&queues[i], queue)) return true;
    }
    return false;
}

/* ---- one queue ----------------------------------------------------------------------------------------- */

static void on_lock(struct broker_call *call, const struct command *response) {
    struct queue_lock *lock = CONTAINER_OF(call, struct queue_lock, call);
    buf_close(&lock->body);
    bool locked = false;
    if (broker_call_succeeded(call, response)) {
        struct arena arena = {0};
        const struct message_queue *queues;
        size_t count;
        locked = lock_result_decode(&arena, response->body, &queues, &count) == ERR_OK &&
                 contains(queues, count, &lock->queue);
        arena_close(&arena);
    }
    lock->done(lock, locked);
}

void queue_locks_take(struct rmq_push_consumer *consumer, const struct message_queue *queue, struct queue_lock *lock,
                      void (*done)(struct queue_lock *lock, bool locked)) {
    lock->body = (struct buf){0};
    lock->queue = *queue;
    lock->done = done;
    encode(consumer, queue, 1, &lock->body);
    lock->call = (struct broker_call){.client = consumer->client,
                                      .topic = queue->topic,
                                      .broker_name = queue->broker_name,
                                      .request = {.code = REQUEST_LOCK_BATCH_MQ, .body = buf_bytes(&lock->body)},
                                      .timeout_ms = LOCK_TIMEOUT_MS,
                                      .done = on_lock};
    broker_call(&lock->call);
}

void queue_locks_give(struct rmq_push_consumer *consumer, const struct message_queue *queue) {
    struct bytes address = broker_master(consumer->client, queue->broker_name);
    if (!address.data) return;
    struct buf body = {0};
    encode(consumer, queue, 1, &body);
    struct outgoing request = {.code = REQUEST_UNLOCK_BATCH_MQ, .body = buf_bytes(&body)};
    remoting_oneway(consumer->client->remoting, address, &request);
    buf_close(&body);
}

/* ---- all of a broker ----------------------------------------------------------------------------------- */

struct renewal {
    struct rmq_push_consumer *consumer;
    struct bytes broker_name;
    struct broker_call call;
    struct buf body;
};

static void note_locks(struct renewal *op, const struct message_queue *queues, size_t count) {
    int64_t now_ms = loop_now_ms(op->consumer->client->loop);
    for (struct process_queue *queue = op->consumer->queues; queue; queue = queue->next) {
        if (!bytes_equal(queue->queue.broker_name, op->broker_name)) continue;
        bool locked = contains(queues, count, &queue->queue);
        if (queue->locked && !locked)
            log_warn(CLIENT, "lock of a queue was lost: topic=%.*s broker=%.*s queue=%d", BYTES_ARG(queue->queue.topic),
                     BYTES_ARG(queue->queue.broker_name), queue->queue.queue_id);
        queue->locked = locked;
        if (!locked) continue;
        queue->lock_ms = now_ms;
        consume_orderly_next(queue);
    }
}

static void on_renewed(struct broker_call *call, const struct command *response) {
    struct renewal *op = CONTAINER_OF(call, struct renewal, call);
    if (broker_call_succeeded(call, response) && op->consumer->state == CONSUMER_RUNNING) {
        struct arena arena = {0};
        const struct message_queue *queues;
        size_t count;
        if (lock_result_decode(&arena, response->body, &queues, &count) == ERR_OK) note_locks(op, queues, count);
        arena_close(&arena);
    } else {
        log_every_ms(10000, WARN, CLIENT, "locks of queues not renewed: %s", call->outcome.detail);
    }
    push_consumer_release(op->consumer);
    buf_close(&op->body);
    free(op);
}

static void renew_on_broker(struct rmq_push_consumer *consumer, struct bytes broker_name) {
    size_t count = 0, room = 0;
    for (struct process_queue *queue = consumer->queues; queue; queue = queue->next) room++;
    struct message_queue *queues = calloc(room, sizeof *queues);
    must(queues);
    for (struct process_queue *queue = consumer->queues; queue; queue = queue->next) {
        if (bytes_equal(queue->queue.broker_name, broker_name)) queues[count++] = queue->queue;
    }
    struct renewal *op = calloc(1, sizeof *op);
    must(op);
    op->consumer = consumer;
    push_consumer_hold(consumer);
    op->broker_name = broker_name;
    encode(consumer, queues, count, &op->body);
    free(queues);
    op->call = (struct broker_call){.client = consumer->client,
                                    .broker_name = broker_name,
                                    .request = {.code = REQUEST_LOCK_BATCH_MQ, .body = buf_bytes(&op->body)},
                                    .timeout_ms = LOCK_TIMEOUT_MS,
                                    .done = on_renewed};
    broker_call(&op->call);
}

void queue_locks_renew(struct rmq_push_consumer *consumer) {
    for (struct process_queue *queue = consumer->queues; queue; queue = queue->next) {
        bool is_first = true; /* of its broker */
        for (struct process_queue *q = consumer->queues; q != queue && is_first; q = q->next)
            is_first = !bytes_equal(q->queue.broker_name, queue->queue.broker_name);
        if (is_first) renew_on_broker(consumer, queue->queue.broker_name);
    }
}
