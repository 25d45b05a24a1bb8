/* groups.c - the consumer groups and their file */
#include "broker/tables/groups.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/lock.h"
#include "base/log.h"
#include "broker/tables/attributes.h"
#include "broker/tables/state_file.h"
#include "broker/tables/topics.h"
#include "message/lmq.h"

enum { GROUP_BUCKETS = 16384, PRIORITY_FACTOR_DEFAULT = 100 };

/* The topics that a group may not read, with the bits that forbid it; never changed. */
struct group_forbidden {
    const struct group_forbidden *next;
    struct bytes topic;
    int32_t bits;
};
enum { FORBIDDEN_READ = 1 };

struct groups {
    struct broker *broker;
    struct state_file file;
    struct lock lock; /* guards changes and what is below */
    struct name_table table;
    struct data_version version;
    struct arena texts; /* what groups point to, replaced values too: they are few and readers hold no lock */
};

/* @source shared facts: behaviour 4.3 */
static const char *const built_in[] = {
    "TOOLS_CONSUMER",  "FILTERSRV_CONSUMER",    "SELF_TEST_C_GROUP", "CID_ONS-HTTP-PROXY",
    "CID_ONSAPI_PULL", "CID_ONSAPI_PERMISSION", "CID_ONSAPI_OWNER",  "CID_RMQ_SYS_TRANS",
};

/* Members in the order of the file, between those that others hold. */
#define OTHERS_DEFAULT "{\"groupRetryPolicy\":{\"type\":\"CUSTOMIZED\"}}"

static struct group *find(const struct groups *groups, struct bytes name) {
    struct group *group = (struct group *)name_table_find(&groups->table, name);
    return group && atomic_load_explicit(&group->exists, memory_order_acquire) ? group : NULL;
}

static void free_group(struct named *item) {
    free(item);
}

/* The members that we keep without a meaning to us, as an object text in the arena. */
static const char *others_of(struct arena *arena, const struct json *config) {
    static const char *const kept[] = {"groupRetryPolicy", "subscriptionDataSet"};
    struct buf text = {0};
    struct json_writer w = {.out = &text};
    const struct json *defaults;
    must(json_parse(arena, BYTES(OTHERS_DEFAULT), &defaults) == ERR_OK);
    json_begin_object(&w);
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        const struct json *value = json_get(config, kept[i]);
        if (!value || value->type == JSON_TYPE_NULL) value = json_get(defaults, kept[i]);
        if (!value) continue;
        json_key_text(&w, kept[i]);
        json_write_tree(&w, value);
    }
    json_end_object(&w);
    const char *out = arena_strdup(arena, buf_bytes(&text));
    buf_close(&text);
    return out;
}

static void set_attributes(struct groups *groups, struct group *group, struct bytes attributes) {
    struct arena arena = {0};
#define VALUE(name) attributes_get(&arena, attributes, name)
    int32_t factor = PRIORITY_FACTOR_DEFAULT;
    int64_t events = 0;
    (void)bytes_to_i32(VALUE("priority.factor"), &factor);
    (void)bytes_to_i64(VALUE("lite.sub.client.max.event.cnt"), &events);
    struct bytes parent = VALUE("lite.bind.topic");
    atomic_store(&group->priority_factor, factor);
    atomic_store(&group->lite_max_event_count, (int32_t)MIN(events, INT32_MAX));
    atomic_store(&group->lite_bind_topic, parent.len > 0 ? arena_strdup(&groups->texts, parent) : NULL);
    atomic_store(&group->lite_exclusive, bytes_is(VALUE("lite.sub.model"), "Exclusive"));
    atomic_store(&group->lite_wildcard, VALUE("lite.sub.wildcard").data != NULL);
    atomic_store(&group->lite_reset_exclusive, bytes_to_bool(VALUE("lite.sub.reset.offset.exclusive")));
    atomic_store(&group->lite_reset_unsubscribe, bytes_to_bool(VALUE("lite.sub.reset.offset.unsubscribe")));
    atomic_store(&group->attributes, arena_strdup(&groups->texts, attributes));
#undef VALUE
    arena_close(&arena);
}

