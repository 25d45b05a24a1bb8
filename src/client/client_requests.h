/* client_requests.h - what brokers ask of a client: rebalance, reset offsets, tell of a consumer or a
 * transaction, consume one message.
 * @source shared facts: protocol 4.1, 4.3, 6.7, 6.10 @thread the I/O thread */
#ifndef RMQ_CLIENT_CLIENT_REQUESTS_H
#define RMQ_CLIENT_CLIENT_REQUESTS_H

#include "remoting/remoting.h"

struct rmq_push_consumer;
struct rmq_message_ext;
void client_on_request(struct request *request);
/* A message that was to be consumed directly has been: answers, and lets go of it. */
void client_direct_consumed(struct rmq_push_consumer *consumer, struct rmq_message_ext *message);

#endif
