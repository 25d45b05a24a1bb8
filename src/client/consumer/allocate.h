/* allocate.h - how the queues of a topic are shared by the consumers of a group. Every consumer computes the same. */
#ifndef RMQ_CLIENT_ALLOCATE_H
#define RMQ_CLIENT_ALLOCATE_H

#include "rocketmq/consumer.h"
#include "wire/body_queue.h"

/* Copies to `mine` (room for count) those of the sorted `queues` that belong to client `own` of the sorted `clients`;
 * returns how many. 0 when the client is not among them.
 * @source apache/rocketmq client/.../rebalance/AllocateMessageQueueAveragely.java, ...AveragelyByCircle.java */
size_t allocate_queues(rmq_allocate_strategy_t strategy, const struct message_queue *queues, size_t count,
                       const struct bytes *clients, size_t client_count, struct bytes own, struct message_queue *mine);

#endif