/* Sets the group to `config` (NULL = defaults) and makes it exist. The lock is held, or nobody else is there yet. */
static struct group *put(struct groups *groups, struct bytes name, const struct json *config, struct bytes attributes) {
    struct group *group = (struct group *)name_table_find(&groups->table, name);
    bool fresh = !group;
    if (fresh) {
        group = calloc(1, sizeof *group);
        must(group);
        group->is_lmq = lmq_is(name);
    }
#define SET_BOOL(member, key, otherwise) atomic_store(&group->member, json_bool(json_get(config, key), otherwise))
#define SET_INT(member, key, otherwise)                                                                                \
    atomic_store(&group->member, (int32_t)json_i64(json_get(config, key), otherwise))
    SET_BOOL(consume_enable, "consumeEnable", true);
    SET_BOOL(consume_from_min_enable, "consumeFromMinEnable", true);
    SET_BOOL(consume_broadcast_enable, "consumeBroadcastEnable", true);
    SET_BOOL(consume_message_orderly, "consumeMessageOrderly", false);
    SET_BOOL(notify_consumer_ids_changed_enable, "notifyConsumerIdsChangedEnable", true);
    SET_INT(retry_queue_nums, "retryQueueNums", 1);
    SET_INT(retry_max_times, "retryMaxTimes", 16);
    SET_INT(consume_timeout_minute, "consumeTimeoutMinute", 15);
    SET_INT(group_sys_flag, "groupSysFlag", 0);
#undef SET_BOOL
#undef SET_INT
    atomic_store(&group->broker_id, json_i64(json_get(config, "brokerId"), 0));
    atomic_store(&group->which_broker_when_consume_slowly,
                 json_i64(json_get(config, "whichBrokerWhenConsumeSlowly"), 1));
    set_attributes(groups, group, attributes);
    atomic_store(&group->others, others_of(&groups->texts, config));
    atomic_store_explicit(&group->exists, true, memory_order_release);
    if (fresh) name_table_add(&groups->table, name, &group->named);
    return group;
}

/* Groups named like a light queue are there without being made, as defaults say. @source apache/rocketmq
 * LmqSubscriptionGroupManager */
static bool is_light(const struct groups *groups, struct bytes name) {
    return lmq_is(name) && groups->broker->store_config.enable_lmq;
}

struct group *groups_find(struct groups *groups, struct bytes name) {
    struct group *group = find(groups, name);
    if (group || !is_light(groups, name) || name.len > GROUP_NAME_MAX) return group;
    lock_take(&groups->lock);
    group = find(groups, name);
    if (!group) group = put(groups, name, NULL, BYTES("{}"));
    lock_give(&groups->lock);
    return group;
}

struct group *groups_find_or_create(struct groups *groups, struct bytes name) {
    struct group *group = groups_find(groups, name);
    if (group) return group;
    const struct broker_config *config = &groups->broker->config;
    bool may = config->auto_create_subscription_group ||
               (config->enable_create_sys_group && bytes_starts_with(name, BYTES("CID_RMQ_SYS_")));
    if (!may || group_name_check(name) != ERR_OK) return NULL;
    lock_take(&groups->lock);
    group = find(groups, name);
    bool fresh = !group;
    if (fresh) {
        group = put(groups, name, NULL, BYTES("{}"));
        data_version_next(&groups->version);
    }
    lock_give(&groups->lock);
    if (fresh) {
        log_info(MAIN, "group created by use: group=%.*s", BYTES_ARG(name));
        state_file_save_soon(&groups->file);
    }
    return group;
}

