/* filter_data.c - conditions of consumer groups, in memory and in their file */
#include "broker/tables/filter_data.h"

#include <stdlib.h>
#include <uthash.h>
#include "base/check.h"
#include "base/lock.h"
#include "base/log.h"
#include "broker/pull/filter.h"
#include "broker/tables/state_file.h"
#include "os/clock.h"

enum { DEAD_MS_MAX = 24 * 3600 * 1000, LOADED_DEAD_MS = 30000 };

/* The condition of one group for one topic. */
struct condition {
    UT_hash_handle hh;
    struct bytes group, expression, type; /* own copies */
    int64_t born_ms, dead_ms, version_ms; /* dead_ms 0: alive */
};
struct topic_conditions {
    UT_hash_handle hh;
    struct bytes topic; /* own copy */
    struct condition *conditions;
};
struct filter_data {
    struct lock lock;
    struct topic_conditions *topics;
    struct state_file file;
};

/* --- the Bloom filter ---------------------------------------------------------------------------------------- */

static uint64_t rotate(uint64_t x, unsigned bits) {
    return x << bits | x >> (64 - bits);
}

static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 33) * 0xff51afd7ed558ccdu;
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53u;
    return x ^ x >> 33;
}

static uint64_t get_u64le(const unsigned char *at, size_t len) {
    uint64_t value = 0;
    for (size_t i = MIN(len, (size_t)8); i > 0; i--) value = value << 8 | at[i - 1];
    return value;
}

/* The lower half of MurmurHash3 x64 128 with seed 0. @source MurmurHash3, public domain */
static uint64_t murmur3(struct bytes text) {
    const uint64_t c1 = 0x87c37b91114253d5u, c2 = 0x4cf5ad432745937fu;
    const unsigned char *at = (const unsigned char *)text.data;
    uint64_t h1 = 0, h2 = 0;
    size_t left = text.len;
    for (; left >= 16; left -= 16, at += 16) {
        h1 ^= rotate(get_u64le(at, 8) * c1, 31) * c2;
        h1 = (rotate(h1, 27) + h2) * 5 + 0x52dce729;
        h2 ^= rotate(get_u64le(at + 8, 8) * c2, 33) * c1;
        h2 = (rotate(h2, 31) + h1) * 5 + 0x38495ab5;
    }
    if (left > 8) h2 ^= rotate(get_u64le(at + 8, left - 8) * c2, 33) * c1;
    if (left > 0) h1 ^= rotate(get_u64le(at, left) * c1, 31) * c2;
    h1 ^= text.len;
    h2 ^= text.len;
    h1 += h2;
    h2 += h1;
    h1 = mix(h1);
    h2 = mix(h2);
    return h1 + h2;
}

void filter_data_bloom(struct bytes group, struct bytes topic, int32_t positions[BLOOM_POSITIONS]) {
    struct buf name = {0};
    buf_printf(&name, "%.*s#%.*s", BYTES_ARG(group), BYTES_ARG(topic));
    uint64_t hash = murmur3(buf_bytes(&name));
    uint32_t low = (uint32_t)hash, high = (uint32_t)(hash >> 32);
    for (uint32_t i = 1; i <= BLOOM_POSITIONS; i++) {
        int32_t position = (int32_t)(low + i * high);
        positions[i - 1] = (position < 0 ? ~position : position) % BLOOM_BITS;
    }
    buf_close(&name);
}

/* --- the table; the lock is held ----------------------------------------------------------------------------- */

static struct bytes own(struct bytes text) {
    return bytes_make(bytes_dup(text), text.len);
}

static void disown(struct bytes text) {
    free((char *)(uintptr_t)text.data);
}

static struct topic_conditions *topic_find(const struct filter_data *data, struct bytes topic) {
    struct topic_conditions *found;
    HASH_FIND(hh, data->topics, topic.data, topic.len, found);
    return found;
}

static struct topic_conditions *topic_make(struct filter_data *data, struct bytes topic) {
    struct topic_conditions *made = topic_find(data, topic);
    if (made) return made;
    made = calloc(1, sizeof *made);
    must(made);
    made->topic = own(topic);
    HASH_ADD_KEYPTR(hh, data->topics, made->topic.data, made->topic.len, made);
    return made;
}

static struct condition *condition_find(const struct topic_conditions *topic, struct bytes group) {
    struct condition *found = NULL;
    if (topic) HASH_FIND(hh, topic->conditions, group.data, group.len, found);
    return found;
}

