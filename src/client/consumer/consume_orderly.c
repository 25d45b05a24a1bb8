/* consume_orderly.c - one batch of a queue at a time: given when locked, settled before the next. */
#include <stdlib.h>
#include "base/check.h"
#include "client/consumer/push_consumer.h"
#include "client/consumer/queue_locks.h"
#include "client/consumer/send_back.h"

enum { SUSPEND_MIN_MS = 10, SUSPEND_MAX_MS = 30000, LOCK_RETRY_MS = 3000 };

static void on_order_timer(struct loop_timer *timer) {
    consume_orderly_next(CONTAINER_OF(timer, struct process_queue, order_timer));
}

static void next_later(struct process_queue *queue, int64_t delay_ms) {
    loop_timer_start(queue->consumer->client->loop, &queue->order_timer, delay_ms, 0, on_order_timer);
}

/* ---- giving -------------------------------------------------------------------------------------------- */

struct lock_again {
    struct queue_lock lock;
    struct process_queue *queue;
};

static void on_locked_again(struct queue_lock *lock, bool locked) {
    struct lock_again *op = CONTAINER_OF(lock, struct lock_again, lock);
    struct process_queue *queue = op->queue;
    queue->consuming = false;
    queue->locked = locked;
    if (locked) queue->lock_ms = loop_now_ms(queue->consumer->client->loop);
    if (!atomic_load(&queue->dropped) && queue->consumer->state == CONSUMER_RUNNING)
        next_later(queue, locked ? 0 : LOCK_RETRY_MS);
    else if (locked)
        queue_locks_give(queue->consumer, &queue->queue);
    process_queue_release(queue);
    free(op);
}

static void lock_again(struct process_queue *queue) {
    struct lock_again *op = calloc(1, sizeof *op);
    must(op);
    op->queue = queue;
    process_queue_hold(queue);
    queue->consuming = true; /* nothing else is begun meanwhile */
    queue_locks_take(queue->consumer, &queue->queue, &op->lock, on_locked_again);
}

void consume_orderly_next(struct process_queue *queue) {
    struct rmq_push_consumer *consumer = queue->consumer;
    if (queue->consuming || queue->count == 0 || atomic_load(&queue->dropped) || consumer->state != CONSUMER_RUNNING)
        return;
    if (push_consumer_is_clustering(consumer) && !queue_locks_hold(queue)) {
        lock_again(queue);
        return;
    }
    loop_timer_stop(&queue->order_timer);
    size_t count = MIN(queue->count, (size_t)consumer->options.consume_message_batch_max_size);
    for (size_t i = 0; i < count; i++) {
        struct rmq_message_ext *message = process_queue_at(queue, i);
        message->batch_end = i + 1 == count;
        message->next = message->batch_end ? NULL : process_queue_at(queue, i + 1);
    }
    queue->consuming = true;
    consume_submit(consumer, process_queue_at(queue, 0), process_queue_at(queue, count - 1));
}

/* ---- settling ------------------------------------------------------------------------------------------ */

static void end_batch(struct process_queue *queue, bool done, int64_t suspend_ms) {
    struct rmq_message_ext *message = queue->batch;
    queue->batch = NULL;
    queue->consuming = false;
    process_queue_hold(queue);
    while (message) {
        struct rmq_message_ext *next = message->next;
        if (done) process_queue_done(queue, message);
        consume_release(message);
        message = next;
    }
    if (atomic_load(&queue->dropped)) {
        if (push_consumer_is_clustering(queue->consumer)) queue_locks_give(queue->consumer, &queue->queue);
    } else if (done) {
        consume_orderly_next(queue);
    } else {
        next_later(queue, MAX(SUSPEND_MIN_MS, MIN(suspend_ms, SUSPEND_MAX_MS)));
    }
    process_queue_release(queue);
}

static void settle_failed(struct process_queue *queue) {
    if (queue->settling == 0) end_batch(queue, !queue->settle_again, queue->batch->suspend_ms);
}

static void on_sent_back(struct rmq_message_ext *message, bool success) {
    struct process_queue *queue = message->queue;
    if (!success) {
        queue->settle_again = true;
        message->local_reconsume_times++;
    }
    queue->settling--;
    settle_failed(queue);
}

/* Messages that failed too often go to the dead letters; while others remain, the whole batch comes again. */
static void failed(struct process_queue *queue) {
    struct rmq_push_consumer *consumer = queue->consumer;
    int32_t max = send_back_max_reconsume_times(consumer);
    queue->settle_again = false;
    queue->settling = 1;
    for (struct rmq_message_ext *message = queue->batch; message; message = message->next) {
        int32_t times = rmq_message_ext_reconsume_times(message);
        if (times < max) {
            queue->settle_again = true;
            message->local_reconsume_times++;
        } else {
            queue->settling++;
            send_back_to_retry_topic(consumer, message, times, on_sent_back);
        }
    }
    queue->settling--;
    settle_failed(queue);
}

void consume_orderly_settle(struct rmq_message_ext *batch) {
    struct process_queue *queue = batch->queue;
    queue->batch = batch;
    if (atomic_load(&queue->dropped)) {
        end_batch(queue, false, 0);
        return;
    }
    for (struct rmq_message_ext *message = batch; message; message = message->next) consume_count(message);
    if (batch->failed)
        failed(queue);
    else
        end_batch(queue, true, 0);
}
