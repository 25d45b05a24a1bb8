/* queue_tails.c - a list by last use. */
#include "store/queue_tails.h"

#include <stdlib.h>
#include "base/check.h"

void queue_tails_init(struct queue_tails *tails, int32_t max) {
    *tails = (struct queue_tails){.max = max};
}

void queue_tails_close(struct queue_tails *tails) {
    while (tails->newest) {
        struct queue_tail *tail = tails->newest;
        tails->newest = tail->older;
        free(tail);
    }
}

static void unlink_tail(struct queue_tails *tails, struct queue_tail *tail) {
    *(tail->newer ? &tail->newer->older : &tails->newest) = tail->older;
    *(tail->older ? &tail->older->newer : &tails->oldest) = tail->newer;
}

static void link_tail(struct queue_tails *tails, struct queue_tail *tail) {
    tail->newer = NULL;
    tail->older = tails->newest;
    *(tail->older ? &tail->older->newer : &tails->oldest) = tail;
    tails->newest = tail;
}

static enum err take_oldest(struct queue_tails *tails, bool may_wait, struct queue_tail **out) {
    struct queue_tail *tail = tails->oldest;
    struct queue *owner = tail->owner;
    if (!may_wait && !consumequeue_is_written(owner)) return ERR_BUSY;
    TRY(consumequeue_write(owner));
    consumequeue_set_tail(owner, NULL);
    unlink_tail(tails, tail);
    *out = tail;
    return ERR_OK;
}

enum err queue_tails_lend(struct queue_tails *tails, struct queue *queue, bool may_wait) {
    struct queue_tail *tail = NULL;
    if (tails->count >= tails->max) {
        TRY(take_oldest(tails, may_wait, &tail));
    } else {
        must((tail = calloc(1, sizeof *tail)));
        tails->count++;
    }
    tail->owner = queue;
    tail->first_slot = queue->pending_slot;
    tail->count = 0;
    link_tail(tails, tail);
    consumequeue_set_tail(queue, tail);
    return ERR_OK;
}

void queue_tails_touch(struct queue_tails *tails, struct queue *queue) {
    if (!queue->tail || tails->newest == queue->tail) return;
    unlink_tail(tails, queue->tail);
    link_tail(tails, queue->tail);
}
