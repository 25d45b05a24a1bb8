/* mappings.h - which topics are static topics, and where their logic queues are: topicQueueMapping.json.
 * The mapping of a topic is topic->mapping, NULL for the others; it is replaced, never changed, and lives until
 * mappings_close. @thread any; changes wait for each other
 * @source shared facts: store 6; apache/rocketmq TopicQueueMappingManager */
#ifndef RMQ_BROKER_MAPPINGS_H
#define RMQ_BROKER_MAPPINGS_H

#include "broker/static_topic/logic_queue.h"
#include "broker/tables/topics.h"

struct mappings;
enum err mappings_open(struct broker *broker, struct mappings **out) MUST_USE; /* loads; topics are open */
void mappings_close(struct mappings *mappings);                                /* saves */
void mappings_save(struct mappings *mappings); /* writes the file if something changed. Waits for the disk */

/* May the topic (NULL: a new one) get this mapping? ERR_FAILED with the reason. force: whatever it has now. */
enum err mappings_check(const struct mappings *mappings, const struct topic *topic,
                        const struct queue_mapping_detail *detail, bool force) MUST_USE;
/* Copies `detail`, with the queues that the former mapping has and it has not. Errors as mappings_check. Name servers
 * and the pulls that wait hear of it. */
enum err mappings_set(struct mappings *mappings, struct topic *topic, const struct queue_mapping_detail *detail,
                      bool force) MUST_USE;
/* The topic is being deleted. */
void mappings_forget(struct mappings *mappings, struct topic *topic);

static inline const struct queue_mapping_detail *topic_mapping(struct topic *topic) {
    return atomic_load_explicit(&topic->mapping, memory_order_acquire);
}

/* The mapping by which a request for the topic has to be understood: NULL also when it says lo=false, as brokers do who
 * ask for a physical queue. */
const struct queue_mapping_detail *mapping_of_request(const struct request *request, struct topic *topic);
/* The logic queue of that id. ERR_NOT_LEADER when another broker takes its messages, or nobody is known to. */
enum err logic_queue_led(const struct queue_mapping_detail *mapping, int32_t id,
                         const struct logic_queue **out) MUST_USE;
/* A stretch of a logic queue. */
struct place {
    const struct queue_mapping_detail *mapping;
    const struct logic_queue *queue;
    const struct mapping_item *item;
};
/* The stretch of the logic queue of that id that holds `logic_offset`, as logic_queue_find has it. ERR_NOT_LEADER;
 * ERR_FAILED when no stretch begins anywhere yet. */
enum err place_find(const struct queue_mapping_detail *mapping, int32_t id, int64_t logic_offset,
                    struct place *out) MUST_USE;
/* Any of those that this broker leads. ERR_NOT_LEADER when there is none. */
enum err logic_queue_led_any(const struct queue_mapping_detail *mapping, const struct logic_queue **out) MUST_USE;
/* Is that logic queue one physical queue from the first message on, here? Then requests for the one are answered as for
 * the other, whose id is set. */
bool logic_queue_is_physical(const struct queue_mapping_detail *mapping, int32_t id, int32_t *queue_id);
/* Is that stretch a queue of this broker? */
static inline bool mapping_item_here(const struct queue_mapping_detail *mapping, const struct mapping_item *item) {
    return bytes_equal(item->broker_name, mapping->broker_name);
}

/* Two members of the answer to 21: mappingDataVersion, topicQueueMappingDetailMap. */
void mappings_write_members(struct mappings *mappings, struct json_writer *w);

#endif
