/* logic_queue.c - offsets of logic and physical queues, and which mapping may follow which */
#include "broker/static_topic/logic_queue.h"

#include <inttypes.h>
#include <stdlib.h>
#include "base/check.h"
#include "wire/response.h"

/* --- offsets ----------------------------------------------------------------------------------------------- */

static bool begin_decided(const struct mapping_item *item) {
    return item->logic_offset >= 0;
}

static bool end_decided(const struct mapping_item *item) {
    return item->end_offset > item->start_offset;
}

const struct mapping_item *logic_queue_find(const struct logic_queue *queue, int64_t logic_offset) {
    const struct mapping_item *first = NULL;
    for (size_t i = queue->item_count; i-- > 0;) {
        const struct mapping_item *item = &queue->items[i];
        if (!begin_decided(item)) continue;
        if (logic_offset >= item->logic_offset) return item;
        first = item;
    }
    return first;
}

const struct mapping_item *logic_queue_next(const struct logic_queue *queue, const struct mapping_item *item) {
    for (const struct mapping_item *next = item + 1; next < queue->items + queue->item_count; next++)
        if (begin_decided(next)) return next;
    return NULL;
}

static int64_t bounded(int64_t offset) {
    return MAX(MIN(offset, OFFSET_MAX), -OFFSET_MAX);
}

int64_t logic_to_physical(const struct mapping_item *item, int64_t logic_offset) {
    return bounded(logic_offset) - item->logic_offset + item->start_offset;
}

int64_t logic_from_physical(const struct mapping_item *item, int64_t offset_queue) {
    return item->logic_offset + MAX(bounded(offset_queue) - item->start_offset, 0);
}

int64_t logic_from_physical_within(const struct mapping_item *item, int64_t offset_queue) {
    if (!begin_decided(item)) return OFFSET_UNDECIDED;
    if (item->end_offset >= item->start_offset) offset_queue = MIN(offset_queue, item->end_offset);
    return logic_from_physical(item, offset_queue);
}

/* --- pulls ------------------------------------------------------------------------------------------------- */

void logic_queue_translate_pull(const struct logic_queue *queue, const struct mapping_item *item, int64_t asked,
                                int32_t *code, struct hdr_pull_result *result) {
    const struct mapping_item *next = logic_queue_next(queue, item);
    int64_t next_begin = result->next_begin_offset, min = result->min_offset, max = result->max_offset;
    if (*code != RESPONSE_SUCCESS && asked < min) {
        next_begin = min;
        *code = item == logic_queue_find(queue, 0) ? RESPONSE_PULL_OFFSET_MOVED : RESPONSE_PULL_RETRY_IMMEDIATELY;
    } else if (*code != RESPONSE_SUCCESS && asked >= max && next) {
        item = next;
        next_begin = min = max = next->start_offset;
        *code = RESPONSE_PULL_RETRY_IMMEDIATELY;
    } else if (*code != RESPONSE_SUCCESS && asked >= max && item != logic_queue_last(queue)) {
        *code = RESPONSE_PULL_NOT_FOUND; /* where the next one begins is still to be decided */
    }
    if (end_decided(item)) next_begin = MIN(next_begin, item->end_offset);
    result->next_begin_offset = logic_from_physical(item, next_begin);
    result->min_offset = logic_from_physical(item, min);
    result->max_offset = MAX(logic_from_physical(item, max), logic_queue_last(queue)->logic_offset);
    result->offset_delta = item->logic_offset - item->start_offset;
    result->has.offset_delta = true;
}

/* --- mappings ---------------------------------------------------------------------------------------------- */

const struct logic_queue *queue_mapping_queue(const struct queue_mapping_detail *detail, int32_t id) {
    const struct logic_queue key = {.id = id};
    return bsearch(&key, detail->queues, detail->queue_count, sizeof key, logic_queue_compare);
}

static enum err check_item(const struct mapping_item *item, const struct mapping_item *next) {
    if (item->start_offset < 0 || item->gen < 0 || item->queue_id < 0)
        return fail(ERR_FAILED, "The field is illegal, should not be negative");
    if (next && !begin_decided(item)) return fail(ERR_FAILED, "The non-latest item has negative logic offset");
    if (next && item->gen >= next->gen) return fail(ERR_FAILED, "The gen does not increase monotonically");
    if (item->end_offset != OFFSET_UNDECIDED && item->end_offset < item->start_offset)
        return fail(ERR_FAILED, "The endOffset is smaller than the start offset");
    if (!next || !begin_decided(next)) return ERR_OK;
    if (item->logic_offset >= next->logic_offset)
        return fail(ERR_FAILED, "The base logic offset does not increase monotonically");
    if (end_decided(item) && logic_from_physical(item, item->end_offset) >= next->logic_offset)
        return fail(ERR_FAILED, "The max logic offset does not increase monotonically");
    return ERR_OK;
}

enum err queue_mapping_check(const struct queue_mapping_detail *detail) {
    for (size_t i = 0; i < detail->queue_count; i++) {
        const struct logic_queue *queue = &detail->queues[i];
        for (size_t k = 0; k < queue->item_count; k++)
            TRY(check_item(&queue->items[k], k + 1 < queue->item_count ? &queue->items[k + 1] : NULL));
    }
    return ERR_OK;
}

static bool same_place(const struct mapping_item *a, const struct mapping_item *b) {
    return a->gen == b->gen && a->queue_id == b->queue_id && a->start_offset == b->start_offset &&
           bytes_equal(a->broker_name, b->broker_name);
}

/* Stretches may be added behind and, when they are empty, taken away in front. */
static enum err check_queue(const struct logic_queue *former, const struct logic_queue *queue, bool same_epoch) {
    const struct mapping_item *was = former->items, *is = queue->items;
    while (was < former->items + former->item_count && is < queue->items + queue->item_count) {
        if (is->gen < was->gen) {
            is++;
        } else if (was->gen < is->gen) {
            was++;
        } else {
            bool decided_anew = begin_decided(was) && was->logic_offset != is->logic_offset;
            if (!same_place(was, is) || decided_anew)
                return fail(ERR_FAILED, "The item of generation %d in queue %d is not the one that is known", was->gen,
                            queue->id);
            was++;
            is++;
        }
    }
    if (same_epoch && !same_place(logic_queue_last(former), logic_queue_last(queue)))
        return fail(ERR_FAILED, "The new leader is different but epoch equal");
    return ERR_OK;
}

enum err queue_mapping_check_successor(const struct queue_mapping_detail *former,
                                       const struct queue_mapping_detail *detail) {
    bool same_epoch = detail->epoch == former->epoch;
    if (detail->epoch < former->epoch)
        return fail(ERR_FAILED, "Can't accept data with small epoch %" PRId64 " < %" PRId64, detail->epoch,
                    former->epoch);
    if (!bytes_equal(detail->scope, former->scope))
        return fail(ERR_FAILED, "Can't accept data with unmatched scope %.*s != %.*s", BYTES_ARG(detail->scope),
                    BYTES_ARG(former->scope));
    for (size_t i = 0; i < former->queue_count; i++) {
        const struct logic_queue *queue = queue_mapping_queue(detail, former->queues[i].id);
        if (queue)
            TRY(check_queue(&former->queues[i], queue, same_epoch));
        else if (same_epoch)
            return fail(ERR_FAILED, "Cannot accept equal epoch with null data");
    }
    return ERR_OK;
}
