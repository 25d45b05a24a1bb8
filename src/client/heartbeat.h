/* heartbeat.h - tells all brokers which groups this client has and what they subscribe to.
 * @source shared facts: protocol 6.1, 6.2 @thread the I/O thread */
#ifndef RMQ_CLIENT_HEARTBEAT_H
#define RMQ_CLIENT_HEARTBEAT_H

#include "client/call.h"

/* To all members of all broker sets, to masters alone while there is no consumer. `wait` may be NULL. */
void heartbeat_send(struct rmq_client *client, struct answers_wait *wait);
/* Tells all brokers that a group ended here; one of the two is absent. `wait` may be NULL. */
void heartbeat_unregister(struct rmq_client *client, struct bytes producer_group, struct bytes consumer_group,
                          struct answers_wait *wait);

#endif
