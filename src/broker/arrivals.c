/* arrivals.c - a short list under a lock. */
#include "broker/arrivals.h"

#include <string.h>

void arrivals_init(struct arrivals *arrivals) {
    lock_init(&arrivals->lock, LOCK_INBOX);
    arrivals->count = 0;
    arrivals->all = false;
}

void arrivals_close(struct arrivals *arrivals) {
    lock_close(&arrivals->lock);
}

void arrivals_note(struct arrivals *arrivals, struct queue *queue) {
    lock_take(&arrivals->lock);
    bool known = arrivals->all;
    for (size_t i = arrivals->count; i > 0 && !known; i--) known = arrivals->queues[i - 1] == queue;
    if (!known && arrivals->count == ARRIVALS_MAX)
        arrivals->all = true;
    else if (!known)
        arrivals->queues[arrivals->count++] = queue;
    lock_give(&arrivals->lock);
}

bool arrivals_take(struct arrivals *arrivals, struct queue *queues[ARRIVALS_MAX], size_t *count) {
    lock_take(&arrivals->lock);
    bool all = arrivals->all;
    *count = arrivals->count;
    memcpy(queues, arrivals->queues, arrivals->count * sizeof *queues);
    arrivals->count = 0;
    arrivals->all = false;
    lock_give(&arrivals->lock);
    return all;
}
