/* pop_take.h - takes messages for one pop: from the retry topic of its group and from the queues of its topic.
 * What is taken is written down as checkpoints, one a queue, in one append, before the group's offsets move: a message
 * that nobody got is never passed over, and one that was handed out comes back if it is not acknowledged.
 * @thread the reactor's own. @source shared facts: behaviour 10.1, since-5.3.3 section 5 */
#ifndef RMQ_BROKER_POP_TAKE_H
#define RMQ_BROKER_POP_TAKE_H

#include "broker/pop/pop.h"
#include "broker/pop/pop_source.h"
#include "broker/pop/revive_record.h"

/* A queue with messages for the pop; it is kept from other pops until the end. */
struct taken {
    struct progress *progress;
    int32_t queue_id;
    int64_t next_offset;
    int32_t count;
};
struct pop_take {
    struct reactor *reactor;
    const struct pop *pop;
    struct arena *arena;
    struct get *copy; /* of a queue that is cold, answered; NULL: none, or it is taken */
    int64_t pop_time_ms;
    int32_t revive_queue;
    /* results */
    int32_t count;   /* messages */
    int64_t rest;    /* messages that are left */
    bool again;      /* there may be more right now: another pop had a queue, or messages were passed over */
    int64_t free_ms; /* wall time at which a queue that gave nothing may be free; INT64_MAX = none waits */
    bool cold;       /* nothing was found in memory: bring in what cold_get wants */
    struct get cold_get;
    struct buf start_offsets, msg_offsets, order_counts; /* of the answer; memory of the arena */
    struct slice *slices;
    size_t slice_count;
    struct taken taken[POP_MESSAGES_MAX];
    struct put checkpoints[POP_MESSAGES_MAX];
    size_t taken_count;
};

/* Fills `take`, whose first four members are set. ERR: the checkpoints could not be written; nothing was taken. */
enum err pop_take(struct pop_take *take) MUST_USE;

#endif
