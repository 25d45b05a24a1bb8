/* offsets.c - the table of what groups have consumed, and its file */
#include "broker/tables/offsets.h"

#include <stdlib.h>
#include "base/check.h"
#include "broker/tables/offsets_internal.h"
#include "message/lmq.h"

enum { OFFSET_BUCKETS = 65536 };

/* --- the table --------------------------------------------------------------------------------------------- */

static struct progress *progress_add(struct offsets *offsets, struct bytes key, size_t topic_len) {
    struct progress *progress = calloc(1, sizeof *progress);
    must(progress);
    /* The parts point into a copy of their own: the table sets named.name only when it takes the object in. */
    char *copy = bytes_dup(key);
    progress->topic = bytes_make(copy, topic_len);
    progress->group = bytes_make(copy + topic_len + 1, key.len - topic_len - 1);
    name_table_add(&offsets->table, key, &progress->named);
    return progress;
}

struct progress *offsets_progress(struct offsets *offsets, struct bytes topic, struct bytes group, bool create) {
    char text[NAME_MAX_BYTES];
    if (topic.len + 1 + group.len > sizeof text) return NULL;
    if (topic.len > 0) memcpy(text, topic.data, topic.len);
    text[topic.len] = '@';
    if (group.len > 0) memcpy(text + topic.len + 1, group.data, group.len);
    struct bytes key = bytes_make(text, topic.len + 1 + group.len);
    struct progress *progress = (struct progress *)name_table_find(&offsets->table, key);
    if (progress || !create) return progress;
    lock_take(&offsets->lock);
    progress = (struct progress *)name_table_find(&offsets->table, key);
    if (!progress) progress = progress_add(offsets, key, topic.len);
    lock_give(&offsets->lock);
    return progress;
}

struct each {
    void (*visit)(struct progress *progress, void *arg);
    void *arg;
};

static void visit_one(struct named *item, void *arg) {
    struct each *each = arg;
    each->visit((struct progress *)item, each->arg);
}

void offsets_each(struct offsets *offsets, void (*visit)(struct progress *progress, void *arg), void *arg) {
    name_table_each(&offsets->table, visit_one, &(struct each){visit, arg});
}

static void forget_topic(struct progress *progress, void *arg) {
    if (bytes_equal(progress->topic, *(struct bytes *)arg)) progress_clear(progress);
}

void offsets_forget_topic(struct offsets *offsets, struct bytes topic) {
    offsets_each(offsets, forget_topic, &topic);
    state_file_changed(&offsets->file);
}

static void forget_group(struct progress *progress, void *arg) {
    if (bytes_equal(progress->group, *(struct bytes *)arg)) progress_clear(progress);
}

void offsets_forget_group(struct offsets *offsets, struct bytes group) {
    offsets_each(offsets, forget_group, &group);
    state_file_changed(&offsets->file);
}

struct clone {
    struct offsets *offsets;
    struct progress *dest;
};

static void clone_queue(int32_t queue_id, int64_t offset_queue, void *arg) {
    struct clone *clone = arg;
    progress_commit(clone->offsets, clone->dest, queue_id, offset_queue);
}

void offsets_clone(struct offsets *offsets, struct bytes topic, struct bytes src_group, struct bytes dest_group) {
    struct progress *src = offsets_progress(offsets, topic, src_group, false);
    struct progress *dest = src ? offsets_progress(offsets, topic, dest_group, true) : NULL;
    if (dest) progress_each(src, clone_queue, &(struct clone){offsets, dest});
}

/* --- who consumes what ------------------------------------------------------------------------------------- */

struct collecting {
    struct bytes topic, group; /* absent = all */
    struct progress **items;
    size_t count, cap;
};

static void collect(struct progress *progress, void *arg) {
    struct collecting *all = arg;
    if (all->topic.data && !bytes_equal(progress->topic, all->topic)) return;
    if (all->group.data && !bytes_equal(progress->group, all->group)) return;
    if (all->count < all->cap && progress_any(progress)) all->items[all->count++] = progress;
}

static int by_group(const void *a, const void *b) {
    const struct progress *p = *(struct progress *const *)a, *q = *(struct progress *const *)b;
    int order = bytes_compare(p->group, q->group);
    return order ? order : bytes_compare(p->topic, q->topic);
}

