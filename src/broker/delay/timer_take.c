/* timer_take.c - from the timer topic into the wheel */
#include "broker/delay/timer_internal.h"

#include <inttypes.h>
#include "base/check.h"
#include "base/hash.h"
#include "base/log.h"
#include "os/clock.h"

/* LATE_MAX: a unit says in 31 bits of milliseconds how far away its slot is. */
enum { TAKE_MAX = 4096 /* in one go */, LATE_MS_MAX = 20 * 86400000 };

/* What the properties of a record of the timer topic say. */
struct wish {
    int64_t slot_ms;
    struct bytes topic; /* the real one */
    bool deletes;
};

static bool wish_read(const struct record *record, struct wish *out) {
    *out = (struct wish){.topic = properties_get(record->properties, PROPERTY_REAL_TOPIC),
                         .deletes = properties_get(record->properties, PROPERTY_TIMER_DEL_UNIQKEY).data};
    return out->topic.data && bytes_to_i64(properties_get(record->properties, PROPERTY_TIMER_OUT_MS), &out->slot_ms) &&
           out->slot_ms >= 0;
}

/* Finds the slot for a message that is due at *slot_ms. A slot may belong to another time when the clock was set back
 * by more than a turn of the wheel: then the message waits in one before it. */
static enum err find_slot(struct timer *timer, int64_t now_slot_ms, int64_t *slot_ms, int32_t *kind,
                          struct timer_slot *slot) {
    int64_t near_ms = timer_roll_slot(timer, now_slot_ms, *slot_ms);
    if (near_ms != *slot_ms) *kind |= TIMER_UNIT_ROLL;
    for (*slot_ms = near_ms; *slot_ms >= timer->read_ms; *slot_ms -= timer->precision_ms) {
        TRY(timer_wheel_get(&timer->wheel, *slot_ms, slot));
        if (slot->time_ms == *slot_ms) return ERR_OK;
        if (slot->time_ms < timer->read_ms) {
            *slot = (struct timer_slot){.time_ms = *slot_ms, .first = -1, .last = -1};
            return ERR_OK;
        }
        *kind |= TIMER_UNIT_ROLL;
    }
    return fail(ERR_BUSY, "no slot of the timer wheel is free: has the clock been set back?");
}

static enum err put_into_wheel(struct timer *timer, int64_t now_slot_ms, const struct wish *wish,
                               const struct record *record) {
    int64_t slot_ms = wish->slot_ms, position;
    int32_t kind = TIMER_UNIT_MESSAGE | (wish->deletes ? TIMER_UNIT_DELETE : 0), change = wish->deletes ? -1 : 1;
    struct timer_slot slot;
    TRY(find_slot(timer, now_slot_ms, &slot_ms, &kind, &slot));
    struct timer_unit unit = {.prev = slot.last,
                              .kind = kind,
                              .write_ms = now_slot_ms,
                              .delay_ms = (int32_t)(slot_ms - now_slot_ms),
                              .offset_phys = record->offset_phys,
                              .size_bytes = (int32_t)record->size_bytes,
                              .topic_hash = java_string_hash(wish->topic)};
    TRY(timer_log_append(&timer->log, &unit, &position));
    if (slot.first < 0) slot.first = position;
    slot.last = position;
    slot.count += change;
    TRY(timer_wheel_put(&timer->wheel, slot_ms, &slot));
    topic_counts_add(timer->counts, wish->topic, change);
    timer->waiting += change;
    return ERR_OK;
}

/* Asked in the order of the timer topic. */
static bool was_logged(struct logged *logged, int64_t offset_phys) {
    while (logged->next < logged->count && logged->offsets_phys[logged->next] < offset_phys) logged->next++;
    return logged->next < logged->count && logged->offsets_phys[logged->next] == offset_phys;
}

/* Read a second time because the timer's files were lost: what was due long before they were saved is done. */
static bool was_done(const struct timer *timer, const struct record *record, int64_t slot_ms) {
    enum { SLACK_MS = 60000 };
    int64_t first_ms = timer_roll_slot(timer, timer_floor(timer, record->store_time_ms), slot_ms);
    return slot_ms < timer->rescan_ms || (first_ms != slot_ms && first_ms + SLACK_MS < timer->rescan_ms);
}

/* Also one that comes late goes through its slot: a deletion of it may be behind it in the topic. */
static enum err take_wish(struct timer *timer, int64_t now_slot_ms, const struct wish *wish,
                          const struct record *record) {
    if (wish->slot_ms < timer->read_ms) {
        if (now_slot_ms - wish->slot_ms > LATE_MS_MAX) return fail(ERR_BUSY, "it is late by weeks");
        TRY(timer_step_back(timer, wish->slot_ms));
    }
    return put_into_wheel(timer, now_slot_ms, wish, record);
}

/* Messages that are delivered at once are in the batch then, the queue offset has not moved yet. */
static enum err take_record(struct timer *timer, int64_t now_slot_ms, int64_t at, const struct record *record) {
    struct wish wish;
    if (!bytes_equal(record->topic, TOPIC_TIMER) || !wish_read(record, &wish)) {
        log_warn(MAIN, "timer message dropped, it does not say when: offset=%" PRId64 " phys=%" PRId64, at,
                 record->offset_phys);
        return ERR_OK;
    }
    timer->end_phys = MAX(timer->end_phys, record->offset_phys + record->size_bytes);
    if (was_logged(&timer->logged, record->offset_phys)) return ERR_OK;
    if (at < timer->rescan_end && was_done(timer, record, wish.slot_ms)) return ERR_OK;
    TRY(timer_deliver_append(timer)); /* what is before it must not be read again once this one is in the wheel */
    timer->queue_offset = at;
    enum err err = take_wish(timer, now_slot_ms, &wish, record);
    if (err != ERR_BUSY || clock_wall_ms() < wish.slot_ms + timer->precision_ms) return err;
    if (!wish.deletes && !timer_deliver_at_once(timer, record))
        log_warn(MAIN, "timer message dropped: offset=%" PRId64 " phys=%" PRId64, at, record->offset_phys);
    return ERR_OK;
}

/* What retention has deleted is passed over. */
static enum err take_at(struct timer *timer, struct queue *queue, int64_t now_slot_ms, int64_t at) {
    struct store *store = timer->broker->store;
    struct queue_entry entry;
    struct store_slice slice;
    struct record record;
    enum err err = queue_entry_at(store, queue, at, &entry);
    if (err == ERR_OK) err = store_record_at(store, entry.offset_phys, &slice);
    if (err == ERR_NOT_FOUND) return ERR_OK;
    TRY(err);
    err = record_decode(slice.bytes, RECORD_CHECK_SHAPE, &record);
    if (err == ERR_OK) err = take_record(timer, now_slot_ms, at, &record);
    store_release(slice.hold);
    return err;
}

enum err timer_take(struct timer *timer, int64_t now_ms, int64_t until, bool *more) {
    struct queue *queue = topic_queue(timer->topic, timer->broker->store, 0, false);
    int64_t from = timer->queue_offset, end = MIN(until, from + TAKE_MAX), now_slot_ms = timer_floor(timer, now_ms);
    if (!queue || from >= until) return ERR_OK;
    int64_t at = MAX(from, queue_min(queue));
    timer->changed = true;
    for (; at < end && !delivery_full(timer->delivery); at++) {
        TRY(take_at(timer, queue, now_slot_ms, at));
        if (timer->delivery->count == 0) timer->queue_offset = at + 1;
    }
    TRY(timer_deliver_append(timer));
    timer->queue_offset = at;
    timer->taken_count += at - from;
    *more = at < until;
    return ERR_OK;
}
