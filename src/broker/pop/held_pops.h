/* held_pops.h - long polling of pops: the requests of a reactor that wait until there is something for them.
 * They stand in lines, one for each name ("topic@group"); a line watches queues: when one has news, its waiters look,
 * the longest waiting first, until one of them finds nothing. A pop that finds a message takes it, so all pops may
 * look; of the notices (200054), which take nothing, one is enough.
 * No wake-up is lost: who is to wait looks once more when all queues are watched; what comes then wakes the line.
 * @thread the reactor's own, unless said otherwise. @source shared facts: behaviour 10.1 */
#ifndef RMQ_BROKER_HELD_POPS_H
#define RMQ_BROKER_HELD_POPS_H

#include "broker/broker.h"

enum { ANY_QUEUE = -1 };
enum { WAITER_POP, WAITER_NOTICE, WAITER_KINDS };

/* The first member of what is held; made by its owner. */
struct pop_waiter {
    uint64_t channel_id;
    int kind;
    int32_t queue_id;    /* of what it waits for; ANY_QUEUE */
    int64_t deadline_ms; /* of the loop's clock: is answered then in every case */
    int64_t look_ms;     /* looks then though nothing came: something may be free; INT64_MAX = not */
    /* Looks, taken out of its line, and has to be answered if `expired`; may be held again. Was it answered? */
    bool (*look)(struct reactor *reactor, struct pop_waiter *waiter, bool expired);
    void (*drop)(struct pop_waiter *waiter); /* its channel is gone */
    struct wait_line *line;                  /* these are held_pops.c's */
    struct pop_waiter *prev, *next;
    size_t heap_at;
};

struct held_pops;
void held_pops_open(struct reactor *reactor); /* makes reactor->held_pops */
void held_pops_close(struct held_pops *held); /* drops what is held; NULL is fine */
void held_pops_stop(struct held_pops *held);  /* answers all of them as expired: the broker stops */

/* The line of that name, made when missing. Valid until the loop's next turn, longer while somebody waits in it. */
struct wait_line *held_pops_line(struct held_pops *held, struct bytes name);
/* The line's waiters for `queue_id` (and for any) look when `queue` has news; ANY_QUEUE: all of them. true: it did not
 * watch it before; what came until now may have gone unnoticed. */
bool held_pops_watch(struct held_pops *held, struct wait_line *line, struct queue *queue, int32_t queue_id);
/* false: maxPopPollingSize are held in all, or popPollingSize in this line; nothing was taken. */
bool held_pops_hold(struct held_pops *held, struct wait_line *line, struct pop_waiter *waiter);

/* `queue` has new messages, or an ordered queue is free. @thread any */
void held_pops_arrived(struct held_pops *held, struct queue *queue);
/* The same for all reactors that watch it. @thread any */
void held_pops_news(struct broker *broker, struct queue *queue);
/* The waiters of that line look: what it watches has changed. On all reactors. Allocates. @thread any */
void held_pops_wake(struct broker *broker, struct bytes name);
void held_pops_channel_closed(struct held_pops *held, uint64_t channel_id);
/* How many pops wait in that line for exactly that queue. */
int32_t held_pops_count(const struct held_pops *held, struct bytes name, int32_t queue_id);

#endif
