/* body_group_config.c - SubscriptionGroupConfig as JSON. */
#include "wire/body_group_config.h"

struct group_config group_config_default(struct bytes name) {
    return (struct group_config){.name = name,
                                 .consume_enable = true,
                                 .consume_from_min_enable = true,
                                 .consume_broadcast_enable = true,
                                 .notify_consumer_ids_changed_enable = true,
                                 .retry_queue_nums = 1,
                                 .retry_max_times = 16,
                                 .consume_timeout_minute = 15,
                                 .which_broker_when_consume_slowly = 1};
}

void group_config_encode(const struct group_config *config, struct buf *out) {
    struct json_writer w = {.out = out};
    json_begin_object(&w);
    json_key_text(&w, "attributes");
    json_begin_object(&w);
    for (size_t i = 0; i < config->attribute_count; i++) {
        json_key(&w, config->attributes[i].name);
        json_string(&w, config->attributes[i].value);
    }
    json_end_object(&w);
    json_member_int(&w, "brokerId", config->broker_id);
    json_member_bool(&w, "consumeBroadcastEnable", config->consume_broadcast_enable);
    json_member_bool(&w, "consumeEnable", config->consume_enable);
    json_member_bool(&w, "consumeFromMinEnable", config->consume_from_min_enable);
    json_member_bool(&w, "consumeMessageOrderly", config->consume_message_orderly);
    json_member_int(&w, "consumeTimeoutMinute", config->consume_timeout_minute);
    json_member(&w, "groupName", config->name);
    if (config->retry_policy.data) {
        json_key_text(&w, "groupRetryPolicy");
        json_raw(&w, config->retry_policy);
    }
    json_member_int(&w, "groupSysFlag", config->group_sys_flag);
    json_member_bool(&w, "notifyConsumerIdsChangedEnable", config->notify_consumer_ids_changed_enable);
    json_member_int(&w, "retryMaxTimes", config->retry_max_times);
    json_member_int(&w, "retryQueueNums", config->retry_queue_nums);
    json_member_int(&w, "whichBrokerWhenConsumeSlowly", config->which_broker_when_consume_slowly);
    json_end_object(&w);
}
