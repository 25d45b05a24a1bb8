/* pop_check.c - who may pop what */
#include "broker/pop/pop_check.h"

#include <stdarg.h>
#include <stdio.h>

#define NO_TOPIC        "topic[%.*s] not exist, apply first please! " FAQ_HINT
#define TOPIC_FORBIDDEN "the topic[%.*s] peeking message is forbidden"
#define GROUP_FORBIDDEN "subscription group no permission, %.*s"

#define REFUSE(call, code, ...) (call_refuse((call), (code), __VA_ARGS__), false)

static bool check_topic(struct call *call, struct pop_check *check) {
    struct bytes name = check->topic_name;
    check->topic = topics_find(call->broker->topics, name);
    if (!check->topic) return REFUSE(call, RESPONSE_TOPIC_NOT_EXIST, NO_TOPIC, BYTES_ARG(name));
    if (!(check->topic->perm & PERM_READ))
        return REFUSE(call, RESPONSE_NO_PERMISSION, TOPIC_FORBIDDEN, BYTES_ARG(name));
    int32_t read_queues = check->topic->read_queues;
    if (check->queue_id >= read_queues) {
        char peer[ADDRESS_TEXT_MAX];
        return REFUSE(call, RESPONSE_INVALID_PARAMETER,
                      "queueId[%d] is illegal, topic:[%.*s] topicConfig.readQueueNums:[%d] consumer:[/%s]",
                      check->queue_id, BYTES_ARG(name), read_queues, address_text(&call->request->peer, peer));
    }
    return true;
}

static bool check_group(struct call *call, struct pop_check *check) {
    struct bytes name = check->group_name;
    check->group = groups_find_or_create(call->broker->groups, name);
    if (!check->group)
        return REFUSE(call, RESPONSE_SUBSCRIPTION_GROUP_NOT_EXIST,
                      "subscription group [%.*s] does not exist, " FAQ_HINT, BYTES_ARG(name));
    if (!check->group->consume_enable) return REFUSE(call, RESPONSE_NO_PERMISSION, GROUP_FORBIDDEN, BYTES_ARG(name));
    return true;
}

bool pop_check(struct call *call, struct pop_check *check, const char *what) {
    const struct broker *broker = call->broker;
    if (!broker_readable(broker))
        return REFUSE(call, RESPONSE_NO_PERMISSION, "the broker[%.*s] %s is forbidden",
                      BYTES_ARG(broker->config.broker_ip1), what);
    if (!check_topic(call, check) || !check_group(call, check)) return false;
    check->progress = offsets_progress(broker->offsets, check->topic_name, check->group_name, true);
    if (!check->progress) return REFUSE(call, RESPONSE_INVALID_PARAMETER, "the names of topic and group are too long");
    return true;
}

__attribute__((format(printf, 3, 4))) static bool refuse(const struct reply_to *to, int32_t code, const char *format,
                                                         ...) {
    char text[NAME_MAX_BYTES + 256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    remoting_reply(to, &(struct outgoing){.code = code, .remark = bytes_of(text)});
    return false;
}

bool pop_check_again(const struct reply_to *to, const struct topic *topic, const struct group *group) {
    if (!atomic_load(&topic->exists))
        return refuse(to, RESPONSE_TOPIC_NOT_EXIST, NO_TOPIC, BYTES_ARG(topic_name(topic)));
    if (!(atomic_load(&topic->perm) & PERM_READ))
        return refuse(to, RESPONSE_NO_PERMISSION, TOPIC_FORBIDDEN, BYTES_ARG(topic_name(topic)));
    if (!atomic_load(&group->consume_enable))
        return refuse(to, RESPONSE_NO_PERMISSION, GROUP_FORBIDDEN, BYTES_ARG(group_name(group)));
    return true;
}

bool pop_check_filter(struct call *call, struct bytes topic, struct bytes expression, struct bytes type,
                      struct filter **out) {
    bool tags = type.len == 0 || bytes_is(type, "TAG");
    struct subscription subscription;
    *out = NULL;
    if (expression.len == 0 || (tags && bytes_is(expression, "*"))) return true;
    enum err err = subscription_parse(call->request->arena, topic, expression, type, &subscription);
    if (err == ERR_OK) *out = filter_make(&subscription);
    if (err == ERR_OK && filter_is_valid(*out)) return true;
    filter_release(*out);
    *out = NULL;
    return REFUSE(call, RESPONSE_SUBSCRIPTION_PARSE_FAILED, "parse the consumer's subscription failed");
}