bool group_forbidden(const struct group *group, struct bytes topic) {
    const struct group_forbidden *f = atomic_load_explicit(&group->forbidden, memory_order_acquire);
    for (; f; f = f->next)
        if (bytes_equal(f->topic, topic)) return (f->bits & FORBIDDEN_READ) != 0;
    return false;
}

enum err groups_update(struct groups *groups, const struct json *config) {
    struct bytes name = json_text(json_get(config, "groupName")), attributes;
    struct attribute_changes changes;
    struct arena arena = {0};
    if (!groups_find(groups, name)) TRY(group_name_check(name));
    if (is_light(groups, name)) return ERR_OK;
    lock_take(&groups->lock);
    const struct group *there = find(groups, name);
    enum err err = attribute_changes_of(json_get(config, "attributes"), !there, &changes);
    struct bytes former = there ? bytes_of(atomic_load(&there->attributes)) : BYTES("{}");
    if (err == ERR_OK) err = attributes_alter(&arena, ATTRIBUTES_GROUP, !there, former, &changes, &attributes);
    if (err == ERR_OK) {
        put(groups, name, config, attributes);
        data_version_next(&groups->version);
    }
    lock_give(&groups->lock);
    arena_close(&arena);
    if (err != ERR_OK) return err;
    log_info(MAIN, "group %s: group=%.*s", there ? "changed" : "created", BYTES_ARG(name));
    state_file_save_soon(&groups->file);
    return ERR_OK;
}

/* A new list: readers of the former hold no lock. */
static const struct group_forbidden *change_forbidden(struct arena *texts, const struct group_forbidden *former,
                                                      struct bytes topic, bool forbidden) {
    const struct group_forbidden *list = NULL;
    for (const struct group_forbidden *f = former; f; f = f->next) {
        if (bytes_equal(f->topic, topic)) continue;
        struct group_forbidden *kept = arena_calloc(texts, 1, sizeof *kept);
        *kept = (struct group_forbidden){list, f->topic, f->bits};
        list = kept;
    }
    if (!forbidden) return list;
    struct group_forbidden *added = arena_calloc(texts, 1, sizeof *added);
    *added = (struct group_forbidden){list, arena_copy(texts, topic), FORBIDDEN_READ};
    return added;
}

enum err groups_forbid(struct groups *groups, struct bytes name, struct bytes topic, bool forbidden) {
    struct group *group = groups_find_or_create(groups, name);
    if (!group) return fail(ERR_NO_GROUP, "subscription group [%.*s] not exist", BYTES_ARG(name));
    lock_take(&groups->lock);
    bool differs = group_forbidden(group, topic) != forbidden;
    if (differs) {
        atomic_store(&group->forbidden,
                     change_forbidden(&groups->texts, atomic_load(&group->forbidden), topic, forbidden));
        data_version_next(&groups->version);
    }
    lock_give(&groups->lock);
    if (!differs) return ERR_OK;
    log_info(MAIN, "group %s read a topic: group=%.*s topic=%.*s", forbidden ? "may not" : "may", BYTES_ARG(name),
             BYTES_ARG(topic));
    state_file_save_soon(&groups->file);
    return ERR_OK;
}

enum err groups_delete(struct groups *groups, struct bytes name) {
    if (is_light(groups, name)) return ERR_OK;
    lock_take(&groups->lock);
    struct group *group = find(groups, name);
    if (group) {
        atomic_store(&group->exists, false);
        atomic_store(&group->forbidden, NULL);
        data_version_next(&groups->version);
    }
    lock_give(&groups->lock);
    if (!group) return fail(ERR_NO_GROUP, "subscription group [%.*s] not exist", BYTES_ARG(name));
    log_info(MAIN, "group deleted: group=%.*s", BYTES_ARG(name));
    state_file_save_soon(&groups->file);
    return ERR_OK;
}

void groups_disable(struct groups *groups, struct group *group) {
    lock_take(&groups->lock);
    atomic_store(&group->consume_enable, false);
    data_version_next(&groups->version);
    lock_give(&groups->lock);
    state_file_save_soon(&groups->file);
}

