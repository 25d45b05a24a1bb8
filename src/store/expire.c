/* expire.c - what retention asks the store for; removal of topics and of queues without messages. */
#include "store/expire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "os/file.h"
#include "store/store_internal.h"

enum { DELETE_TIMEOUT_MS = 10000 };

/* A file goes only when all of it is on disk and in the queues. */
static bool oldest_log_file(void *owner, char *path, size_t size) {
    struct store *store = owner;
    struct commitlog *log = &store->log;
    int64_t done = MIN(dispatch_done(&store->dispatch), commitlog_flushed(log));
    if (commitlog_roll(log, commitlog_min(log)) >= done) return false;
    struct mapped_file *file = mapped_queue_first(&log->files);
    if (!file) return false;
    int len = snprintf(path, size, "%s", file->path);
    mapped_file_release(file);
    return len > 0 && (size_t)len < size;
}

static enum err drop_oldest_log_file(void *owner) {
    struct store *store = owner;
    return commitlog_drop_first(&store->log);
}

static void drop_derived(void *owner) {
    struct store *store = owner;
    int64_t min_phys = commitlog_min(&store->log);
    size_t count;
    struct queue **queues = queue_table_list(&store->queues, &count);
    int64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t dropped;
        lock_take(&store->dispatch.lock); /* a queue at a time, or messages would wait for the deletion */
        enum err err = queue_deleted(queues[i]) ? ERR_OK : consumequeue_expire(queues[i], min_phys, &dropped);
        lock_give(&store->dispatch.lock);
        if (err == ERR_OK) total += dropped;
        if (err != ERR_OK)
            log_error(STORE, "old entries of a queue stay: topic=%.*s queue=%d why=%s", BYTES_ARG(queues[i]->topic),
                      queues[i]->id, err_detail(err));
    }
    free(queues);
    int index_files = 0;
    if (store->index) {
        lock_take(&store->dispatch.lock);
        index_files = index_delete_below(store->index, min_phys);
        lock_give(&store->dispatch.lock);
        if (index_files > 0) flush_files_removed(&store->flush);
    }
    if (total > 0 || index_files > 0)
        log_info(STORE, "log begins later: min_phys=%" PRId64 " queue_files_deleted=%" PRId64 " index_files_deleted=%d",
                 min_phys, total, index_files);
}

struct retention_files expire_files(struct store *store) {
    return (struct retention_files){.owner = store,
                                    .oldest_log_file = oldest_log_file,
                                    .drop_oldest_log_file = drop_oldest_log_file,
                                    .drop_derived = drop_derived};
}

/* --- whole queues ---------------------------------------------------------------------------------------- */

/* Appends to a closing queue are refused, and all that was appended is dispatched: nothing can bring it back. */
static enum err remove_queue(struct store *store, struct queue *queue) {
    lock_take(&store->dispatch.lock);
    enum err err = ERR_OK;
    if (!queue_deleted(queue)) {
        queue_table_remove(&store->queues, queue);
        err = consumequeue_remove(queue);
    }
    lock_give(&store->dispatch.lock);
    const struct store_events *events = &store->events;
    if (events->arrived && atomic_load(&queue->watchers)) events->arrived(events->owner, queue);
    return err;
}

static enum err remove_queues(struct store *store, struct queue **queues, size_t count) {
    lock_take(&store->log.append_lock);
    for (size_t i = 0; i < count; i++) atomic_store(&queues[i]->closing, true);
    int64_t end = commitlog_end(&store->log);
    lock_give(&store->log.append_lock);
    enum err err = store->sync_flush ? flush_wait(&store->flush, end, DELETE_TIMEOUT_MS) : ERR_OK;
    if (err == ERR_OK) err = dispatch_wait(&store->dispatch, end, DELETE_TIMEOUT_MS);
    for (size_t i = 0; err == ERR_OK && i < count; i++) err = remove_queue(store, queues[i]);
    for (size_t i = 0; i < count; i++) atomic_store(&queues[i]->closing, queue_deleted(queues[i]));
    flush_files_removed(&store->flush);
    return err;
}

static bool is_of(const struct queue *queue, struct bytes topic) {
    return bytes_equal(queue->topic, topic);
}

/* The folder of a topic, with whatever is left in it; unless somebody sends to the topic again already: files are made
 * by dispatch alone. */
static enum err remove_folder(struct store *store, struct bytes topic) {
    lock_take(&store->dispatch.lock);
    size_t count;
    struct queue **queues = queue_table_list(&store->queues, &count);
    bool in_use = false;
    for (size_t i = 0; i < count; i++) in_use |= is_of(queues[i], topic) && queues[i]->first_file_bytes >= 0;
    free(queues);
    enum err err = ERR_OK;
    for (int kind = 0; err == ERR_OK && !in_use && kind < QUEUE_KINDS; kind++) {
        char path[STORE_PATH_MAX];
        int len = snprintf(path, sizeof path, "%s/%s/%.*s", store->root, queue_folders[kind], BYTES_ARG(topic));
        must(len > 0 && (size_t)len < sizeof path);
        err = file_remove_tree(path);
    }
    lock_give(&store->dispatch.lock);
    return err;
}

enum err store_delete_topic(struct store *store, struct bytes topic) {
    if (!queue_table_is_topic(topic)) return fail(ERR_BAD_PARAMETER, "no topic name: %.*s", BYTES_ARG(topic));
    size_t count, wanted = 0;
    struct queue **queues = queue_table_list(&store->queues, &count);
    for (size_t i = 0; i < count; i++) {
        if (is_of(queues[i], topic)) queues[wanted++] = queues[i];
    }
    enum err err = wanted > 0 ? remove_queues(store, queues, wanted) : ERR_OK;
    free(queues);
    if (err == ERR_OK) err = remove_folder(store, topic);
    if (err == ERR_OK) log_info(STORE, "topic deleted: topic=%.*s queues=%zu", BYTES_ARG(topic), wanted);
    return err;
}

/* Nothing of it is left in the log. The delay queues keep their numbering. @source ConsumeQueueStore.cleanExpired */
static bool is_expired(struct store *store, struct queue *queue) {
    int64_t max = queue_max(queue);
    return max > 0 && max == queue_min(queue) && max == queue_next(queue) &&
           !bytes_is(queue->topic, "SCHEDULE_TOPIC_XXXX") && commitlog_min(&store->log) > 0;
}

void store_clean_expired_queues(struct store *store) {
    size_t count, wanted = 0;
    struct queue **queues = queue_table_list(&store->queues, &count);
    for (size_t i = 0; i < count; i++) {
        if (is_expired(store, queues[i])) queues[wanted++] = queues[i];
    }
    enum err err = wanted > 0 ? remove_queues(store, queues, wanted) : ERR_OK;
    if (err != ERR_OK) log_error(STORE, "expired queues stay: why=%s", err_detail(err));
    log_info(STORE, "expired queues removed: count=%zu", err == ERR_OK ? wanted : 0);
    free(queues);
}

void store_delete_expired(struct store *store) {
    retention_run_now(store->retention);
}
