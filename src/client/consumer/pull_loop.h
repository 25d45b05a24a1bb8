/* pull_loop.h - keeps one long-polling pull in flight for each queue a push consumer has, as long as not too much
 * waits to be consumed. @thread the I/O thread
 * @source apache/rocketmq client/.../impl/consumer/DefaultMQPushConsumerImpl.java pullMessage */
#ifndef RMQ_CLIENT_PULL_LOOP_H
#define RMQ_CLIENT_PULL_LOOP_H

#include "client/consumer/process_queue.h"

enum { PULL_EXPIRED_MS = 120000 }; /* a loop not seen for so long has stopped by a fault: the queue is taken anew */
/* Pulls, now or when it may; does nothing if a pull is under way. */
void pull_loop_run(struct process_queue *queue);

#endif