/* --- views ------------------------------------------------------------------------------------------------- */

struct each {
    void (*visit)(struct group *group, void *arg);
    void *arg;
};

static bool is_listed(const struct named *item) {
    const struct group *group = (const struct group *)item;
    return atomic_load_explicit(&group->exists, memory_order_acquire) && !group->is_lmq;
}

static void visit_existing(struct named *item, void *arg) {
    struct each *each = arg;
    if (is_listed(item)) each->visit((struct group *)item, each->arg);
}

void groups_each(struct groups *groups, void (*visit)(struct group *group, void *arg), void *arg) {
    name_table_each(&groups->table, visit_existing, &(struct each){visit, arg});
}

static void write_other(struct json_writer *w, const struct json *others, const char *key) {
    const struct json *value = json_get(others, key);
    if (!value) return;
    json_key_text(w, key);
    json_write_tree(w, value);
}

void group_write(struct json_writer *w, const struct group *group) {
    struct arena arena = {0};
    const struct json *others;
    must(json_parse(&arena, bytes_of(atomic_load(&group->others)), &others) == ERR_OK);
    json_begin_object(w);
    json_key_text(w, "attributes");
    json_raw(w, bytes_of(atomic_load(&group->attributes)));
    json_member_int(w, "brokerId", atomic_load(&group->broker_id));
    json_member_bool(w, "consumeBroadcastEnable", atomic_load(&group->consume_broadcast_enable));
    json_member_bool(w, "consumeEnable", atomic_load(&group->consume_enable));
    json_member_bool(w, "consumeFromMinEnable", atomic_load(&group->consume_from_min_enable));
    json_member_bool(w, "consumeMessageOrderly", atomic_load(&group->consume_message_orderly));
    json_member_int(w, "consumeTimeoutMinute", atomic_load(&group->consume_timeout_minute));
    json_member(w, "groupName", group_name(group));
    write_other(w, others, "groupRetryPolicy");
    json_member_int(w, "groupSysFlag", atomic_load(&group->group_sys_flag));
    json_member_bool(w, "notifyConsumerIdsChangedEnable", atomic_load(&group->notify_consumer_ids_changed_enable));
    json_member_int(w, "retryMaxTimes", atomic_load(&group->retry_max_times));
    json_member_int(w, "retryQueueNums", atomic_load(&group->retry_queue_nums));
    write_other(w, others, "subscriptionDataSet");
    json_member_int(w, "whichBrokerWhenConsumeSlowly", atomic_load(&group->which_broker_when_consume_slowly));
    json_end_object(w);
    arena_close(&arena);
}

static void write_one(struct group *group, void *arg) {
    struct json_writer *w = arg;
    json_key(w, group_name(group));
    group_write(w, group);
}

static void write_forbidden(struct group *group, void *arg) {
    struct json_writer *w = arg;
    const struct group_forbidden *f = atomic_load(&group->forbidden);
    if (!f) return;
    json_key(w, group_name(group));
    json_begin_object(w);
    for (; f; f = f->next) {
        json_key(w, f->topic);
        json_int(w, f->bits);
    }
    json_end_object(w);
}

static struct data_version version_now(struct groups *groups) {
    lock_take(&groups->lock);
    struct data_version version = groups->version;
    lock_give(&groups->lock);
    return version;
}

size_t groups_write_page(struct groups *groups, struct json_writer *w, const struct table_page *page) {
    struct arena arena = {0};
    struct data_version version = version_now(groups);
    size_t total;
    struct named **items = name_table_sorted(&groups->table, is_listed, &arena, &total);
    size_t first = table_page_first(page, &version), end = MIN(total, first + MIN(page->count, total));
    json_begin_object(w);
    json_key_text(w, "dataVersion");
    data_version_encode(w, &version);
    json_key_text(w, "forbiddenTable");
    json_begin_object(w);
    for (size_t i = first; i < end; i++) write_forbidden((struct group *)items[i], w);
    json_end_object(w);
    json_key_text(w, "subscriptionGroupTable");
    json_begin_object(w);
    for (size_t i = first; i < end; i++) write_one((struct group *)items[i], w);
    json_end_object(w);
    json_end_object(w);
    arena_close(&arena);
    return total;
}

