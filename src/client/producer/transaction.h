/* transaction.h - messages that brokers hold until the end of a local transaction is known.
 * @source shared facts: protocol 6.8; apache/rocketmq client/.../impl/producer/DefaultMQProducerImpl.java
 * sendMessageInTransaction, checkTransactionState */
#ifndef RMQ_CLIENT_TRANSACTION_H
#define RMQ_CLIENT_TRANSACTION_H

#include "client/client.h"

/* CHECK_TRANSACTION_STATE of a broker: asks the producer of the message's group. @thread the I/O thread */
enum err transaction_check(struct rmq_client *client, struct request *request) MUST_USE;

#endif
