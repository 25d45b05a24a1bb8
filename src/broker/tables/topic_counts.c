/* topic_counts.c - a table of counts by topic, and its file */
#include "broker/tables/topic_counts.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/lock.h"
#include "base/log.h"
#include "broker/tables/name_table.h"
#include "broker/tables/state_file.h"
#include "os/clock.h"
#include "wire/body_data_version.h"

enum { BUCKETS = 256 };

struct topic_count {
    struct named named;
    _Atomic int64_t count, changed_ms;
};
struct topic_counts {
    const char *member;
    struct lock lock; /* guards new topics */
    struct name_table table;
    _Atomic int64_t changes, changed_ms; /* the DataVersion of the file */
    struct state_file file;
};

static struct topic_count *count_of(const struct topic_counts *counts, struct bytes topic) {
    return (struct topic_count *)name_table_find(&counts->table, topic);
}

static struct topic_count *count_make(struct topic_counts *counts, struct bytes topic) {
    lock_take(&counts->lock);
    struct topic_count *count = count_of(counts, topic);
    if (!count) {
        count = calloc(1, sizeof *count);
        must(count);
        name_table_add(&counts->table, topic, &count->named);
    }
    lock_give(&counts->lock);
    return count;
}

static void changed(struct topic_counts *counts, struct topic_count *count) {
    int64_t now_ms = clock_wall_ms();
    atomic_store(&count->changed_ms, now_ms);
    atomic_fetch_add(&counts->changes, 1);
    atomic_store(&counts->changed_ms, now_ms);
    state_file_changed(&counts->file);
}

void topic_counts_add(struct topic_counts *counts, struct bytes topic, int64_t change) {
    struct topic_count *count = count_of(counts, topic);
    if (!count) count = count_make(counts, topic);
    atomic_fetch_add(&count->count, change);
    changed(counts, count);
}

void topic_counts_set(struct topic_counts *counts, struct bytes topic, int64_t value) {
    struct topic_count *count = count_of(counts, topic);
    if (!count) count = count_make(counts, topic);
    if (atomic_exchange(&count->count, value) != value) changed(counts, count);
}

int64_t topic_counts_of(const struct topic_counts *counts, struct bytes topic) {
    struct topic_count *count = count_of(counts, topic);
    return count ? atomic_load(&count->count) : 0;
}

struct walk {
    void (*visit)(struct bytes topic, int64_t count, void *arg);
    void *arg;
};

static void walk_on(struct named *item, void *arg) {
    const struct walk *walk = arg;
    walk->visit(item->name, atomic_load(&((struct topic_count *)item)->count), walk->arg);
}

void topic_counts_each(const struct topic_counts *counts, void (*visit)(struct bytes topic, int64_t count, void *arg),
                       void *arg) {
    name_table_each(&counts->table, walk_on, &(struct walk){visit, arg});
}

static void write_count(struct named *item, void *arg) {
    struct topic_count *count = (struct topic_count *)item;
    struct json_writer *w = arg;
    json_key(w, item->name);
    json_begin_object(w);
    json_member_int(w, "count", atomic_load(&count->count));
    json_member_int(w, "timeStamp", atomic_load(&count->changed_ms));
    json_end_object(w);
}

void topic_counts_write(void *table, struct json_writer *w) {
    struct topic_counts *counts = table;
    struct data_version version = {.timestamp_ms = atomic_load(&counts->changed_ms),
                                   .counter = atomic_load(&counts->changes)};
    json_begin_object(w);
    json_key_text(w, "dataVersion");
    data_version_encode(w, &version);
    json_key_text(w, counts->member);
    json_begin_object(w);
    name_table_each(&counts->table, write_count, w);
    json_end_object(w);
    json_end_object(w);
}

static enum err counts_load(struct topic_counts *counts) {
    struct arena arena = {0};
    struct buf text = {0};
    const struct json *root = NULL;
    enum err err = state_file_load(&counts->file, &arena, &text, &root);
    if (err == ERR_OK && root) {
        struct data_version version = data_version_decode(json_get(root, "dataVersion"));
        counts->changes = version.counter;
        counts->changed_ms = version.timestamp_ms;
        for (const struct json *n = json_first(json_get(root, counts->member)); n; n = n->next) {
            struct topic_count *count = count_make(counts, n->key);
            count->count = json_i64(json_get(n, "count"), 0);
            count->changed_ms = json_i64(json_get(n, "timeStamp"), 0);
        }
    }
    if (err == ERR_CORRUPT) {
        log_warn(MAIN, "%s is begun anew: cause=%s", counts->member, err_detail(err));
        err = ERR_OK;
    }
    buf_close(&text);
    arena_close(&arena);
    return err;
}

enum err topic_counts_open(struct broker *broker, const char *file, const char *member, struct topic_counts **out) {
    struct topic_counts *counts = calloc(1, sizeof *counts);
    must(counts);
    counts->member = member;
    counts->changed_ms = clock_wall_ms();
    lock_init(&counts->lock, LOCK_STATS);
    name_table_init(&counts->table, BUCKETS);
    state_file_init(&counts->file, broker, file, counts, topic_counts_write);
    enum err err = counts_load(counts);
    if (err == ERR_OK)
        *out = counts;
    else
        topic_counts_close(counts);
    return err;
}

void topic_counts_save(struct topic_counts *counts) {
    state_file_save(&counts->file);
}

static void free_count(struct named *item) {
    free(item);
}

void topic_counts_close(struct topic_counts *counts) {
    if (!counts) return;
    state_file_close(&counts->file);
    name_table_close(&counts->table, free_count);
    lock_close(&counts->lock);
    free(counts);
}
