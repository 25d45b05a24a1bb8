/* pull_consumer.h - a pull consumer: a group, and the offsets that its user has updated. */
#ifndef RMQ_CLIENT_PULL_CONSUMER_H
#define RMQ_CLIENT_PULL_CONSUMER_H

#include "client/call.h"
#include "client/client.h"
#include "rocketmq/consumer.h"

struct pull_offset {
    struct message_queue queue; /* kept names */
    int64_t offset;
    bool changed; /* since it was stored */
};
struct rmq_pull_consumer {
    struct rmq_pull_consumer *next; /* of the client */
    struct rmq_client *client;
    struct bytes group; /* owned */
    struct pull_offset *offsets;
    size_t offset_count;
};
/* Stores the offsets that changed, as offset_update does. */
void pull_consumer_persist_offsets(struct rmq_pull_consumer *consumer, struct answers_wait *wait);

#endif
