/* message_place.h - where a message is stored first: in its own topic, or in the one that delays it or holds it until
 * its transaction ends. Sends, retries and deliveries of delayed messages all come through here.
 * @source shared facts: behaviour 5.2, 11, 12; store 7, 8 */
#ifndef RMQ_BROKER_MESSAGE_PLACE_H
#define RMQ_BROKER_MESSAGE_PLACE_H

#include "broker/send/property_edit.h"
#include "broker/tables/topics.h"

#define TOPIC_HALF BYTES("RMQ_SYS_TRANS_HALF_TOPIC")

/* What the broker needs to know of a property text, read in one pass. Absent values are absent. */
struct property_facts {
    struct bytes unique_key, keys, delay, prepared, wait, timer_delay_s, timer_delay_ms, timer_deliver_ms;
    struct bytes sharding_key, priority, lite_topic, multi_dispatch, inner_num;
    bool timer_out, timer_deletes;
};
struct property_facts property_facts_read(struct bytes properties);

struct message_place {
    struct topic *topic;
    int32_t queue_id;
    int32_t sys_flag;
    int64_t timer_slot_ms;       /* of a message in the timer topic; 0 = it is none */
    struct property_edits edits; /* to be made in the property text */
};
/* A message with a delay level moves to the schedule topic, one with a delivery time of its own to the timer topic, if
 * that time is to come. ERR_BAD_INPUT when the level is no number; ERR_MESSAGE_ILLEGAL for an impossible time;
 * ERR_FAILED when timers are switched off, or too many are set to that time. */
enum err message_place_delay(struct broker *broker, const struct property_facts *facts, struct message_place *place,
                             struct arena *arena) MUST_USE;
/* A half message moves to the half topic. */
void message_place_half(struct broker *broker, const struct property_facts *facts, struct message_place *place,
                        struct arena *arena);

/* The put of `record`, which has all but topic, queue, flags and properties, at `place`, encoded in `arena`: lmq_put.
 * ERR_MESSAGE_ILLEGAL when topic or properties pass the limits of the format. */
enum err message_place_encode(struct broker *broker, const struct message_place *place, struct record *record,
                              struct arena *arena, struct put *out) MUST_USE;

#endif
