/* handle_lite_admin.c - requests 200074 to 200079: admins look at lite topics.
 * @source apache/rocketmq LiteManagerProcessor, 5.5.0; shared facts: since-5.3.3 4.6 */
#include "broker/route.h"

#include <stdlib.h>
#include "base/check.h"
#include "broker/lite/lite.h"
#include "message/lmq.h"

enum { CLIENT_TOPICS_DEFAULT = 1000, CLIENT_TOPICS_MAX = 10000, TOP_MAX = 1000 };

/* --- checks ------------------------------------------------------------------------------------------------ */

static enum err check_parent(struct call *call, struct bytes name, struct topic **out) {
    *out = topics_find(call->broker->topics, name);
    if (!*out) return fail(ERR_NO_TOPIC, "Topic [%.*s] not exist.", BYTES_ARG(name));
    if ((*out)->type != TOPIC_TYPE_LITE)
        return fail(ERR_BAD_PARAMETER, "Topic [%.*s] type not match.", BYTES_ARG(name));
    return ERR_OK;
}

static enum err check_group(struct call *call, struct bytes name, struct group **out) {
    *out = groups_find_or_create(call->broker->groups, name);
    return *out ? ERR_OK : fail(ERR_NO_GROUP, "Group [%.*s] not exist.", BYTES_ARG(name));
}

static enum err check_lite_group(struct call *call, struct bytes name, struct group **out, struct bytes *parent) {
    TRY(check_group(call, name, out));
    const char *bound = atomic_load(&(*out)->lite_bind_topic);
    if (!bound) return fail(ERR_BAD_PARAMETER, "Group [%.*s] is not a LITE group.", BYTES_ARG(name));
    *parent = bytes_of(bound);
    return ERR_OK;
}

/* --- the broker and parents -------------------------------------------------------------------------------- */

static void write_ttl(struct topic *topic, void *arg) {
    struct json_writer *w = arg;
    if (topic->type != TOPIC_TYPE_LITE) return;
    json_key(w, topic_name(topic));
    json_int(w, atomic_load(&topic->lite_expiration_min));
}

/* Groups of a parent as the elements of an array. */
struct group_listing {
    struct json_writer *w;
    struct bytes parent;
    size_t count;
};

static void write_group(struct group *group, void *arg) {
    struct group_listing *listing = arg;
    const char *parent = atomic_load(&group->lite_bind_topic);
    if (!parent || !bytes_is(listing->parent, parent)) return;
    if (listing->w) json_string(listing->w, group_name(group));
    listing->count++;
}

struct parent_listing {
    struct groups *groups;
    struct json_writer *w;
    struct arena arena;
    struct bytes *parents;
    size_t count;
};

static void write_parent_of(struct group *group, void *arg) {
    struct parent_listing *all = arg;
    const char *parent = atomic_load(&group->lite_bind_topic);
    for (size_t i = 0; parent && i < all->count; i++)
        if (bytes_is(all->parents[i], parent)) return;
    if (!parent || all->count == TOP_MAX) return;
    all->parents[all->count++] = arena_copy(&all->arena, bytes_of(parent));
    struct group_listing listing = {.w = all->w, .parent = bytes_of(parent)};
    json_key(all->w, listing.parent);
    json_begin_array(all->w);
    groups_each(all->groups, write_group, &listing);
    json_end_array(all->w);
}

static void count_progress(struct progress *progress, void *arg) {
    if (progress_any(progress)) ++*(int64_t *)arg;
}

static void count_queue(struct queue *queue, void *arg) {
    if (queue_id(queue) == 0) ++*(int64_t *)arg;
}

