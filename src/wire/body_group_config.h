/* body_group_config.h - SubscriptionGroupConfig, the body of UPDATE_AND_CREATE_SUBSCRIPTIONGROUP.
 * @source shared facts: protocol 2.3 */
#ifndef RMQ_WIRE_BODY_GROUP_CONFIG_H
#define RMQ_WIRE_BODY_GROUP_CONFIG_H

#include "base/json.h"

struct group_config {
    struct bytes name;
    bool consume_enable, consume_from_min_enable, consume_broadcast_enable, consume_message_orderly;
    bool notify_consumer_ids_changed_enable;
    int32_t retry_queue_nums, retry_max_times, group_sys_flag, consume_timeout_minute;
    int64_t broker_id, which_broker_when_consume_slowly;
    struct bytes retry_policy; /* a JSON object; absent = that of the broker */
    const struct group_attribute { struct bytes name, value; /* name with its "+" or "-" */ } * attributes;
    size_t attribute_count;
};
/* What a group is that says nothing of itself.
 * @source apache/rocketmq remoting/.../protocol/subscription/SubscriptionGroupConfig.java */
struct group_config group_config_default(struct bytes name);
void group_config_encode(const struct group_config *config, struct buf *out);

#endif
