/* consumers.c - consumer groups that are online: members, subscriptions, notices */
#include "broker/clients/consumers.h"

#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>
#include "base/check.h"
#include "base/hash.h"
#include "base/lock.h"
#include "base/log.h"
#include "broker/tables/filter_data.h"
#include "broker/tables/groups.h"
#include "wire/request.h"

enum { DIFFERENCE_MS = 40000 /* all members had a heartbeat, which come each 30 s, to tell what they want by now */ };

struct member {
    struct member *prev, *next;
    struct client client; /* client_id is a copy of ours */
    uint64_t digest;      /* of the subscriptions that it told; 0 = none */
    bool clash_told;
};
struct topic_filter {
    UT_hash_handle hh;
    struct filter *filter; /* its topic is the key */
    bool listed;           /* by the heartbeat that is being read */
};
struct online_group {
    UT_hash_handle hh;
    struct bytes name;
    enum consume_type type;
    enum message_model model;
    enum consume_from_where from_where;
    int32_t fingerprint;
    bool notice_due;            /* a change that the members were not told of yet */
    int64_t differing_since_ms; /* monotonic; 0 = the members want the same */
    bool difference_told;
    struct member *members;
    size_t member_count;
    struct topic_filter *filters;
};
struct consumers {
    struct broker *broker;
    struct lock lock;
    struct online_group *groups;
    bool telling; /* a reactor is about to send the notices that are due */
    struct consumer_faults faults;
};

/* --- telling the members ----------------------------------------------------------------------------------- */

/* Who is to hear of changes: collected under the lock, told after it. */
struct notice {
    struct notice *next;
    struct bytes group;
    struct client_channel *channels;
    size_t count;
};
struct notices {
    struct arena arena;
    struct notice *first;
};

static void notices_add(struct notices *notices, const struct online_group *group) {
    struct notice *notice = arena_alloc(&notices->arena, sizeof *notice);
    *notice = (struct notice){
        .next = notices->first,
        .group = arena_copy(&notices->arena, group->name),
        .channels = arena_calloc(&notices->arena, group->member_count, sizeof *notice->channels),
    };
    const struct member *member;
    DL_FOREACH(group->members, member) notice->channels[notice->count++] = member->client.channel;
    notices->first = notice;
}

static void notices_send(struct notices *notices) {
    for (const struct notice *notice = notices->first; notice; notice = notice->next) {
        struct hdr_consumer_group header = {.present = HEADER_ALL, .consumer_group = notice->group};
        struct outgoing request = {
            .code = REQUEST_NOTIFY_CONSUMER_IDS_CHANGED, .layout = layout_consumer_group(), .fields = &header};
        for (size_t i = 0; i < notice->count; i++) client_oneway(notice->channels[i], &request);
    }
    arena_close(&notices->arena);
}

void consumers_send_notices(struct consumers *consumers) {
    struct notices notices = {0};
    lock_take(&consumers->lock);
    consumers->telling = false;
    for (struct online_group *group = consumers->groups; group; group = group->hh.next) {
        if (group->notice_due) notices_add(&notices, group);
        group->notice_due = false;
    }
    lock_give(&consumers->lock);
    notices_send(&notices);
}

static void send_soon(struct reactor *reactor, void *consumers) {
    (void)reactor;
    consumers_send_notices(consumers);
}

/* true: when the lock is given back, notices_ask. */
static bool group_changed(const struct consumers *consumers, struct online_group *group) {
    if (group->model == BROADCASTING || !consumers->broker->config.notify_consumer_ids_changed_enable) return false;
    group->notice_due = true;
    return true;
}

/* All that changes until a reactor comes to it is told at once: when many join, each hears of them a few times and not
 * once for each. */
static void notices_ask(struct consumers *consumers, bool due) {
    if (!due || !consumers->broker->config.real_time_notify_consumer_change) return;
    lock_take(&consumers->lock);
    bool ask = !consumers->telling;
    consumers->telling = true;
    lock_give(&consumers->lock);
    if (ask) reactor_run(&consumers->broker->reactors[0], send_soon, consumers);
}

/* --- groups and members; the lock is held ------------------------------------------------------------------ */

static struct online_group *group_find(const struct consumers *consumers, struct bytes name) {
    struct online_group *group;
    HASH_FIND(hh, consumers->groups, name.data, name.len, group);
    return group;
}

static struct topic_filter *filter_find(const struct online_group *group, struct bytes topic) {
    struct topic_filter *found;
    HASH_FIND(hh, group->filters, topic.data, topic.len, found);
    return found;
}

static void filter_drop(struct online_group *group, struct topic_filter *drop) {
    HASH_DEL(group->filters, drop);
    filter_release(drop->filter);
    free(drop);
}