/* Sorted by group and topic; in the arena. */
static void collect_sorted(struct offsets *offsets, struct arena *arena, struct collecting *all) {
    all->cap = atomic_load(&offsets->table.count);
    all->items = arena_calloc(arena, all->cap + 1, sizeof *all->items);
    offsets_each(offsets, collect, all);
    qsort(all->items, all->count, sizeof *all->items, by_group);
}

void offsets_topics_of_group(struct offsets *offsets, struct bytes group, struct arena *arena, struct bytes **topics,
                             size_t *count) {
    struct collecting all = {.group = group};
    collect_sorted(offsets, arena, &all);
    *topics = arena_calloc(arena, all.count + 1, sizeof **topics);
    *count = all.count;
    for (size_t i = 0; i < all.count; i++) (*topics)[i] = all.items[i]->topic;
}

void offsets_groups_of_topic(struct offsets *offsets, struct bytes topic, struct arena *arena, struct bytes **groups,
                             size_t *count) {
    struct collecting all = {.topic = topic};
    collect_sorted(offsets, arena, &all);
    *groups = arena_calloc(arena, all.count + 1, sizeof **groups);
    *count = all.count;
    for (size_t i = 0; i < all.count; i++) (*groups)[i] = all.items[i]->group;
}

/* --- the file ---------------------------------------------------------------------------------------------- */

struct writing {
    struct json_writer *w;
    const struct progress *progress;
    bool began;
};

/* "lmqOffsetTable":{"%LMQ%x@%LMQ%g":offset}: groups named like light queues have one offset a topic.
 * @source apache/rocketmq LmqConsumerOffsetManager */
static void write_lmq_progress(struct progress *progress, void *arg) {
    struct json_writer *w = arg;
    int64_t committed = progress_committed(progress, 0);
    if (!lmq_is(progress->group) || committed < 0) return;
    json_key(w, progress->named.name);
    json_int(w, committed);
}

static void write_lmq_offsets(struct offsets *offsets, struct json_writer *w) {
    json_key_text(w, "lmqOffsetTable");
    json_begin_object(w);
    offsets_each(offsets, write_lmq_progress, w);
    json_end_object(w);
}

static void write_queue(int32_t queue_id, int64_t offset_queue, void *arg) {
    struct writing *writing = arg;
    if (!writing->began) {
        json_key(writing->w, writing->progress->named.name);
        json_begin_object(writing->w);
        writing->began = true;
    }
    json_key_i64(writing->w, queue_id);
    json_int(writing->w, offset_queue);
}

static void write_progress(struct progress *progress, void *arg) {
    struct writing writing = {.w = arg, .progress = progress};
    progress_each(progress, write_queue, &writing);
    if (writing.began) json_end_object(writing.w);
}

static void write_queues_of_others(struct progress *progress, void *arg) {
    if (!lmq_is(progress->group)) write_progress(progress, arg);
}

/* "groupTopicMap":{"g":["t"]}: a view of the offset table that 5.3.3 writes beside it. */
static void write_group_topics(struct offsets *offsets, struct json_writer *w) {
    struct arena arena = {0};
    struct collecting all = {0};
    collect_sorted(offsets, &arena, &all);
    json_key_text(w, "groupTopicMap");
    json_begin_object(w);
    for (size_t i = 0; i < all.count; i++) {
        bool first = i == 0 || !bytes_equal(all.items[i]->group, all.items[i - 1]->group);
        bool last = i + 1 == all.count || !bytes_equal(all.items[i]->group, all.items[i + 1]->group);
        if (first) {
            json_key(w, all.items[i]->group);
            json_begin_array(w);
        }
        json_string(w, all.items[i]->topic);
        if (last) json_end_array(w);
    }
    json_end_object(w);
    arena_close(&arena);
}

void offsets_write(struct offsets *offsets, struct json_writer *w) {
    lock_take(&offsets->lock);
    struct data_version version = offsets->version;
    lock_give(&offsets->lock);
    json_begin_object(w);
    json_key_text(w, "dataVersion");
    data_version_encode(w, &version);
    write_group_topics(offsets, w);
    if (offsets->lmq) write_lmq_offsets(offsets, w);
    json_key_text(w, "offsetTable");
    json_begin_object(w);
    offsets_each(offsets, offsets->lmq ? write_queues_of_others : write_progress, w);
    json_end_object(w);
    json_end_object(w);
}

