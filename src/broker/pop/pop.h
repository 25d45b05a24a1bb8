/* pop.h - a pop that has passed its checks: takes messages and is answered, held, or waits for the disk.
 * A plain value without memory of its own but one reference to its filter and its attempt id; topic, group and progress
 * outlive it. @thread the reactor's own. @source shared facts: behaviour 10.1 */
#ifndef RMQ_BROKER_POP_H
#define RMQ_BROKER_POP_H

#include "broker/pop/held_pops.h"
#include "broker/pop/pop_source.h"
#include "broker/pull/filter.h"
#include "broker/tables/groups.h"
#include "broker/tables/offsets.h"
#include "broker/tables/topics.h"

struct pop {
    struct pop_waiter waiter; /* its queue_id: of the pop */
    struct reply_to to;
    struct topic *topic;
    struct group *group;
    struct progress *progress;
    struct filter *filter; /* NULL: all messages */
    int32_t max_count;     /* 0 .. POP_MESSAGES_MAX; 0 takes nothing */
    int32_t init_mode;
    bool order;
    char *attempt_id; /* of an ordered pop; NULL = none */
    int64_t invisible_ms;
    int64_t hold_ms;  /* how long it may be held; 0 = answer at once */
    int64_t begin_ms; /* loop's clock */
    int32_t cold_tries;
};

/* The first look of a new pop. It is answered in every case, now or later. Takes the filter reference and the attempt
 * id. */
void pop_start(struct reactor *reactor, const struct pop *pop, struct arena *arena);

#endif