static void filter_put(struct online_group *group, const struct subscription *subscription) {
    struct topic_filter *put = calloc(1, sizeof *put);
    must(put);
    put->filter = filter_make(subscription);
    put->listed = true;
    struct bytes topic = put->filter->subscription.topic;
    HASH_ADD_KEYPTR(hh, group->filters, topic.data, topic.len, put);
}

static void member_drop(struct online_group *group, struct member *member) {
    DL_DELETE(group->members, member);
    group->member_count--;
    free((char *)(uintptr_t)member->client.client_id.data);
    free(member);
}

static void group_drop_if_empty(struct consumers *consumers, struct online_group *group) {
    if (group->members) return;
    struct topic_filter *f, *next;
    HASH_ITER(hh, group->filters, f, next) filter_drop(group, f);
    HASH_DEL(consumers->groups, group);
    filter_data_unregister(consumers->broker->filter_data, group->name);
    log_info(CLIENT, "consumer group offline: group=%.*s", BYTES_ARG(group->name));
    free((char *)(uintptr_t)group->name.data);
    free(group);
}

static struct online_group *group_make(struct consumers *consumers, struct bytes name) {
    struct online_group *group = group_find(consumers, name);
    if (group) return group;
    group = calloc(1, sizeof *group);
    must(group);
    group->name = bytes_make(bytes_dup(name), name.len);
    HASH_ADD_KEYPTR(hh, consumers->groups, group->name.data, group->name.len, group);
    return group;
}

/* The member of that connection as its heartbeat tells it, and when it was heard before; 0 = it is new. */
static struct member *update_member(struct online_group *group, const struct client *client, int64_t *heard_before_ms) {
    struct member *member;
    DL_FOREACH(group->members, member) {
        if (client_channel_equal(member->client.channel, client->channel)) break;
    }
    bool fresh = !member;
    if (fresh) {
        member = calloc(1, sizeof *member);
        must(member);
        DL_APPEND(group->members, member);
        group->member_count++;
    }
    if (fresh || !bytes_equal(member->client.client_id, client->client_id)) {
        free((char *)(uintptr_t)member->client.client_id.data);
        member->client.client_id = bytes_make(bytes_dup(client->client_id), client->client_id.len);
    }
    struct bytes client_id = member->client.client_id;
    *heard_before_ms = member->client.heard_ms;
    member->client = *client;
    member->client.client_id = client_id;
    return member;
}

/* true: a topic came or went. A newer version of one that is there replaces it without a notice. */
static bool update_filters(struct online_group *group, const struct consumer_heartbeat *heartbeat) {
    bool changed = false;
    struct topic_filter *f, *next;
    for (f = group->filters; f; f = f->hh.next) f->listed = false;
    for (size_t i = 0; i < heartbeat->subscription_count; i++) {
        const struct subscription *subscription = &heartbeat->subscriptions[i];
        if (subscription->topic.len == 0) continue;
        f = filter_find(group, subscription->topic);
        if (f && subscription->version_ms <= f->filter->subscription.version_ms) {
            f->listed = true;
            continue;
        }
        if (f)
            filter_drop(group, f);
        else
            changed = true;
        filter_put(group, subscription);
    }
    HASH_ITER(hh, group->filters, f, next) {
        if (f->listed) continue;
        filter_drop(group, f);
        changed = true;
    }
    return changed;
}

/* --- faults of users that no answer shows ------------------------------------------------------------------ */

/* Equal for what is equal in any order; never 0 when there is something. */
static uint64_t digest_of(const struct subscription *subscriptions, size_t count) {
    uint64_t sum = count;
    for (size_t i = 0; i < count; i++) {
        const struct subscription *s = &subscriptions[i];
        bool by_tags = subscription_is_tag(s) && s->tag_count > 0;
        uint64_t one = (uint32_t)java_string_hash(s->topic) | (uint64_t)by_tags << 32;
        if (!by_tags) one = one * 31 + (uint32_t)java_string_hash(s->expression);
        for (size_t t = 0; by_tags && t < s->tag_count; t++) one += (uint64_t)java_string_hash(s->tags[t]) << 16;
        sum += one * UINT64_C(0x9E3779B97F4A7C15);
    }
    return count > 0 && sum == 0 ? 1 : sum;
}

/* Another member with its id was heard of between its heartbeats: they are two, not one that connected again. */
static void look_for_clash(struct consumers *consumers, struct online_group *group, struct member *member,
                           int64_t heard_before_ms) {
    struct member *other;
    DL_FOREACH(group->members, other) {
        if (other == member || heard_before_ms == 0 || other->client.heard_ms <= heard_before_ms) continue;
        if (member->clash_told || other->clash_told) continue;
        if (!bytes_equal(other->client.client_id, member->client.client_id)) continue;
        char one[ADDRESS_TEXT_MAX], two[ADDRESS_TEXT_MAX];
        member->clash_told = other->clash_told = true;
        consumers->faults.client_id_clashes++;
        log_warn(CLIENT,
                 "two consumers have one client id and so take the same queues, give one another instanceName: "
                 "group=%.*s client=%.*s addresses=%s,%s",
                 BYTES_ARG(group->name), BYTES_ARG(member->client.client_id),
                 address_text(&member->client.address, one), address_text(&other->client.address, two));
    }
}

