/* topics.c - the topics and their file, and how topics come to be */
#include "broker/tables/topics.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/lock.h"
#include "base/log.h"
#include "broker/tables/groups.h"
#include "broker/registration.h"
#include "broker/route.h"
#include "broker/tables/state_file.h"
#include "broker/tables/attributes.h"
#include "message/lmq.h"

enum { TOPIC_BUCKETS = 16384, SYSTEM_NAMES_MAX = 32, PERM_READ_WRITE = PERM_READ | PERM_WRITE };

/* The consume queues of a topic as far as they were asked for. Grown by a larger one; the former stays readable. */
struct topic_queues {
    int32_t count;
    _Atomic(struct queue *) queues[];
};

struct topics {
    struct broker *broker;
    struct state_file file;
    struct lock lock; /* guards changes and what is below */
    struct name_table table;
    struct data_version version;
    struct arena texts; /* attributes and topic_queues, replaced ones too: they are few and readers hold no lock */
    struct bytes system_names[SYSTEM_NAMES_MAX];
    size_t system_name_count;
};

/* --- names ------------------------------------------------------------------------------------------------- */

bool topics_is_system(const struct topics *topics, struct bytes name) {
    if (bytes_starts_with(name, BYTES("rmq_sys_"))) return true;
    for (size_t i = 0; i < topics->system_name_count; i++)
        if (bytes_equal(topics->system_names[i], name)) return true;
    return false;
}

const struct bytes *topics_system_names(const struct topics *topics, size_t *count) {
    *count = topics->system_name_count;
    return topics->system_names;
}

/* --- the table --------------------------------------------------------------------------------------------- */

static struct topic *find(const struct topics *topics, struct bytes name) {
    struct topic *topic = (struct topic *)name_table_find(&topics->table, name);
    return topic && atomic_load_explicit(&topic->exists, memory_order_acquire) ? topic : NULL;
}

