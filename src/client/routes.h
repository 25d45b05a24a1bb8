/* routes.h - where the queues of topics are: asked of the name servers, kept, asked again every 30 seconds.
 * The next name server is tried when one does not answer. @thread the I/O thread
 * @source apache/rocketmq client/.../impl/factory/MQClientInstance.java updateTopicRouteInfoFromNameServer */
#ifndef RMQ_CLIENT_ROUTES_H
#define RMQ_CLIENT_ROUTES_H

#include "client/outcome.h"
#include "wire/body_queue.h"
#include "wire/body_topic_route.h"

struct rmq_client;
struct route_fetch;

/* A topic. Names in it are kept ones (names.h). */
struct route {
    struct route *next;
    struct bytes topic;
    struct message_queue *publish, *subscribe; /* sorted as all clients see them */
    size_t publish_count, subscribe_count;
    struct bytes *broker_names;
    size_t broker_count;
    uint32_t next_publish; /* round robin */
};
/* A broker set and where its members listen. */
struct broker {
    struct broker *next;
    struct bytes name;
    struct broker_address *addresses; /* by rising id, the master (0) first */
    size_t address_count;
};
struct routes {
    char **name_servers;
    size_t name_server_count, current; /* the one that answered last */
    struct route *first;
    struct broker *brokers;
    struct route_fetch *fetches;
};

/* "host:port;host:port". ERR_BAD_CONFIG names what is wrong. */
enum err routes_init(struct routes *routes, const char *name_servers) MUST_USE;
void routes_close(struct routes *routes);

struct route *route_find(struct rmq_client *client, struct bytes topic); /* what is known now, or NULL */

/* Somebody who waits for a route; lives in the memory of what is to be done with it. */
struct route_wait {
    struct route_wait *next;
    /* The route, or NULL and why: RMQ_NO_ROUTE when the name servers do not know the topic, RMQ_NO_NAME_SERVER. */
    void (*done)(struct route_wait *wait, struct route *route, const struct outcome *outcome);
};
/* Asks the name servers anew. Several waiting for one topic share a request. `wait` may be NULL. */
void routes_fetch(struct rmq_client *client, struct bytes topic, struct route_wait *wait);
/* The same for a topic that is to be made by its first message: takes the queues of `key_topic`, at most queue_count.
 */
void routes_fetch_default(struct rmq_client *client, struct bytes topic, struct bytes key_topic, int32_t queue_count,
                          struct route_wait *wait);
/* Asks again for all topics in use, and forgets brokers that are in no route any more. */
void routes_refresh(struct rmq_client *client);

struct broker *broker_find(struct rmq_client *client, struct bytes name);
/* "host:port" of the master; absent if not known. */
struct bytes broker_master(struct rmq_client *client, struct bytes name);
/* Of that id, else of another member; absent if none is known. *is_slave: no offsets can be committed there. */
struct bytes broker_address_of(struct rmq_client *client, struct bytes name, int64_t broker_id, bool *is_slave);

#endif
