/* rebalance.h - which queues of its topics a push consumer has: asks who else is in the group, takes its share, lets go
 * of what belongs to others. Every 20 seconds, and when something changed. @thread the I/O thread
 * @source apache/rocketmq client/.../impl/consumer/RebalanceImpl.java, RebalancePushImpl.java */
#ifndef RMQ_CLIENT_REBALANCE_H
#define RMQ_CLIENT_REBALANCE_H

#include "client/consumer/process_queue.h"

/* Goes through all topics; when one such round is under way, another follows it. */
void rebalance_start(struct rmq_push_consumer *consumer);
/* Stores the queue's offset, gives back its lock, and forgets it. */
void rebalance_drop_queue(struct process_queue *queue);

#endif
