/* checkpoints.h - the messages that are out, of one revive queue: what its records say, read in their order.
 * Derived: everything here comes back by reading the queue again from checkpoints_first on.
 * One owner, no locks. Counts what is out for progress_in_flight. @thread the owner's */
#ifndef RMQ_BROKER_CHECKPOINTS_H
#define RMQ_BROKER_CHECKPOINTS_H

#include "broker/pop/revive_record.h"
#include "broker/tables/offsets.h"

/* Of acks that came before their checkpoint, which a Java broker's timer still holds: they wait for it. */
struct early_acks {
    int64_t *offsets;
    int32_t count, cap;
};

struct checkpoint {
    struct progress *progress; /* topic and group */
    int32_t queue_id;
    int64_t start_offset, pop_time_ms, invisible_ms;
    int64_t due_ms;        /* when its messages come back; of early acks: when they are forgotten */
    int64_t revive_offset; /* of its record */
    uint32_t acked;
    int32_t count; /* 0: early acks, no checkpoint yet */
    bool suspend;
    int32_t *diffs; /* NULL: 0, 1, 2, ... */
    struct early_acks early;
    struct checkpoint *hash_next;
    struct checkpoint *prev, *next; /* in the order of revive_offset */
    size_t heap_at;
};

struct checkpoints {
    struct offsets *offsets;
    int64_t boot_time_ms; /* acks of pops before it may be early */
    struct checkpoint **buckets;
    size_t bucket_count, count;
    struct checkpoint **heap; /* by due_ms, the first one on top */
    size_t heap_cap;
    struct checkpoint *first, *last;
};
void checkpoints_init(struct checkpoints *all, struct offsets *offsets, int64_t boot_time_ms);
void checkpoints_close(struct checkpoints *all);

/* A record that was read at that offset; offsets only grow. `counted`: who wrote it has counted its messages for
 * progress_in_flight already, all of them; that is taken back here, where it is known which of them are out. */
void checkpoints_apply(struct checkpoints *all, const struct revive_record *record, int64_t revive_offset,
                       bool counted);
/* The one that is due first, if it is due; NULL if none is. It stays until it is removed or put off. */
struct checkpoint *checkpoints_due(const struct checkpoints *all, int64_t now_ms);
int64_t checkpoints_next_due_ms(const struct checkpoints *all); /* INT64_MAX = none */
void checkpoints_remove(struct checkpoints *all, struct checkpoint *checkpoint);
void checkpoints_set_acked(struct checkpoints *all, struct checkpoint *checkpoint, uint32_t bits);
void checkpoints_put_off(struct checkpoints *all, struct checkpoint *checkpoint, int64_t due_ms);
/* The revive offset of the oldest; `otherwise` when there is none. */
int64_t checkpoints_first(const struct checkpoints *all, int64_t otherwise);

static inline bool checkpoint_is_acked(const struct checkpoint *checkpoint, int32_t i) {
    return checkpoint->acked >> i & 1;
}
/* The queue offset of its message i. */
static inline int64_t checkpoint_offset(const struct checkpoint *checkpoint, int32_t i) {
    return checkpoint->start_offset + (checkpoint->diffs ? checkpoint->diffs[i] : i);
}
/* As a record again, in parts that were not acked yet. Texts live as long as the offsets table. */
void checkpoint_to_record(const struct checkpoint *checkpoint, struct checkpoint_record *out);

#endif
