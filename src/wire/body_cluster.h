/* body_cluster.h - ClusterInfo, the answer to GET_BROKER_CLUSTER_INFO, and BrokerMemberGroup, that to
 * GET_BROKER_MEMBER_GROUP. Broker ids are bare keys for every asker. @source shared facts: protocol 2.2, 2.3 */
#ifndef RMQ_WIRE_BODY_CLUSTER_H
#define RMQ_WIRE_BODY_CLUSTER_H

#include "wire/body_topic_route.h"

struct cluster_brokers {
    struct bytes cluster;
    const struct bytes *broker_names;
    size_t count;
};
struct cluster_info {
    const struct broker_data *brokers; /* by name in brokerAddrTable */
    size_t broker_count;
    const struct cluster_brokers *clusters;
    size_t cluster_count;
};
void cluster_info_encode(const struct cluster_info *info, struct buf *out);
/* All in `arena` or pointing into `body`. ERR_BAD_INPUT: no JSON object. */
enum err cluster_info_decode(struct arena *arena, struct bytes body, struct cluster_info *out) MUST_USE;

/* Uses cluster, broker_name and addresses of `broker` alone. */
void broker_member_group_encode(const struct broker_data *broker, struct buf *out);
enum err broker_member_group_decode(struct arena *arena, struct bytes body, struct broker_data *out) MUST_USE;

#endif
