/* rebalance.c - a round through all topics: who is in the group, which queues go, which come. */
#include "client/consumer/rebalance.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "client/consumer/allocate.h"
#include "client/consumer/offset_store.h"
#include "client/consumer/pull_loop.h"
#include "client/consumer/push_consumer.h"
#include "client/consumer/queue_locks.h"
#include "os/thread.h"
#include "wire/request.h"

enum { TRY_AGAIN_MS = 1000, TRY_LOCK_AGAIN_MS = 200 /* others give locks back soon */, RETRY_MISSES_MAX = 10 };

/* The round cannot do all of its work now. */
static void try_again(struct rmq_push_consumer *consumer, int32_t delay_ms) {
    int32_t *wanted_ms = &consumer->rebalance.try_again_ms;
    if (*wanted_ms == 0 || delay_ms < *wanted_ms) *wanted_ms = delay_ms;
}

static void next_topic(struct rmq_push_consumer *consumer);

/* ---- queues that go ------------------------------------------------------------------------------------ */

void rebalance_drop_queue(struct process_queue *queue) {
    struct rmq_push_consumer *consumer = queue->consumer;
    struct process_queue **at = &consumer->queues;
    while (*at != queue) at = &(*at)->next;
    *at = queue->next;
    log_info(CLIENT, "queue dropped: group=%.*s topic=%.*s broker=%.*s queue=%d", BYTES_ARG(consumer->group),
             BYTES_ARG(queue->queue.topic), BYTES_ARG(queue->queue.broker_name), queue->queue.queue_id);
    offset_store_persist(queue, NULL);
    process_queue_drop(queue);
    bool lock_is_ours = consumer->options.orderly && push_consumer_is_clustering(consumer);
    if (lock_is_ours && !queue->consuming) queue_locks_give(consumer, &queue->queue); /* else when the batch ends */
    process_queue_release(queue);
}

static bool contains(const struct message_queue *queues, size_t count, const struct message_queue *queue) {
    for (size_t i = 0; i < count; i++) {
        if (message_queue_equal(&queues[i], queue)) return true;
    }
    return false;
}

static bool pull_loop_is_dead(const struct process_queue *queue) {
    return loop_now_ms(queue->consumer->client->loop) - queue->pull_alive_ms > PULL_EXPIRED_MS;
}

static void drop_others(struct rmq_push_consumer *consumer, struct bytes topic, const struct message_queue *mine,
                        size_t count) {
    for (struct process_queue *queue = consumer->queues, *next; queue; queue = next) {
        next = queue->next;
        if (!bytes_equal(queue->queue.topic, topic)) continue;
        if (!contains(mine, count, &queue->queue) || pull_loop_is_dead(queue)) rebalance_drop_queue(queue);
    }
}

static void drop_unsubscribed(struct rmq_push_consumer *consumer) {
    for (struct process_queue *queue = consumer->queues, *next; queue; queue = next) {
        next = queue->next;
        if (!push_consumer_subscribed(consumer, queue->queue.topic)) rebalance_drop_queue(queue);
    }
}

/* ---- queues that come ---------------------------------------------------------------------------------- */

struct addition {
    struct rmq_push_consumer *consumer;
    struct message_queue queue;
    struct queue_lock lock;
    struct pull_from_where where;
    bool locked;
};

static void addition_end(struct addition *op) {
    struct rmq_push_consumer *consumer = op->consumer;
    free(op);
    if (--consumer->rebalance.adding == 0) {
        consumer->rebalance.topic_index++;
        next_topic(consumer);
    }
    push_consumer_release(consumer);
}

static void addition_failed(struct addition *op, int32_t again_ms, const char *why) {
    struct rmq_push_consumer *consumer = op->consumer;
    if (consumer->state == CONSUMER_RUNNING) {
        try_again(consumer, again_ms);
        log_every_ms(5000, WARN, CLIENT, "queue not taken: group=%.*s topic=%.*s broker=%.*s queue=%d why=%s",
                     BYTES_ARG(consumer->group), BYTES_ARG(op->queue.topic), BYTES_ARG(op->queue.broker_name),
                     op->queue.queue_id, why);
    }
    addition_end(op);
}

