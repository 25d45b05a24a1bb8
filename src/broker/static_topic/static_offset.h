/* static_offset.h - requests about offsets of logic queues: each in the numbers of the logic queue, whichever broker
 * has the stretch that knows. All answer the call, now or later, or return an error. `mapping` is that of the topic.
 * @source apache/rocketmq AdminBrokerProcessor, ConsumerManageProcessor */
#ifndef RMQ_BROKER_STATIC_OFFSET_H
#define RMQ_BROKER_STATIC_OFFSET_H

#include "broker/route.h"
#include "broker/static_topic/mappings.h"

/* Requests 30, 31, 32, 29, 14 and 15. */
enum err static_max_offset(struct call *call, struct topic *topic, const struct queue_mapping_detail *mapping,
                           int32_t queue_id) MUST_USE;
enum err static_min_offset(struct call *call, struct topic *topic, const struct queue_mapping_detail *mapping,
                           int32_t queue_id) MUST_USE;
enum err static_earliest_time(struct call *call, struct topic *topic, const struct queue_mapping_detail *mapping,
                              int32_t queue_id) MUST_USE; /* may wait for the disk */
enum err static_search_offset(struct call *call, struct topic *topic, const struct queue_mapping_detail *mapping,
                              const struct hdr_search_offset_by_timestamp *header) MUST_USE; /* the same */
enum err static_query_offset(struct call *call, struct topic *topic, const struct queue_mapping_detail *mapping,
                             const struct hdr_query_consumer_offset *header) MUST_USE;
enum err static_update_offset(struct call *call, struct topic *topic, const struct queue_mapping_detail *mapping,
                              const struct hdr_update_consumer_offset *header) MUST_USE;

#endif
