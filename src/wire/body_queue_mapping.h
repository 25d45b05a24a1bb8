/* body_queue_mapping.h - TopicQueueMappingDetail: where the logic queues of a static topic (5.0) are, and were, as one
 * broker knows it. A logic queue is a row of stretches, each a physical queue of some broker: the last one takes the
 * messages, the others keep what came before. Body of request 513, part of the answer to 351, and
 * topicQueueMapping.json.
 * @source shared facts: store 6, behaviour 19; apache/rocketmq LogicQueueMappingItem, TopicQueueMappingDetail */
#ifndef RMQ_WIRE_BODY_QUEUE_MAPPING_H
#define RMQ_WIRE_BODY_QUEUE_MAPPING_H

#include "base/json.h"

enum { OFFSET_UNDECIDED = -1 };
#define OFFSET_MAX (INT64_MAX / 4) /* of a mapping: sums of them stay in range */

/* LogicQueueMappingItem: one stretch. */
struct mapping_item {
    int32_t gen;      /* rises from stretch to stretch */
    int32_t queue_id; /* of the physical queue */
    struct bytes broker_name;
    int64_t
        logic_offset; /* of its first message; negative (OFFSET_UNDECIDED) while the former stretch may still grow */
    int64_t start_offset; /* the same in the physical queue; 0 in practice */
    int64_t end_offset;   /* behind the last one; OFFSET_UNDECIDED: all that the physical queue has */
    int64_t start_time_ms, end_time_ms;
};
struct logic_queue {
    int32_t id; /* in all brokers the same */
    const struct mapping_item *items;
    size_t item_count; /* at least 1 */
};
struct queue_mapping_detail {
    struct bytes topic, broker_name, scope;
    int32_t total_queues; /* logic queues of the topic on all brokers */
    int64_t epoch;        /* of two mappings the one with the larger epoch is right */
    bool dirty;
    const struct logic_queue *queues; /* those that are, or were, on this broker, by rising id */
    size_t queue_count;
};

int logic_queue_compare(const void *a, const void *b); /* for qsort and bsearch: by id */

/* All in `arena`, texts copied. ERR_BAD_INPUT says what is wrong with it. */
enum err queue_mapping_detail_decode(struct arena *arena, const struct json *node,
                                     struct queue_mapping_detail *out) MUST_USE;
void queue_mapping_detail_encode(struct json_writer *w, const struct queue_mapping_detail *detail); /* a value */
/* A value: the TopicQueueMappingInfo that name servers are told, the logic queues whose last stretch is here. */
void queue_mapping_info_encode(struct json_writer *w, const struct queue_mapping_detail *detail);

#endif
