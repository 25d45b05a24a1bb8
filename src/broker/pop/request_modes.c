/* request_modes.c - the table of request modes and its file */
#include "broker/pop/request_modes.h"

#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>
#include "base/check.h"
#include "base/lock.h"
#include "broker/tables/state_file.h"
#include "broker/tables/topics.h"

enum { KEY_MAX = 1024 };

struct entry {
    UT_hash_handle hh;
    char *name; /* "topic@group": the hash key */
    struct bytes topic, group;
    struct request_mode mode;
};

struct request_modes {
    struct broker *broker;
    struct lock lock; /* guards the table */
    struct entry *table;
    struct state_file file;
};

static struct entry *find(const struct request_modes *modes, struct bytes topic, struct bytes group) {
    char text[KEY_MAX];
    struct entry *entry = NULL;
    int len = snprintf(text, sizeof text, "%.*s@%.*s", BYTES_ARG(topic), BYTES_ARG(group));
    if (len > 0 && len < KEY_MAX) HASH_FIND(hh, modes->table, text, (size_t)len, entry);
    return entry;
}

/* The lock is held. */
static void put(struct request_modes *modes, struct bytes topic, struct bytes group, const struct request_mode *mode) {
    struct entry *entry = find(modes, topic, group);
    if (!entry) {
        if (topic.len + 1 + group.len >= KEY_MAX) return;
        struct arena arena = {0};
        entry = calloc(1, sizeof *entry);
        must(entry);
        entry->name = bytes_dup(arena_printf(&arena, "%.*s@%.*s", BYTES_ARG(topic), BYTES_ARG(group)));
        entry->topic = bytes_make(entry->name, topic.len);
        entry->group = bytes_make(entry->name + topic.len + 1, group.len);
        HASH_ADD_KEYPTR(hh, modes->table, entry->name, topic.len + 1 + group.len, entry);
        arena_close(&arena);
    }
    entry->mode = *mode;
}

void request_modes_set(struct request_modes *modes, struct bytes topic, struct bytes group,
                       const struct request_mode *mode) {
    lock_take(&modes->lock);
    put(modes, topic, group, mode);
    lock_give(&modes->lock);
    state_file_changed(&modes->file);
    state_file_save(&modes->file);
}

struct request_mode request_modes_get(struct request_modes *modes, struct bytes topic, struct bytes group) {
    const struct broker_config *config = &modes->broker->config;
    /* What is sent back is pulled by everybody. */
    struct request_mode mode = {.pop = !bytes_starts_with(topic, TOPIC_RETRY_PREFIX) &&
                                       bytes_is(config->default_message_request_mode, "POP"),
                                .share_queue_num = config->default_pop_share_queue_num};
    lock_take(&modes->lock);
    const struct entry *entry = find(modes, topic, group);
    if (entry) mode = entry->mode;
    lock_give(&modes->lock);
    return mode;
}

/* --- the file ---------------------------------------------------------------------------------------------- */

static int by_name(const struct entry *a, const struct entry *b) {
    int order = bytes_compare(a->topic, b->topic);
    return order ? order : bytes_compare(a->group, b->group);
}

static void write_entry(struct json_writer *w, const struct entry *entry) {
    json_key(w, entry->group);
    json_begin_object(w);
    json_member(w, "consumerGroup", entry->group);
    json_member(w, "mode", entry->mode.pop ? BYTES("POP") : BYTES("PULL"));
    json_member_int(w, "popShareQueueNum", entry->mode.share_queue_num);
    json_member(w, "topic", entry->topic);
    json_end_object(w);
}

void request_modes_write(struct request_modes *modes, struct json_writer *w) {
    struct bytes open = {0};
    json_begin_object(w);
    json_key_text(w, "messageRequestModeMap");
    json_begin_object(w);
    lock_take(&modes->lock);
    HASH_SORT(modes->table, by_name);
    for (const struct entry *entry = modes->table; entry; entry = entry->hh.next) {
        if (!bytes_equal(open, entry->topic)) {
            if (open.data) json_end_object(w);
            open = entry->topic;
            json_key(w, open);
            json_begin_object(w);
        }
        write_entry(w, entry);
    }
    lock_give(&modes->lock);
    if (open.data) json_end_object(w);
    json_end_object(w);
    json_end_object(w);
}

static void write_file(void *table, struct json_writer *w) {
    request_modes_write(table, w);
}

static enum err load(struct request_modes *modes) {
    struct arena arena = {0};
    struct buf text = {0};
    const struct json *root = NULL;
    enum err err = state_file_load(&modes->file, &arena, &text, &root);
    for (const struct json *t = json_first(json_get(root, "messageRequestModeMap")); err == ERR_OK && t; t = t->next) {
        for (const struct json *g = json_first(t); g; g = g->next) {
            struct request_mode mode = {
                .pop = bytes_is(json_text(json_get(g, "mode")), "POP"),
                .share_queue_num = (int32_t)json_i64(json_get(g, "popShareQueueNum"), 0),
            };
            put(modes, t->key, g->key, &mode);
        }
    }
    buf_close(&text);
    arena_close(&arena);
    return err;
}

enum err request_modes_open(struct broker *broker, struct request_modes **out) {
    struct request_modes *modes = calloc(1, sizeof *modes);
    must(modes);
    modes->broker = broker;
    lock_init(&modes->lock, LOCK_REQUEST_MODES);
    state_file_init(&modes->file, broker, "messageRequestMode.json", modes, write_file);
    enum err err = load(modes);
    if (err == ERR_OK)
        *out = modes;
    else
        request_modes_close(modes);
    return err;
}

void request_modes_close(struct request_modes *modes) {
    struct entry *entry, *next;
    if (!modes) return;
    state_file_close(&modes->file);
    HASH_ITER(hh, modes->table, entry, next) {
        HASH_DEL(modes->table, entry);
        free(entry->name);
        free(entry);
    }
    lock_close(&modes->lock);
    free(modes);
}
