/* logic_queue.h - reckoning with the stretches of a logic queue: which one holds an offset, and what an offset of one
 * is in the other's numbers. Pure functions. @thread any
 * @source apache/rocketmq LogicQueueMappingItem, TopicQueueMappingUtils */
#ifndef RMQ_BROKER_LOGIC_QUEUE_H
#define RMQ_BROKER_LOGIC_QUEUE_H

#include "wire/body_queue_mapping.h"
#include "wire/header.h"

static inline const struct mapping_item *logic_queue_last(const struct logic_queue *queue) {
    return &queue->items[queue->item_count - 1];
}
/* The stretch that holds `logic_offset` among those whose begin is decided, the first of them when it is before all.
 * NULL: none is decided. INT64_MAX finds the last one. */
const struct mapping_item *logic_queue_find(const struct logic_queue *queue, int64_t logic_offset);
/* The decided one behind `item`, NULL if there is none. */
const struct mapping_item *logic_queue_next(const struct logic_queue *queue, const struct mapping_item *item);

int64_t logic_to_physical(const struct mapping_item *item, int64_t logic_offset);
/* From physical numbers, not before the begin of the stretch. */
int64_t logic_from_physical(const struct mapping_item *item, int64_t offset_queue);
/* The same, not behind its end either; OFFSET_UNDECIDED when the begin is. For where a message was stored, and where a
 * queue begins. */
int64_t logic_from_physical_within(const struct mapping_item *item, int64_t offset_queue);

/* What the answer to a pull of the physical queue of `item`, from physical offset `asked`, is for who pulls the logic
 * queue: offsets in its numbers, and at the end of one stretch the way to the next. */
void logic_queue_translate_pull(const struct logic_queue *queue, const struct mapping_item *item, int64_t asked,
                                int32_t *code, struct hdr_pull_result *result);

/* May `detail` be? Queue by queue: no negative numbers, generations and offsets that rise. ERR_FAILED with the text of
 * the Java broker. */
enum err queue_mapping_check(const struct queue_mapping_detail *detail) MUST_USE;
/* May it follow `former`? Not when it is older, of another scope, or changes without a newer epoch who takes the
 * messages of a queue. What is common to both must be the same. ERR_FAILED as above. */
enum err queue_mapping_check_successor(const struct queue_mapping_detail *former,
                                       const struct queue_mapping_detail *detail) MUST_USE;
const struct logic_queue *queue_mapping_queue(const struct queue_mapping_detail *detail, int32_t id); /* NULL: none */

#endif
