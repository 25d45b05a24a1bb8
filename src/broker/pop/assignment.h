/* assignment.h - which queues of a topic are a client's, as the broker says when clients do not rebalance themselves.
 * Pure. @source shared facts: behaviour 10.3; apache/rocketmq QueryAssignmentProcessor,
 * AllocateMessageQueueAveragely, ...ByCircle 5.3.3 */
#ifndef RMQ_BROKER_ASSIGNMENT_H
#define RMQ_BROKER_ASSIGNMENT_H

#include "base/arena.h"
#include "broker/pop/request_modes.h"
#include "wire/body_queue.h"

struct assignment_input {
    const struct message_queue *queues; /* of all brokers, sorted */
    size_t queue_count;
    const struct bytes *clients; /* of the group, sorted */
    size_t client_count;
    struct bytes client_id;
    struct bytes strategy; /* AVG, AVG_BY_CIRCLE */
    struct request_mode mode;
};
/* In `arena`; a queue is named once. false: no such strategy, the client keeps what it has. A client that pops without
 * a share of its own gets one entry a broker, with the queue id -1. */
bool assignment_make(const struct assignment_input *input, struct arena *arena, const struct message_queue **out,
                     size_t *count);

#endif
