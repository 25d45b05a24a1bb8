/* route_table.h - who serves which topic: brokers, their addresses, when they were heard of last, and their topics.
 * In memory only: brokers tell it anew when a name server starts. Queries are in route_query.h.
 * Invariants: a broker entry has at least one address; a topic has at least one row; each row's broker is listed.
 * Times are monotonic milliseconds given by the caller. Texts given are copied.
 * @thread the one that owns the table @source shared facts: behaviour 3.1-3.3, protocol 6.5 */
#ifndef RMQ_NAMESRV_ROUTE_TABLE_H
#define RMQ_NAMESRV_ROUTE_TABLE_H

#include "namesrv/namesrv_config.h"
#include "wire/body_register.h"
#include "wire/body_topic_route.h"

enum { BROKER_TIMEOUT_MS = 120000 /* without a registration or heartbeat */ };
enum { PERM_INHERIT = 1, PERM_WRITE = 2, PERM_READ = 4 };

struct route_table;

/* The lowest broker id of a name is another than before. Texts are valid during the call. */
struct min_broker_change {
    const struct broker_data *broker; /* as it is now */
    struct bytes offline_address;     /* who went away; absent: somebody came */
    struct bytes ha_server_address;   /* of who came; absent: somebody went away */
};
struct route_table_options {
    const struct namesrv_config *config; /* read whenever it matters: keys may change */
    void *ctx;
    void (*min_broker_changed)(void *ctx, const struct min_broker_change *change);
};
struct route_table *route_table_create(const struct route_table_options *options);
void route_table_destroy(struct route_table *table);

/* A broker as it names itself in every request of its own. */
struct broker_identity {
    struct bytes cluster, broker_name, address;
    int64_t broker_id;
};
struct registration {
    struct broker_identity broker;
    struct bytes ha_server_address;
    struct bytes zone_name;   /* absent = none */
    bool knows_acting_master; /* since 5.0 */
    bool enable_acting_master;
    int64_t timeout_ms;  /* 0 = BROKER_TIMEOUT_MS */
    uint64_t channel_id; /* when it closes the broker is gone */
    const struct register_body *body;
};
struct registration_result { /* of the live master, for slaves; else absent. Valid until the table changes */
    struct bytes ha_server_address, master_address;
};
/* ERR_FAILED: an unknown broker that names a single topic. One that is outdated by a newer broker of the same id is
 * ignored and gets an empty result. */
enum err route_table_register(struct route_table *table, const struct registration *registration, int64_t now_ms,
                              struct registration_result *out) MUST_USE;
void route_table_unregister(struct route_table *table, const struct broker_identity *broker);
/* A sign of life; unknown brokers are ignored. */
void route_table_heartbeat(struct route_table *table, struct bytes cluster, struct bytes address, int64_t now_ms);
/* The data version of its last registration; false if unknown. */
bool route_table_data_version(const struct route_table *table, struct bytes cluster, struct bytes address,
                              struct data_version *out);
/* The channel is gone and with it the brokers that registered over it. */
void route_table_channel_closed(struct route_table *table, uint64_t channel_id);
/* Takes out brokers silent for longer than their timeout; the channels they registered over, which are to be closed,
 * in `arena`. */
size_t route_table_expire(struct route_table *table, int64_t now_ms, struct arena *arena, const uint64_t **channels);

/* Queues of one topic on brokers that are known; stops silently at the first that is not. */
void route_table_register_topic(struct route_table *table, struct bytes topic, const struct queue_data *queues,
                                size_t count);
/* Everywhere, or on the brokers of that cluster when it is not empty. */
void route_table_delete_topic(struct route_table *table, struct bytes topic, struct bytes cluster);
/* On all topics of the broker until it registers a change: how many topics it has. */
int32_t route_table_wipe_write_perm(struct route_table *table, struct bytes broker_name);
int32_t route_table_add_write_perm(struct route_table *table, struct bytes broker_name);

#endif
