/* store_internal.h - the parts of a store. For the files of this folder alone. */
#ifndef RMQ_STORE_STORE_INTERNAL_H
#define RMQ_STORE_STORE_INTERNAL_H

#include "store/checkpoint.h"
#include "store/commitlog.h"
#include "store/delay_levels.h"
#include "store/dispatch.h"
#include "store/dispatch_record.h"
#include "store/flush.h"
#include "store/index.h"
#include "store/prealloc.h"
#include "store/queue_table.h"
#include "store/reader.h"
#include "store/resident.h"
#include "store/retention.h"
#include "store/store.h"
#include "store/store_stats.h"

enum { STORE_PATH_MAX = 1024 };

struct store {
    struct store_config *config;
    struct store_events events;
    char root[STORE_PATH_MAX], log_dir[STORE_PATH_MAX];
    int lock_fd; /* holds the fcntl lock */
    bool sync_flush, is_slave, log_is_open, checkpoint_is_open;
    int64_t memory_bytes; /* of the machine */
    int64_t opened_phys;  /* records below were read from the disk, not written by this process */
    struct delay_levels delay_levels;

    struct commitlog log;
    struct queue_files queue_files;
    struct queue_table queues;
    struct index_service *index; /* NULL when switched off */
    struct checkpoint checkpoint;
    struct retention *retention;

    struct prealloc prealloc;
    struct dispatch dispatch;
    struct flush flush;
    struct reader reader;
    struct resident resident;
    struct store_stats stats;

    _Atomic bool closing;
    _Atomic bool failed;     /* final: a write, sync or map failed */
    struct lock failed_lock; /* LOCK_STATS */
    char failed_why[512];
};

/* Settings that may change while the store runs. */
#define LIVE(store, member) __atomic_load_n(&(store)->config->member, __ATOMIC_RELAXED)

/* A write, sync or map failed: the store is read-only from now on. Logs and tells the owner, once. @thread any */
void store_fail(struct store *store, const char *why);
static inline bool store_has_failed(const struct store *store) {
    return atomic_load_explicit(&store->failed, memory_order_acquire);
}
/* Recovery: no queue is known, no file of one open, nothing of one waits to be synced. */
void store_forget_queues(struct store *store);
/* The end up to which records may be dispatched: written, or flushed under SYNC_FLUSH. */
int64_t store_confirmed_phys(const struct store *store);

#endif
