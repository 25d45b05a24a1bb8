/* lite_pop.h - a pop of lite topics that has passed its checks: works off events of its client and is answered, held,
 * or waits for the disk. A plain value that owns its two texts. @thread the reactor's own */
#ifndef RMQ_BROKER_LITE_POP_H
#define RMQ_BROKER_LITE_POP_H

#include "broker/lite/lite.h"
#include "broker/pop/held_pops.h"

struct lite_pop {
    struct pop_waiter waiter;
    struct reply_to to;
    struct lite *lite;
    struct topic *topic; /* the parent */
    struct group *group;
    char *client_id, *attempt_id; /* attempt_id NULL = none */
    int32_t max_count;            /* 1 .. POP_MESSAGES_MAX */
    int64_t invisible_ms;
    int64_t hold_ms;  /* how long it may be held; 0 = answer at once */
    int64_t begin_ms; /* loop's clock */
    int32_t cold_tries;
};

/* The first look of a new pop. It is answered in every case, now or later. Takes the texts. */
void lite_pop_start(struct reactor *reactor, const struct lite_pop *pop, struct arena *arena);

#endif
