/* handle_lite_subscription.c - request 200071: what clients of a proxy want of lite topics.
 * @source apache/rocketmq LiteSubscriptionCtlProcessor, 5.5.0; shared facts: since-5.3.3 4.3 */
#include "broker/route.h"

#include "base/check.h"
#include "broker/lite/lite.h"
#include "broker/tables/topics.h"
#include "message/lmq.h"

static const char *const actions[] = {"PARTIAL_ADD", "PARTIAL_REMOVE", "COMPLETE_ADD", "COMPLETE_REMOVE"};
static const char *const offset_types[] = {"", "POLICY", "OFFSET", "TAIL_N", "TIMESTAMP"};

static int index_of(const char *const *names, size_t count, struct bytes name) {
    for (size_t i = 0; i < count; i++)
        if (bytes_is(name, names[i])) return (int)i;
    return -1;
}

static void read_names(struct arena *arena, const struct json *list, struct lite_change *change) {
    const struct bytes *lites;
    json_texts(arena, list, &lites, &change->count);
    struct bytes *names = arena_calloc(arena, change->count + 1, sizeof *names);
    for (size_t i = 0; i < change->count; i++) names[i] = lite_queue_name(arena, change->parent, lites[i]);
    change->names = names;
}

static enum err check_group(struct call *call, struct bytes name, struct lite_change *change) {
    bool adds = change->action == LITE_PARTIAL_ADD || change->action == LITE_COMPLETE_ADD;
    change->group = adds ? groups_find_or_create(call->broker->groups, name) : groups_find(call->broker->groups, name);
    if (!adds || (change->group && change->group->consume_enable)) return ERR_OK;
    return fail(ERR_ILLEGAL_OPERATION, "Consumer group is not allowed to consume.");
}

/* *skip: it says too little to be acted on. */
static enum err read_change(struct call *call, const struct json *entry, struct lite_change *change, bool *skip) {
    struct arena *arena = call->request->arena;
    struct bytes group = json_text(json_get(entry, "group"));
    const struct json *option = json_get(entry, "offsetOption");
    *change = (struct lite_change){.client_id = json_text(json_get(entry, "clientId")),
                                   .parent = json_text(json_get(entry, "topic")),
                                   .channel = client_channel_of(call->request)};
    *skip = bytes_trim(change->client_id).len == 0 || bytes_trim(group).len == 0 || bytes_trim(change->parent).len == 0;
    if (*skip) return ERR_OK;
    int action = index_of(actions, ARRAY_LEN(actions), json_text(json_get(entry, "action")));
    if (action < 0) return fail(ERR_FAILED, "unknown action of a lite subscription");
    change->action = (enum lite_action)action;
    int type = option ? index_of(offset_types, ARRAY_LEN(offset_types), json_text(json_get(option, "type"))) : 0;
    if (type > 0) change->offset_type = (enum lite_offset_type)type;
    change->offset_value = json_i64(json_get(option, "value"), 0);
    read_names(arena, json_get(entry, "liteTopicSet"), change);
    TRY(check_group(call, group, change));
    *skip = !change->group && change->action != LITE_COMPLETE_REMOVE;
    return ERR_OK;
}

enum err broker_handle_lite_subscription_ctl(struct call *call, const struct hdr_none *header) {
    (void)header;
    const struct json *body;
    if (call->request->command.body.len == 0) return fail(ERR_ILLEGAL_OPERATION, "Request body is null.");
    TRY(json_parse(call->request->arena, call->request->command.body, &body));
    const struct json *entry = json_first(json_get(body, "subscriptionSet"));
    if (!entry) return fail(ERR_ILLEGAL_OPERATION, "LiteSubscriptionCtlRequestBody is empty.");
    for (const struct json *each = entry; each; each = each->next) {
        struct bytes parent = json_text(json_get(each, "topic"));
        if (topics_find(call->broker->topics, parent) && call_again_when_lite_route_known(call, parent)) return ERR_OK;
    }
    for (; entry; entry = entry->next) {
        struct lite_change change;
        bool skip;
        TRY(read_change(call, entry, &change, &skip));
        if (!skip) TRY(lite_subscribe(call->broker->lite, &change));
    }
    return ERR_OK;
}