static enum topic_type type_of(struct bytes text) {
#define TYPE(name)                                                                                                     \
    if (bytes_is(text, #name)) return TOPIC_TYPE_##name;
    TYPE(NORMAL)
    TYPE(FIFO)
    TYPE(DELAY)
    TYPE(TRANSACTION)
    TYPE(MIXED)
    TYPE(PRIORITY)
    TYPE(LITE)
#undef TYPE
    return TOPIC_TYPE_UNSPECIFIED;
}

static void set_attributes(struct topics *topics, struct topic *topic, struct bytes attributes) {
    struct arena arena = {0};
    int32_t minutes = -1;
    (void)bytes_to_i32(attributes_get(&arena, attributes, "lite.topic.expiration"), &minutes);
    atomic_store(&topic->lite_expiration_min, minutes);
    atomic_store(&topic->type, (int32_t)type_of(attributes_get(&arena, attributes, "message.type")));
    bool of_batches = bytes_is(attributes_get(&arena, attributes, "queue.type"), "BatchCQ");
    atomic_store(&topic->queue_kind, of_batches ? QUEUE_BATCH : QUEUE_SIMPLE);
    atomic_store(&topic->attributes, arena_strdup(&topics->texts, attributes));
    arena_close(&arena);
}

/* Sets all values of the topic and makes it exist. The lock is held, or nobody else is there yet. */
static struct topic *put(struct topics *topics, const struct topic_change *values, struct bytes attributes) {
    struct topic *topic = (struct topic *)name_table_find(&topics->table, values->name);
    bool fresh = !topic;
    if (fresh) {
        topic = calloc(1, sizeof *topic);
        must(topic);
        topic->topics = topics;
        topic->is_system = topics_is_system(topics, values->name);
        topic->sends_forbidden = topic_name_forbidden(values->name);
        topic->is_lmq = lmq_is(values->name);
    }
    atomic_store(&topic->read_queues, values->read_queues);
    atomic_store(&topic->write_queues, values->write_queues);
    atomic_store(&topic->perm, values->perm);
    atomic_store(&topic->sys_flag, values->sys_flag);
    atomic_store(&topic->order, values->order);
    atomic_store(&topic->multi_tag, values->multi_tag);
    set_attributes(topics, topic, attributes);
    atomic_store_explicit(&topic->exists, true, memory_order_release);
    if (fresh) name_table_add(&topics->table, values->name, &topic->named);
    return topic;
}

/* A light queue as a topic of its own. @source apache/rocketmq LmqTopicConfigManager */
static struct topic *make_lmq(struct topics *topics, struct bytes name) {
    lock_take(&topics->lock);
    struct topic *topic = find(topics, name);
    if (!topic) {
        struct topic_change values = {name, 1, 1, PERM_READ_WRITE, 0, false, false, NULL};
        topic = put(topics, &values, BYTES("{}"));
    }
    lock_give(&topics->lock);
    return topic;
}

static bool is_light(const struct topics *topics, struct bytes name) {
    return lmq_is(name) && topics->broker->store_config.enable_lmq;
}

struct topic *topics_find(struct topics *topics, struct bytes name) {
    struct topic *topic = find(topics, name);
    return topic || !is_light(topics, name) || name.len > LMQ_NAME_MAX ? topic : make_lmq(topics, name);
}

/* Tells files and name servers of a change; the lock is not held. */
static void changed(struct topics *topics, struct bytes name) {
    state_file_save_soon(&topics->file);
    if (topics->broker->registration) registration_topic_changed(topics->broker, name);
}

static void free_topic(struct named *item) {
    free(item);
}

bool topics_queue_kind(const struct topics *topics, struct bytes name, enum queue_kind *out) {
    const struct topic *topic = find(topics, name);
    if (topic) *out = (enum queue_kind)atomic_load(&topic->queue_kind);
    return topic;
}

struct queue *topic_queue(struct topic *topic, struct store *store, int32_t queue_id, bool create) {
    if (queue_id < 0 || queue_id >= TOPIC_QUEUES_MAX) return NULL;
    struct topic_queues *queues = atomic_load_explicit(&topic->queues, memory_order_acquire);
    if (queues && queue_id < queues->count) {
        struct queue *queue = atomic_load_explicit(&queues->queues[queue_id], memory_order_acquire);
        if (queue && !queue_deleted(queue)) return queue;
    }
    struct queue *queue = store_queue(store, topic_name(topic), queue_id, create);
    if (!queue) return NULL;

    lock_take(&topic->topics->lock);
    queues = atomic_load(&topic->queues);
    if (!queues || queue_id >= queues->count) {
        int32_t count = queues ? queues->count : 4;
        while (count <= queue_id) count *= 2;
        struct topic_queues *larger =
            arena_calloc(&topic->topics->texts, 1, sizeof *larger + (size_t)count * sizeof larger->queues[0]);
        larger->count = count;
        for (int32_t i = 0; queues && i < queues->count; i++)
            atomic_store(&larger->queues[i], atomic_load(&queues->queues[i]));
        atomic_store_explicit(&topic->queues, larger, memory_order_release);
        queues = larger;
    }
    atomic_store_explicit(&queues->queues[queue_id], queue, memory_order_release);
    lock_give(&topic->topics->lock);
    return queue;
}

/* --- creation by use --------------------------------------------------------------------------------------- */

enum err topics_create(struct topics *topics, struct bytes name, int32_t queues, int32_t perm, int32_t sys_flag,
                       bool order, struct topic **out) {
    *out = topics_find(topics, name);
    if (*out) return ERR_OK;
    if (name.len == 0 || name.len >= NAME_MAX_BYTES)
        return fail(ERR_BAD_PARAMETER, "a topic name of %zu bytes", name.len);
    lock_take(&topics->lock);
    *out = find(topics, name);
    bool there = *out != NULL;
    if (!there) {
        struct topic_change values = {name, queues, queues, perm, sys_flag, order, false, NULL};
        *out = put(topics, &values, BYTES("{}"));
        data_version_next(&topics->version);
    }
    lock_give(&topics->lock);
    if (there) return ERR_OK;
    log_info(MAIN, "topic created: topic=%.*s queues=%d perm=%d order=%d", BYTES_ARG(name), queues, perm, order);
    changed(topics, name);
    return ERR_OK;
}

static enum err fail_no_topic(const struct topics *topics, struct bytes name, struct bytes template_name,
                              const struct topic *template) {
    const char *cause = "it passes its permissions on to no other topic";
    if (!template)
        cause = "it does not exist";
    else if (!topics->broker->config.auto_create_topic_enable)
        cause = "autoCreateTopicEnable is off";
    return fail(ERR_NO_TOPIC,
                "topic[%.*s] not exist, apply first please!" FAQ_HINT "\nCause: it cannot be made after %.*s, %s.",
                BYTES_ARG(name), BYTES_ARG(template_name), cause);
}

/* What a topic made from the template is like; ERR_NO_TOPIC when none can be. The lock is held. */
static enum err from_template(struct topics *topics, struct bytes template_name, struct topic_change *values) {
    struct topic *template = find(topics, template_name);
    if (template && bytes_equal(template_name, TOPIC_TBW102) && !topics->broker->config.auto_create_topic_enable)
        atomic_store(&template->perm, PERM_READ_WRITE);
    if (template && (atomic_load(&template->perm) & PERM_INHERIT)) {
        int32_t queues = MIN(values->write_queues, atomic_load(&template->write_queues));
        values->read_queues = values->write_queues = MAX(queues, 0);
        values->perm = atomic_load(&template->perm) & ~PERM_INHERIT;
        values->multi_tag = atomic_load(&template->multi_tag);
        return ERR_OK;
    }
    if (!bytes_starts_with(values->name, TOPIC_RETRY_PREFIX))
        return fail_no_topic(topics, values->name, template_name, template);
    values->read_queues = values->write_queues = 1;
    values->perm = PERM_READ_WRITE;
    return ERR_OK;
}

enum err topics_create_by_send(struct topics *topics, struct bytes name, struct bytes template_name,
                               int32_t template_queues, bool unit_mode, struct topic **out) {
    struct topic_change values = {.name = name, .write_queues = template_queues};
    if (unit_mode)
        values.sys_flag = bytes_starts_with(name, TOPIC_RETRY_PREFIX) ? TOPIC_SYS_FLAG_UNIT_SUB : TOPIC_SYS_FLAG_UNIT;
    lock_take(&topics->lock);
    *out = find(topics, name);
    bool there = *out != NULL;
    enum err err = there ? ERR_OK : from_template(topics, template_name, &values);
    if (err == ERR_OK && !there) {
        *out = put(topics, &values, BYTES("{}"));
        data_version_next(&topics->version);
    }
    lock_give(&topics->lock);
    if (err != ERR_OK || there) return err;
    log_info(MAIN, "topic created by a send: topic=%.*s template=%.*s queues=%d perm=%d", BYTES_ARG(name),
             BYTES_ARG(template_name), values.write_queues, values.perm);
    changed(topics, name);
    return ERR_OK;
}

/* --- changes by an admin ----------------------------------------------------------------------------------- */

static bool same(const struct topic *topic, const struct topic_change *change, struct bytes attributes) {
    return atomic_load(&topic->read_queues) == change->read_queues &&
           atomic_load(&topic->write_queues) == change->write_queues && atomic_load(&topic->perm) == change->perm &&
           atomic_load(&topic->sys_flag) == change->sys_flag && atomic_load(&topic->order) == change->order &&
           atomic_load(&topic->multi_tag) == change->multi_tag && bytes_is(attributes, atomic_load(&topic->attributes));
}

enum err topics_update(struct topics *topics, const struct topic_change *change) {
    if (change->read_queues < 0 || change->write_queues < 0 || change->read_queues > TOPIC_QUEUES_MAX ||
        change->write_queues > TOPIC_QUEUES_MAX)
        return fail(ERR_BAD_PARAMETER, "queue numbers must be 0 to %d", TOPIC_QUEUES_MAX);
    if (is_light(topics, change->name)) return ERR_OK;
    struct arena arena = {0};
    struct bytes attributes;
    lock_take(&topics->lock);
    struct topic *topic = find(topics, change->name);
    struct bytes former = topic ? bytes_of(atomic_load(&topic->attributes)) : BYTES("{}");
    static const struct attribute_changes none;
    enum err err = attributes_alter(&arena, ATTRIBUTES_TOPIC, !topic, former,
                                    change->attributes ? change->attributes : &none, &attributes);
    bool differs = err == ERR_OK && !(topic && same(topic, change, attributes));
    if (differs) {
        put(topics, change, attributes);
        data_version_next(&topics->version);
    }
    lock_give(&topics->lock);
    arena_close(&arena);
    if (!differs) return err;
    log_info(MAIN, "topic %s: topic=%.*s read_queues=%d write_queues=%d perm=%d", topic ? "changed" : "created",
             BYTES_ARG(change->name), change->read_queues, change->write_queues, change->perm);
    changed(topics, change->name);
    return ERR_OK;
}

enum err topics_delete(struct topics *topics, struct bytes name) {
    if (is_light(topics, name)) return ERR_OK;
    lock_take(&topics->lock);
    struct topic *topic = find(topics, name);
    if (topic) {
        atomic_store(&topic->exists, false);
        data_version_next(&topics->version);
    }
    lock_give(&topics->lock);
    if (!topic) return fail(ERR_NO_TOPIC, "topic[%.*s] not exist", BYTES_ARG(name));
    log_info(MAIN, "topic deleted: topic=%.*s", BYTES_ARG(name));
    changed(topics, name);
    return ERR_OK;
}

void topics_set_order(struct topics *topics, struct bytes name, bool order) {
    lock_take(&topics->lock);
    struct topic *topic = find(topics, name);
    bool differs = topic && atomic_load(&topic->order) != order;
    if (differs) {
        atomic_store(&topic->order, order);
        data_version_next(&topics->version);
    }
    lock_give(&topics->lock);
    if (differs) state_file_save_soon(&topics->file);
}

/* --- views ------------------------------------------------------------------------------------------------- */

static bool is_listed(const struct named *item) {
    const struct topic *topic = (const struct topic *)item;
    return atomic_load_explicit(&topic->exists, memory_order_acquire) && !topic->is_lmq;
}

struct each {
    void (*visit)(struct topic *topic, void *arg);
    void *arg;
};

static void visit_existing(struct named *item, void *arg) {
    struct each *each = arg;
    if (is_listed(item)) each->visit((struct topic *)item, each->arg);
}

void topics_each(struct topics *topics, void (*visit)(struct topic *topic, void *arg), void *arg) {
    name_table_each(&topics->table, visit_existing, &(struct each){visit, arg});
}

void topics_data_version(struct topics *topics, struct data_version *out) {
    lock_take(&topics->lock);
    *out = topics->version;
    lock_give(&topics->lock);
}

void topics_bump_data_version(struct topics *topics) {
    lock_take(&topics->lock);
    data_version_next(&topics->version);
    lock_give(&topics->lock);
    state_file_save_soon(&topics->file);
}

struct topic_config topic_config_of(const struct topic *topic) {
    return (struct topic_config){
        .name = topic_name(topic),
        .read_queue_nums = atomic_load(&topic->read_queues),
        .write_queue_nums = atomic_load(&topic->write_queues),
        .perm = atomic_load(&topic->perm),
        .sys_flag = atomic_load(&topic->sys_flag),
        .order = atomic_load(&topic->order),
        .multi_tag = atomic_load(&topic->multi_tag),
        .attributes = bytes_of(atomic_load(&topic->attributes)),
    };
}

static void write_one(struct topic *topic, void *arg) {
    struct json_writer *w = arg;
    json_key(w, topic_name(topic));
    struct topic_config config = topic_config_of(topic);
    topic_config_encode(w, &config);
}

size_t topics_write_page_members(struct topics *topics, struct json_writer *w, const struct table_page *page) {
    struct arena arena = {0};
    struct data_version version;
    size_t total;
    topics_data_version(topics, &version);
    struct named **items = name_table_sorted(&topics->table, is_listed, &arena, &total);
    size_t first = table_page_first(page, &version);
    json_key_text(w, "dataVersion");
    data_version_encode(w, &version);
    json_key_text(w, "topicConfigTable");
    json_begin_object(w);
    for (size_t i = first; i < total && i - first < page->count; i++) write_one((struct topic *)items[i], w);
    json_end_object(w);
    arena_close(&arena);
    return total;
}

void topics_write(struct topics *topics, struct json_writer *w) {
    struct data_version version;
    topics_data_version(topics, &version);
    json_begin_object(w);
    json_key_text(w, "dataVersion");
    data_version_encode(w, &version);
    json_key_text(w, "topicConfigTable");
    json_begin_object(w);
    topics_each(topics, write_one, w);
    json_end_object(w);
    json_end_object(w);
}

/* --- open and close ---------------------------------------------------------------------------------------- */

static void add_system_name(struct topics *topics, struct bytes name) {
    for (size_t i = 0; i < topics->system_name_count; i++)
        if (bytes_equal(topics->system_names[i], name)) return;
    must(topics->system_name_count < SYSTEM_NAMES_MAX);
    topics->system_names[topics->system_name_count++] = arena_copy(&topics->texts, name);
}

static void add_system(struct topics *topics, struct bytes name, int32_t queues, int32_t perm) {
    struct topic_change values = {.name = name, .read_queues = queues, .write_queues = queues, .perm = perm};
    add_system_name(topics, name);
    put(topics, &values, BYTES("{}"));
}

static void add_system_topics(struct topics *topics) {
    const struct broker_config *config = &topics->broker->config;
    struct arena *texts = &topics->texts;
    for (size_t i = 0; i < topic_system_name_count; i++) add_system_name(topics, bytes_of(topic_system_names[i].name));
    add_system(topics, BYTES("SELF_TEST_TOPIC"), 1, PERM_READ_WRITE);
    if (config->auto_create_topic_enable)
        add_system(topics, TOPIC_TBW102, config->default_topic_queue_nums, PERM_READ_WRITE | PERM_INHERIT);
    add_system(topics, BYTES("BenchmarkTest"), 1024, PERM_READ_WRITE);
    add_system(topics, config->broker_cluster_name, TOPIC_QUEUES_DEFAULT,
               PERM_INHERIT | (config->cluster_topic_enable ? PERM_READ_WRITE : 0));
    add_system(topics, config->broker_name, 1, PERM_INHERIT | (config->broker_topic_enable ? PERM_READ_WRITE : 0));
    add_system(topics, BYTES("OFFSET_MOVED_EVENT"), 1, PERM_READ_WRITE);
    add_system(topics, TOPIC_SCHEDULE, 18, PERM_READ_WRITE);
    if (config->trace_topic_enable) add_system(topics, config->msg_trace_topic_name, 1, PERM_READ_WRITE);
    add_system(topics, arena_printf(texts, "%.*s_REPLY_TOPIC", BYTES_ARG(config->broker_cluster_name)), 1,
               PERM_READ_WRITE);
    add_system(topics, arena_printf(texts, "rmq_sys_REVIVE_LOG_%.*s", BYTES_ARG(config->broker_cluster_name)),
               config->revive_queue_num, PERM_READ_WRITE);
    add_system(topics, arena_printf(texts, "rmq_sys_SYNC_BROKER_MEMBER_%.*s", BYTES_ARG(config->broker_name)), 1,
               PERM_INHERIT);
    add_system(topics, BYTES("RMQ_SYS_TRANS_HALF_TOPIC"), 1, PERM_READ_WRITE);
    add_system(topics, BYTES("RMQ_SYS_TRANS_OP_HALF_TOPIC"), 1, PERM_READ_WRITE);
    if (topics->broker->store_config.timer_wheel_enable) add_system(topics, TOPIC_TIMER, 1, PERM_READ_WRITE);
}

static void read_topic(struct topics *topics, const struct json *json) {
    struct bytes name = json_text(json_get(json, "topicName"));
    if (name.len == 0 || name.len >= NAME_MAX_BYTES) return;
    struct topic_change values = {
        .name = name,
        .read_queues = (int32_t)json_i64(json_get(json, "readQueueNums"), TOPIC_QUEUES_DEFAULT),
        .write_queues = (int32_t)json_i64(json_get(json, "writeQueueNums"), TOPIC_QUEUES_DEFAULT),
        .perm = (int32_t)json_i64(json_get(json, "perm"), PERM_READ_WRITE),
        .sys_flag = (int32_t)json_i64(json_get(json, "topicSysFlag"), 0),
        .order = json_bool(json_get(json, "order"), false),
        .multi_tag = bytes_is(json_text(json_get(json, "topicFilterType")), "MULTI_TAG"),
    };
    struct buf attributes = {0};
    const struct json *given = json_get(json, "attributes");
    if (given && given->type == JSON_TYPE_OBJECT) json_write_tree(&(struct json_writer){.out = &attributes}, given);
    put(topics, &values, attributes.len > 0 ? buf_bytes(&attributes) : BYTES("{}"));
    buf_close(&attributes);
}

static void write_file(void *table, struct json_writer *w) {
    topics_write(table, w);
}

static enum err load(struct topics *topics) {
    struct arena arena = {0};
    struct buf text = {0};
    const struct json *json;
    enum err err = state_file_load(&topics->file, &arena, &text, &json);
    if (err == ERR_OK) {
        if (json) topics->version = data_version_decode(json_get(json, "dataVersion"));
        const struct json *table = json_get(json, "topicConfigTable");
        for (const struct json *t = json_first(table); t; t = t->next) read_topic(topics, t);
        if (!json) state_file_changed(&topics->file);
    }
    buf_close(&text);
    arena_close(&arena);
    return err;
}

enum err topics_open(struct broker *broker, struct topics **out) {
    struct topics *topics = calloc(1, sizeof *topics);
    must(topics);
    topics->broker = broker;
    lock_init(&topics->lock, LOCK_TOPICS);
    name_table_init(&topics->table, TOPIC_BUCKETS);
    data_version_init(&topics->version);
    state_file_init(&topics->file, broker, "topics.json", topics, write_file);
    add_system_topics(topics);
    enum err err = load(topics);
    if (err != ERR_OK) {
        topics_close(topics);
        return err;
    }
    *out = topics;
    return ERR_OK;
}

void topics_save(void *topics) {
    state_file_save(&((struct topics *)topics)->file);
}

void topics_close(struct topics *topics) {
    if (!topics) return;
    state_file_close(&topics->file);
    name_table_close(&topics->table, free_topic);
    arena_close(&topics->texts);
    lock_close(&topics->lock);
    free(topics);
}
