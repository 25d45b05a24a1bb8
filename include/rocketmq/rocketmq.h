/* rocketmq.h - the client library of RocketMQ for C: everything in one include. See the manual page rocketmq(3). */
#ifndef ROCKETMQ_ROCKETMQ_H
#define ROCKETMQ_ROCKETMQ_H

#include "rocketmq/client.h"
#include "rocketmq/consumer.h"
#include "rocketmq/error.h"
#include "rocketmq/message.h"
#include "rocketmq/producer.h"

#endif