static void look_for_difference(struct consumers *consumers, struct online_group *group, const struct member *member) {
    int64_t now_ms = member->client.heard_ms;
    const struct member *other;
    DL_FOREACH(group->members, other) {
        if (other->digest != 0 && member->digest != 0 && other->digest != member->digest) break;
    }
    if (!other) {
        group->differing_since_ms = 0;
        group->difference_told = false;
        return;
    }
    if (group->differing_since_ms == 0) group->differing_since_ms = now_ms;
    if (group->difference_told || now_ms - group->differing_since_ms < DIFFERENCE_MS) return;
    group->difference_told = true;
    consumers->faults.differing_subscriptions++;
    log_warn(CLIENT,
             "consumers of one group subscribe to different things, each overwrites what the others want and messages "
             "are missed, give them one list or two groups: group=%.*s clients=%.*s,%.*s",
             BYTES_ARG(group->name), BYTES_ARG(member->client.client_id), BYTES_ARG(other->client.client_id));
}

struct consumer_faults consumers_faults(struct consumers *consumers) {
    lock_take(&consumers->lock);
    struct consumer_faults faults = consumers->faults;
    lock_give(&consumers->lock);
    return faults;
}

/* --- who comes and goes ------------------------------------------------------------------------------------ */

bool consumers_register(struct consumers *consumers, const struct consumer_heartbeat *heartbeat,
                        const struct client *client) {
    bool due = false;
    if (heartbeat->group.len == 0) return false;
    lock_take(&consumers->lock);
    struct online_group *group = group_make(consumers, heartbeat->group);
    bool first = !group->members;
    bool resend = first ? heartbeat->keep_subscriptions : group->fingerprint != heartbeat->fingerprint;
    group->type = heartbeat->type;
    group->model = heartbeat->model;
    group->from_where = heartbeat->from_where;
    group->fingerprint = heartbeat->fingerprint;
    int64_t heard_before_ms;
    struct member *member = update_member(group, client, &heard_before_ms);
    bool changed = heard_before_ms == 0;
    look_for_clash(consumers, group, member, heard_before_ms);
    if (!heartbeat->keep_subscriptions) {
        member->digest = digest_of(heartbeat->subscriptions, heartbeat->subscription_count);
        if (update_filters(group, heartbeat)) changed = true;
        filter_data_register(consumers->broker->filter_data, heartbeat->group, heartbeat->subscriptions,
                             heartbeat->subscription_count);
    }
    look_for_difference(consumers, group, member);
    if (changed && heartbeat->notify) due = group_changed(consumers, group);
    lock_give(&consumers->lock);
    if (changed)
        log_info(CLIENT, "consumer group changed: group=%.*s client=%.*s subscriptions=%zu",
                 BYTES_ARG(heartbeat->group), BYTES_ARG(client->client_id), heartbeat->subscription_count);
    notices_ask(consumers, due);
    return resend;
}

void consumers_unregister(struct consumers *consumers, struct bytes name, struct bytes client_id,
                          struct client_channel channel, bool notify) {
    bool due = false;
    lock_take(&consumers->lock);
    struct online_group *group = group_find(consumers, name);
    if (group) {
        struct member *member, *next;
        DL_FOREACH_SAFE(group->members, member, next) {
            if (client_channel_equal(member->client.channel, channel)) member_drop(group, member);
        }
        if (notify) due = group_changed(consumers, group);
        group_drop_if_empty(consumers, group);
    }
    lock_give(&consumers->lock);
    log_info(CLIENT, "consumer unregistered: group=%.*s client=%.*s", BYTES_ARG(name), BYTES_ARG(client_id));
    notices_ask(consumers, due);
}

/* Drops members of one group: those of the channel or, without one, those not heard of since `before_ms`. */
static bool drop_members(struct online_group *group, const struct client_channel *channel, int64_t before_ms) {
    bool dropped = false;
    struct member *member, *next;
    DL_FOREACH_SAFE(group->members, member, next) {
        const struct client *client = &member->client;
        if (channel ? !client_channel_equal(client->channel, *channel) : client->heard_ms >= before_ms) continue;
        log_info(CLIENT, "consumer gone: group=%.*s client=%.*s why=%s", BYTES_ARG(group->name),
                 BYTES_ARG(client->client_id), channel ? "connection closed" : "silent");
        if (!channel) client_disconnect(client->channel);
        member_drop(group, member);
        dropped = true;
    }
    return dropped;
}

