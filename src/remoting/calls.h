/* calls.h - calls in flight: found by opaque, ordered by deadline, listed by channel.
 * Opaques count up, so neighbours fall into different buckets. */
#ifndef RMQ_REMOTING_CALLS_H
#define RMQ_REMOTING_CALLS_H

#include "net/pool.h"
#include "remoting/remoting.h"

struct call {
    struct channel *channel;
    struct call *next_in_bucket;
    struct call *prev, *next; /* of the channel, or of the failed */
    int64_t deadline_ms;      /* of loop_now_ms */
    int64_t timeout_ms;
    size_t heap_index;
    int32_t opaque;
    call_done *done;
    void *ctx;
};
struct calls {
    struct call **buckets; /* a power of two of them */
    size_t bucket_count;
    struct call **heap; /* the earliest deadline first; `count` of them */
    size_t heap_cap, count;
    int32_t last_opaque;
    struct pool pool;
};
void calls_init(struct calls *calls);
void calls_close(struct calls *calls); /* none is in flight any more */
struct call *calls_make(struct calls *calls, int64_t timeout_ms, call_done *done, void *ctx); /* not yet in flight */
void calls_free(struct calls *calls, struct call *call); /* not in flight any more */
/* Puts it in flight under a new opaque; `first` is the channel's list. */
void calls_add(struct calls *calls, struct call *call, struct channel *channel, struct call **first,
               int64_t deadline_ms);
int32_t calls_next_opaque(struct calls *calls); /* for a request that is no call */
void calls_remove(struct calls *calls, struct call *call, struct call **first);
struct call *calls_find(const struct calls *calls, const struct channel *channel, int32_t opaque); /* NULL = none */
struct call *calls_earliest(const struct calls *calls);                                            /* NULL = none */

#endif
