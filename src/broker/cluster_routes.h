/* cluster_routes.h - where a topic is, on all brokers: what name servers say, kept for some seconds.
 * Owned by the main loop, whose channels to the name servers it uses. @source shared facts: behaviour 10.3 */
#ifndef RMQ_BROKER_CLUSTER_ROUTES_H
#define RMQ_BROKER_CLUSTER_ROUTES_H

#include "broker/broker.h"
#include "wire/body_queue.h"

struct cluster_routes;
enum err cluster_routes_open(struct broker *broker, struct cluster_routes **out) MUST_USE;
void cluster_routes_close(struct cluster_routes *routes); /* main loop ended */

struct cluster_route {
    const struct message_queue *queues; /* the readable ones, sorted; none: no broker has the topic */
    size_t count;
    const struct broker_master {
        struct bytes broker_name, address;
        int32_t write_queues; /* 0: it is not writable */
    } * masters;              /* by name */
    size_t master_count;
};
/* Absent: none is known. */
struct bytes cluster_route_master(const struct cluster_route *route, struct bytes broker_name);

/* The route is valid while the callback runs. reactor NULL: the broker stops, there is nobody to answer. */
typedef void cluster_routes_done(struct reactor *reactor, const struct cluster_route *route, void *arg);
/* Asks, or takes what was answered lately; `done` comes on the reactor, in a later turn. Without name servers, or when
 * none answers, the queues of this broker and no masters. @thread the reactor's own */
void cluster_routes_ask(struct cluster_routes *routes, struct reactor *reactor, struct bytes topic,
                        cluster_routes_done *done, void *arg);

#endif