static void on_where(struct pull_from_where *where, int64_t offset) {
    struct addition *op = CONTAINER_OF(where, struct addition, where);
    struct rmq_push_consumer *consumer = op->consumer;
    if (consumer->state != CONSUMER_RUNNING || offset < 0) {
        if (op->locked) queue_locks_give(consumer, &op->queue);
        addition_failed(op, TRY_AGAIN_MS, where->call.outcome.detail);
        return;
    }
    struct process_queue *queue = process_queue_create(consumer, &op->queue);
    queue->next_offset = offset;
    queue->commit_offset = where->stored;
    queue->locked = op->locked;
    queue->lock_ms = queue->pull_alive_ms = loop_now_ms(consumer->client->loop);
    queue->next = consumer->queues;
    consumer->queues = queue;
    log_info(CLIENT, "queue taken: group=%.*s topic=%.*s broker=%.*s queue=%d offset=%lld", BYTES_ARG(consumer->group),
             BYTES_ARG(op->queue.topic), BYTES_ARG(op->queue.broker_name), op->queue.queue_id, (long long)offset);
    pull_loop_run(queue);
    addition_end(op);
}

static void on_locked(struct queue_lock *lock, bool locked) {
    struct addition *op = CONTAINER_OF(lock, struct addition, lock);
    op->locked = locked;
    if (locked)
        offset_store_pull_from_where(&op->where, op->consumer, &op->queue, on_where);
    else
        addition_failed(op, TRY_LOCK_AGAIN_MS, "another client still has it locked");
}

static void add(struct rmq_push_consumer *consumer, const struct message_queue *queue) {
    struct addition *op = calloc(1, sizeof *op);
    must(op);
    op->consumer = consumer;
    op->queue = *queue;
    push_consumer_hold(consumer);
    consumer->rebalance.adding++;
    if (consumer->options.orderly && push_consumer_is_clustering(consumer))
        queue_locks_take(consumer, queue, &op->lock, on_locked);
    else
        offset_store_pull_from_where(&op->where, consumer, queue, on_where);
}

static bool has(const struct rmq_push_consumer *consumer, const struct message_queue *queue) {
    for (const struct process_queue *q = consumer->queues; q; q = q->next) {
        if (message_queue_equal(&q->queue, queue)) return true;
    }
    return false;
}

static void topic_end(struct rmq_push_consumer *consumer) {
    consumer->rebalance.topic_index++;
    next_topic(consumer);
}

/* `mine` is what the consumer should have of the topic. */
static void apply(struct rmq_push_consumer *consumer, struct bytes topic, const struct message_queue *mine,
                  size_t count) {
    drop_others(consumer, topic, mine, count);
    consumer->rebalance.adding = 1; /* so that the topic does not end while some are still to be added */
    for (size_t i = 0; i < count; i++) {
        if (!has(consumer, &mine[i])) add(consumer, &mine[i]);
    }
    if (--consumer->rebalance.adding == 0) topic_end(consumer);
}

/* ---- one topic ----------------------------------------------------------------------------------------- */

