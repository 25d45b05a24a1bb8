/* reader.c - a ring of jobs for the threads that may wait for the disk. */
#include "store/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/thread.h"
#include "store/store_internal.h"

enum {
    PAGE_BYTES = 4096,
    GAP_BYTES = 32 << 10,  /* between records, read rather than left out */
    AHEAD_BYTES = 1 << 20, /* read at a time, with the gaps */
    AHEAD_ENTRIES = 1024,
    SENDING_NS = 1000000000
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
    int64_t read_bytes; /* asked of the disk */
};

/* Does something with a part of the log; returns how many bytes of it are asked of the disk. */
typedef int64_t visit_fn(struct bytes part);

/* Touches each page, which waits for it. Volatile, or the reads would be left out. */
static int64_t touch(struct bytes bytes) {
    for (size_t at = 0; at < bytes.len; at += PAGE_BYTES) (void)*(volatile const char *)(bytes.data + at);
    if (bytes.len > 0) (void)*(volatile const char *)(bytes.data + bytes.len - 1);
    return 0;
}

/* What of it is not in memory is on its way then. */
static int64_t prefetch(struct bytes bytes) {
    bytes = bytes_skip(bytes, file_resident_bytes(bytes.data, bytes.len));
    file_prefetch(bytes.data, bytes.len);
    return (int64_t)bytes.len;
}

static int64_t visit_part(struct store *store, int64_t from_phys, int64_t to_phys, visit_fn *visit) {
    struct store_slice slice;
    if (to_phys <= from_phys || !commitlog_slice(&store->log, from_phys, to_phys - from_phys, &slice)) return 0;
    int64_t read_bytes = visit(slice.bytes);
    store_release(slice.hold);
    return read_bytes;
}

/* Parts of the log that hold the records, one for those that have no more than gap_bytes between them. The stretch ends
 * up behind the last one. */
static void visit_records(struct stretch *stretch, int64_t gap_bytes, visit_fn *visit) {
    struct store *store = stretch->store;
    struct queue_run run;
    int64_t from_phys = 0, to_phys = 0, end_phys = commitlog_end(&store->log);
    while (stretch->left > 0 && stretch->bytes_left > 0) {
        int32_t i = 0;
        int64_t begin = stretch->offset_queue;
        enum err err = consumequeue_read(stretch->queue, begin, stretch->left, true, &run);
        if (err != ERR_OK || run.count == 0) break;
        for (; i < run.count && stretch->bytes_left > 0; i++) {
            struct queue_entry entry = queue_run_at(&run, i);
            stretch->offset_queue = MAX(stretch->offset_queue, queue_entry_end(&entry));
            int64_t phys = entry.offset_phys, size_bytes = entry.size_bytes;
            if (phys < 0 || phys >= end_phys || size_bytes <= 0) continue;
            bool near = to_phys > 0 && phys >= to_phys && phys - to_phys <= gap_bytes &&
                        phys + size_bytes <= commitlog_roll(&store->log, from_phys);
            if (!near) {
                stretch->read_bytes += visit_part(store, from_phys, to_phys, visit);
                from_phys = to_phys = phys;
            }
            stretch->bytes_left -= phys + size_bytes - to_phys;
            to_phys = phys + size_bytes;
        }
        stretch->left -= i;
        if (stretch->offset_queue == begin) break; /* damaged entries */
    }
    stretch->read_bytes += visit_part(store, from_phys, to_phys, visit);
}

static int64_t read_on(struct store *store, struct queue *queue, int64_t from_offset) {
    struct stretch stretch = {store, queue, from_offset, AHEAD_BYTES, AHEAD_ENTRIES, 0};
    visit_records(&stretch, GAP_BYTES, prefetch);
    int64_t end = stretch.offset_queue;
    atomic_store(&queue->ahead_end, end);
    atomic_store(&queue->ahead_mark, end > from_offset ? from_offset + (end - from_offset) / 2 : INT64_MAX);
    return stretch.read_bytes;
}

/* As much as one answer can hold, so that the reader who comes back for it need not come again. All of it is asked of
 * the disk before any is waited for. */
static int64_t bring_in(struct store *store, const struct reader_job *job) {
    struct stretch wanted = {.store = store, .queue = job->queue, .offset_queue = job->offset_queue};
    wanted.bytes_left = LIVE(store, max_transfer_bytes_in_memory);
    wanted.left = MIN(job->max_count, LIVE(store, max_transfer_count_in_memory));
    struct stretch asked = wanted;
    visit_records(&asked, GAP_BYTES, prefetch);
    int64_t ahead_bytes = LIVE(store, data_read_ahead_enable) ? read_on(store, job->queue, asked.offset_queue) : 0;
    visit_records(&wanted, 0, touch);
    return asked.read_bytes + ahead_bytes;
}

/* Are messages being sent? @thread holder of the lock */
static bool is_sending(struct reader *reader, int64_t now_ns) {
    int64_t puts = atomic_load(&reader->store->stats.put_count);
    if (puts != reader->seen_puts) {
        reader->seen_puts = puts;
        reader->put_ns = now_ns;
    }
    return now_ns - reader->put_ns < SENDING_NS;
}

/* Lets a job wait until those before it have taken the time that their bytes may take. @thread holder of the lock */
static void keep_pace(struct reader *reader) {
    for (int64_t now_ns; (now_ns = clock_monotonic_ns()) < reader->free_ns && !reader->stop;)
        (void)cond_wait_ms(&reader->more, &reader->lock, (reader->free_ns - now_ns + 999999) / 1000000);
}

static void took(struct reader *reader, int64_t read_bytes) {
    int64_t now_ns = clock_monotonic_ns(), limit = LIVE(reader->store, cold_read_bytes_per_second);
    if (limit == 0 || !is_sending(reader, now_ns)) return;
    reader->free_ns = MAX(reader->free_ns, now_ns) + read_bytes * INT64_C(1000000000) / limit;
}

static void run(void *arg) {
    struct reader *reader = arg;
    thread_give_way(); /* to who answers sends */
    lock_take(&reader->lock);
    for (;;) {
        while (reader->count == 0 && !reader->stop) cond_wait(&reader->more, &reader->lock);
        if (reader->count == 0) break;
        struct reader_job job = reader->jobs[reader->head];
        reader->head = (reader->head + 1) % reader->cap;
        reader->count--;
        keep_pace(reader);
        bool stop = reader->stop;
        lock_give(&reader->lock);
        int64_t read_bytes = 0;
        if (!stop && job.done) read_bytes = bring_in(reader->store, &job);
        if (!stop && !job.done) read_bytes = read_on(reader->store, job.queue, job.offset_queue);
        if (job.done) job.done(job.ctx);
        lock_take(&reader->lock);
        took(reader, read_bytes);
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
    struct stretch stretch = {store, queue, offset_queue, AHEAD_BYTES, max_count, 0};
    visit_records(&stretch, GAP_BYTES, prefetch);
}
