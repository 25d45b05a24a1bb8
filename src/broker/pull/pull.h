/* pull.h - a pull that has passed its checks: reads its queue and is answered, held, or waits for the disk.
 * A plain value without memory of its own but one reference to its filter; topics, groups and progress outlive it.
 * @thread the reactor's own. @source shared facts: behaviour 6 */
#ifndef RMQ_BROKER_PULL_H
#define RMQ_BROKER_PULL_H

#include "broker/pull/filter.h"
#include "broker/tables/groups.h"
#include "broker/tables/offsets.h"
#include "broker/tables/topics.h"

enum pull_sys_flag {
    PULL_COMMIT_OFFSET = 1,
    PULL_SUSPEND = 2,
    PULL_SUBSCRIPTION = 4,
    PULL_CLASS_FILTER = 8,
    PULL_LITE = 16
};

struct pull {
    struct reply_to to;
    struct topic *topic;
    struct group *group;
    struct progress *progress; /* NULL when the names are too long for one */
    struct filter *filter;     /* NULL: all messages */
    bool filter_of_group;      /* as its heartbeats say: when they say another one, a held pull ends */
    struct queue *queue;       /* NULL until somebody sends to it */
    int32_t queue_id, max_count;
    int64_t offset_asked;
    int64_t offset_queue; /* where to go on: beyond offset_asked when messages in between did not match */
    int64_t hold_ms;      /* how long it may be held; 0 = answer at once */
    int64_t begin_ms;     /* loop's clock */
    int32_t cold_tries;
    bool woken; /* it was held before */

    /* Of a static topic, else NULL: the logic queue, and the stretch of it that queue_id is; offsets are those of the
     * stretch, and translated in the answer. */
    const struct queue_mapping_detail *mapping;
    const struct logic_queue *logic_queue;
    const struct mapping_item *item;
};

/* The first look of a new pull. It is answered in every case, now or later. Takes the pull's filter reference. */
void pull_start(struct reactor *reactor, const struct pull *pull, struct arena *arena);
/* Looks again: messages have arrived, or (expired) the time is over and it must be answered. */
void pull_resume(struct reactor *reactor, const struct pull *pull, struct arena *arena, bool expired);
/* Waits for no answer: its channel is gone. */
void pull_drop(const struct pull *pull);

#endif
