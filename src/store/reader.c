/* reader.c - a ring of jobs for the threads that may wait for the disk. */
#include "store/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "os/thread.h"
#include "store/store_internal.h"

enum { PAGE_BYTES = 4096, CHUNK_ENTRIES = 64 };

struct reader_job {
    struct queue *queue;
    int64_t offset_queue;
    int32_t max_count;
    void (*done)(void *ctx);
    void *ctx;
};

/* Touches each page: the kernel reads ahead of a run. Volatile, or the reads would be left out. */
static void touch(struct bytes bytes) {
    for (size_t at = 0; at < bytes.len; at += PAGE_BYTES) (void)*(volatile const char *)(bytes.data + at);
    if (bytes.len > 0) (void)*(volatile const char *)(bytes.data + bytes.len - 1);
}

/* The records of these entries; what is left of the bytes. */
static int64_t touch_records(struct store *store, const char *raw, int32_t count, int64_t bytes_left) {
    for (int32_t i = 0; i < count && bytes_left > 0; i++) {
        struct queue_entry entry = queue_entry_decode(raw + i * QUEUE_ENTRY_BYTES);
        struct store_slice slice;
        if (!commitlog_slice(&store->log, entry.offset_phys, entry.size_bytes, &slice)) continue;
        touch(slice.bytes);
        store_release(slice.hold);
        bytes_left -= entry.size_bytes;
    }
    return bytes_left;
}

/* As much as one answer can hold, so that the reader who comes back for it need not come again. */
static void bring_in(struct store *store, const struct reader_job *job) {
    char raw[CHUNK_ENTRIES * QUEUE_ENTRY_BYTES];
    int64_t offset_queue = job->offset_queue, bytes_left = LIVE(store, max_transfer_bytes_in_memory);
    int32_t count, left = MIN(job->max_count, LIVE(store, max_transfer_count_in_memory));
    for (; left > 0 && bytes_left > 0; offset_queue += count, left -= count) {
        int32_t chunk = MIN(left, CHUNK_ENTRIES);
        if (consumequeue_read(job->queue, offset_queue, chunk, true, raw, &count) != ERR_OK || count == 0) return;
        bytes_left = touch_records(store, raw, count, bytes_left);
    }
}

static void run(void *arg) {
    struct reader *reader = arg;
    lock_take(&reader->lock);
    for (;;) {
        while (reader->count == 0 && !reader->stop) cond_wait(&reader->more, &reader->lock);
        if (reader->count == 0) break;
        struct reader_job job = reader->jobs[reader->head];
        reader->head = (reader->head + 1) % reader->cap;
        reader->count--;
        bool stop = reader->stop;
        lock_give(&reader->lock);
        if (!stop) bring_in(reader->store, &job);
        job.done(job.ctx);
        lock_take(&reader->lock);
    }
    lock_give(&reader->lock);
}

enum err reader_start(struct reader *reader, struct store *store) {
    *reader = (struct reader){.store = store, .cap = store->config->max_cold_reads};
    lock_init(&reader->lock, LOCK_WORK);
    cond_init(&reader->more);
    int32_t wanted = store->config->cold_read_threads;
    reader->jobs = calloc((size_t)reader->cap, sizeof *reader->jobs);
    reader->threads = calloc((size_t)wanted, sizeof *reader->threads);
    must(reader->jobs && reader->threads);
    for (; reader->thread_count < wanted; reader->thread_count++) {
        char name[24];
        snprintf(name, sizeof name, "read-%d", reader->thread_count);
        TRY(thread_start(&reader->threads[reader->thread_count], name, run, reader));
    }
    return ERR_OK;
}

void reader_stop(struct reader *reader) {
    if (!reader->store) return;
    lock_take(&reader->lock);
    reader->stop = true;
    cond_broadcast(&reader->more);
    lock_give(&reader->lock);
    for (int32_t i = 0; i < reader->thread_count; i++) thread_join(reader->threads[i]);
    free(reader->threads);
    free(reader->jobs);
    cond_close(&reader->more);
    lock_close(&reader->lock);
    *reader = (struct reader){0};
}

enum err reader_add(struct reader *reader, const struct get *get, void (*done)(void *ctx), void *ctx) {
    lock_take(&reader->lock);
    bool room = reader->count < reader->cap && !reader->stop;
    if (room) {
        struct reader_job *job = &reader->jobs[(reader->head + reader->count++) % reader->cap];
        *job = (struct reader_job){get->queue, get->next_offset, get->max_count, done, ctx};
        cond_signal(&reader->more);
    }
    lock_give(&reader->lock);
    return room ? ERR_OK : fail(ERR_BUSY, "%d reads wait for the disk already", reader->cap);
}
