/* offsets_internal.h - what offsets.c, the table, and progress.c, its entries, know of each other. */
#ifndef RMQ_BROKER_OFFSETS_INTERNAL_H
#define RMQ_BROKER_OFFSETS_INTERNAL_H

#include "base/lock.h"
#include "broker/tables/data_version.h"
#include "broker/tables/offsets.h"
#include "broker/tables/state_file.h"

struct offsets {
    struct state_file file;
    bool lmq;         /* enableLmq: another file, with a table for groups of light queues */
    struct lock lock; /* guards additions, the version, what pulls wanted */
    struct name_table table;
    struct data_version version;
    int64_t loaded_ms;
};

/* The committed offset that the file has: nothing has changed by it. */
void progress_load(struct offsets *offsets, struct progress *progress, int32_t queue_id, int64_t offset_queue);
void progress_clear(struct progress *progress); /* no offsets any more; the file is the caller's to think of */
void progress_free(struct named *progress);

#endif
