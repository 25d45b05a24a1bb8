/* message_place.c - moves to the schedule and half topics, and the record that is made of a message. */
#include "broker/send/message_place.h"

#include <inttypes.h>
#include "base/check.h"
#include "broker/delay/delay.h"
#include "broker/delay/timer.h"
#include "broker/send/lmq_put.h"
#include "os/clock.h"

struct property_facts property_facts_read(struct bytes properties) {
    struct property_facts facts = {0};
    struct bytes name, value;
    for (struct bytes rest = properties; properties_next(&rest, &name, &value);) {
        if (bytes_equal(name, PROPERTY_UNIQ_KEY))
            facts.unique_key = value;
        else if (bytes_equal(name, PROPERTY_KEYS))
            facts.keys = value;
        else if (bytes_equal(name, PROPERTY_DELAY))
            facts.delay = value;
        else if (bytes_equal(name, PROPERTY_TRAN_MSG))
            facts.prepared = value;
        else if (bytes_equal(name, PROPERTY_WAIT))
            facts.wait = value;
        else if (bytes_equal(name, PROPERTY_TIMER_DELAY_SEC))
            facts.timer_delay_s = value;
        else if (bytes_equal(name, PROPERTY_TIMER_DELAY_MS))
            facts.timer_delay_ms = value;
        else if (bytes_equal(name, PROPERTY_TIMER_DELIVER_MS))
            facts.timer_deliver_ms = value;
        else if (bytes_equal(name, PROPERTY_SHARDING_KEY))
            facts.sharding_key = value;
        else if (bytes_equal(name, PROPERTY_PRIORITY))
            facts.priority = value;
        else if (bytes_equal(name, PROPERTY_LITE_TOPIC))
            facts.lite_topic = value;
        else if (bytes_equal(name, PROPERTY_INNER_MULTI_DISPATCH))
            facts.multi_dispatch = value;
        else if (bytes_equal(name, PROPERTY_TIMER_OUT_MS))
            facts.timer_out = true;
        else if (bytes_equal(name, PROPERTY_TIMER_DEL_UNIQKEY))
            facts.timer_deletes = true;
        else if (bytes_equal(name, PROPERTY_INNER_NUM))
            facts.inner_num = value;
    }
    return facts;
}

static void keep_real_place(struct message_place *place, struct arena *arena) {
    property_set(&place->edits, PROPERTY_REAL_TOPIC, topic_name(place->topic));
    property_set_i64(&place->edits, PROPERTY_REAL_QID, place->queue_id, arena);
}

static struct topic *system_topic(struct broker *broker, struct bytes name) {
    struct topic *topic = topics_find(broker->topics, name);
    must(topic); /* made at start, never deleted */
    return topic;
}

/* When a timer message is to be delivered, by the first of these that is there. */
static bool deliver_time(const struct property_facts *facts, int64_t now_ms, int64_t *deliver_ms) {
    int64_t delay = 0;
    if (facts->timer_delay_s.data)
        return bytes_to_i64(facts->timer_delay_s, &delay) && !__builtin_mul_overflow(delay, 1000, &delay) &&
               !__builtin_add_overflow(now_ms, delay, deliver_ms);
    if (facts->timer_delay_ms.data)
        return bytes_to_i64(facts->timer_delay_ms, &delay) && !__builtin_add_overflow(now_ms, delay, deliver_ms);
    return bytes_to_i64(facts->timer_deliver_ms, deliver_ms);
}

/* @source broker/util/HookUtils.transformTimerMessage */
static enum err place_timer(struct broker *broker, const struct property_facts *facts, struct message_place *place,
                            struct arena *arena) {
    int64_t now_ms = clock_wall_ms(), deliver_ms, limit_ms = broker->store_config.timer_max_delay_s * INT64_C(1000);
    if (!broker->timer)
        return fail(ERR_FAILED, "accurate timer message is not enabled, timerWheelEnable is false; set it true");
    bool good = deliver_time(facts, now_ms, &deliver_ms);
    if (good && deliver_ms <= now_ms && !facts->timer_deletes) return ERR_OK; /* as any other */
    if (!good || deliver_ms <= now_ms || deliver_ms - now_ms > limit_ms)
        return fail(ERR_MESSAGE_ILLEGAL,
                    "timer message illegal, the delay time should not be bigger than the max delay %" PRId64
                    "ms; or if set del msg, the delay time should be bigger than the current time",
                    limit_ms);
    int64_t slot_ms = timer_slot_of(broker->timer, deliver_ms),
            congest = broker->store_config.timer_congest_num_each_slot;
    if (timer_is_congested(broker->timer, slot_ms))
        return fail(ERR_FAILED,
                    "timer message is under flow control, max num limit is %" PRId64
                    " or the current value is greater than %" PRId64 " and less than %" PRId64
                    ", trigger random flow control",
                    2 * congest, congest, 2 * congest);
    property_set_i64(&place->edits, PROPERTY_TIMER_OUT_MS, slot_ms, arena);
    keep_real_place(place, arena);
    place->topic = system_topic(broker, TOPIC_TIMER);
    place->queue_id = 0;
    place->timer_slot_ms = slot_ms;
    return ERR_OK;
}

static enum err place_level(struct broker *broker, int32_t level, struct message_place *place, struct arena *arena) {
    int32_t last = delay_level_count(broker->delay);
    if (level > last) {
        level = last;
        property_set_i64(&place->edits, PROPERTY_DELAY, level, arena);
    }
    property_remove(&place->edits, PROPERTY_TIMER_DELAY_SEC);
    property_remove(&place->edits, PROPERTY_TIMER_DELAY_MS);
    property_remove(&place->edits, PROPERTY_TIMER_DELIVER_MS);
    keep_real_place(place, arena);
    place->topic = system_topic(broker, TOPIC_SCHEDULE);
    place->queue_id = level - 1;
    return ERR_OK;
}

enum err message_place_delay(struct broker *broker, const struct property_facts *facts, struct message_place *place,
                             struct arena *arena) {
    int32_t transaction = place->sys_flag & SYS_FLAG_TRANSACTION_MASK, level = 0;
    if (transaction != 0 && transaction != SYS_FLAG_COMMIT) return ERR_OK;
    if (facts->delay.data && !bytes_to_i32(facts->delay, &level))
        return fail(ERR_BAD_INPUT, "the property DELAY is no number: %.*s", BYTES_ARG(facts->delay));
    if (level > 0) return place_level(broker, level, place, arena);
    bool timed = facts->timer_delay_s.data || facts->timer_delay_ms.data || facts->timer_deliver_ms.data;
    return timed && !facts->timer_out ? place_timer(broker, facts, place, arena) : ERR_OK;
}

void message_place_half(struct broker *broker, const struct property_facts *facts, struct message_place *place,
                        struct arena *arena) {
    keep_real_place(place, arena);
    if (facts->unique_key.len > 0) property_set(&place->edits, PROPERTY_TRANSACTION_ID, facts->unique_key);
    place->sys_flag &= ~SYS_FLAG_TRANSACTION_MASK;
    place->topic = system_topic(broker, TOPIC_HALF);
    place->queue_id = 0;
}

enum err message_place_encode(struct broker *broker, const struct message_place *place, struct record *record,
                              struct arena *arena, struct put *out) {
    record->topic = topic_name(place->topic);
    record->queue_id = place->queue_id;
    record->sys_flag = place->sys_flag;
    record->properties = properties_edit(arena, record->properties, &place->edits);
    return lmq_put(broker, record, topic_queue(place->topic, broker->store, place->queue_id, true), arena, out);
}
