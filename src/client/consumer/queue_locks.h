/* queue_locks.h - an orderly consumer consumes a queue only while the broker has it locked for this client.
 * A lock lives 60 s on the broker and counts for 30 s here; it is renewed every 20 s. @thread the I/O thread
 * @source apache/rocketmq client/.../impl/consumer/RebalanceImpl.java lock, lockAll, unlock; ProcessQueue.java */
#ifndef RMQ_CLIENT_QUEUE_LOCKS_H
#define RMQ_CLIENT_QUEUE_LOCKS_H

#include "client/consumer/process_queue.h"

enum { LOCK_INTERVAL_MS = 20000, LOCK_MAX_LIVE_MS = 30000 };

/* One queue to be locked; lives in the memory of what comes then. */
struct queue_lock {
    struct broker_call call;
    struct buf body;
    struct message_queue queue;
    void (*done)(struct queue_lock *lock, bool locked);
};
void queue_locks_take(struct rmq_push_consumer *consumer, const struct message_queue *queue, struct queue_lock *lock,
                      void (*done)(struct queue_lock *lock, bool locked));
/* Renews the locks of all queues the consumer has. */
void queue_locks_renew(struct rmq_push_consumer *consumer);
/* Gives back those of one queue, oneway. */
void queue_locks_give(struct rmq_push_consumer *consumer, const struct message_queue *queue);
bool queue_locks_hold(const struct process_queue *queue); /* locked, and not for too long */

#endif
