/* lite_subscribe.c - clients say which lite topics they want. @source apache/rocketmq LiteSubscriptionRegistryImpl */
#include "broker/lite/lite_internal.h"

#include <inttypes.h>
#include "base/check.h"
#include "base/log.h"
#include "message/lmq.h"
#include "os/clock.h"
#include "wire/header.h"
#include "wire/request.h"

/* --- offsets ----------------------------------------------------------------------------------------------- */

static void reset(struct lite *lite, const struct lite_change *change, struct bytes name, int64_t target) {
    struct offsets *offsets = lite->broker->offsets;
    struct progress *progress = offsets_progress(offsets, name, group_name(change->group), true);
    if (!progress || progress_committed(progress, 0) == target) return;
    struct order_key key = {name, group_name(change->group), 0};
    progress_reset(offsets, progress, 0, target);
    order_infos_clear(lite->orders, &key);
    log_info(CLIENT, "lite offset reset: key=%.*s client=%.*s offset=%" PRId64, BYTES_ARG(progress->named.name),
             BYTES_ARG(change->client_id), target);
}

static void reset_to_option(struct lite *lite, const struct lite_change *change, struct bytes name) {
    enum { POLICY_MIN = 1, POLICY_MAX = 2 };
    const struct progress *progress = offsets_progress(lite->broker->offsets, name, group_name(change->group), false);
    int64_t committed = progress ? progress_committed(progress, 0) : OFFSET_NONE;
    if (change->offset_type == LITE_OFFSET_POLICY && change->offset_value == POLICY_MIN)
        reset(lite, change, name, 0);
    else if (change->offset_type == LITE_OFFSET_POLICY && change->offset_value == POLICY_MAX)
        reset(lite, change, name, lite_max_offset(lite, name));
    else if (change->offset_type == LITE_OFFSET_AT && change->offset_value >= 0)
        reset(lite, change, name, change->offset_value);
    else if (change->offset_type == LITE_OFFSET_TAIL && committed >= 0)
        reset(lite, change, name, MAX(0, committed - MAX(change->offset_value, 0)));
}

/* --- one lite topic; the lock is held ---------------------------------------------------------------------- */

/* Tells a client that it has lost a lite topic to another. */
static void tell_lost(const struct lite_client *client, struct bytes name) {
    struct bytes parent, lite_name;
    if (!client->channel.reactor || !lite_queue_parse(name, &parent, &lite_name)) return;
    struct hdr_notify_unsubscribe_lite header = {.present = HEADER_ALL,
                                                 .lite_topic = lite_name,
                                                 .consumer_group = group_name(client->group),
                                                 .client_id = bytes_of(client->id)};
    client_oneway(client->channel, &(struct outgoing){.code = REQUEST_NOTIFY_UNSUBSCRIBE_LITE,
                                                      .layout = layout_notify_unsubscribe_lite(),
                                                      .fields = &header});
}

/* All others of the group lose the lite topic. Were there any? */
static bool exclude_others(struct lite *lite, const struct lite_change *change, struct bytes name) {
    bool any = false;
    for (;;) {
        struct lite_topic *topic = lite_find_topic(lite, name);
        struct lite_line *line = topic ? lite_find_line(topic, change->group) : NULL;
        struct lite_sub *sub = line ? line->subs : NULL;
        while (sub && bytes_is(change->client_id, sub->client->id)) sub = sub->next;
        if (!sub) return any;
        tell_lost(sub->client, name);
        lite_drop_sub(lite, sub);
        any = true;
    }
}

/* Is it a new one? */
static bool add(struct lite *lite, struct lite_client *client, struct bytes name) {
    int32_t before = lite->active;
    (void)lite_add_sub(lite, client, name, false);
    return lite->active != before;
}

static bool remove_one(struct lite *lite, struct lite_client *client, struct bytes name) {
    struct lite_topic *topic = client ? lite_find_topic(lite, name) : NULL;
    struct lite_sub *sub = topic ? lite_find_sub(client, topic) : NULL;
    if (!sub || sub->passing) return false;
    lite_drop_sub(lite, sub);
    return true;
}

static struct lite_client *hear(struct lite *lite, const struct lite_change *change) {
    struct lite_client *client = lite_make_client(lite, change->client_id, change->group, change->parent);
    client->heard_ms = clock_wall_ms();
    if (change->channel.reactor) client->channel = change->channel;
    return client;
}

/* --- actions ----------------------------------------------------------------------------------------------- */

