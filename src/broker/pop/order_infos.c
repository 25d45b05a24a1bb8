/* order_infos.c - the table of ordered pops and its file */
#include "broker/pop/order_infos.h"

#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>
#include "base/check.h"
#include "base/lock.h"
#include "broker/tables/groups.h"
#include "broker/tables/state_file.h"
#include "broker/tables/topics.h"
#include "os/clock.h"

enum { KEY_MAX = 1024, UNUSED_MS = 24 * 3600 * 1000 };

/* What one ordered pop handed out. */
struct order_info {
    UT_hash_handle hh;
    char *name; /* "topic@group@queue": the hash key */
    struct bytes topic_group;
    int32_t queue_id;
    char *attempt_id;                  /* NULL = none */
    int64_t pop_time_ms, invisible_ms; /* 0 = unknown */
    int64_t last_consume_ms;
    uint64_t acked; /* bit i: message i */
    int32_t count;
    int64_t offsets[POP_MESSAGES_MAX];
    int64_t visible_ms[POP_MESSAGES_MAX]; /* 0 = after invisible_ms */
    int32_t consumed[POP_MESSAGES_MAX];   /* how often before */
};

struct order_infos {
    struct broker *broker;
    struct lock lock; /* guards the table */
    struct order_info *table;
    bool has_file;
    struct state_file file;
};

/* --- finding; the lock is held ----------------------------------------------------------------------------- */

static size_t key_text(const struct order_key *key, char out[KEY_MAX]) {
    int len = snprintf(out, KEY_MAX, "%.*s@%.*s@%d", BYTES_ARG(key->topic), BYTES_ARG(key->group), key->queue_id);
    return len > 0 && len < KEY_MAX ? (size_t)len : 0;
}

static struct order_info *find(const struct order_infos *infos, const struct order_key *key) {
    char text[KEY_MAX];
    struct order_info *info = NULL;
    size_t len = key_text(key, text);
    HASH_FIND(hh, infos->table, text, len, info);
    return info;
}

static struct order_info *find_or_add(struct order_infos *infos, const struct order_key *key) {
    char text[KEY_MAX];
    struct order_info *info = find(infos, key);
    size_t len = key_text(key, text);
    if (info || len == 0) return info;
    info = calloc(1, sizeof *info);
    must(info);
    info->name = bytes_dup(bytes_make(text, len));
    info->topic_group = bytes_make(info->name, key->topic.len + 1 + key->group.len);
    info->queue_id = key->queue_id;
    HASH_ADD_KEYPTR(hh, infos->table, info->name, len, info);
    return info;
}

static void drop(struct order_infos *infos, struct order_info *info) {
    HASH_DEL(infos->table, info);
    free(info->attempt_id);
    free(info->name);
    free(info);
}

static void changed(struct order_infos *infos) {
    if (infos->has_file) state_file_changed(&infos->file);
}

/* --- what pops ask ----------------------------------------------------------------------------------------- */

static int64_t visible_at(const struct order_info *info, int32_t i) {
    return info->visible_ms[i] ? info->visible_ms[i] : info->pop_time_ms + info->invisible_ms;
}

static bool is_acked(const struct order_info *info, int32_t i) {
    return info->acked >> i & 1;
}

static bool blocked(struct order_info *info, struct bytes attempt_id, int64_t invisible_ms, int64_t *free_ms) {
    int64_t now_ms = clock_wall_ms();
    if (info->attempt_id && attempt_id.data && bytes_is(attempt_id, info->attempt_id)) return false;
    if (info->invisible_ms <= 0) info->invisible_ms = invisible_ms;
    for (int32_t i = 0; i < info->count; i++) {
        if (is_acked(info, i) || visible_at(info, i) <= now_ms) continue;
        *free_ms = visible_at(info, i);
        return true;
    }
    return false;
}

bool order_infos_blocked(struct order_infos *infos, const struct order_key *key, struct bytes attempt_id,
                         int64_t invisible_ms, int64_t *free_ms) {
    lock_take(&infos->lock);
    struct order_info *info = find(infos, key);
    bool wait = info && blocked(info, attempt_id, invisible_ms, free_ms);
    lock_give(&infos->lock);
    return wait;
}

/* Where `offset_queue` is among those that the last pop handed out; -1 if it is not. */
static int32_t place_of(const struct order_info *info, int64_t offset_queue) {
    for (int32_t i = 0; i < info->count; i++)
        if (info->offsets[i] == offset_queue) return i;
    return -1;
}

static void popped(struct order_info *info, const struct order_pop *pop, int32_t counts[POP_MESSAGES_MAX]) {
    bool repeated = info->attempt_id && pop->attempt_id.data && bytes_is(pop->attempt_id, info->attempt_id);
    for (int32_t i = 0; i < pop->count; i++) {
        int32_t before = place_of(info, pop->offsets[i]);
        counts[i] = before < 0 ? 0 : info->consumed[before] + (repeated ? 0 : 1);
    }
    free(info->attempt_id);
    info->attempt_id = pop->attempt_id.data ? bytes_dup(pop->attempt_id) : NULL;
    info->pop_time_ms = pop->pop_time_ms;
    info->invisible_ms = pop->invisible_ms;
    info->last_consume_ms = clock_wall_ms();
    info->acked = 0;
    info->count = pop->count;
    for (int32_t i = 0; i < pop->count; i++) {
        info->offsets[i] = pop->offsets[i];
        info->visible_ms[i] = 0;
        info->consumed[i] = counts[i];
    }
}

