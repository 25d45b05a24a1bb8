/* cluster_routes.h - where the queues of a topic are, on all brokers: what name servers say, kept for some seconds.
 * Owned by the main loop, whose channels to the name servers it uses. @source shared facts: behaviour 10.3 */
#ifndef RMQ_BROKER_CLUSTER_ROUTES_H
#define RMQ_BROKER_CLUSTER_ROUTES_H

#include "broker/broker.h"
#include "wire/body_queue.h"

struct cluster_routes;
enum err cluster_routes_open(struct broker *broker, struct cluster_routes **out) MUST_USE;
void cluster_routes_close(struct cluster_routes *routes); /* main loop ended */

/* The readable queues of a topic, sorted; count 0: no broker has it. Valid while the callback runs. reactor NULL: the
 * broker stops, there is nobody to answer. */
typedef void cluster_routes_done(struct reactor *reactor, const struct message_queue *queues, size_t count, void *arg);
/* Asks, or takes what was answered lately; `done` comes on the reactor, in a later turn. Without name servers, or when
 * none answers, the queues of this broker. @thread the reactor's own */
void cluster_routes_ask(struct cluster_routes *routes, struct reactor *reactor, struct bytes topic,
                        cluster_routes_done *done, void *arg);

#endif