static enum err add_some(struct lite *lite, const struct lite_change *change) {
    int32_t limit = lite->broker->config.max_lite_subscription_count;
    if (lite_facts(lite).subscriptions >= limit)
        return fail(ERR_LITE_QUOTA, "lite subscription quota exceeded %d", limit);
    if (change->group->lite_wildcard)
        return fail(ERR_ILLEGAL_OPERATION, "subscribe lite operation is not supported for this group");
    for (size_t i = 0; i < change->count; i++) {
        struct bytes name = change->names[i];
        if (!lite_is_here(lite, change->parent, name)) continue;
        bool excluded = false;
        if (change->group->lite_exclusive) {
            lock_take(&lite->lock);
            excluded = exclude_others(lite, change, name);
            lock_give(&lite->lock);
        }
        if (excluded && change->group->lite_reset_exclusive) reset(lite, change, name, 0);
        reset_to_option(lite, change, name);
        lock_take(&lite->lock);
        if (add(lite, hear(lite, change), name)) lite_dispatch(lite, name, change->group, NULL);
        lock_give(&lite->lock);
    }
    return ERR_OK;
}

static void remove_some(struct lite *lite, const struct lite_change *change) {
    for (size_t i = 0; i < change->count; i++) {
        lock_take(&lite->lock);
        bool removed = remove_one(lite, lite_find_client(lite, change->client_id), change->names[i]);
        lock_give(&lite->lock);
        if (removed && change->group->lite_reset_unsubscribe) reset(lite, change, change->names[i], 0);
    }
}

static bool is_named(const struct bytes *names, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (bytes_is(names[i], name)) return true;
    return false;
}

/* The names become all that the client wants; the lock is held. Is something new? */
static bool replace_all(struct lite *lite, struct lite_client *client, const struct bytes *names, size_t count) {
    struct lite_sub *sub, *next;
    bool news = false;
    HASH_ITER(hh, client->subs, sub, next) {
        if (!sub->passing && !is_named(names, count, sub->topic->name)) lite_drop_sub(lite, sub);
    }
    for (size_t i = 0; i < count; i++) {
        if (!add(lite, client, names[i])) continue;
        lite_dispatch(lite, names[i], client->group, NULL);
        news = true;
    }
    return news;
}

static void set_all(struct lite *lite, const struct lite_change *change) {
    struct arena arena = {0};
    bool wild = change->group->lite_wildcard;
    struct bytes *names = arena_calloc(&arena, change->count + 1, sizeof *names);
    size_t count = 0;
    if (wild)
        names[count++] =
            arena_printf(&arena, "%.*s@%.*s", BYTES_ARG(change->parent), BYTES_ARG(group_name(change->group)));
    for (size_t i = 0; i < change->count && !wild; i++)
        if (lite_is_here(lite, change->parent, change->names[i])) names[count++] = change->names[i];
    lock_take(&lite->lock);
    bool news = replace_all(lite, hear(lite, change), names, count);
    lock_give(&lite->lock);
    if (news && wild) lite_dispatch_all(lite, change->group, bytes_of(NULL));
    arena_close(&arena);
}

static void remove_all(struct lite *lite, struct bytes client_id) {
    lock_take(&lite->lock);
    struct lite_client *client = lite_find_client(lite, client_id);
    if (client) lite_drop_client(lite, client);
    lock_give(&lite->lock);
}

enum err lite_subscribe(struct lite *lite, const struct lite_change *change) {
    switch (change->action) {
    case LITE_PARTIAL_ADD:
        return add_some(lite, change);
    case LITE_PARTIAL_REMOVE:
        remove_some(lite, change);
        return ERR_OK;
    case LITE_COMPLETE_ADD:
        set_all(lite, change);
        return ERR_OK;
    case LITE_COMPLETE_REMOVE:
        remove_all(lite, change->client_id);
        return ERR_OK;
    }
    must(false);
}

void lite_forget_silent(void *arg) {
    struct lite *lite = arg;
    struct lite_client *client, *next;
    int64_t before_ms = clock_wall_ms() - lite->broker->config.lite_subscription_check_timeout_ms;
    lock_take(&lite->lock);
    HASH_ITER(hh, lite->clients, client, next) {
        if (client->heard_ms >= before_ms) continue;
        log_info(CLIENT, "lite subscriptions of a silent client dropped: client=%s group=%.*s", client->id,
                 BYTES_ARG(group_name(client->group)));
        lite_drop_client(lite, client);
    }
    lock_give(&lite->lock);
}