void order_infos_popped(struct order_infos *infos, const struct order_key *key, const struct order_pop *pop,
                        int32_t counts[POP_MESSAGES_MAX]) {
    must(pop->count > 0 && pop->count <= POP_MESSAGES_MAX);
    memset(counts, 0, POP_MESSAGES_MAX * sizeof counts[0]);
    lock_take(&infos->lock);
    struct order_info *info = find_or_add(infos, key);
    if (info) popped(info, pop, counts);
    lock_give(&infos->lock);
    changed(infos);
}

static int64_t next_offset(const struct order_info *info) {
    for (int32_t i = 0; i < info->count; i++)
        if (!is_acked(info, i)) return info->offsets[i];
    return info->offsets[info->count - 1] + 1;
}

static int64_t ack(struct order_info *info, int64_t offset_queue, int64_t pop_time_ms) {
    if (info->count == 0) return ORDER_ACK_ILLEGAL;
    if (pop_time_ms != info->pop_time_ms) return ORDER_ACK_STALE;
    int32_t at = place_of(info, offset_queue);
    if (at < 0) return ORDER_ACK_ILLEGAL;
    info->acked |= (uint64_t)1 << at;
    return next_offset(info);
}

int64_t order_infos_ack(struct order_infos *infos, struct progress *progress, const struct order_key *key,
                        int64_t offset_queue, int64_t pop_time_ms) {
    lock_take(&infos->lock);
    struct order_info *info = find(infos, key);
    int64_t next = info ? ack(info, offset_queue, pop_time_ms) : offset_queue + 1;
    if (next >= 0 && progress_pending_reset(progress, key->queue_id) == OFFSET_NONE)
        progress_commit(infos->broker->offsets, progress, key->queue_id, next);
    lock_give(&infos->lock);
    changed(infos);
    return next;
}

void order_infos_set_visible(struct order_infos *infos, const struct order_key *key, int64_t offset_queue,
                             int64_t pop_time_ms, int64_t visible_ms) {
    lock_take(&infos->lock);
    struct order_info *info = find(infos, key);
    int32_t at = info && info->pop_time_ms == pop_time_ms ? place_of(info, offset_queue) : -1;
    if (at >= 0) info->visible_ms[at] = visible_ms;
    lock_give(&infos->lock);
    changed(infos);
}

void order_infos_suspend(struct order_infos *infos, const struct order_key *key, int64_t pop_time_ms,
                         int64_t visible_ms) {
    lock_take(&infos->lock);
    struct order_info *info = find(infos, key);
    if (info && info->pop_time_ms == pop_time_ms) {
        info->invisible_ms = MAX(visible_ms - pop_time_ms, 0);
        for (int32_t i = 0; i < info->count; i++) {
            info->visible_ms[i] = 0;
            if (info->consumed[i] > 0) info->consumed[i]--;
        }
    }
    lock_give(&infos->lock);
    changed(infos);
}

void order_infos_clear(struct order_infos *infos, const struct order_key *key) {
    lock_take(&infos->lock);
    struct order_info *info = find(infos, key);
    if (info) drop(infos, info);
    lock_give(&infos->lock);
    if (info) changed(infos);
}

size_t order_infos_count(struct order_infos *infos) {
    lock_take(&infos->lock);
    size_t count = HASH_COUNT(infos->table);
    lock_give(&infos->lock);
    return count;
}

/* --- the file ---------------------------------------------------------------------------------------------- */

/* {offset:value,...} of the messages that have one. */
static void write_by_offset(struct json_writer *w, const char *key, const struct order_info *info, bool consumed) {
    json_key_text(w, key);
    json_begin_object(w);
    for (int32_t i = 0; i < info->count; i++) {
        int64_t value = consumed ? info->consumed[i] : info->visible_ms[i];
        if (value == 0) continue;
        json_key_i64(w, info->offsets[i]);
        json_int(w, value);
    }
    json_end_object(w);
}

static void write_info(struct json_writer *w, const struct order_info *info) {
    json_key_i64(w, info->queue_id);
    json_begin_object(w);
    json_member_opt(w, "a", bytes_of(info->attempt_id));
    json_member_int(w, "cm", (int64_t)info->acked);
    if (info->invisible_ms > 0) json_member_int(w, "i", info->invisible_ms);
    json_member_int(w, "l", info->last_consume_ms);
    json_key_text(w, "o");
    json_begin_array(w);
    for (int32_t i = 0; i < info->count; i++) json_int(w, info->offsets[i] - (i > 0 ? info->offsets[0] : 0));
    json_end_array(w);
    write_by_offset(w, "oc", info, true);
    write_by_offset(w, "ot", info, false);
    json_member_int(w, "popTime", info->pop_time_ms);
    json_end_object(w);
}

