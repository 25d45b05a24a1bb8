/* consume.h - the consumer threads: they take messages batch by batch, call the listener, and give the messages back
 * with its answer to the I/O thread, which settles them. */
#ifndef RMQ_CLIENT_CONSUME_H
#define RMQ_CLIENT_CONSUME_H

#include <pthread.h>
#include "base/lock.h"
#include "client/message_ext.h"
#include "net/loop.h"
#include "remoting/remoting.h"
#include "wire/body_queue.h"

struct rmq_push_consumer;

struct message_fifo {
    struct rmq_message_ext *first, **last;
};
struct consume {
    struct lock lock; /* of the next four */
    struct cond wake;
    struct message_fifo todo, settled;
    bool stopping;
    struct loop_task settle_task;
    pthread_t *threads;
    size_t thread_count;
};
/* CONSUME_MESSAGE_DIRECTLY: one message outside of all queues. Freed when it was answered. */
struct direct_consume {
    struct message_block *block;
    struct message_queue queue;
    struct reply_to to;
    int64_t begin_ms;
};

void consume_init(struct rmq_push_consumer *consumer);
void consume_close(struct rmq_push_consumer *consumer);
enum err consume_start(struct rmq_push_consumer *consumer) MUST_USE;
/* Waits for running calls of the listener; what was not given to it stays unconsumed. @thread any but theirs */
void consume_stop(struct rmq_push_consumer *consumer);
/* After consume_stop: settles what the threads gave back, then push_consumer_settled. @thread the I/O thread */
void consume_settle_last(struct rmq_push_consumer *consumer);
/* Lets go of what no thread took. @thread the I/O thread */
void consume_discard(struct rmq_push_consumer *consumer);
/* Gives messages linked by next, batches ended by batch_end, to the threads; each holds its block and queue then.
 * @thread the I/O thread */
void consume_submit(struct rmq_push_consumer *consumer, struct rmq_message_ext *first, struct rmq_message_ext *last);
void consume_submit_direct(struct rmq_push_consumer *consumer, struct direct_consume *direct);
/* Counts a call of the listener for the running info. @thread the I/O thread */
void consume_count(const struct rmq_message_ext *message);
/* The message is settled: lets go of what consume_submit held. @thread the I/O thread */
void consume_release(struct rmq_message_ext *message);

/* How the I/O thread settles one message (concurrently) or a batch linked by next (orderly). */
void consume_concurrently_submit(struct process_queue *queue, struct message_block *block);
void consume_concurrently_settle(struct rmq_message_ext *message);
/* Forgets what was to come again here after a while; it stays uncommitted. */
void consume_concurrently_cancel(struct rmq_push_consumer *consumer);
/* Sends back what the listener has had for too long. */
void consume_concurrently_expire(struct rmq_push_consumer *consumer);
/* Gives the next batch to a thread if none is there and the queue is locked. */
void consume_orderly_next(struct process_queue *queue);
void consume_orderly_settle(struct rmq_message_ext *batch);

#endif
