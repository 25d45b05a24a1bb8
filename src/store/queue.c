/* queue.c - queues and messages as the users of the store look them up; facts. */
#include <inttypes.h>
#include <stdlib.h>
#include "base/check.h"
#include "os/file.h"
#include "store/store_internal.h"

struct queue *store_queue(struct store *store, struct bytes topic, int32_t queue_id, bool create) {
    return create ? queue_table_make(&store->queues, store, topic, queue_id, QUEUE_SIMPLE)
                  : queue_table_find(&store->queues, topic, queue_id);
}

struct bytes queue_topic(const struct queue *queue) {
    return queue->topic;
}

int32_t queue_id(const struct queue *queue) {
    return queue->id;
}

enum queue_kind queue_kind(const struct queue *queue) {
    return queue->kind;
}

bool queue_deleted(const struct queue *queue) {
    return atomic_load(&queue->deleted);
}

int64_t queue_min(const struct queue *queue) {
    return atomic_load(&queue->min_offset);
}

int64_t queue_max(const struct queue *queue) {
    return atomic_load(&queue->max_offset);
}

int64_t queue_next(const struct queue *queue) {
    return atomic_load_explicit(&queue->next_offset, memory_order_relaxed);
}

void queue_watch(struct queue *queue, uint64_t bit) {
    atomic_fetch_or(&queue->watchers, bit);
}

void queue_unwatch(struct queue *queue, uint64_t bit) {
    atomic_fetch_and(&queue->watchers, ~bit);
}

uint64_t queue_watchers(const struct queue *queue) {
    return atomic_load(&queue->watchers);
}

_Atomic(void *) *queue_user(struct queue *queue) {
    return &queue->user;
}

void store_each_queue(struct store *store, void (*visit)(struct queue *queue, void *arg), void *arg) {
    size_t count;
    struct queue **queues = queue_table_list(&store->queues, &count);
    for (size_t i = 0; i < count; i++) visit(queues[i], arg);
    free(queues);
}

int32_t store_lmq_count(const struct store *store) {
    return atomic_load(&store->queues.lmq_count);
}

/* --- looking things up ----------------------------------------------------------------------------------- */

enum err store_record_at(struct store *store, int64_t offset_phys, struct store_slice *out) {
    struct record record;
    enum err err = commitlog_record(&store->log, offset_phys, out, &record);
    return err == ERR_OK ? ERR_OK : fail(ERR_NOT_FOUND, "no message starts at offset %" PRId64, offset_phys);
}

enum err queue_entry_at(struct store *store, struct queue *queue, int64_t offset_queue, struct queue_entry *out) {
    (void)store;
    struct queue_run run;
    run.count = 0; /* its memory is left as it is */
    if (offset_queue >= queue_min(queue)) TRY(consumequeue_read(queue, offset_queue, 1, true, &run));
    if (run.count == 0)
        return fail(ERR_NOT_FOUND, "queue %.*s/%d has no offset %" PRId64, BYTES_ARG(queue->topic), queue->id,
                    offset_queue);
    *out = queue_run_at(&run, 0);
    return ERR_OK;
}

static int64_t time_at_phys(struct store *store, int64_t offset_phys) {
    struct store_slice slice;
    struct record record;
    if (commitlog_record(&store->log, offset_phys, &slice, &record) != ERR_OK) return -1;
    store_release(slice.hold);
    return record.store_time_ms;
}

int64_t store_time_at(struct store *store, struct queue *queue, int64_t offset_queue) {
    struct queue_entry entry;
    if (queue_entry_at(store, queue, offset_queue, &entry) != ERR_OK) return -1;
    return time_at_phys(store, entry.offset_phys);
}

int64_t store_earliest_time(struct store *store) {
    return time_at_phys(store, commitlog_min(&store->log));
}

/* First offset whose message was stored at `time_ms` or later (`after`: later only); max if none. */
static int64_t first_since(struct store *store, struct queue *queue, int64_t time_ms, bool after) {
    int64_t low = queue_min(queue), high = queue_max(queue);
    while (low < high) {
        int64_t middle = low + (high - low) / 2, stored_ms = store_time_at(store, queue, middle);
        if (after ? stored_ms > time_ms : stored_ms >= time_ms) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

int64_t store_offset_by_time(struct store *store, struct queue *queue, int64_t time_ms, enum time_boundary boundary) {
    if (boundary == BOUNDARY_LOWER) return first_since(store, queue, time_ms, false);
    int64_t behind = first_since(store, queue, time_ms, true);
    return behind > queue_min(queue) ? behind - 1 : queue_min(queue);
}

enum err store_find_key(struct store *store, struct bytes topic, struct bytes key, int32_t max_count, int64_t begin_ms,
                        int64_t end_ms, struct arena *arena, int64_t **offsets, size_t *count, int64_t *last_time_ms,
                        int64_t *last_phys) {
    struct index_found found = {0};
    if (!store->index) return fail(ERR_NOT_SUPPORTED, "messageIndexEnable=false: there is no index to ask");
    if (LIVE(store, index_file_read_enable))
        index_find(store->index, topic, key, max_count, begin_ms, end_ms, arena, &found);
    *offsets = found.offsets;
    *count = found.count;
    *last_time_ms = found.last_time_ms;
    *last_phys = found.last_phys;
    return ERR_OK;
}

/* --- facts ----------------------------------------------------------------------------------------------- */

void store_facts(struct store *store, struct store_facts *out) {
    *out = (struct store_facts){.min_phys = commitlog_min(&store->log),
                                .max_phys = commitlog_end(&store->log),
                                .flushed_phys = commitlog_flushed(&store->log),
                                .dispatched_phys = dispatch_done(&store->dispatch),
                                .log_disk_ratio = retention_log_disk_ratio(store->retention),
                                .queue_disk_ratio = retention_root_disk_ratio(store->retention),
                                .dispatch_max_buffer = atomic_load(&store->dispatch.max_batch_bytes)};
    double used;
    if (file_disk_usage(store->root, &out->disk_total_bytes, &out->disk_free_bytes, &used) != ERR_OK)
        out->disk_total_bytes = out->disk_free_bytes = 0;
    store_stats_report(&store->stats, out);
}
