/* consume.c - the consumer threads and the two lists between them and the I/O thread. */
#include "client/consumer/consume.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "client/client_requests.h"
#include "client/consumer/push_consumer.h"
#include "client/trace/consume_trace.h"
#include "os/clock.h"
#include "os/thread.h"

struct consumer_thread {
    struct rmq_push_consumer *consumer;
    int32_t number;
};

static void fifo_init(struct message_fifo *fifo) {
    fifo->first = NULL;
    fifo->last = &fifo->first;
}

static void fifo_put(struct message_fifo *fifo, struct rmq_message_ext *first, struct rmq_message_ext *last) {
    last->next = NULL;
    *fifo->last = first;
    fifo->last = &last->next;
}

/* ---- the threads --------------------------------------------------------------------------------------- */

/* Waits for a batch and puts it into `batch`; 0 when the consumer stops. */
static size_t take_batch(struct consume *consume, struct rmq_message_ext **batch, size_t room) {
    lock_take(&consume->lock);
    while (!consume->todo.first && !consume->stopping) cond_wait(&consume->wake, &consume->lock);
    size_t count = 0;
    if (!consume->stopping) {
        bool ended = false;
        while (!ended && count < room) {
            struct rmq_message_ext *message = consume->todo.first;
            batch[count++] = message;
            ended = message->batch_end;
            consume->todo.first = message->next;
        }
        if (!consume->todo.first) consume->todo.last = &consume->todo.first;
    }
    lock_give(&consume->lock);
    return count;
}

static void call_listener(struct rmq_push_consumer *consumer, int32_t thread_number, struct rmq_message_ext **batch,
                          size_t count) {
    const struct message_queue *queue = batch[0]->queue ? &batch[0]->queue->queue : &batch[0]->direct->queue;
    struct rmq_consume_context context = {.queue = message_queue_view(queue),
                                          .thread_number = thread_number,
                                          .ack_count = count,
                                          .suspend_ms = consumer->options.suspend_current_queue_time_ms};
    struct consume_trace trace = {.consumer = consumer, .batch = batch, .count = count};
    int64_t now_ms = clock_wall_ms();
    for (size_t i = 0; i < count; i++) atomic_store(&batch[i]->consume_start_ms, now_ms);
    consume_trace_begin(&trace);
    rmq_consume_status_t status = consumer->options.listener(
        consumer->options.listener_context, (const struct rmq_message_ext *const *)batch, count, &context);
    consume_trace_end(&trace, status);
    for (size_t i = 0; i < count; i++) {
        batch[i]->failed = status != RMQ_CONSUME_SUCCESS || (!consumer->options.orderly && i >= context.ack_count);
        batch[i]->delay_level = context.delay_level;
        batch[i]->suspend_ms = context.suspend_ms;
    }
}

static void give_back(struct rmq_push_consumer *consumer, struct rmq_message_ext **batch, size_t count) {
    struct consume *consume = &consumer->consume;
    for (size_t i = 0; i + 1 < count; i++) batch[i]->next = batch[i + 1];
    lock_take(&consume->lock);
    fifo_put(&consume->settled, batch[0], batch[count - 1]);
    lock_give(&consume->lock);
    loop_post(consumer->client->loop, &consume->settle_task);
}

static void consumer_thread(void *arg) {
    struct consumer_thread self = *(struct consumer_thread *)arg;
    free(arg);
    struct rmq_push_consumer *consumer = self.consumer;
    size_t room = (size_t)consumer->options.consume_message_batch_max_size;
    struct rmq_message_ext **batch = calloc(room, sizeof(struct rmq_message_ext *));
    must(batch);
    for (size_t count; (count = take_batch(&consumer->consume, batch, room)) > 0;) {
        if (!batch[0]->queue || !atomic_load(&batch[0]->queue->dropped))
            call_listener(consumer, self.number, batch, count);
        give_back(consumer, batch, count);
    }
    free(batch);
}

/* ---- the I/O thread ------------------------------------------------------------------------------------ */

static void settle(struct rmq_push_consumer *consumer, struct rmq_message_ext *batch) {
    if (!batch->queue)
        client_direct_consumed(consumer, batch);
    else if (consumer->options.orderly)
        consume_orderly_settle(batch);
    else
        consume_concurrently_settle(batch);
}

