/* flush.h - brings to the disk what was written: the log on the thread `flush` (each interval, or at once and for all
 * that wait under SYNC_FLUSH), queues, index and checkpoint on the thread `flush-queues`.
 * A failed sync is final: pages may be lost, so it is never repeated; the store turns read-only. */
#ifndef RMQ_STORE_FLUSH_H
#define RMQ_STORE_FLUSH_H

#include <pthread.h>
#include "store/bell.h"
#include "store/queue_table.h"

struct flush {
    struct store *store;
    struct bell bell;        /* rung by appends under SYNC_FLUSH */
    struct bell queues_bell; /* rung to stop */
    struct lock lock;        /* LOCK_FLUSH: waiters, the list of queues to sync */
    struct cond flushed;
    struct queue *dirty;         /* by dirty_next */
    _Atomic int64_t wanted_phys; /* somebody waits for that, also under ASYNC_FLUSH */
    _Atomic bool stop, recount;  /* recount: files were removed that the checkpoint knows of */
    int64_t lost_pages;          /* told in the log: map_guard_pages; thread flush-queues */
    pthread_t log_thread, queues_thread;
    int running; /* threads started */
};
void flush_init(struct flush *flush, struct store *store);
void flush_close(struct flush *flush);
enum err flush_start(struct flush *flush) MUST_USE;
/* The log is flushed first; the rest is flush_all's. */
void flush_stop(struct flush *flush);
/* The queue has entries that are not on disk. @thread dispatch */
void flush_add_queue(struct flush *flush, struct queue *queue);
/* Queues or index files were removed: the checkpoint must not count on them. */
void flush_files_removed(struct flush *flush);
enum err flush_wait(struct flush *flush, int64_t offset_phys, int64_t timeout_ms) MUST_USE;
/* Ends all waits: the store failed. */
void flush_wake_waiters(struct flush *flush);
/* Syncs log, all queues, index and checkpoint on this thread, after flush_stop: the last act of a clean stop. */
enum err flush_all(struct flush *flush) MUST_USE;
/* Recovery: all that was changed so far to the disk, and a checkpoint that says so. No thread runs yet. */
enum err flush_recovered(struct flush *flush) MUST_USE;

#endif