static int compare_ids(const void *a, const void *b) {
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

static struct bytes *read_client_ids(struct arena *arena, const struct command *response, size_t *count) {
    const struct json *root;
    if (json_parse(arena, response->body, &root) != ERR_OK) return NULL;
    const struct json *list = json_get(root, "consumerIdList");
    if (!list || list->count == 0) return NULL;
    struct bytes *ids = arena_calloc(arena, list->count, sizeof *ids);
    for (const struct json *n = json_first(list); n; n = n->next) ids[(*count)++] = json_text(n);
    qsort(ids, *count, sizeof *ids, compare_ids);
    return ids;
}

static struct subscribed *topic_now(struct rmq_push_consumer *consumer) {
    struct subscribed *subscribed = consumer->subscriptions;
    for (size_t i = 0; subscribed && i < consumer->rebalance.topic_index; i++) subscribed = subscribed->next;
    return subscribed;
}

static void on_client_ids(void *ctx, enum err err, const struct command *response) {
    struct rmq_push_consumer *consumer = ctx;
    struct subscribed *subscribed = topic_now(consumer);
    struct route *route = subscribed ? route_find(consumer->client, subscribed->data.topic) : NULL;
    struct arena arena = {0};
    size_t id_count = 0;
    struct bytes *ids = err == ERR_OK && response->code == RESPONSE_SUCCESS && route
                            ? read_client_ids(&arena, response, &id_count)
                            : NULL;
    if (ids && consumer->state == CONSUMER_RUNNING) {
        struct message_queue *mine = arena_calloc(&arena, route->subscribe_count + 1, sizeof *mine);
        size_t count = allocate_queues(consumer->options.allocate_strategy, route->subscribe, route->subscribe_count,
                                       ids, id_count, bytes_of(consumer->client->id), mine);
        apply(consumer, route->topic, mine, count);
    } else {
        try_again(consumer, TRY_AGAIN_MS);
        if (consumer->state == CONSUMER_RUNNING)
            log_every_ms(5000, WARN, CLIENT, "consumers of group %.*s not known: %s", BYTES_ARG(consumer->group),
                         err != ERR_OK ? err_detail(err) : "the broker has none, or the topic is gone");
        topic_end(consumer);
    }
    arena_close(&arena);
    push_consumer_release(consumer);
}

static void ask_client_ids(struct rmq_push_consumer *consumer, const struct route *route) {
    uint32_t random;
    random_bytes(&random, sizeof random);
    bool is_slave;
    struct bytes broker = route->broker_names[random % route->broker_count];
    struct bytes address = broker_address_of(consumer->client, broker, MASTER_ID, &is_slave);
    struct hdr_consumer_group header = {.present = HEADER_ALL, .consumer_group = consumer->group};
    struct outgoing request = {
        .code = REQUEST_GET_CONSUMER_LIST_BY_GROUP, .layout = layout_consumer_group(), .fields = &header};
    push_consumer_hold(consumer);
    remoting_call(consumer->client->remoting, address, &request, consumer->client->options.call_timeout_ms,
                  on_client_ids, consumer);
}

static void balance_topic(struct rmq_push_consumer *consumer, const struct route *route) {
    if (!push_consumer_is_clustering(consumer))
        apply(consumer, route->topic, route->subscribe, route->subscribe_count);
    else
        ask_client_ids(consumer, route);
}

static void on_route(struct route_wait *wait, struct route *route, const struct outcome *outcome) {
    struct rmq_push_consumer *consumer = CONTAINER_OF(wait, struct rmq_push_consumer, rebalance.wait);
    if (route && consumer->state == CONSUMER_RUNNING) {
        balance_topic(consumer, route);
    } else {
        const struct subscribed *subscribed = topic_now(consumer);
        bool is_retry = subscribed && bytes_equal(subscribed->data.topic, consumer->retry_topic);
        /* The retry topic is made by the first heartbeat and known a moment later, if brokers make it at all. */
        if (!is_retry || consumer->rebalance.retry_misses++ < RETRY_MISSES_MAX) try_again(consumer, TRY_AGAIN_MS);
        if (!is_retry && consumer->state == CONSUMER_RUNNING)
            log_every_ms(5000, WARN, CLIENT, "cannot consume: %s", outcome->detail);
        topic_end(consumer);
    }
    push_consumer_release(consumer);
}

static void round_end(struct rmq_push_consumer *consumer) {
    drop_unsubscribed(consumer);
    consumer->rebalance.running = false;
    struct waiting_call *first_round = consumer->rebalance.first_round;
    consumer->rebalance.first_round = NULL;
    if (first_round) waiting_call_end(first_round);
    if (consumer->state != CONSUMER_RUNNING) return;
    if (consumer->rebalance.again)
        rebalance_start(consumer);
    else if (consumer->rebalance.try_again_ms > 0)
        client_rebalance_soon(consumer->client, consumer->rebalance.try_again_ms);
}

static void next_topic(struct rmq_push_consumer *consumer) {
    struct subscribed *subscribed = topic_now(consumer);
    if (!subscribed || consumer->state != CONSUMER_RUNNING) {
        round_end(consumer);
        return;
    }
    struct route *route = route_find(consumer->client, subscribed->data.topic);
    if (route) {
        balance_topic(consumer, route);
        return;
    }
    push_consumer_hold(consumer);
    consumer->rebalance.wait.done = on_route;
    routes_fetch(consumer->client, subscribed->data.topic, &consumer->rebalance.wait);
}

void rebalance_start(struct rmq_push_consumer *consumer) {
    if (consumer->state != CONSUMER_RUNNING) return;
    if (consumer->rebalance.running) {
        consumer->rebalance.again = true;
        return;
    }
    consumer->rebalance.running = true;
    consumer->rebalance.again = false;
    consumer->rebalance.try_again_ms = 0;
    consumer->rebalance.topic_index = 0;
    next_topic(consumer);
}