/* Is it of a queue that can still be popped, and not too old? */
static bool is_used(const struct order_infos *infos, const struct order_info *info) {
    struct bytes rest = info->topic_group, name;
    (void)bytes_split(&rest, '@', &name);
    struct topic *topic = topics_find(infos->broker->topics, name);
    return topic && info->queue_id < atomic_load(&topic->read_queues) && groups_find(infos->broker->groups, rest) &&
           clock_wall_ms() - info->last_consume_ms <= UNUSED_MS;
}

static int by_name(const struct order_info *a, const struct order_info *b) {
    int order = bytes_compare(a->topic_group, b->topic_group);
    return order ? order : (a->queue_id > b->queue_id) - (a->queue_id < b->queue_id);
}

static void write_file(void *table, struct json_writer *w) {
    struct order_infos *infos = table;
    struct order_info *info, *next;
    struct bytes open = {0};
    lock_take(&infos->lock);
    HASH_ITER(hh, infos->table, info, next) {
        if (!is_used(infos, info)) drop(infos, info);
    }
    HASH_SORT(infos->table, by_name);
    json_begin_object(w);
    json_key_text(w, "table");
    json_begin_object(w);
    HASH_ITER(hh, infos->table, info, next) {
        if (!bytes_equal(open, info->topic_group)) {
            if (open.data) json_end_object(w);
            open = info->topic_group;
            json_key(w, open);
            json_begin_object(w);
        }
        write_info(w, info);
    }
    if (open.data) json_end_object(w);
    json_end_object(w);
    json_end_object(w);
    lock_give(&infos->lock);
}

static void read_by_offset(const struct json *node, struct order_info *info, bool consumed) {
    for (const struct json *n = json_first(node); n; n = n->next) {
        int64_t offset_queue;
        int32_t at = bytes_to_i64(n->key, &offset_queue) ? place_of(info, offset_queue) : -1;
        if (at >= 0 && consumed) info->consumed[at] = (int32_t)json_i64(n, 0);
        if (at >= 0 && !consumed) info->visible_ms[at] = json_i64(n, 0);
    }
}

static void read_info(struct order_infos *infos, const struct json *node, struct bytes topic_group) {
    struct order_key key = {.group = topic_group};
    int32_t queue_id;
    if (!bytes_split(&key.group, '@', &key.topic) || !bytes_to_i32(node->key, &queue_id) || queue_id < 0) return;
    key.queue_id = queue_id;
    struct order_info *info = find_or_add(infos, &key);
    if (!info) return;
    struct bytes attempt_id = json_text(json_get(node, "a"));
    info->count = 0;
    for (const struct json *o = json_first(json_get(node, "o")); o && info->count < POP_MESSAGES_MAX; o = o->next) {
        info->offsets[info->count] = json_i64(o, 0) + (info->count > 0 ? info->offsets[0] : 0);
        info->count++;
    }
    if (attempt_id.data && !info->attempt_id) info->attempt_id = bytes_dup(attempt_id);
    info->pop_time_ms = json_i64(json_get(node, "popTime"), 0);
    info->invisible_ms = json_i64(json_get(node, "i"), 0);
    info->last_consume_ms = json_i64(json_get(node, "l"), 0);
    info->acked = (uint64_t)json_i64(json_get(node, "cm"), 0);
    read_by_offset(json_get(node, "oc"), info, true);
    read_by_offset(json_get(node, "ot"), info, false);
}

static enum err load(struct order_infos *infos) {
    struct arena arena = {0};
    struct buf text = {0};
    const struct json *root = NULL;
    enum err err = state_file_load(&infos->file, &arena, &text, &root);
    if (err == ERR_OK)
        for (const struct json *g = json_first(json_get(root, "table")); g; g = g->next)
            for (const struct json *q = json_first(g); q; q = q->next) read_info(infos, q, g->key);
    buf_close(&text);
    arena_close(&arena);
    return err;
}

enum err order_infos_open(struct broker *broker, const char *file, struct order_infos **out) {
    struct order_infos *infos = calloc(1, sizeof *infos);
    must(infos);
    infos->broker = broker;
    infos->has_file = file != NULL;
    lock_init(&infos->lock, LOCK_ORDER_INFOS);
    if (file) state_file_init(&infos->file, broker, file, infos, write_file);
    enum err err = file ? load(infos) : ERR_OK;
    if (err == ERR_OK)
        *out = infos;
    else
        order_infos_close(infos);
    return err;
}

void order_infos_save(void *infos) {
    state_file_save(&((struct order_infos *)infos)->file);
}

void order_infos_close(struct order_infos *infos) {
    struct order_info *info, *next;
    if (!infos) return;
    if (infos->has_file) state_file_close(&infos->file);
    HASH_ITER(hh, infos->table, info, next) {
        drop(infos, info);
    }
    lock_close(&infos->lock);
    free(infos);
}
