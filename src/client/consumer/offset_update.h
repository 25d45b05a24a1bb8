/* offset_update.h - tells the master of a queue how far a group has come in it. @thread the I/O thread */
#ifndef RMQ_CLIENT_OFFSET_UPDATE_H
#define RMQ_CLIENT_OFFSET_UPDATE_H

#include "client/call.h"
#include "client/client.h"

/* Without `wait` oneway, as the Java client always does: brokers execute requests of one connection on several threads
 * and may answer a question that comes right behind with the offset before. With it, it is one of the calls waited for.
 * A master that is not known is not told: false.
 * @source apache/rocketmq client/.../consumer/store/RemoteBrokerOffsetStore.java updateConsumeOffsetToBroker */
bool offset_update(struct rmq_client *client, struct bytes group, const struct message_queue *queue, int64_t offset,
                   struct answers_wait *wait);

#endif
