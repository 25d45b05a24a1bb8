/* consume_concurrently.c - messages of a queue consumed in any order: each is settled on its own. */
#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "client/consumer/push_consumer.h"
#include "client/consumer/send_back.h"
#include "os/clock.h"

enum { CONSUME_AGAIN_DELAY_MS = 5000, EXPIRE_DELAY_LEVEL = 3, EXPIRE_MAX_A_QUEUE = 16 };

void consume_concurrently_submit(struct process_queue *queue, struct message_block *block) {
    if (block->count == 0) return;
    size_t batch_size = (size_t)queue->consumer->options.consume_message_batch_max_size;
    for (size_t i = 0; i < block->count; i++) {
        bool is_last = i + 1 == block->count;
        block->messages[i].batch_end = is_last || (i + 1) % batch_size == 0;
        block->messages[i].next = is_last ? NULL : &block->messages[i + 1];
    }
    consume_submit(queue->consumer, &block->messages[0], &block->messages[block->count - 1]);
}

static void settled(struct rmq_message_ext *message) {
    process_queue_done(message->queue, message);
    consume_release(message);
}

/* ---- failures that could not be sent back come again here after a while --------------------------------- */

struct consume_again {
    struct consume_again *next; /* of the consumer */
    struct loop_timer timer;
    struct rmq_message_ext *message;
};

static struct rmq_message_ext *take_again(struct rmq_push_consumer *consumer, struct consume_again *again) {
    struct consume_again **at = &consumer->again;
    while (*at != again) at = &(*at)->next;
    *at = again->next;
    struct rmq_message_ext *message = again->message;
    loop_timer_stop(&again->timer);
    free(again);
    return message;
}

static void on_again(struct loop_timer *timer) {
    struct consume_again *again = CONTAINER_OF(timer, struct consume_again, timer);
    struct rmq_push_consumer *consumer = again->message->queue->consumer;
    struct rmq_message_ext *message = take_again(consumer, again);
    message->batch_end = true;
    if (!atomic_load(&message->queue->dropped)) consume_submit(consumer, message, message);
    consume_release(message);
}

void consume_concurrently_cancel(struct rmq_push_consumer *consumer) {
    while (consumer->again) consume_release(take_again(consumer, consumer->again));
}

static void on_sent_back(struct rmq_message_ext *message, bool success) {
    struct rmq_push_consumer *consumer = message->queue->consumer;
    if (success || consumer->state != CONSUMER_RUNNING) {
        if (success)
            settled(message);
        else
            consume_release(message); /* not done: it is delivered again from the committed offset */
        return;
    }
    message->local_reconsume_times++;
    struct consume_again *again = calloc(1, sizeof *again);
    must(again);
    again->message = message;
    again->next = consumer->again;
    consumer->again = again;
    loop_timer_start(consumer->client->loop, &again->timer, CONSUME_AGAIN_DELAY_MS, 0, on_again);
}

/* ---- what the listener said ---------------------------------------------------------------------------- */

void consume_concurrently_settle(struct rmq_message_ext *message) {
    struct process_queue *queue = message->queue;
    struct rmq_push_consumer *consumer = queue->consumer;
    if (message->expired || atomic_load(&queue->dropped)) {
        consume_release(message);
        return;
    }
    consume_count(message);
    if (!message->failed) {
        settled(message);
    } else if (push_consumer_is_clustering(consumer)) {
        send_back(consumer, message, message->delay_level, on_sent_back);
    } else {
        log_warn(CLIENT, "broadcast message dropped, its listener failed: id=%s", message->msg_id);
        settled(message);
    }
}

/* ---- listeners that take too long ---------------------------------------------------------------------- */

static void on_expired_sent_back(struct rmq_message_ext *message, bool success) {
    if (success) {
        message->expired = true; /* whatever the listener says later */
        process_queue_done(message->queue, message);
    }
    consume_release(message);
}

static void expire(struct rmq_push_consumer *consumer, struct rmq_message_ext *message) {
    log_warn(CLIENT, "listener takes longer than %d minutes, message is sent back: id=%s",
             consumer->options.consume_timeout_minutes, message->msg_id);
    message->block->refs++;
    process_queue_hold(message->queue);
    send_back(consumer, message, EXPIRE_DELAY_LEVEL, on_expired_sent_back);
}

void consume_concurrently_expire(struct rmq_push_consumer *consumer) {
    int64_t before_ms = clock_wall_ms() - (int64_t)consumer->options.consume_timeout_minutes * 60000;
    for (struct process_queue *queue = consumer->queues; queue; queue = queue->next) {
        for (size_t i = 0; i < queue->count && i < EXPIRE_MAX_A_QUEUE; i++) {
            struct rmq_message_ext *message = process_queue_at(queue, i);
            int64_t start_ms = atomic_load(&message->consume_start_ms);
            if (!message->done && !message->expired && start_ms > 0 && start_ms < before_ms) expire(consumer, message);
        }
    }
}
