/* queue_doubts.c - two records that agree are believed, one alone is not. */
#include "store/queue_doubts.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"

static bool is_last_in_queue(const struct queue_doubt *doubt) {
    return doubt->place >= 0 && doubt->place == doubt->queue->pending_offset - doubt->entry.count;
}

static bool goes_forward(const struct queue_doubt *doubt) {
    return doubt->entry.offset_queue > doubt->place;
}

static enum err believe(struct queue_doubt *doubt) {
    struct queue *queue = doubt->queue;
    int64_t cut_at = MIN(doubt->place, doubt->entry.offset_queue);
    log_warn(STORE, "queue goes on at another number: topic=%.*s queue=%d ended_at=%lld goes_on_at=%lld",
             BYTES_ARG(queue_topic(queue)), queue_id(queue), (long long)doubt->place,
             (long long)doubt->entry.offset_queue);
    doubt->place = -1;
    TRY(consumequeue_cut(queue, cut_at));
    return consumequeue_put(queue, &doubt->entry, true);
}

static void withhold(struct queue_doubt *doubt) {
    if (doubt->place >= 0)
        log_error(STORE,
                  "damaged record, not shown to consumers: offset_phys=%lld topic=%.*s queue=%d says_number=%lld "
                  "expected=%lld",
                  (long long)doubt->entry.offset_phys, BYTES_ARG(queue_topic(doubt->queue)), queue_id(doubt->queue),
                  (long long)doubt->entry.offset_queue, (long long)doubt->place);
    doubt->place = -1;
}

static struct queue_doubt *doubt_of(struct queue_doubts *doubts, struct queue *queue) {
    if (queue->doubt) return queue->doubt;
    struct queue_doubt *doubt = calloc(1, sizeof *doubt);
    must(doubt);
    *doubt = (struct queue_doubt){.queue = queue, .place = -1, .next = doubts->first};
    doubts->first = queue->doubt = doubt;
    return doubt;
}

static enum err hold(struct queue_doubt *doubt, const struct queue_entry *entry) {
    withhold(doubt);
    doubt->place = doubt->queue->pending_offset;
    doubt->entry = *entry;
    struct queue_entry placed = *entry;
    placed.offset_queue = doubt->place;
    return consumequeue_put(doubt->queue, &placed, true);
}

enum err queue_doubts_put(struct queue_doubts *doubts, struct queue *queue, const struct queue_entry *entry) {
    bool may_begin = consumequeue_is_empty(queue) && (!doubts->all_there || doubts->records_lost);
    if (entry->offset_queue == queue->pending_offset || may_begin) return consumequeue_put(queue, entry, true);
    struct queue_doubt *doubt = doubt_of(doubts, queue);
    int64_t follows = queue_entry_end(&doubt->entry);
    bool agree = is_last_in_queue(doubt) && doubt->entry.offset_queue >= 0 &&
                 (entry->offset_queue == follows ||
                  (doubts->records_lost && goes_forward(doubt) && entry->offset_queue > follows));
    if (!agree) return hold(doubt, entry);
    TRY(believe(doubt));
    return queue_doubts_put(doubts, queue, entry);
}

enum err queue_doubts_end(struct queue_doubts *doubts) {
    for (struct queue_doubt *doubt = doubts->first; doubt; doubt = doubt->next) {
        if (!doubts->records_lost || !is_last_in_queue(doubt) || !goes_forward(doubt)) continue;
        TRY(believe(doubt));
        TRY(consumequeue_write(doubt->queue));
        consumequeue_publish(doubt->queue);
    }
    return ERR_OK;
}

void queue_doubts_close(struct queue_doubts *doubts) {
    while (doubts->first) {
        struct queue_doubt *doubt = doubts->first;
        doubts->first = doubt->next;
        withhold(doubt);
        doubt->queue->doubt = NULL;
        free(doubt);
    }
}
