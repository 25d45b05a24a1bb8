/* cmd_update_sub_group.c - updateSubGroup: creates or changes a consumer group on one broker or on a cluster. */
#include <inttypes.h>
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/print.h"
#include "wire/body_group_config.h"

/* "+a=b,-c" */
static enum err take_attributes(struct arena *arena, struct bytes text, struct group_config *config) {
    struct group_attribute *attributes = arena_calloc(arena, text.len / 2 + 1, sizeof *attributes);
    struct bytes item;
    while (bytes_split(&text, ',', &item)) {
        struct bytes rest = bytes_trim(item), name;
        bool add = rest.len > 1 && rest.data[0] == '+', remove = rest.len > 1 && rest.data[0] == '-';
        bool has_value = rest.len > 0 && memchr(rest.data, '=', rest.len);
        if ((!add && !remove) || add != has_value || !bytes_split(&rest, '=', &name))
            return fail(ERR_BAD_PARAMETER, "attribute '%.*s' is neither +name=value nor -name", BYTES_ARG(item));
        attributes[config->attribute_count++] = (struct group_attribute){name, has_value ? rest : BYTES("")};
    }
    config->attributes = attributes;
    return ERR_OK;
}

static enum err take_retry_policy(struct arena *arena, struct bytes text, struct group_config *config) {
    const struct json *policy;
    if (!text.data) return ERR_OK;
    enum err err = json_parse(arena, text, &policy);
    if (err != ERR_OK || policy->type != JSON_TYPE_OBJECT)
        return fail(ERR_BAD_PARAMETER, "the retry policy is no JSON object: %.*s", BYTES_ARG(text));
    config->retry_policy = json_node_copy(arena, policy);
    return ERR_OK;
}

static enum err config_of(struct arena *arena, const struct args_update_sub_group *args, struct group_config *out) {
    *out = group_config_default(args->group);
    out->consume_enable = args->consume;
    out->consume_from_min_enable = args->from_min;
    out->consume_broadcast_enable = args->broadcast;
    out->consume_message_orderly = args->orderly;
    out->retry_queue_nums = (int32_t)args->retry_queues;
    out->retry_max_times = (int32_t)args->retry_max;
    out->broker_id = args->broker_id;
    out->which_broker_when_consume_slowly = args->slow_broker;
    out->notify_consumer_ids_changed_enable = args->notify;
    TRY(take_retry_policy(arena, args->retry_policy, out));
    return take_attributes(arena, args->attributes, out);
}

static void print_retry_policy(FILE *out, const struct group_config *config) {
    if (config->retry_policy.data)
        fprintf(out, ", groupRetryPolicy=%.*s", BYTES_ARG(config->retry_policy));
    else
        fprintf(out, ", groupRetryPolicy=GroupRetryPolicy{type=CUSTOMIZED, exponentialRetryPolicy=null"
                     ", customizedRetryPolicy=null}");
}

/* As SubscriptionGroupConfig.toString of 5.x. */
static void print_config(FILE *out, const struct group_config *config) {
    fprintf(out, "SubscriptionGroupConfig{groupName=%.*s, consumeEnable=%s, consumeFromMinEnable=%s",
            BYTES_ARG(config->name), print_bool(config->consume_enable), print_bool(config->consume_from_min_enable));
    fprintf(out, ", consumeBroadcastEnable=%s, consumeMessageOrderly=%s, retryQueueNums=%d, retryMaxTimes=%d",
            print_bool(config->consume_broadcast_enable), print_bool(config->consume_message_orderly),
            config->retry_queue_nums, config->retry_max_times);
    print_retry_policy(out, config);
    fprintf(out, ", brokerId=%" PRId64 ", whichBrokerWhenConsumeSlowly=%" PRId64, config->broker_id,
            config->which_broker_when_consume_slowly);
    fprintf(out, ", notifyConsumerIdsChangedEnable=%s, groupSysFlag=%d, consumeTimeoutMinute=%d",
            print_bool(config->notify_consumer_ids_changed_enable), config->group_sys_flag,
            config->consume_timeout_minute);
    fprintf(out, ", subscriptionDataSet=null, attributes={");
    for (size_t i = 0; i < config->attribute_count; i++)
        fprintf(out, "%s%.*s=%.*s", i > 0 ? ", " : "", BYTES_ARG(config->attributes[i].name),
                BYTES_ARG(config->attributes[i].value));
    fprintf(out, "}}\n");
}

enum err cmd_update_sub_group(struct admin *admin, const struct args_update_sub_group *args) {
    struct group_config config;
    struct buf body = {0};
    const struct member *members;
    size_t count;
    TRY(config_of(&admin->arena, args, &config));
    TRY(admin_targets(admin, args->broker_addr, args->cluster, false, &members, &count));
    group_config_encode(&config, &body);
    struct outgoing request = {.code = REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, .body = buf_bytes(&body)};
    enum err err = ERR_OK;
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        err = admin_ask(admin, members[i].address, &request, NULL);
        if (err == ERR_OK)
            fprintf(admin->out, "create subscription group to %.*s success.\n", BYTES_ARG(members[i].address));
    }
    if (err == ERR_OK) print_config(admin->out, &config);
    buf_close(&body);
    return err;
}
