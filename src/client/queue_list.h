/* queue_list.h - the queues of a topic for users: copies that live on their own. */
#ifndef RMQ_CLIENT_QUEUE_LIST_H
#define RMQ_CLIENT_QUEUE_LIST_H

#include "rocketmq/client.h"

/* The queues of `topic` to send to, as the client knows them, else fetched; if there is no such topic and key_topic is
 * not NULL, those it will get. @thread any but the I/O thread */
rmq_error_t queue_list_fetch(rmq_client_t *client, const char *topic, const char *key_topic, int32_t queue_count,
                             rmq_queue_list_t **list);

#endif
