/* cmd_get_consumer_config.c - getConsumerConfig: the settings of a group on every broker that has it. */
#include <string.h>
#include "admin/admin.h"
#include "admin/cmd.h"
#include "base/json.h"

/* Settings that are objects, as Java prints them: {a=b}, or Name{a=b}. */
static void print_value(FILE *out, const struct json *value) {
    if (value->type != JSON_TYPE_OBJECT && value->type != JSON_TYPE_ARRAY) {
        struct bytes text = json_text(value);
        fprintf(out, "%.*s", BYTES_ARG(text));
        return;
    }
    bool is_object = value->type == JSON_TYPE_OBJECT;
    fputc(is_object ? '{' : '[', out);
    for (const struct json *node = json_first(value); node; node = node->next) {
        if (is_object) fprintf(out, "%.*s=", BYTES_ARG(node->key));
        print_value(out, node);
        if (node->next) fprintf(out, ", ");
    }
    fputc(is_object ? '}' : ']', out);
}

/* GroupRetryPolicy.toString names what is not set too. */
static void print_retry_policy(FILE *out, const struct json *policy) {
    static const char *const kinds[] = {"exponentialRetryPolicy", "customizedRetryPolicy"};
    fprintf(out, "GroupRetryPolicy{type=%.*s", BYTES_ARG(json_text(json_get(policy, "type"))));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const struct json *kind = json_get(policy, kinds[i]);
        fprintf(out, ", %s=", kinds[i]);
        if (kind)
            print_value(out, kind);
        else
            fprintf(out, "null");
    }
    fputc('}', out);
}

static void print_config(FILE *out, const struct json *config) {
    static const char *const keys[] = {"groupName",
                                       "consumeEnable",
                                       "consumeFromMinEnable",
                                       "consumeBroadcastEnable",
                                       "consumeMessageOrderly",
                                       "retryQueueNums",
                                       "retryMaxTimes",
                                       "groupRetryPolicy",
                                       "brokerId",
                                       "whichBrokerWhenConsumeSlowly",
                                       "notifyConsumerIdsChangedEnable",
                                       "groupSysFlag",
                                       "consumeTimeoutMinute",
                                       "subscriptionDataSet",
                                       "attributes"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const struct json *value = json_get(config, keys[i]);
        if (!value && !json_get(config, "attributes")) continue; /* brokers before 5.0 have fewer */
        fprintf(out, "%-40s=  ", keys[i]);
        if (value && strcmp(keys[i], "groupRetryPolicy") == 0)
            print_retry_policy(out, value);
        else if (value)
            print_value(out, value);
        fputc('\n', out);
    }
}

enum err cmd_get_consumer_config(struct admin *admin, const struct args_get_consumer_config *args) {
    const struct member *masters;
    size_t count, shown = 0;
    struct outgoing request = {.code = REQUEST_GET_ALL_SUBSCRIPTIONGROUP_CONFIG};
    TRY(admin_cluster_members(admin, (struct bytes){0}, false, &masters, &count));
    for (size_t i = 0; i < count; i++) {
        struct command response;
        const struct json *body;
        const struct json *found = NULL;
        TRY(admin_ask(admin, masters[i].address, &request, &response));
        TRY(json_parse(&admin->arena, response.body, &body));
        for (const struct json *n = json_first(json_get(body, "subscriptionGroupTable")); n; n = n->next)
            if (bytes_equal(n->key, args->group)) found = n;
        if (!found) continue;
        fprintf(admin->out, "=============================%.*s:%.*s=============================\n",
                BYTES_ARG(masters[i].cluster), BYTES_ARG(masters[i].broker_name));
        print_config(admin->out, found);
        shown++;
    }
    if (shown > 0) return ERR_OK;
    return fail(ERR_NO_GROUP, "no broker knows a consumer group %.*s", BYTES_ARG(args->group));
}