void groups_write(struct groups *groups, struct json_writer *w) {
    struct data_version version = version_now(groups);
    json_begin_object(w);
    json_key_text(w, "dataVersion");
    data_version_encode(w, &version);
    json_key_text(w, "forbiddenTable");
    json_begin_object(w);
    groups_each(groups, write_forbidden, w);
    json_end_object(w);
    json_key_text(w, "subscriptionGroupTable");
    json_begin_object(w);
    groups_each(groups, write_one, w);
    json_end_object(w);
    json_end_object(w);
}

/* --- open and close ---------------------------------------------------------------------------------------- */

static void read_forbidden(struct groups *groups, const struct json *topics) {
    struct group *group = find(groups, topics->key);
    const struct group_forbidden *list = NULL;
    for (const struct json *t = json_first(topics); group && t; t = t->next) {
        struct group_forbidden *f = arena_calloc(&groups->texts, 1, sizeof *f);
        *f = (struct group_forbidden){list, arena_copy(&groups->texts, t->key), (int32_t)json_i64(t, 0)};
        list = f;
    }
    if (group) atomic_store(&group->forbidden, list);
}

static void write_file(void *table, struct json_writer *w) {
    groups_write(table, w);
}

static enum err load(struct groups *groups) {
    struct arena arena = {0};
    struct buf text = {0};
    const struct json *json;
    enum err err = state_file_load(&groups->file, &arena, &text, &json);
    if (err == ERR_OK) {
        if (json) groups->version = data_version_decode(json_get(json, "dataVersion"));
        const struct json *table = json_get(json, "subscriptionGroupTable");
        for (const struct json *g = json_first(table); g; g = g->next) {
            struct bytes name = json_text(json_get(g, "groupName"));
            const struct json *attributes = json_get(g, "attributes");
            if (name.len == 0 || name.len >= NAME_MAX_BYTES) continue;
            bool any = attributes && attributes->type == JSON_TYPE_OBJECT;
            put(groups, name, g, any ? json_node_copy(&arena, attributes) : BYTES("{}"));
        }
        const struct json *forbidden = json_get(json, "forbiddenTable");
        for (const struct json *f = json_first(forbidden); f; f = f->next) read_forbidden(groups, f);
        if (!json) state_file_changed(&groups->file);
    }
    buf_close(&text);
    arena_close(&arena);
    return err;
}

enum err groups_open(struct broker *broker, struct groups **out) {
    struct groups *groups = calloc(1, sizeof *groups);
    must(groups);
    groups->broker = broker;
    lock_init(&groups->lock, LOCK_GROUPS);
    name_table_init(&groups->table, GROUP_BUCKETS);
    data_version_init(&groups->version);
    state_file_init(&groups->file, broker, "subscriptionGroup.json", groups, write_file);
    for (size_t i = 0; i < ARRAY_LEN(built_in); i++) put(groups, bytes_of(built_in[i]), NULL, BYTES("{}"));
    enum err err = load(groups);
    if (err != ERR_OK) {
        groups_close(groups);
        return err;
    }
    *out = groups;
    return ERR_OK;
}

void groups_save(void *groups) {
    state_file_save(&((struct groups *)groups)->file);
}

void groups_close(struct groups *groups) {
    if (!groups) return;
    state_file_close(&groups->file);
    name_table_close(&groups->table, free_group);
    arena_close(&groups->texts);
    lock_close(&groups->lock);
    free(groups);
}
