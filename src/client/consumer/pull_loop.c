/* pull_loop.c - when to pull, what an answer means, offsets that are put right. */
#include "client/consumer/pull_loop.h"

#include <inttypes.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "client/consumer/offset_store.h"
#include "client/consumer/offset_update.h"
#include "client/consumer/pull.h"
#include "client/consumer/push_consumer.h"
#include "client/consumer/queue_locks.h"
#include "client/consumer/rebalance.h"
#include "os/clock.h"
#include "wire/request.h"

enum {
    SUSPEND_MS = 15000,
    PULL_TIMEOUT_MS = 30000,
    AFTER_ERROR_MS = 3000,
    AFTER_FLOW_CONTROL_MS = 50,
    AFTER_BROKER_FLOW_CONTROL_MS = 20,
    WHILE_SUSPENDED_MS = 1000,
};

static void on_pull_timer(struct loop_timer *timer) {
    pull_loop_run(CONTAINER_OF(timer, struct process_queue, pull_timer));
}

static void run_later(struct process_queue *queue, int64_t delay_ms) {
    loop_timer_start(queue->consumer->client->loop, &queue->pull_timer, delay_ms, 0, on_pull_timer);
}

/* ---- answers ------------------------------------------------------------------------------------------- */

/* The offset the broker names is stored first, so that the queue begins there when it is taken anew. */
struct offset_fix {
    struct process_queue *queue;
    struct answers_wait wait;
};

static void on_offset_fixed(struct answers_wait *wait) {
    struct offset_fix *op = CONTAINER_OF(wait, struct offset_fix, wait);
    if (!atomic_load(&op->queue->dropped)) {
        op->queue->commit_offset = -1; /* already stored */
        rebalance_drop_queue(op->queue);
    }
    client_rebalance_soon(op->queue->consumer->client, 0);
    process_queue_release(op->queue);
    free(op);
}

static void fix_offset(struct process_queue *queue, int64_t offset) {
    struct rmq_push_consumer *consumer = queue->consumer;
    log_warn(CLIENT, "offset is not in the queue: topic=%.*s broker=%.*s queue=%d offset=%" PRId64 " next=%" PRId64,
             BYTES_ARG(queue->queue.topic), BYTES_ARG(queue->queue.broker_name), queue->queue.queue_id,
             queue->next_offset, offset);
    queue->commit_offset = offset;
    if (!push_consumer_is_clustering(consumer)) {
        rebalance_drop_queue(queue);
        client_rebalance_soon(consumer->client, 0);
        return;
    }
    struct offset_fix *op = calloc(1, sizeof *op);
    must(op);
    op->queue = queue;
    process_queue_hold(queue);
    op->wait.done = on_offset_fixed;
    answers_wait_begin(&op->wait);
    offset_update(consumer->client, consumer->group, &queue->queue, offset, &op->wait);
    answers_wait_end(&op->wait);
}

static void take_found(struct process_queue *queue, struct subscribed *subscribed, struct message_block *block) {
    struct rmq_push_consumer *consumer = queue->consumer;
    subscribed->stats.now.pulls++;
    subscribed->stats.now.pull_ms += loop_now_ms(consumer->client->loop) - queue->pull_begin_ms;
    subscribed->stats.now.pulled += (int64_t)block->count;
    process_queue_put(queue, block);
    if (consumer->options.orderly)
        consume_orderly_next(queue);
    else
        consume_concurrently_submit(queue, block);
}

static void on_answer_read(struct process_queue *queue, struct subscribed *subscribed,
                           const struct pull_answer *answer) {
    queue->pull_broker_id = answer->suggest_broker_id;
    if (answer->status == RMQ_PULL_OFFSET_ILLEGAL) {
        fix_offset(queue, answer->next_begin_offset);
        return;
    }
    queue->next_offset = answer->next_begin_offset;
    bool found = answer->block && answer->block->count > 0;
    if (found) {
        take_found(queue, subscribed, answer->block);
    } else if (queue->count == 0 && queue->next_offset > queue->commit_offset) {
        queue->commit_offset = queue->next_offset; /* all before it is consumed or not wanted */
    }
    if (found && queue->consumer->options.pull_interval_ms > 0)
        run_later(queue, queue->consumer->options.pull_interval_ms);
    else
        pull_loop_run(queue);
}