static void write_file(void *table, struct json_writer *w) {
    struct offsets *offsets = table;
    lock_take(&offsets->lock);
    data_version_next(&offsets->version);
    lock_give(&offsets->lock);
    offsets_write(offsets, w);
}

/* "topic@group"; NULL when it is no such thing. */
static struct progress *progress_of_key(struct offsets *offsets, struct bytes key) {
    const char *at = key.data ? memchr(key.data, '@', key.len) : NULL;
    if (!at) return NULL;
    struct bytes topic = bytes_make(key.data, (size_t)(at - key.data));
    return offsets_progress(offsets, topic, bytes_skip(key, topic.len + 1), true);
}

static void read_lmq_progress(struct offsets *offsets, const struct json *offset) {
    struct progress *progress = progress_of_key(offsets, offset->key);
    if (progress) progress_load(offsets, progress, 0, json_i64(offset, OFFSET_NONE));
}

static void read_progress(struct offsets *offsets, const struct json *queues) {
    struct progress *progress = progress_of_key(offsets, queues->key);
    for (const struct json *q = json_first(queues); progress && q; q = q->next) {
        int32_t queue_id;
        if (bytes_to_i32(q->key, &queue_id)) progress_load(offsets, progress, queue_id, json_i64(q, OFFSET_NONE));
    }
}

/* A broker whose enableLmq was just switched on goes on with what it has in the file of the others. */
static enum err load_file(struct offsets *offsets, struct arena *arena, struct buf *text, const struct json **json) {
    TRY(state_file_load(&offsets->file, arena, text, json));
    if (*json || !offsets->lmq) return ERR_OK;
    struct state_file former;
    state_file_init(&former, offsets->file.broker, "consumerOffset.json", offsets, write_file);
    enum err err = state_file_load(&former, arena, text, json);
    state_file_close(&former);
    return err;
}

static enum err load(struct offsets *offsets) {
    struct arena arena = {0};
    struct buf text = {0};
    const struct json *json;
    enum err err = load_file(offsets, &arena, &text, &json);
    if (err == ERR_OK) {
        if (json) offsets->version = data_version_decode(json_get(json, "dataVersion"));
        if (json) offsets->loaded_ms = offsets->version.timestamp_ms;
        const struct json *table = json_get(json, "offsetTable");
        for (const struct json *p = json_first(table); p; p = p->next) read_progress(offsets, p);
        const struct json *lmqs = json_get(json, "lmqOffsetTable");
        for (const struct json *p = json_first(lmqs); p; p = p->next) read_lmq_progress(offsets, p);
        if (!json) state_file_changed(&offsets->file);
    }
    buf_close(&text);
    arena_close(&arena);
    return err;
}

int64_t offsets_loaded_ms(const struct offsets *offsets) {
    return offsets->loaded_ms;
}

enum err offsets_open(struct broker *broker, struct offsets **out) {
    struct offsets *offsets = calloc(1, sizeof *offsets);
    must(offsets);
    lock_init(&offsets->lock, LOCK_OFFSETS);
    name_table_init(&offsets->table, OFFSET_BUCKETS);
    data_version_init(&offsets->version);
    offsets->lmq = broker->store_config.enable_lmq;
    state_file_init(&offsets->file, broker, offsets->lmq ? "lmqConsumerOffset.json" : "consumerOffset.json", offsets,
                    write_file);
    offsets->file.rests_on_log = true;
    enum err err = load(offsets);
    if (err != ERR_OK) {
        offsets_close(offsets);
        return err;
    }
    *out = offsets;
    return ERR_OK;
}

void offsets_save(void *offsets) {
    state_file_save(&((struct offsets *)offsets)->file);
}

void offsets_close(struct offsets *offsets) {
    if (!offsets) return;
    state_file_close(&offsets->file);
    name_table_close(&offsets->table, progress_free);
    lock_close(&offsets->lock);
    free(offsets);
}
