/* handle_send_back.c - request 36: a consumer could not handle a message. */
#include "broker/route.h"

#include "broker/send/retry.h"

/* @source shared facts: behaviour 5.3, in that order */
enum err broker_handle_consumer_send_msg_back(struct call *call, const struct hdr_consumer_send_msg_back *header) {
    struct broker *broker = call->broker;
    struct arena *arena = call->request->arena;
    struct group *group = groups_find_or_create(broker->groups, header->group);
    struct topic *topic;
    if (!group)
        return call_refuse(call, RESPONSE_SUBSCRIPTION_GROUP_NOT_EXIST, "subscription group not exist, %.*s " FAQ_HINT,
                           BYTES_ARG(header->group));
    if (!broker_writable(broker))
        return call_refuse(call, RESPONSE_NO_PERMISSION, "the broker[%.*s] sending message is forbidden",
                           BYTES_ARG(broker->config.broker_ip1));
    if (group->retry_queue_nums <= 0) return ERR_OK;
    TRY(retry_topic(broker, group, header->unit_mode, arena, &topic));
    if (!(topic->perm & PERM_WRITE))
        return call_refuse(call, RESPONSE_NO_PERMISSION, "the topic[%.*s] sending message is forbidden",
                           BYTES_ARG(topic_name(topic)));
    struct retry retry = {.group = group,
                          .topic = topic,
                          .offset_phys = header->offset,
                          .delay_level = header->delay_level,
                          .reconsume_max = group->retry_max_times};
    if (call->request->command.version >= VERSION_3_4_9 && header->has.max_reconsume_times)
        retry.reconsume_max = header->max_reconsume_times;
    return retry_append(broker, &retry, arena);
}
