/* process_queue.h - a queue that a push consumer has: messages pulled and not yet consumed, in order of their offsets.
 * The committed offset is that of the first one not done, so that a crash repeats messages but loses none.
 * @thread the I/O thread; consumer threads read `dropped` alone */
#ifndef RMQ_CLIENT_PROCESS_QUEUE_H
#define RMQ_CLIENT_PROCESS_QUEUE_H

#include <stdatomic.h>
#include "client/call.h"
#include "client/message_ext.h"
#include "net/loop.h"
#include "wire/body_queue.h"

struct rmq_push_consumer;
struct process_queue {
    struct process_queue *next; /* of the consumer */
    struct rmq_push_consumer *consumer;
    struct message_queue queue; /* kept names */
    int refs;
    atomic_bool dropped; /* not ours any more: its messages are not consumed, its offset is not stored */

    struct rmq_message_ext **ring; /* waiting or being consumed, by offset */
    size_t head, count, cap;       /* cap is a power of two */
    size_t size_bytes;             /* of the bodies in it */
    int64_t max_offset;            /* of the last message put, -1: none yet */

    int64_t commit_offset; /* to be stored; -1: unknown yet */
    int64_t next_offset;   /* to be pulled */
    int64_t pull_broker_id;
    bool pulling;
    int64_t last_pull_ms, last_consume_ms; /* wall clock, for the running info */
    int64_t pull_alive_ms;                 /* monotonic: when the pull loop was last seen */
    int64_t pull_begin_ms;                 /* monotonic */
    struct loop_timer pull_timer;

    /* orderly */
    bool consuming;                /* a batch is with a thread, or being settled */
    bool locked, locked_first;     /* the lock was there at the first pull */
    int64_t lock_ms;               /* monotonic, of the last lock */
    struct loop_timer order_timer; /* when the next batch may be given */
    struct rmq_message_ext *batch; /* linked by next */
    int settling;                  /* messages of the batch being sent to the retry topic */
    bool settle_again;             /* the batch must come again */
};

struct process_queue *process_queue_create(struct rmq_push_consumer *consumer, const struct message_queue *queue);
void process_queue_hold(struct process_queue *queue);
void process_queue_release(struct process_queue *queue);
/* Takes all messages of the block in; each holds it once. */
void process_queue_put(struct process_queue *queue, struct message_block *block);
/* The message leaves (and lets go of its block) when all before it are done; moves commit_offset. */
void process_queue_done(struct process_queue *queue, struct rmq_message_ext *message);
/* Nothing waits any more; stops the timers. */
void process_queue_drop(struct process_queue *queue);
int64_t process_queue_span(const struct process_queue *queue); /* of the offsets in it */
struct rmq_message_ext *process_queue_at(const struct process_queue *queue, size_t i);

#endif
