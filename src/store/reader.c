/* reader.c - a ring of jobs for the threads that may wait for the disk. */
#include "store/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "os/file.h"
#include "os/thread.h"
#include "store/store_internal.h"

enum {
    PAGE_BYTES = 4096,
    CHUNK_ENTRIES = 512,
    GAP_BYTES = 32 << 10,  /* between records, read rather than left out */
    AHEAD_BYTES = 1 << 20, /* read at a time, with the gaps */
    AHEAD_ENTRIES = 1024,
};

struct reader_job {
    struct queue *queue;
    int64_t offset_queue;
    int32_t max_count;
    void (*done)(void *ctx); /* NULL: nobody waits, read on */
    void *ctx;
};

/* Entries of a queue from one on, as far as their number and the bytes of their records go. */
struct stretch {
    struct store *store;
    struct queue *queue;
    int64_t offset_queue, bytes_left;
    int32_t left;
};

/* Touches each page. Volatile, or the reads would be left out. */
static void touch(struct bytes bytes) {
    for (size_t at = 0; at < bytes.len; at += PAGE_BYTES) (void)*(volatile const char *)(bytes.data + at);
    if (bytes.len > 0) (void)*(volatile const char *)(bytes.data + bytes.len - 1);
}

static void prefetch(struct bytes bytes) {
    file_prefetch(bytes.data, bytes.len);
}

static void visit_part(struct store *store, int64_t from_phys, int64_t to_phys, void (*visit)(struct bytes part)) {
    struct store_slice slice;
    if (to_phys <= from_phys || !commitlog_slice(&store->log, from_phys, to_phys - from_phys, &slice)) return;
    visit(slice.bytes);
    store_release(slice.hold);
}

/* Parts of the log that hold the records, one for those that have no more than gap_bytes between them. The stretch ends
 * up behind the last one. */
static void visit_records(struct stretch *stretch, int64_t gap_bytes, void (*visit)(struct bytes part)) {
    struct store *store = stretch->store;
    char raw[CHUNK_ENTRIES * QUEUE_ENTRY_BYTES];
    int64_t from_phys = 0, to_phys = 0, end_phys = commitlog_end(&store->log);
    while (stretch->left > 0 && stretch->bytes_left > 0) {
        int32_t count, i = 0, max = MIN(stretch->left, CHUNK_ENTRIES);
        enum err err = consumequeue_read(stretch->queue, stretch->offset_queue, max, true, raw, &count);
        if (err != ERR_OK || count == 0) break;
        for (; i < count && stretch->bytes_left > 0; i++) {
            struct queue_entry entry = queue_entry_decode(raw + i * QUEUE_ENTRY_BYTES);
            int64_t phys = entry.offset_phys, size_bytes = entry.size_bytes;
            if (phys < 0 || phys >= end_phys || size_bytes <= 0) continue;
            bool near = to_phys > 0 && phys >= to_phys && phys - to_phys <= gap_bytes &&
                        phys + size_bytes <= commitlog_roll(&store->log, from_phys);
            if (!near) {
                visit_part(store, from_phys, to_phys, visit);
                from_phys = to_phys = phys;
            }
            stretch->bytes_left -= phys + size_bytes - to_phys;
            to_phys = phys + size_bytes;
        }
        stretch->offset_queue += i;
        stretch->left -= i;
    }
    visit_part(store, from_phys, to_phys, visit);
}

static void read_on(struct store *store, struct queue *queue, int64_t from_offset) {
    struct stretch stretch = {store, queue, from_offset, AHEAD_BYTES, AHEAD_ENTRIES};
    visit_records(&stretch, GAP_BYTES, prefetch);
    int64_t end = stretch.offset_queue;
    atomic_store(&queue->ahead_end, end);
    atomic_store(&queue->ahead_mark, end > from_offset ? from_offset + (end - from_offset) / 2 : INT64_MAX);
}

/* As much as one answer can hold, so that the reader who comes back for it need not come again. All of it is asked of
 * the disk before any is waited for. */
static void bring_in(struct store *store, const struct reader_job *job) {
    struct stretch wanted = {.store = store, .queue = job->queue, .offset_queue = job->offset_queue};
    wanted.bytes_left = LIVE(store, max_transfer_bytes_in_memory);
    wanted.left = MIN(job->max_count, LIVE(store, max_transfer_count_in_memory));
    struct stretch asked = wanted;
    visit_records(&asked, GAP_BYTES, prefetch);
    if (LIVE(store, data_read_ahead_enable)) read_on(store, job->queue, asked.offset_queue);
    visit_records(&wanted, 0, touch);
}

static void do_job(struct store *store, const struct reader_job *job) {
    if (job->done)
        bring_in(store, job);
    else
        read_on(store, job->queue, job->offset_queue);
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
        if (!stop) do_job(reader->store, &job);
        if (job.done) job.done(job.ctx);
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

static bool add_job(struct reader *reader, struct reader_job job) {
    lock_take(&reader->lock);
    bool room = reader->count < reader->cap && !reader->stop;
    if (room) {
        reader->jobs[(reader->head + reader->count++) % reader->cap] = job;
        cond_signal(&reader->more);
    }
    lock_give(&reader->lock);
    return room;
}

enum err reader_add(struct reader *reader, const struct get *get, void (*done)(void *ctx), void *ctx) {
    bool room = add_job(reader, (struct reader_job){get->queue, get->next_offset, get->max_count, done, ctx});
    return room ? ERR_OK : fail(ERR_BUSY, "%d reads wait for the disk already", reader->cap);
}

/* One of those who get to the mark takes it away. Who reads elsewhere in the queue leaves it alone. */
void reader_read_on(struct reader *reader, struct queue *queue, int64_t next_offset) {
    int64_t mark = atomic_load_explicit(&queue->ahead_mark, memory_order_relaxed);
    int64_t end = atomic_load_explicit(&queue->ahead_end, memory_order_relaxed);
    if (next_offset < mark || next_offset > end || !LIVE(reader->store, data_read_ahead_enable)) return;
    if (!atomic_compare_exchange_strong(&queue->ahead_mark, &mark, INT64_MAX)) return;
    (void)add_job(reader, (struct reader_job){.queue = queue, .offset_queue = end});
}

void reader_prefetch(struct store *store, struct queue *queue, int64_t offset_queue, int32_t max_count) {
    struct stretch stretch = {store, queue, offset_queue, AHEAD_BYTES, max_count};
    visit_records(&stretch, GAP_BYTES, prefetch);
}
