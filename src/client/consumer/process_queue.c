/* process_queue.c - a ring of messages by offset; those done leave from its head. */
#include "client/consumer/process_queue.h"

#include <stdlib.h>
#include "base/check.h"
#include "client/consumer/push_consumer.h"

struct process_queue *process_queue_create(struct rmq_push_consumer *consumer, const struct message_queue *mq) {
    struct process_queue *queue = calloc(1, sizeof *queue);
    must(queue);
    queue->consumer = consumer;
    push_consumer_hold(consumer);
    queue->queue = *mq;
    queue->refs = 1;
    queue->max_offset = queue->commit_offset = -1;
    return queue;
}

void process_queue_hold(struct process_queue *queue) {
    queue->refs++;
}

void process_queue_release(struct process_queue *queue) {
    if (--queue->refs > 0) return;
    struct rmq_push_consumer *consumer = queue->consumer;
    process_queue_drop(queue);
    free(queue->ring);
    free(queue);
    push_consumer_release(consumer);
}

struct rmq_message_ext *process_queue_at(const struct process_queue *queue, size_t i) {
    return queue->ring[(queue->head + i) & (queue->cap - 1)];
}

static void grow(struct process_queue *queue, size_t more) {
    size_t cap = queue->cap ? queue->cap : 64;
    while (cap < queue->count + more) cap *= 2;
    if (cap == queue->cap) return;
    struct rmq_message_ext **ring = calloc(cap, sizeof(struct rmq_message_ext *));
    must(ring);
    for (size_t i = 0; i < queue->count; i++) ring[i] = process_queue_at(queue, i);
    free(queue->ring);
    queue->ring = ring;
    queue->cap = cap;
    queue->head = 0;
}

void process_queue_put(struct process_queue *queue, struct message_block *block) {
    grow(queue, block->count);
    for (size_t i = 0; i < block->count; i++) {
        struct rmq_message_ext *message = &block->messages[i];
        message->queue = queue;
        block->refs++;
        queue->ring[(queue->head + queue->count++) & (queue->cap - 1)] = message;
        queue->size_bytes += message->body_len;
        queue->max_offset = MAX(queue->max_offset, message->record.offset_queue);
    }
}

static void pop(struct process_queue *queue) {
    struct rmq_message_ext *message = process_queue_at(queue, 0);
    queue->head++;
    queue->count--;
    queue->size_bytes -= message->body_len;
    message_block_release(message->block);
}

void process_queue_done(struct process_queue *queue, struct rmq_message_ext *message) {
    if (atomic_load(&queue->dropped)) return;
    message->done = true;
    while (queue->count > 0 && process_queue_at(queue, 0)->done) pop(queue);
    int64_t offset = queue->count > 0 ? process_queue_at(queue, 0)->record.offset_queue : queue->max_offset + 1;
    queue->commit_offset = MAX(queue->commit_offset, offset);
}

void process_queue_drop(struct process_queue *queue) {
    atomic_store(&queue->dropped, true);
    while (queue->count > 0) pop(queue);
    loop_timer_stop(&queue->pull_timer);
    loop_timer_stop(&queue->order_timer);
}

int64_t process_queue_span(const struct process_queue *queue) {
    if (queue->count == 0) return 0;
    return process_queue_at(queue, queue->count - 1)->record.offset_queue -
           process_queue_at(queue, 0)->record.offset_queue;
}