static bool group_notifies(const struct consumers *consumers, struct bytes name) {
    const struct group *config = groups_find(consumers->broker->groups, name);
    return !config || atomic_load(&config->notify_consumer_ids_changed_enable);
}

static void drop_everywhere(struct consumers *consumers, const struct client_channel *channel, int64_t before_ms) {
    bool due = false;
    struct online_group *group, *next;
    lock_take(&consumers->lock);
    HASH_ITER(hh, consumers->groups, group, next) {
        if (!drop_members(group, channel, before_ms)) continue;
        if (group_notifies(consumers, group->name)) due |= group_changed(consumers, group);
        group_drop_if_empty(consumers, group);
    }
    lock_give(&consumers->lock);
    notices_ask(consumers, due);
}

void consumers_channel_closed(struct consumers *consumers, struct client_channel channel) {
    drop_everywhere(consumers, &channel, 0);
}

void consumers_expire(struct consumers *consumers, int64_t now_ms) {
    drop_everywhere(consumers, NULL, now_ms - consumers->broker->config.channel_expired_timeout_ms);
}

/* --- views ------------------------------------------------------------------------------------------------- */

void consumers_view(struct consumers *consumers, struct bytes group_name, struct bytes topic,
                    struct consumer_view *out) {
    *out = (struct consumer_view){0};
    lock_take(&consumers->lock);
    const struct online_group *group = group_find(consumers, group_name);
    if (group) {
        const struct topic_filter *f = filter_find(group, topic);
        *out = (struct consumer_view){true, group->model == BROADCASTING, filter_share(f ? f->filter : NULL)};
    }
    lock_give(&consumers->lock);
}

bool consumers_online(struct consumers *consumers, struct bytes name) {
    lock_take(&consumers->lock);
    bool online = group_find(consumers, name) != NULL;
    lock_give(&consumers->lock);
    return online;
}

bool consumers_find_client(struct consumers *consumers, struct bytes name, struct bytes client_id, struct client *out,
                           struct arena *arena) {
    bool found = false;
    lock_take(&consumers->lock);
    const struct online_group *group = group_find(consumers, name);
    const struct member *member;
    DL_FOREACH(group ? group->members : NULL, member) {
        if (!bytes_equal(member->client.client_id, client_id)) continue;
        *out = member->client;
        out->client_id = arena_copy(arena, out->client_id);
        found = true;
        break;
    }
    lock_give(&consumers->lock);
    return found;
}

bool consumers_group(struct consumers *consumers, struct bytes name, struct arena *arena, struct consumer_group *out) {
    *out = (struct consumer_group){0};
    lock_take(&consumers->lock);
    struct online_group *group = group_find(consumers, name);
    if (group) {
        out->type = group->type;
        out->model = group->model;
        out->from_where = group->from_where;
        out->clients = arena_calloc(arena, group->member_count, sizeof *out->clients);
        const struct member *member;
        DL_FOREACH(group->members, member) {
            struct client *client = &out->clients[out->client_count++];
            *client = member->client;
            client->client_id = arena_copy(arena, client->client_id);
        }
        out->filters = arena_calloc(arena, HASH_COUNT(group->filters) + 1, sizeof(struct filter *));
        for (struct topic_filter *f = group->filters; f; f = f->hh.next)
            out->filters[out->filter_count++] = filter_share(f->filter);
    }
    lock_give(&consumers->lock);
    return group != NULL;
}

void consumer_group_release(struct consumer_group *group) {
    for (size_t i = 0; i < group->filter_count; i++) filter_release(group->filters[i]);
    group->filter_count = 0;
}

void consumers_groups_of_topic(struct consumers *consumers, struct bytes topic, struct arena *arena,
                               struct bytes **groups, size_t *count) {
    lock_take(&consumers->lock);
    *groups = arena_calloc(arena, HASH_COUNT(consumers->groups) + 1, sizeof **groups);
    *count = 0;
    for (const struct online_group *group = consumers->groups; group; group = group->hh.next)
        if (filter_find(group, topic)) (*groups)[(*count)++] = arena_copy(arena, group->name);
    lock_give(&consumers->lock);
}

enum err consumers_open(struct broker *broker, struct consumers **out) {
    *out = calloc(1, sizeof **out);
    must(*out);
    (*out)->broker = broker;
    lock_init(&(*out)->lock, LOCK_CLIENTS);
    return ERR_OK;
}

void consumers_close(struct consumers *consumers) {
    if (!consumers) return;
    struct online_group *group, *next;
    HASH_ITER(hh, consumers->groups, group, next) {
        while (group->members) member_drop(group, group->members);
        group_drop_if_empty(consumers, group);
    }
    lock_close(&consumers->lock);
    free(consumers);
}
