/* prealloc.h - keeps room ahead of the end of the log: files made, disk blocks reserved, pages brought in, so that an
 * append touches memory only. */
#ifndef RMQ_STORE_PREALLOC_H
#define RMQ_STORE_PREALLOC_H

#include <pthread.h>
#include "store/commitlog.h"

struct prealloc {
    struct store *store;
    struct lock lock;          /* LOCK_PREALLOC: one reserves at a time */
    struct bell bell;          /* rung by appends that used half of the room ahead */
    _Atomic int64_t wake_phys; /* end from which on an append rings */
    _Atomic int lacking;       /* enum err: what the last try failed for that may come again: space, files */
    _Atomic bool stop;
    pthread_t thread;
    bool running;
};
void prealloc_init(struct prealloc *prealloc, struct store *store);
void prealloc_close(struct prealloc *prealloc);
/* Before that nothing is ready and prealloc_reserve does all; the first room is made here. */
enum err prealloc_start(struct prealloc *prealloc) MUST_USE;
void prealloc_stop(struct prealloc *prealloc);
/* Makes room up to end_phys, waiting for the disk. What store_may_pass may pass, others fail the store. @thread any */
enum err prealloc_reserve(struct prealloc *prealloc, int64_t end_phys) MUST_USE;
/* After an append. */
static inline void prealloc_appended(struct prealloc *prealloc, int64_t end_phys) {
    if (end_phys >= atomic_load_explicit(&prealloc->wake_phys, memory_order_relaxed)) bell_ring(&prealloc->bell);
}

#endif