static void settle_all(struct loop_task *task) {
    struct rmq_push_consumer *consumer = CONTAINER_OF(task, struct rmq_push_consumer, consume.settle_task);
    struct consume *consume = &consumer->consume;
    lock_take(&consume->lock);
    struct rmq_message_ext *message = consume->settled.first;
    fifo_init(&consume->settled);
    lock_give(&consume->lock);
    push_consumer_hold(consumer);
    while (message) { /* orderly batches stay linked, others go one by one */
        struct rmq_message_ext *batch = message, *last = message;
        while (consumer->options.orderly && !last->batch_end) last = last->next;
        message = last->next;
        last->next = NULL;
        settle(consumer, batch);
    }
    if (consumer->stop.call) push_consumer_settled(consumer);
    push_consumer_release(consumer);
}

void consume_submit(struct rmq_push_consumer *consumer, struct rmq_message_ext *first, struct rmq_message_ext *last) {
    struct consume *consume = &consumer->consume;
    last->next = NULL;
    for (struct rmq_message_ext *message = first; message; message = message->next) {
        message->block->refs++;
        if (message->queue) process_queue_hold(message->queue);
    }
    bool several = !first->batch_end || first != last;
    lock_take(&consume->lock);
    fifo_put(&consume->todo, first, last);
    if (several)
        cond_broadcast(&consume->wake);
    else
        cond_signal(&consume->wake);
    lock_give(&consume->lock);
}

void consume_submit_direct(struct rmq_push_consumer *consumer, struct direct_consume *direct) {
    struct rmq_message_ext *message = &direct->block->messages[0];
    message->direct = direct;
    message->batch_end = true;
    consume_submit(consumer, message, message);
}

void consume_count(const struct rmq_message_ext *message) {
    struct process_queue *queue = message->queue;
    queue->last_consume_ms = clock_wall_ms();
    struct subscribed *subscribed = push_consumer_subscribed(queue->consumer, queue->queue.topic);
    if (!subscribed) return;
    struct consume_totals *totals = &subscribed->stats.now;
    totals->consumes++;
    totals->consume_ms += queue->last_consume_ms - atomic_load(&message->consume_start_ms);
    totals->ok += !message->failed;
    totals->failed += message->failed;
}

void consume_release(struct rmq_message_ext *message) {
    struct process_queue *queue = message->queue;
    message_block_release(message->block);
    if (queue) process_queue_release(queue);
}

enum err consume_start(struct rmq_push_consumer *consumer) {
    struct consume *consume = &consumer->consume;
    size_t count = (size_t)consumer->options.consume_thread_count;
    consume->threads = calloc(count, sizeof *consume->threads);
    must(consume->threads);
    for (size_t i = 0; i < count; i++) {
        struct consumer_thread *thread = malloc(sizeof *thread);
        must(thread);
        *thread = (struct consumer_thread){consumer, (int32_t)i + 1};
        char name[48];
        snprintf(name, sizeof name, "rmq-consume-%zu", i + 1);
        enum err err = thread_start(&consume->threads[i], name, consumer_thread, thread);
        if (err != ERR_OK) {
            free(thread);
            return err;
        }
        consume->thread_count++;
    }
    return ERR_OK;
}

void consume_init(struct rmq_push_consumer *consumer) {
    struct consume *consume = &consumer->consume;
    lock_init(&consume->lock, LOCK_CLIENT);
    cond_init(&consume->wake);
    fifo_init(&consume->todo);
    fifo_init(&consume->settled);
    consume->settle_task.run = settle_all;
}

void consume_stop(struct rmq_push_consumer *consumer) {
    struct consume *consume = &consumer->consume;
    lock_take(&consume->lock);
    consume->stopping = true;
    cond_broadcast(&consume->wake);
    lock_give(&consume->lock);
    for (size_t i = 0; i < consume->thread_count; i++) thread_join(consume->threads[i]);
    consume->thread_count = 0;
}

void consume_settle_last(struct rmq_push_consumer *consumer) {
    loop_post(consumer->client->loop, &consumer->consume.settle_task); /* behind what the threads posted */
}

void consume_discard(struct rmq_push_consumer *consumer) {
    struct consume *consume = &consumer->consume;
    struct rmq_message_ext *message = consume->todo.first;
    fifo_init(&consume->todo);
    while (message) {
        struct rmq_message_ext *next = message->next;
        if (message->queue) message->queue->consuming = false; /* so that its lock is given back */
        if (message->direct) {
            message_block_release(message->direct->block);
            free(message->direct);
        }
        consume_release(message);
        message = next;
    }
}

void consume_close(struct rmq_push_consumer *consumer) {
    struct consume *consume = &consumer->consume;
    free(consume->threads);
    cond_close(&consume->wake);
    lock_close(&consume->lock);
}
