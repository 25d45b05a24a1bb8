/* handle_pull.c - requests 11 and 361: the checks, in the Java broker's order; then pull.c takes over. */
#include "broker/route.h"

#include "broker/clients/consumers.h"
#include "broker/pull/pull.h"
#include "broker/static_topic/mappings.h"
#include "broker/static_topic/static_pull.h"
#include "message/lmq.h"
#include "wire/request.h"

/* forbiddenType of the answers with NO_PERMISSION. @source apache/rocketmq ForbiddenType */
enum forbidden {
    FORBIDDEN_BROKER = 1,
    FORBIDDEN_GROUP = 2,
    FORBIDDEN_TOPIC = 3,
    FORBIDDEN_BROADCASTING = 4,
    FORBIDDEN_SUBSCRIPTION = 5
};

#define EXPRESSION_ALL BYTES("*")

/* A pull whose request is being checked. The steps return false when they have refused it. */
struct check {
    struct call *call;
    struct broker *broker;
    const struct hdr_pull_message *header;
    struct pull pull;
};
#define REFUSE(check, code, ...) (call_refuse((check)->call, (code), __VA_ARGS__), false)

static void forbid(struct check *check, enum forbidden forbidden) {
    struct hdr_pull_result *result = call_reply_fields(check->call, layout_pull_result());
    result->present = 0;
    result->has.forbidden_type = true;
    result->forbidden_type = (int32_t)forbidden;
}

static bool check_broker(struct check *check) {
    const struct broker *broker = check->broker;
    struct bytes ip = broker->config.broker_ip1;
    if (!broker_readable(broker)) {
        forbid(check, FORBIDDEN_BROKER);
        return REFUSE(check, RESPONSE_NO_PERMISSION, "the broker[%.*s] pulling message is forbidden", BYTES_ARG(ip));
    }
    if (check->call->request->command.code == REQUEST_LITE_PULL_MESSAGE && !broker->config.lite_pull_message_enable) {
        forbid(check, FORBIDDEN_BROKER);
        return REFUSE(check, RESPONSE_NO_PERMISSION, "the broker[%.*s] for lite pull consumer is forbidden",
                      BYTES_ARG(ip));
    }
    return true;
}

static bool check_group(struct check *check) {
    struct bytes name = check->header->consumer_group;
    struct group *group = groups_find_or_create(check->broker->groups, name);
    if (!group)
        return REFUSE(check, RESPONSE_SUBSCRIPTION_GROUP_NOT_EXIST,
                      "subscription group [%.*s] does not exist, " FAQ_HINT, BYTES_ARG(name));
    if (!group->consume_enable) {
        forbid(check, FORBIDDEN_GROUP);
        return REFUSE(check, RESPONSE_NO_PERMISSION, "subscription group no permission, %.*s", BYTES_ARG(name));
    }
    check->pull.group = group;
    return true;
}

/* The queue of a static topic: goes on when the messages are here. */
static bool place_static(struct check *check) {
    struct pull *pull = &check->pull;
    const struct queue_mapping_detail *mapping = mapping_of_request(check->call->request, pull->topic);
    if (!mapping) return true;
    enum err err = static_pull_place(mapping, pull);
    if (err != ERR_OK) return REFUSE(check, response_of(err), "%s", err_detail(err));
    if (mapping_item_here(mapping, pull->item)) return true;
    static_pull_forward(check->call, check->header, pull);
    return false;
}

static bool check_topic(struct check *check) {
    const struct hdr_pull_message *header = check->header;
    struct topic *topic = topics_find(check->broker->topics, header->topic);
    if (!topic)
        return REFUSE(check, RESPONSE_TOPIC_NOT_EXIST, "topic[%.*s] not exist, apply first please! " FAQ_HINT,
                      BYTES_ARG(header->topic));
    if (!(topic->perm & PERM_READ)) {
        forbid(check, FORBIDDEN_TOPIC);
        return REFUSE(check, RESPONSE_NO_PERMISSION, "the topic[%.*s] pulling message is forbidden",
                      BYTES_ARG(header->topic));
    }
    check->pull.topic = topic;
    check->pull.queue_id = header->queue_id;
    check->pull.offset_asked = check->pull.offset_queue = header->queue_offset;
    check->pull.max_count = header->max_msg_nums > 0 ? header->max_msg_nums : 1;
    if (!place_static(check)) return false;
    int32_t queue_id = check->pull.queue_id, read_queues = topic->read_queues;
    if (queue_id < 0 || queue_id >= read_queues) {
        char peer[ADDRESS_TEXT_MAX];
        return REFUSE(check, RESPONSE_INVALID_PARAMETER,
                      "queueId[%d] is illegal, topic:[%.*s] topicConfig.readQueueNums:[%d] consumer:[/%s]", queue_id,
                      BYTES_ARG(header->topic), read_queues, address_text(&check->call->request->peer, peer));
    }
    if (header->lite_topic.len > 0)
        check->pull.queue = store_queue(check->broker->store,
                                        lite_queue_name(check->call->request->arena, header->topic, header->lite_topic),
                                        queue_id, false);
    else
        check->pull.queue = topic_queue(topic, check->broker->store, queue_id, false);
    return true;
}

