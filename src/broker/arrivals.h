/* arrivals.h - queues that have news for what a reactor holds, noted by other threads until the reactor comes to them.
 * Each queue is noted once. When more come than fit, all queues count as noted. @thread any */
#ifndef RMQ_BROKER_ARRIVALS_H
#define RMQ_BROKER_ARRIVALS_H

#include <stdbool.h>
#include <stddef.h>
#include "base/lock.h"

enum { ARRIVALS_MAX = 256 };

struct queue;
struct arrivals {
    struct lock lock; /* LOCK_INBOX: guards the others */
    struct queue *queues[ARRIVALS_MAX];
    size_t count;
    bool all;
};
void arrivals_init(struct arrivals *arrivals);
void arrivals_close(struct arrivals *arrivals);
void arrivals_note(struct arrivals *arrivals, struct queue *queue);
/* Gives what is noted and forgets it: *count queues, or true for all there are. */
bool arrivals_take(struct arrivals *arrivals, struct queue *queues[ARRIVALS_MAX], size_t *count);

#endif
