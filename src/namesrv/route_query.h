/* route_query.h - what the route table answers. Arrays live in `arena`; texts are the table's own and valid until it
 * changes. @thread that of the table @source shared facts: behaviour 3.4 */
#ifndef RMQ_NAMESRV_ROUTE_QUERY_H
#define RMQ_NAMESRV_ROUTE_QUERY_H

#include "namesrv/route_table.h"
#include "wire/body_cluster.h"
#include "wire/body_topic_list.h"

/* Where the queues of a topic are, without orderTopicConf; false if nowhere. With supportActingMaster the lowest
 * slave of a read-only broker without master stands in its place. */
bool route_query_topic(const struct route_table *table, struct arena *arena, struct bytes topic,
                       struct topic_route *out);
/* Why a topic has no route, as half a sentence. */
void route_query_no_route_cause(const struct route_table *table, struct bytes topic, struct buf *out);
/* Keeps the brokers of that zone and those without a master, their queues and filter servers.
 * @source apache/rocketmq namesrv ZoneRouteRPCHook */
void route_query_keep_zone(struct arena *arena, struct topic_route *route, struct bytes zone_name);
void route_query_cluster_info(const struct route_table *table, struct arena *arena, struct cluster_info *out);
/* The addresses of a broker name; none if unknown. */
struct broker_data route_query_member_group(const struct route_table *table, struct bytes cluster,
                                            struct bytes broker_name);

/* Which topics of all. */
enum topic_filter { TOPICS_ALL, TOPICS_UNIT, TOPICS_UNIT_SUB, TOPICS_UNIT_SUB_NOT_UNIT };
void route_query_topics(const struct route_table *table, struct arena *arena, enum topic_filter filter,
                        struct topic_list *out);
void route_query_topics_of_cluster(const struct route_table *table, struct arena *arena, struct bytes cluster,
                                   struct topic_list *out);
/* Names of clusters and brokers, which are topics too, and the address of one broker. */
void route_query_system_topics(const struct route_table *table, struct arena *arena, struct topic_list *out);

#endif
