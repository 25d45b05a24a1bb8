/* message.h - a message to send, in memory. */
#ifndef RMQ_CLIENT_MESSAGE_H
#define RMQ_CLIENT_MESSAGE_H

#include "base/buf.h"
#include "client/outcome.h"
#include "rocketmq/message.h"

struct rmq_message {
    char *topic;
    struct buf body, properties; /* properties as they go over the wire */
    int32_t flag;
};
/* Replaces the property; an empty value removes it. */
void message_set_property(struct rmq_message *message, struct bytes name, struct bytes value);

#endif
