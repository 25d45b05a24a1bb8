/* handle_lite_pop.c - request 200070: a client pops what is new in its lite topics.
 * @source apache/rocketmq PopLiteMessageProcessor, 5.5.0; shared facts: since-5.3.3 4.4 */
#include "broker/route.h"

#include "base/check.h"
#include "broker/lite/lite_pop.h"
#include "broker/pop/receipt.h"
#include "os/clock.h"

enum { LATE_MS = 500, HOLD_MAX_MS = 3600000 /* whatever a client asks for */ };

#define REFUSE(call, code, ...) (call_refuse((call), (code), __VA_ARGS__), false)

static bool check_broker(struct call *call, const struct hdr_pop_lite_message *header) {
    struct bytes ip = call->broker->config.broker_ip1;
    int64_t now_ms = clock_wall_ms(), born_ms = header->born_time == 0 ? now_ms : header->born_time;
    if (born_ms < now_ms - MAX(MIN(header->poll_time, HOLD_MAX_MS), 0) - LATE_MS)
        return REFUSE(call, RESPONSE_POLLING_TIMEOUT, "the broker[%.*s] pop message is timeout too much",
                      BYTES_ARG(ip));
    if (!broker_readable(call->broker))
        return REFUSE(call, RESPONSE_NO_PERMISSION, "the broker[%.*s] pop message is forbidden", BYTES_ARG(ip));
    if (header->max_msg_num > POP_MESSAGES_MAX)
        return REFUSE(call, RESPONSE_INVALID_PARAMETER, "the broker[%.*s] pop message's num is greater than %d",
                      BYTES_ARG(ip), POP_MESSAGES_MAX);
    return true;
}

static bool check_topic(struct call *call, struct bytes name, struct topic **out) {
    struct topic *topic = topics_find(call->broker->topics, name);
    if (!topic)
        return REFUSE(call, RESPONSE_TOPIC_NOT_EXIST, "topic [%.*s] not exist, apply first please! " FAQ_HINT,
                      BYTES_ARG(name));
    if (!(topic->perm & PERM_READ))
        return REFUSE(call, RESPONSE_NO_PERMISSION, "the topic [%.*s] peeking message is forbidden", BYTES_ARG(name));
    if (topic->type != TOPIC_TYPE_LITE)
        return REFUSE(call, RESPONSE_INVALID_PARAMETER, "the topic [%.*s] message type not match", BYTES_ARG(name));
    *out = topic;
    return true;
}

static bool check_group(struct call *call, struct bytes name, struct bytes parent, struct group **out) {
    struct group *group = groups_find_or_create(call->broker->groups, name);
    if (!group)
        return REFUSE(call, RESPONSE_SUBSCRIPTION_GROUP_NOT_EXIST, "subscription group [%.*s] not exist, " FAQ_HINT,
                      BYTES_ARG(name));
    if (!group->consume_enable)
        return REFUSE(call, RESPONSE_NO_PERMISSION, "subscription group no permission, %.*s", BYTES_ARG(name));
    const char *bound = atomic_load(&group->lite_bind_topic);
    if (!bound || !bytes_is(parent, bound))
        return REFUSE(call, RESPONSE_INVALID_PARAMETER, "subscription bind topic not match, %.*s", BYTES_ARG(name));
    *out = group;
    return true;
}

enum err broker_handle_pop_lite_message(struct call *call, const struct hdr_pop_lite_message *header) {
    int64_t now_ms = loop_now_ms(call->reactor->loop);
    struct lite_pop pop = {.to = call->request->to, .lite = call->broker->lite};
    struct hdr_pop_lite_result *result = call_reply_fields(call, layout_pop_lite_result());
    result->has.order_count_info = false;
    if (!check_broker(call, header) || !check_topic(call, header->topic, &pop.topic) ||
        !check_group(call, header->consumer_group, header->topic, &pop.group))
        return ERR_OK;
    pop.client_id = bytes_dup(header->client_id);
    if (header->attempt_id.len > 0) pop.attempt_id = bytes_dup(header->attempt_id);
    pop.max_count = MAX(header->max_msg_num, 1);
    pop.invisible_ms = receipt_invisible_ms(header->invisible_time);
    pop.hold_ms = MIN(header->poll_time, HOLD_MAX_MS);
    pop.begin_ms = now_ms;
    pop.waiter = (struct pop_waiter){
        .channel_id = pop.to.channel_id, .queue_id = ANY_QUEUE, .deadline_ms = now_ms + pop.hold_ms};
    call->later = true;
    lite_pop_start(call->reactor, &pop, call->request->arena);
    return ERR_OK;
}