static struct condition *condition_add(struct filter_data *data, struct bytes topic, struct bytes group,
                                       struct bytes expression, struct bytes type) {
    struct topic_conditions *of_topic = topic_make(data, topic);
    struct condition *added = calloc(1, sizeof *added);
    must(added);
    added->group = own(group);
    added->expression = own(expression);
    added->type = own(type);
    HASH_ADD_KEYPTR(hh, of_topic->conditions, added->group.data, added->group.len, added);
    return added;
}

static void condition_drop(struct filter_data *data, struct topic_conditions *topic, struct condition *drop) {
    HASH_DEL(topic->conditions, drop);
    disown(drop->group);
    disown(drop->expression);
    disown(drop->type);
    free(drop);
    if (topic->conditions) return;
    HASH_DEL(data->topics, topic);
    disown(topic->topic);
    free(topic);
}

/* dead_ms: before that time; INT64_MAX drops all. */
static void drop_dead(struct filter_data *data, int64_t before_ms) {
    struct topic_conditions *topic, *next_topic;
    HASH_ITER(hh, data->topics, topic, next_topic) {
        struct condition *condition, *next;
        bool last = false;
        for (condition = topic->conditions; condition && !last; condition = next) {
            next = condition->hh.next;
            last = !next; /* the topic may go with it */
            if (before_ms == INT64_MAX || (condition->dead_ms != 0 && condition->dead_ms < before_ms))
                condition_drop(data, topic, condition);
        }
    }
}

/* --- what groups want ---------------------------------------------------------------------------------------- */

static bool subscription_put(struct filter_data *data, struct bytes group, const struct subscription *subscription) {
    struct topic_conditions *topic = topic_find(data, subscription->topic);
    struct condition *known = condition_find(topic, group);
    if (known && subscription->version_ms <= known->version_ms) {
        if (subscription->version_ms < known->version_ms || known->dead_ms == 0) return false;
        known->dead_ms = 0;
        return true;
    }
    if (known && bytes_equal(known->expression, subscription->expression) &&
        bytes_equal(known->type, subscription->expression_type)) {
        known->version_ms = subscription->version_ms;
        known->dead_ms = 0;
        return true;
    }
    if (known) condition_drop(data, topic, known);
    if (filter_check(subscription) != ERR_OK) return known != NULL;
    struct condition *put =
        condition_add(data, subscription->topic, group, subscription->expression, subscription->expression_type);
    put->born_ms = clock_wall_ms();
    put->version_ms = subscription->version_ms;
    return true;
}

static bool wants_topic(const struct subscription *subscriptions, size_t count, struct bytes topic) {
    for (size_t i = 0; i < count; i++)
        if (bytes_equal(subscriptions[i].topic, topic)) return true;
    return false;
}

static bool end_others(struct filter_data *data, struct bytes group, const struct subscription *subscriptions,
                       size_t count) {
    bool changed = false;
    for (struct topic_conditions *topic = data->topics; topic; topic = topic->hh.next) {
        struct condition *condition = condition_find(topic, group);
        if (!condition || condition->dead_ms != 0 || wants_topic(subscriptions, count, topic->topic)) continue;
        condition->dead_ms = clock_wall_ms();
        changed = true;
    }
    return changed;
}

void filter_data_register(struct filter_data *data, struct bytes group, const struct subscription *subscriptions,
                          size_t count) {
    bool changed = false;
    lock_take(&data->lock);
    for (size_t i = 0; i < count; i++)
        if (!subscription_is_tag(&subscriptions[i]) && subscriptions[i].expression.len > 0)
            changed |= subscription_put(data, group, &subscriptions[i]);
    changed |= end_others(data, group, subscriptions, count);
    lock_give(&data->lock);
    if (changed) state_file_changed(&data->file);
}

void filter_data_unregister(struct filter_data *data, struct bytes group) {
    filter_data_register(data, group, NULL, 0);
}

/* --- the file ------------------------------------------------------------------------------------------------ */

