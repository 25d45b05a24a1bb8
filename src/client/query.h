/* query.h - QUERY_MESSAGE to every broker of a route, for callers that set more of it than the public interface. */
#ifndef RMQ_CLIENT_QUERY_H
#define RMQ_CLIENT_QUERY_H

#include "rocketmq/client.h"
#include "wire/header.h"

/* As rmq_client_query_message. route_topic: whose brokers are asked. Texts are borrowed until it returns.
 * With unique_key_query the key is an id that a producer made. @thread any but the I/O thread */
rmq_error_t client_query(rmq_client_t *client, struct bytes route_topic, const struct hdr_query_message *query,
                         rmq_message_list_t **list);

#endif
