/* lmq_put.h - puts of messages that may go to light queues too (message/lmq.h). @thread any */
#ifndef RMQ_BROKER_LMQ_PUT_H
#define RMQ_BROKER_LMQ_PUT_H

#include "broker/broker.h"

/* The put of a record that has all but what the append fills in, for the queue of its topic; encoded in `arena`. With
 * enableLmq and enableMultiDispatch the light queues that INNER_MULTI_DISPATCH names, each made when it is missing, are
 * part of it, where the topic allows any. ERR_MESSAGE_ILLEGAL when the record is too long for its format. */
enum err lmq_put(struct broker *broker, struct record *record, struct queue *queue, struct arena *arena,
                 struct put *out) MUST_USE;
/* Would a message of this topic for the light queues `names` make one beyond maxLmqConsumeQueueNum? Always false
 * without enableLmqQuota. @source apache/rocketmq HookUtils.handleLmqQuota, 5.5.0 */
bool lmq_quota_exceeded(const struct broker *broker, struct bytes topic, struct bytes names);

#endif