static bool check_expression(struct check *check) {
    const struct subscription *subscription = &check->pull.filter->subscription;
    if (subscription_is_tag(subscription) || check->broker->config.enable_property_filter) return true;
    return REFUSE(check, RESPONSE_SYSTEM_ERROR, "The broker does not support consumer to filter message by %.*s",
                  BYTES_ARG(subscription->expression_type));
}

/* The request says what it wants. */
static bool filter_of_request(struct check *check) {
    const struct hdr_pull_message *header = check->header;
    bool tags = header->expression_type.len == 0 || bytes_is(header->expression_type, "TAG");
    if (tags && (header->subscription.len == 0 || bytes_equal(header->subscription, EXPRESSION_ALL))) return true;
    struct subscription subscription;
    enum err err = subscription_parse(check->call->request->arena, header->topic, header->subscription,
                                      header->expression_type, &subscription);
    if (err == ERR_OK) {
        subscription.version_ms = header->sub_version;
        check->pull.filter = filter_make(&subscription);
    }
    if (err != ERR_OK || !filter_is_valid(check->pull.filter))
        return REFUSE(check, RESPONSE_SUBSCRIPTION_PARSE_FAILED, "parse the consumer's subscription failed");
    return check_expression(check);
}

/* The heartbeats of the group said it. */
static bool filter_of_group(struct check *check) {
    const struct hdr_pull_message *header = check->header;
    struct group *group = check->pull.group;
    struct consumer_view view;
    consumers_view(check->broker->consumers, header->consumer_group, header->topic, &view);
    check->pull.filter = view.filter;
    check->pull.filter_of_group = true;
    if (!view.online)
        return REFUSE(check, RESPONSE_SUBSCRIPTION_NOT_EXIST, "the consumer's group info not exist" FAQ_HINT);
    if (view.broadcasting && !group->consume_broadcast_enable) {
        forbid(check, FORBIDDEN_BROADCASTING);
        return REFUSE(check, RESPONSE_NO_PERMISSION, "the consumer group[%.*s] can not consume by broadcast way",
                      BYTES_ARG(header->consumer_group));
    }
    if (group_forbidden(group, header->topic)) {
        forbid(check, FORBIDDEN_SUBSCRIPTION);
        return REFUSE(check, RESPONSE_NO_PERMISSION, "the consumer group[%.*s] is forbidden for topic[%.*s]",
                      BYTES_ARG(header->consumer_group), BYTES_ARG(header->topic));
    }
    if (!view.filter)
        return REFUSE(check, RESPONSE_SUBSCRIPTION_NOT_EXIST, "the consumer's subscription not exist" FAQ_HINT);
    if (view.filter->subscription.version_ms < header->sub_version)
        return REFUSE(check, RESPONSE_SUBSCRIPTION_NOT_LATEST, "the consumer's subscription not latest");
    if (!filter_is_valid(view.filter))
        return REFUSE(check, RESPONSE_FILTER_DATA_NOT_EXIST,
                      "The broker's consumer filter data is not exist!Your expression may be wrong!");
    return check_expression(check);
}

/* The offset that the group has reached comes with the pull. A stretch of a static topic's queue that another broker
 * has gets it by request 15. */
static void commit(struct check *check) {
    const struct hdr_pull_message *header = check->header;
    const struct pull *pull = &check->pull;
    int32_t queue_id = pull->queue_id;
    int64_t offset = header->commit_offset;
    if (pull->mapping) {
        const struct mapping_item *item = logic_queue_find(pull->logic_queue, offset);
        if (!mapping_item_here(pull->mapping, item)) return;
        queue_id = item->queue_id;
        offset = logic_to_physical(item, offset);
    }
    progress_commit(check->broker->offsets, pull->progress, queue_id, offset);
}

static void fill_pull(struct check *check) {
    const struct hdr_pull_message *header = check->header;
    const struct broker_config *config = &check->broker->config;
    struct pull *pull = &check->pull;
    pull->to = check->call->request->to;
    bool nothing_comes = (header->lite_topic.len > 0 && !pull->queue) ||
                         (pull->mapping && logic_queue_next(pull->logic_queue, pull->item));
    if ((header->sys_flag & PULL_SUSPEND) && !nothing_comes)
        pull->hold_ms = config->long_polling_enable ? header->suspend_timeout_millis : config->short_polling_time_ms;
    pull->begin_ms = loop_now_ms(check->call->reactor->loop);
    pull->progress = offsets_progress(check->broker->offsets, header->topic, header->consumer_group, true);
    if ((header->sys_flag & PULL_SUBSCRIPTION) && pull->progress)
        progress_note_subscription(check->broker->offsets, pull->progress, pull->filter);
    if ((header->sys_flag & PULL_COMMIT_OFFSET) && header->has.commit_offset && header->commit_offset >= 0 &&
        pull->progress)
        commit(check);
}

/* @source shared facts: behaviour 6.1, in that order */
enum err broker_handle_pull_message(struct call *call, const struct hdr_pull_message *header) {
    struct check check = {.call = call, .broker = call->broker, .header = header};
    bool good = check_broker(&check) && check_group(&check) && check_topic(&check) &&
                (header->sys_flag & PULL_SUBSCRIPTION ? filter_of_request(&check) : filter_of_group(&check));
    if (!good) {
        filter_release(check.pull.filter);
        return ERR_OK;
    }
    fill_pull(&check);
    call->later = true;
    pull_start(call->reactor, &check.pull, call->request->arena);
    return ERR_OK;
}
