/* body_topic_route.h - TopicRouteData, the answer to GET_ROUTEINFO_BY_TOPIC: where the queues of a topic are.
 * @source shared facts: protocol 2.2, 2.3; behaviour 3.4 */
#ifndef RMQ_WIRE_BODY_TOPIC_ROUTE_H
#define RMQ_WIRE_BODY_TOPIC_ROUTE_H

#include "base/json.h"

enum { MASTER_ID = 0 };

struct queue_data {
    struct bytes broker_name;
    int32_t read_queue_nums, write_queue_nums;
    int32_t perm; /* 4 read, 2 write, 1 inherit */
    int32_t topic_sys_flag;
};
struct broker_address {
    int64_t broker_id;
    struct bytes address; /* "host:port" */
};
struct broker_data {
    struct bytes cluster, broker_name;
    struct bytes zone_name; /* absent = none */
    bool enable_acting_master;
    const struct broker_address *addresses;
    size_t address_count;
};
struct filter_servers {
    struct bytes broker_address;
    const struct bytes *servers;
    size_t server_count;
};
/* Where the queues of a static topic (5.0) are, as one broker tells it; passed on as it came. */
struct queue_mapping {
    struct bytes broker_name;
    struct bytes info; /* a JSON object */
};
struct topic_route {
    struct bytes order_topic_conf; /* "broker-a:8;broker-b:8"; absent = none */
    const struct queue_data *queues;
    size_t queue_count;
    const struct broker_data *brokers;
    size_t broker_count;
    const struct filter_servers *filters;
    size_t filter_count;
    const struct queue_mapping *mappings;
    size_t mapping_count;
};
/* strict: keys quoted and ASCII only, for askers from VERSION_4_9_4 on; else broker ids are bare keys. */
void topic_route_encode(const struct topic_route *route, bool strict, struct buf *out);
/* All in `arena` or pointing into `body`; addresses by rising id. ERR_BAD_INPUT: no JSON object. */
enum err topic_route_decode(struct arena *arena, struct bytes body, struct topic_route *out) MUST_USE;
/* The address of that id, absent if none. */
struct bytes broker_data_address(const struct broker_data *broker, int64_t broker_id);

/* A BrokerData as a value; arrays decoded into `arena`, texts live with the tree. */
void broker_data_encode(struct json_writer *w, const struct broker_data *broker);
struct broker_data broker_data_decode(struct arena *arena, const struct json *node);

#endif