enum err broker_handle_get_broker_lite_info(struct call *call, const struct hdr_none *header) {
    (void)header;
    struct broker *broker = call->broker;
    struct lite_facts facts = lite_facts(broker->lite);
    struct json_writer w = {.out = &call->body};
    struct parent_listing parents = {.groups = broker->groups, .w = &w};
    int64_t queues = 0, offsets = 0;
    parents.parents = arena_calloc(&parents.arena, TOP_MAX, sizeof *parents.parents);
    store_each_queue(broker->store, count_queue, &queues);
    offsets_each(broker->offsets, count_progress, &offsets);
    json_begin_object(&w);
    json_member_int(&w, "cqTableSize", queues);
    json_member_int(&w, "currentLmqNum", store_lmq_count(broker->store));
    json_member_int(&w, "eventMapSize", (int64_t)facts.clients_with_events);
    json_key_text(&w, "groupMeta");
    json_begin_object(&w);
    groups_each(broker->groups, write_parent_of, &parents);
    json_end_object(&w);
    json_member_int(&w, "liteSubscriptionCount", facts.subscriptions);
    json_member_int(&w, "maxLmqNum", broker->store_config.max_lmq_consume_queue_num);
    json_member_int(&w, "offsetTableSize", offsets);
    json_member_int(&w, "orderInfoCount", (int64_t)order_infos_count(lite_orders(broker->lite)));
    json_member(&w, "storeType", broker->store_config.store_type);
    json_key_text(&w, "topicMeta");
    json_begin_object(&w);
    topics_each(broker->topics, write_ttl, &w);
    json_end_object(&w);
    json_end_object(&w);
    arena_close(&parents.arena);
    return ERR_OK;
}

struct counting {
    struct bytes parent;
    int64_t count;
};

static void count_lite(struct queue *queue, void *arg) {
    struct counting *counting = arg;
    struct bytes parent, lite_name;
    if (lite_queue_parse(queue_topic(queue), &parent, &lite_name) && bytes_equal(parent, counting->parent))
        counting->count++;
}

enum err broker_handle_get_parent_topic_info(struct call *call, const struct hdr_topic *header) {
    struct broker *broker = call->broker;
    struct topic *topic;
    TRY(check_parent(call, header->topic, &topic));
    struct json_writer w = {.out = &call->body};
    struct group_listing groups = {.parent = header->topic};
    struct counting lites = {.parent = header->topic};
    groups_each(broker->groups, write_group, &groups);
    store_each_queue(broker->store, count_lite, &lites);
    json_begin_object(&w);
    if (groups.count > 0) {
        json_key_text(&w, "groups");
        json_begin_array(&w);
        groups.w = &w;
        groups_each(broker->groups, write_group, &groups);
        json_end_array(&w);
    }
    json_member_int(&w, "liteTopicCount", lites.count);
    json_member_int(&w, "lmqNum", store_lmq_count(broker->store));
    json_member(&w, "topic", header->topic);
    json_member_int(&w, "ttl", atomic_load(&topic->lite_expiration_min));
    json_end_object(&w);
    return ERR_OK;
}

/* --- one lite topic ---------------------------------------------------------------------------------------- */

static void write_subscribers(struct call *call, struct json_writer *w, struct bytes name) {
    size_t count;
    const struct lite_subscriber *list = lite_subscribers(call->broker->lite, name, call->request->arena, &count);
    json_key_text(w, "subscriber");
    json_begin_array(w);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(w);
        json_member(w, "clientId", list[i].client_id);
        json_member(w, "group", list[i].group);
        json_end_object(w);
    }
    json_end_array(w);
}

enum err broker_handle_get_lite_topic_info(struct call *call, const struct hdr_get_lite_topic_info *header) {
    struct broker *broker = call->broker;
    struct topic *topic;
    TRY(check_parent(call, header->parent_topic, &topic));
    if (call_again_when_lite_route_known(call, header->parent_topic)) return ERR_OK;
    struct bytes name = lite_queue_name(call->request->arena, header->parent_topic, header->lite_topic);
    struct queue *queue = store_queue(broker->store, name, 0, false);
    int64_t max = lite_max_offset(broker->lite, name);
    struct json_writer w = {.out = &call->body};
    json_begin_object(&w);
    json_member(&w, "liteTopic", header->lite_topic);
    json_member(&w, "parentTopic", header->parent_topic);
    json_member_bool(&w, "shardingToBroker", lite_shards_here(broker->lite, header->parent_topic, name));
    write_subscribers(call, &w, name);
    json_key_text(&w, "topicOffset");
    json_begin_object(&w);
    json_member_int(&w, "lastUpdateTimestamp", max > 0 ? store_time_at(broker->store, queue, max - 1) : 0);
    json_member_int(&w, "maxOffset", max);
    json_member_int(&w, "minOffset", max > 0 ? MAX(queue_min(queue), 0) : 0);
    json_end_object(&w);
    json_end_object(&w);
    return ERR_OK;
}

