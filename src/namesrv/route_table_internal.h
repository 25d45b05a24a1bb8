/* route_table_internal.h - the tables, for route_table.c and route_query.c. */
#ifndef RMQ_NAMESRV_ROUTE_TABLE_INTERNAL_H
#define RMQ_NAMESRV_ROUTE_TABLE_INTERNAL_H

#include "namesrv/lost_topics.h"
#include "namesrv/route_table.h"
#include <uthash.h>

/* All brokers of one name: a master (id 0) and its slaves. */
struct broker_entry {
    struct broker_data data; /* owns its texts and addresses; addresses by rising id */
    UT_hash_handle hh;       /* by data.broker_name */
};
/* A topic's queues on one broker. */
struct queue_row {
    struct broker_entry *broker;
    int32_t read_queue_nums, write_queue_nums, perm, sys_flag;
    uint64_t registration; /* the last one that named it; 0 = just made */
    struct bytes mapping;  /* own copy of a static topic's JSON; absent = none */
};
struct topic_entry {
    struct bytes name;
    struct queue_row *rows;
    size_t row_count;
    UT_hash_handle hh; /* by name */
};
/* One broker process that is alive. */
struct live_entry {
    struct bytes key; /* cluster, '\n', address */
    struct bytes broker_name, ha_server_address;
    int64_t broker_id, seen_ms, timeout_ms;
    struct data_version data_version;
    uint64_t channel_id;
    struct bytes *filter_servers;
    size_t filter_server_count;
    UT_hash_handle hh; /* by key */
};
struct route_table {
    struct route_table_options options;
    struct broker_entry *brokers;
    struct topic_entry *topics;
    struct live_entry *lives;
    struct lost_topics *lost;
    uint64_t registrations; /* counted, to know the rows that one has named */
};

struct broker_entry *route_table_find_broker(const struct route_table *table, struct bytes broker_name);
struct topic_entry *route_table_find_topic(const struct route_table *table, struct bytes topic);
struct live_entry *route_table_find_live(const struct route_table *table, struct bytes cluster, struct bytes address);
struct queue_row *topic_row(const struct topic_entry *topic, const struct broker_entry *broker); /* NULL if none */

#endif