static void on_pulled(void *ctx, enum err err, const struct command *response) {
    struct process_queue *queue = ctx;
    struct rmq_push_consumer *consumer = queue->consumer;
    queue->pulling = false;
    struct subscribed *subscribed = push_consumer_subscribed(consumer, queue->queue.topic);
    struct pull_answer answer = {0};
    struct outcome outcome;
    if (atomic_load(&queue->dropped) || consumer->state != CONSUMER_RUNNING || !subscribed) {
        process_queue_release(queue);
        return;
    }
    if (err != ERR_OK)
        outcome_err(&outcome, err);
    else
        pull_read(response, queue->queue.broker_name, &subscribed->data, consumer->retry_topic, &answer, &outcome);
    if (outcome.error == RMQ_OK) {
        on_answer_read(queue, subscribed, &answer);
    } else {
        if (outcome.response_code == RESPONSE_SUBSCRIPTION_NOT_EXIST ||
            outcome.response_code == RESPONSE_SUBSCRIPTION_NOT_LATEST)
            client_heartbeat_soon(consumer->client);
        else
            log_every_ms(10000, WARN, CLIENT, "pull failed: topic=%.*s queue=%d error=%s",
                         BYTES_ARG(queue->queue.topic), queue->queue.queue_id, outcome.detail);
        run_later(queue,
                  outcome.response_code == RESPONSE_FLOW_CONTROL ? AFTER_BROKER_FLOW_CONTROL_MS : AFTER_ERROR_MS);
    }
    if (answer.block) message_block_release(answer.block);
    process_queue_release(queue);
}

/* ---- asking -------------------------------------------------------------------------------------------- */

static bool too_much_waits(const struct process_queue *queue) {
    const struct rmq_push_consumer_options *options = &queue->consumer->options;
    if (queue->count > (size_t)options->pull_threshold_for_queue) return true;
    if (queue->size_bytes > (size_t)options->pull_threshold_size_mib_for_queue << 20) return true;
    return !options->orderly && process_queue_span(queue) > options->consume_concurrently_max_span;
}

static void on_first_offset(struct pull_from_where *where, int64_t offset);
struct first_offset {
    struct pull_from_where where;
    struct process_queue *queue;
};

/* The former owner of an orderly queue may have gone on until the lock was ours: the offset is asked for again. */
static void ask_first_offset(struct process_queue *queue) {
    struct first_offset *op = calloc(1, sizeof *op);
    must(op);
    op->queue = queue;
    process_queue_hold(queue);
    queue->pulling = true;
    offset_store_pull_from_where(&op->where, queue->consumer, &queue->queue, on_first_offset);
}

static void on_first_offset(struct pull_from_where *where, int64_t offset) {
    struct first_offset *op = CONTAINER_OF(where, struct first_offset, where);
    struct process_queue *queue = op->queue;
    queue->pulling = false;
    if (!atomic_load(&queue->dropped)) {
        if (offset >= 0) {
            queue->next_offset = offset;
            queue->locked_first = true;
            pull_loop_run(queue);
        } else {
            run_later(queue, AFTER_ERROR_MS);
        }
    }
    process_queue_release(queue);
    free(op);
}

static bool must_wait(struct process_queue *queue) {
    struct rmq_push_consumer *consumer = queue->consumer;
    if (consumer->suspended) {
        run_later(queue, WHILE_SUSPENDED_MS);
    } else if (too_much_waits(queue)) {
        run_later(queue, AFTER_FLOW_CONTROL_MS);
    } else if (consumer->options.orderly && push_consumer_is_clustering(consumer) && !queue->locked) {
        run_later(queue, AFTER_ERROR_MS);
    } else if (consumer->options.orderly && push_consumer_is_clustering(consumer) && !queue->locked_first) {
        ask_first_offset(queue);
    } else {
        return false;
    }
    return true;
}

void pull_loop_run(struct process_queue *queue) {
    struct rmq_push_consumer *consumer = queue->consumer;
    struct rmq_client *client = consumer->client;
    const struct subscribed *subscribed = push_consumer_subscribed(consumer, queue->queue.topic);
    if (atomic_load(&queue->dropped) || queue->pulling || consumer->state != CONSUMER_RUNNING || !subscribed) return;
    queue->pull_alive_ms = loop_now_ms(client->loop);
    queue->last_pull_ms = clock_wall_ms();
    if (must_wait(queue)) return;
    bool is_slave = false;
    struct bytes address = broker_address_of(client, queue->queue.broker_name, queue->pull_broker_id, &is_slave);
    if (!address.data) {
        run_later(queue, AFTER_ERROR_MS);
        return;
    }
    bool commit = push_consumer_is_clustering(consumer) && queue->commit_offset > 0;
    struct pull_request request = {.group = consumer->group,
                                   .queue = queue->queue,
                                   .offset = queue->next_offset,
                                   .commit_offset = commit ? queue->commit_offset : 0,
                                   .suspend_ms = SUSPEND_MS,
                                   .max_count = consumer->options.pull_batch_size,
                                   .flags = PULL_SUSPEND | (commit ? PULL_COMMIT_OFFSET : 0),
                                   .subscription = &subscribed->data};
    queue->pulling = true;
    queue->pull_begin_ms = loop_now_ms(client->loop);
    process_queue_hold(queue);
    pull_send(client->remoting, address, is_slave, &request, PULL_TIMEOUT_MS, on_pulled, queue);
}
