/* transaction_metrics.c - a count for each topic, kept in a file */
#include "broker/transaction/transaction_metrics.h"

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
struct transaction_metrics {
    struct lock lock; /* guards new topics */
    struct name_table table;
    _Atomic int64_t changes, changed_ms; /* the DataVersion of the file */
    struct state_file file;
};

static struct topic_count *count_of(const struct transaction_metrics *metrics, struct bytes topic) {
    return (struct topic_count *)name_table_find(&metrics->table, topic);
}

static struct topic_count *count_make(struct transaction_metrics *metrics, struct bytes topic) {
    lock_take(&metrics->lock);
    struct topic_count *count = count_of(metrics, topic);
    if (!count) {
        count = calloc(1, sizeof *count);
        must(count);
        name_table_add(&metrics->table, topic, &count->named);
    }
    lock_give(&metrics->lock);
    return count;
}

void transaction_metrics_add(struct transaction_metrics *metrics, struct bytes topic, int64_t change) {
    struct topic_count *count = count_of(metrics, topic);
    int64_t now_ms = clock_wall_ms();
    if (!count) count = count_make(metrics, topic);
    atomic_fetch_add(&count->count, change);
    atomic_store(&count->changed_ms, now_ms);
    atomic_fetch_add(&metrics->changes, 1);
    atomic_store(&metrics->changed_ms, now_ms);
    state_file_changed(&metrics->file);
}

int64_t transaction_metrics_count(const struct transaction_metrics *metrics, struct bytes topic) {
    struct topic_count *count = count_of(metrics, topic);
    return count ? atomic_load(&count->count) : 0;
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

static void metrics_write(void *table, struct json_writer *w) {
    struct transaction_metrics *metrics = table;
    struct data_version version = {.timestamp_ms = atomic_load(&metrics->changed_ms),
                                   .counter = atomic_load(&metrics->changes)};
    json_begin_object(w);
    json_key_text(w, "dataVersion");
    data_version_encode(w, &version);
    json_key_text(w, "transactionCount");
    json_begin_object(w);
    name_table_each(&metrics->table, write_count, w);
    json_end_object(w);
    json_end_object(w);
}

static enum err metrics_load(struct transaction_metrics *metrics) {
    struct arena arena = {0};
    struct buf text = {0};
    const struct json *root = NULL;
    enum err err = state_file_load(&metrics->file, &arena, &text, &root);
    if (err == ERR_OK && root) {
        struct data_version version = data_version_decode(json_get(root, "dataVersion"));
        metrics->changes = version.counter;
        metrics->changed_ms = version.timestamp_ms;
        for (const struct json *n = json_first(json_get(root, "transactionCount")); n; n = n->next) {
            struct topic_count *count = count_make(metrics, n->key);
            count->count = json_i64(json_get(n, "count"), 0);
            count->changed_ms = json_i64(json_get(n, "timeStamp"), 0);
        }
    }
    if (err == ERR_CORRUPT) {
        log_warn(MAIN, "half messages are counted anew: cause=%s", err_detail(err));
        err = ERR_OK;
    }
    buf_close(&text);
    arena_close(&arena);
    return err;
}

enum err transaction_metrics_open(struct broker *broker, struct transaction_metrics **out) {
    struct transaction_metrics *metrics = calloc(1, sizeof *metrics);
    must(metrics);
    metrics->changed_ms = clock_wall_ms();
    lock_init(&metrics->lock, LOCK_STATS);
    name_table_init(&metrics->table, BUCKETS);
    state_file_init(&metrics->file, broker, "transactionMetrics", metrics, metrics_write);
    enum err err = metrics_load(metrics);
    if (err == ERR_OK)
        *out = metrics;
    else
        transaction_metrics_close(metrics);
    return err;
}

void transaction_metrics_save(struct transaction_metrics *metrics) {
    state_file_save(&metrics->file);
}

static void free_count(struct named *item) {
    free(item);
}

void transaction_metrics_close(struct transaction_metrics *metrics) {
    if (!metrics) return;
    state_file_close(&metrics->file);
    name_table_close(&metrics->table, free_count);
    lock_close(&metrics->lock);
    free(metrics);
}