/* --- clients ----------------------------------------------------------------------------------------------- */

enum err broker_handle_get_lite_client_info(struct call *call, const struct hdr_get_lite_client_info *header) {
    struct topic *topic;
    struct group *group;
    TRY(check_parent(call, header->parent_topic, &topic));
    TRY(check_group(call, header->group, &group));
    const char *bound = atomic_load(&group->lite_bind_topic);
    if (!bound || !bytes_is(header->parent_topic, bound))
        return fail(ERR_BAD_PARAMETER, "Subscription [%.*s]-[%.*s] not match.", BYTES_ARG(header->group),
                    BYTES_ARG(header->parent_topic));
    struct bytes *names;
    size_t count,
        most = (size_t)(header->max_count > 0 ? MIN(header->max_count, CLIENT_TOPICS_MAX) : CLIENT_TOPICS_DEFAULT);
    int64_t access_ms;
    bool known = lite_client(call->broker->lite, header->client_id, call->request->arena, &names, &count, &access_ms);
    struct json_writer w = {.out = &call->body};
    json_begin_object(&w);
    json_member(&w, "clientId", header->client_id);
    json_member(&w, "group", header->group);
    json_member_int(&w, "lastAccessTime", access_ms);
    json_member_int(&w, "lastConsumeTime", 0);
    json_member_int(&w, "liteTopicCount", known ? (int64_t)count : -1);
    if (known) {
        json_key_text(&w, "liteTopicSet");
        json_begin_array(&w);
        for (size_t i = 0; i < MIN(count, most); i++) json_string(&w, names[i]);
        json_end_array(&w);
    }
    json_member(&w, "parentTopic", header->parent_topic);
    json_end_object(&w);
    return ERR_OK;
}

/* --- how far a group is ------------------------------------------------------------------------------------ */

struct lag {
    struct bytes lite; /* in the arena */
    int64_t count, since_ms;
};
struct lags {
    struct broker *broker;
    struct arena *arena;
    struct group *group;
    struct bytes parent;
    struct lag *items;
    size_t count, cap;
    int64_t total, earliest_ms; /* -1: all is read */
};

/* Those that the group has an offset in. @source apache/rocketmq LiteConsumerLagCalculator */
static void note_lag(struct progress *progress, void *arg) {
    struct lags *lags = arg;
    struct bytes parent, lite_name;
    if (!bytes_equal(progress->group, group_name(lags->group)) ||
        !lite_queue_parse(progress->topic, &parent, &lite_name) || !bytes_equal(parent, lags->parent))
        return;
    struct queue *queue = store_queue(lags->broker->store, progress->topic, 0, false);
    int64_t committed = progress_committed(progress, 0), behind = queue ? queue_max(queue) - committed : 0;
    if (committed < 0 || behind <= 0) return;
    if (lags->count == lags->cap) {
        size_t cap = lags->cap ? lags->cap * 2 : 64;
        struct lag *items = arena_calloc(lags->arena, cap, sizeof *items);
        if (lags->count > 0) memcpy(items, lags->items, lags->count * sizeof *items);
        lags->items = items;
        lags->cap = cap;
    }
    int64_t since_ms = store_time_at(lags->broker->store, queue, committed);
    lags->items[lags->count++] = (struct lag){arena_copy(lags->arena, lite_name), behind, since_ms};
    lags->total += behind;
    if (since_ms > 0 && (lags->earliest_ms < 0 || since_ms < lags->earliest_ms)) lags->earliest_ms = since_ms;
}

static int by_count(const void *a, const void *b) {
    const struct lag *x = a, *y = b;
    return (x->count < y->count) - (x->count > y->count);
}

static int by_time(const void *a, const void *b) {
    const struct lag *x = a, *y = b;
    return (x->since_ms > y->since_ms) - (x->since_ms < y->since_ms);
}