static void write_condition(struct json_writer *w, struct bytes topic, const struct condition *condition) {
    int32_t positions[BLOOM_POSITIONS];
    filter_data_bloom(condition->group, topic, positions);
    json_begin_object(w);
    json_key_text(w, "bloomFilterData");
    json_begin_object(w);
    json_member_int(w, "bitNum", BLOOM_BITS);
    json_key_text(w, "bitPos");
    json_begin_array(w);
    for (size_t i = 0; i < BLOOM_POSITIONS; i++) json_int(w, positions[i]);
    json_end_array(w);
    json_end_object(w);
    json_member_int(w, "bornTime", condition->born_ms);
    json_member_int(w, "clientVersion", condition->version_ms);
    json_member(w, "consumerGroup", condition->group);
    json_member_bool(w, "dead", condition->dead_ms >= condition->born_ms);
    json_member_int(w, "deadTime", condition->dead_ms);
    json_member(w, "expression", condition->expression);
    json_member(w, "expressionType", condition->type);
    json_member(w, "topic", topic);
    json_end_object(w);
}

bool filter_data_write(struct filter_data *data, struct bytes group, struct bytes topic, struct json_writer *w) {
    lock_take(&data->lock);
    const struct condition *condition = condition_find(topic_find(data, topic), group);
    if (condition) write_condition(w, topic, condition);
    lock_give(&data->lock);
    return condition != NULL;
}

static void data_write(void *table, struct json_writer *w) {
    struct filter_data *data = table;
    lock_take(&data->lock);
    drop_dead(data, clock_wall_ms() - DEAD_MS_MAX);
    json_begin_object(w);
    json_key_text(w, "filterDataByTopic");
    json_begin_object(w);
    for (struct topic_conditions *topic = data->topics; topic; topic = topic->hh.next) {
        json_key(w, topic->topic);
        json_begin_object(w);
        json_key_text(w, "groupFilterData");
        json_begin_object(w);
        for (struct condition *c = topic->conditions; c; c = c->hh.next) {
            json_key(w, c->group);
            write_condition(w, topic->topic, c);
        }
        json_end_object(w);
        json_member(w, "topic", topic->topic);
        json_end_object(w);
    }
    json_end_object(w);
    json_end_object(w);
    lock_give(&data->lock);
}

/* Nobody is online yet: what was alive counts as dead since a moment ago. */
static void load_condition(struct filter_data *data, struct bytes topic, const struct json *node) {
    struct bytes expression = json_text(json_get(node, "expression"));
    struct bytes type = json_text(json_get(node, "expressionType"));
    if (topic.len == 0 || node->key.len == 0 || expression.len == 0 || type.len == 0) return;
    if (condition_find(topic_find(data, topic), node->key)) return;
    struct condition *loaded = condition_add(data, topic, node->key, expression, type);
    loaded->born_ms = json_i64(json_get(node, "bornTime"), 0);
    loaded->version_ms = json_i64(json_get(node, "clientVersion"), 0);
    loaded->dead_ms = json_i64(json_get(node, "deadTime"), 0);
    if (loaded->dead_ms == 0) loaded->dead_ms = MAX(clock_wall_ms() - LOADED_DEAD_MS, loaded->born_ms);
}

static enum err data_load(struct filter_data *data) {
    struct arena arena = {0};
    struct buf text = {0};
    const struct json *root = NULL;
    enum err err = state_file_load(&data->file, &arena, &text, &root);
    const struct json *topics = err == ERR_OK && root ? json_get(root, "filterDataByTopic") : NULL;
    for (const struct json *t = json_first(topics); t; t = t->next)
        for (const struct json *g = json_first(json_get(t, "groupFilterData")); g; g = g->next)
            load_condition(data, t->key, g);
    if (err == ERR_CORRUPT) {
        log_warn(MAIN, "conditions of consumer groups are learned anew from heartbeats: cause=%s", err_detail(err));
        err = ERR_OK;
    }
    buf_close(&text);
    arena_close(&arena);
    return err;
}

enum err filter_data_open(struct broker *broker, struct filter_data **out) {
    struct filter_data *data = calloc(1, sizeof *data);
    must(data);
    lock_init(&data->lock, LOCK_FILTER_DATA);
    state_file_init(&data->file, broker, "consumerFilter.json", data, data_write);
    enum err err = data_load(data);
    if (err == ERR_OK)
        *out = data;
    else
        filter_data_close(data);
    return err;
}

void filter_data_save(struct filter_data *data) {
    state_file_save(&data->file);
}

void filter_data_close(struct filter_data *data) {
    if (!data) return;
    state_file_close(&data->file);
    drop_dead(data, INT64_MAX);
    lock_close(&data->lock);
    free(data);
}