static void write_lags(struct json_writer *w, const char *key, struct lags *lags, int32_t top,
                       int (*order)(const void *a, const void *b)) {
    if (lags->count > 0) qsort(lags->items, lags->count, sizeof *lags->items, order);
    json_key_text(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < lags->count && i < (size_t)top; i++) {
        json_begin_object(w);
        json_member_int(w, "earliestUnconsumedTimestamp", lags->items[i].since_ms);
        json_member_int(w, "lagCount", lags->items[i].count);
        json_member(w, "liteTopic", lags->items[i].lite);
        json_end_object(w);
    }
    json_end_array(w);
}

static void write_all_lags(struct call *call, struct json_writer *w, struct group *group, struct bytes parent,
                           int32_t top) {
    const struct broker_config *config = &call->broker->config;
    struct lags lags = {
        .broker = call->broker, .arena = call->request->arena, .group = group, .parent = parent, .earliest_ms = -1};
    struct lags none = {0};
    offsets_each(call->broker->offsets, note_lag, &lags);
    bool collect = config->lite_lag_latency_collect_enable;
    json_member_int(w, "earliestUnconsumedTimestamp", collect ? lags.earliest_ms : -1);
    json_member(w, "group", group_name(group));
    write_lags(w, "lagCountTopK", &lags, top, by_count);
    write_lags(w, "lagTimestampTopK", collect ? &lags : &none, MIN(top, config->lite_lag_latency_top_k), by_time);
    json_member(w, "parentTopic", parent);
    json_member_int(w, "totalLagCount", lags.total);
}

static void write_one_lag(struct call *call, struct json_writer *w, struct group *group, struct bytes parent,
                          struct bytes lite_name) {
    struct broker *broker = call->broker;
    struct bytes name = lite_queue_name(call->request->arena, parent, lite_name);
    struct queue *queue = store_queue(broker->store, name, 0, false);
    const struct progress *progress = offsets_progress(broker->offsets, name, group_name(group), false);
    int64_t max = lite_max_offset(broker->lite, name);
    int64_t committed = max > 0 && progress ? progress_committed(progress, 0) : OFFSET_NONE;
    json_member_int(w, "earliestUnconsumedTimestamp",
                    max <= 0         ? -1
                    : committed >= 0 ? store_time_at(broker->store, queue, committed)
                                     : 0);
    json_member(w, "group", group_name(group));
    json_member(w, "liteTopic", lite_name);
    if (committed >= 0) {
        json_key_text(w, "liteTopicOffsetWrapper");
        json_begin_object(w);
        json_member_int(w, "brokerOffset", max);
        json_member_int(w, "consumerOffset", committed);
        json_member_int(w, "lastTimestamp", committed > 0 ? store_time_at(broker->store, queue, committed - 1) : 0);
        json_member_int(w, "pullOffset", 0);
        json_end_object(w);
    }
    json_member(w, "parentTopic", parent);
    json_member_int(w, "totalLagCount", max <= 0 ? -1 : committed >= 0 ? max - committed : 0);
}

enum err broker_handle_get_lite_group_info(struct call *call, const struct hdr_get_lite_group_info *header) {
    struct group *group;
    struct bytes parent;
    TRY(check_lite_group(call, header->group, &group, &parent));
    if (header->lite_topic.len == 0 && header->top_k <= 0) return fail(ERR_BAD_PARAMETER, "topK must be above 0");
    struct json_writer w = {.out = &call->body};
    json_begin_object(&w);
    if (header->lite_topic.len > 0)
        write_one_lag(call, &w, group, parent, header->lite_topic);
    else
        write_all_lags(call, &w, group, parent, MIN(header->top_k, TOP_MAX));
    json_end_object(&w);
    return ERR_OK;
}

enum err broker_handle_trigger_lite_dispatch(struct call *call, const struct hdr_trigger_lite_dispatch *header) {
    struct group *group;
    struct bytes parent;
    TRY(check_lite_group(call, header->group, &group, &parent));
    struct bytes client_id = header->client_id.len > 0 ? header->client_id : bytes_of(NULL);
    lite_dispatch_all(call->broker->lite, group, client_id);
    return ERR_OK;
}
