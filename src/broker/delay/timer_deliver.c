/* timer_deliver.c - a slot is over: its chain is walked twice, from the newest unit to the oldest. The first walk finds
 * deletions, and remembers where each stretch of the chain begins; the second delivers stretch by stretch, oldest
 * first. So the memory does not grow with the messages of a slot. */
#include "broker/delay/timer_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <uthash.h>
#include "base/check.h"
#include "base/log.h"
#include "broker/send/property_edit.h"
#include "os/clock.h"

enum { STRETCH = 1024 };

struct deletion {
    UT_hash_handle hh;
    char key[]; /* the unique key of a message, or TOPIC+KEY */
};
struct slot_walk {
    struct timer *timer;
    int64_t slot_ms;
    struct deletion *deletions;
    int64_t *stretches; /* positions of their newest units; the newest stretch first */
    size_t stretch_count, stretch_cap;
    int64_t unit_count;
    struct timer_unit units[STRETCH];
};

/* --- the batch ---------------------------------------------------------------------------------------------- */

void timer_deliver_forget(struct timer *timer) {
    delivery_empty(timer->delivery);
    timer->counted_count = 0;
    arena_reset(&timer->arena);
}

static void count(struct timer *timer, struct bytes topic, int32_t change) {
    topic_counts_add(timer->counts, topic, change);
    timer->waiting += change;
}

enum err timer_deliver_append(struct timer *timer) {
    int64_t messages = (int64_t)timer->delivery->count;
    enum err err = ERR_OK;
    if (messages > 0) {
        err = delivery_append(timer->delivery, timer->broker, &timer->end_phys);
        timer->changed = true;
    }
    if (err == ERR_OK) timer->delivered_count += messages;
    for (size_t i = 0; err == ERR_OK && i < timer->counted_count; i++)
        count(timer, timer->counted[i].topic, timer->counted[i].change);
    timer_deliver_forget(timer);
    return err;
}

/* Properties that would become too long stay as they were: the message matters more than what it tells of its way. */
static bool add_edited(struct timer *timer, struct record *record, const struct property_edits *edits) {
    struct bytes plain = record->properties;
    record->properties = properties_edit(&timer->arena, plain, edits);
    if (delivery_add(timer->delivery, timer->broker, record)) return true;
    record->properties = plain;
    return delivery_add(timer->delivery, timer->broker, record);
}

/* enqueue_ms: INT64_MAX for one that never was in the wheel. @source store/timer/TimerMessageStore.convert */
static bool add(struct timer *timer, const struct record *stored, int64_t enqueue_ms, bool roll) {
    struct property_edits edits = {0};
    struct record record = *stored;
    int32_t times = 0;
    if (!delivery_place(record.properties, &record.topic, &record.queue_id)) return false;
    if (roll) {
        record.topic = stored->topic;
        record.queue_id = stored->queue_id;
        (void)bytes_to_i32(properties_get(record.properties, PROPERTY_TIMER_ROLL_TIMES), &times);
        property_set_i64(&edits, PROPERTY_TIMER_ROLL_TIMES, (int64_t)times + 1, &timer->arena);
    }
    property_remove(&edits, PROPERTY_TIMER_ROLL_LABEL);
    property_set_i64(&edits, PROPERTY_TIMER_ENQUEUE_MS, enqueue_ms, &timer->arena);
    property_set_i64(&edits, PROPERTY_TIMER_DEQUEUE_MS, clock_wall_ms(), &timer->arena);
    return add_edited(timer, &record, &edits);
}

bool timer_deliver_at_once(struct timer *timer, const struct record *record) {
    return add(timer, record, INT64_MAX, false);
}

/* --- the first walk ----------------------------------------------------------------------------------------- */

/* ERR_NOT_FOUND: retention has deleted the message. */
static enum err read_message(struct timer *timer, const struct timer_unit *unit, struct store_slice *slice,
                             struct record *record) {
    TRY(store_record_at(timer->broker->store, unit->offset_phys, slice));
    enum err err = record_decode(slice->bytes, RECORD_CHECK_SHAPE, record);
    if (err == ERR_OK && !bytes_equal(record->topic, TOPIC_TIMER))
        err = fail(ERR_CORRUPT, "the timer log leads to another message: phys=%" PRId64, unit->offset_phys);
    if (err != ERR_OK) store_release(slice->hold);
    return err;
}

static void note_deletion(struct slot_walk *walk, struct bytes key) {
    struct deletion *deletion = malloc(sizeof *deletion + key.len);
    struct deletion *known;
    must(deletion);
    memcpy(deletion->key, key.data, key.len);
    HASH_FIND(hh, walk->deletions, key.data, key.len, known);
    if (known)
        free(deletion);
    else
        HASH_ADD_KEYPTR(hh, walk->deletions, deletion->key, key.len, deletion);
}

static bool is_deletion(const struct timer_unit *unit) {
    return (unit->kind & TIMER_UNIT_DELETE) && !(unit->kind & TIMER_UNIT_ROLL);
}

static enum err look_for_deletion(struct slot_walk *walk, const struct timer_unit *unit) {
    struct store_slice slice;
    struct record record;
    if (!is_deletion(unit)) return ERR_OK;
    enum err err = read_message(walk->timer, unit, &slice, &record);
    if (err == ERR_NOT_FOUND || err == ERR_CORRUPT) return ERR_OK;
    TRY(err);
    struct bytes key = properties_get(record.properties, PROPERTY_TIMER_DEL_UNIQKEY);
    if (key.data) note_deletion(walk, key);
    store_release(slice.hold);
    return ERR_OK;
}

static void note_stretch(struct slot_walk *walk, int64_t position) {
    if (walk->stretch_count == walk->stretch_cap) {
        walk->stretch_cap = walk->stretch_cap ? walk->stretch_cap * 2 : 16;
        walk->stretches = realloc(walk->stretches, walk->stretch_cap * sizeof *walk->stretches);
        must(walk->stretches);
    }
    walk->stretches[walk->stretch_count++] = position;
}

/* false: the chain ends here, as it should (-1) or not. */
static bool unit_of_slot(const struct slot_walk *walk, int64_t position, struct timer_unit *unit) {
    struct timer_log *log = &walk->timer->log;
    if (position < timer_log_begin(log)) return false; /* also what has expired */
    if (timer_log_read(log, position, unit) == ERR_OK && unit->prev < position &&
        timer_floor(walk->timer, timer_unit_slot_ms(unit)) == walk->slot_ms)
        return true;
    log_error(STORE, "the timer log is damaged, messages of one slot are missing: slot_ms=%" PRId64 " at=%" PRId64,
              walk->slot_ms, position);
    return false;
}

static enum err walk_first(struct slot_walk *walk, int64_t last) {
    struct timer_unit unit;
    for (int64_t position = last; unit_of_slot(walk, position, &unit); position = unit.prev) {
        if (walk->unit_count++ % STRETCH == 0) note_stretch(walk, position);
        TRY(look_for_deletion(walk, &unit));
    }
    return ERR_OK;
}

/* --- the second walk ---------------------------------------------------------------------------------------- */

static bool has_deletion(const struct slot_walk *walk, struct bytes key) {
    struct deletion *found = NULL;
    HASH_FIND(hh, walk->deletions, key.data, key.len, found);
    return found;
}

/* Since 5.4 a deletion names the unique key, before it named the topic too. */
static bool is_deleted(const struct slot_walk *walk, const struct record *record) {
    struct bytes key = properties_get(record->properties, PROPERTY_UNIQ_KEY);
    struct bytes topic = properties_get(record->properties, PROPERTY_REAL_TOPIC);
    if (!walk->deletions || !key.data) return false;
    if (has_deletion(walk, key)) return true;
    return has_deletion(walk, arena_printf(&walk->timer->arena, "%.*s+%.*s", BYTES_ARG(topic), BYTES_ARG(key)));
}

static enum err deliver_message(struct slot_walk *walk, const struct timer_unit *unit, const struct record *record,
                                int64_t done) {
    struct timer *timer = walk->timer;
    struct bytes topic = properties_get(record->properties, PROPERTY_REAL_TOPIC);
    bool roll = unit->kind & TIMER_UNIT_ROLL, deletes = unit->kind & TIMER_UNIT_DELETE;
    struct counted *counted = &timer->counted[timer->counted_count];
    *counted = (struct counted){arena_copy(&timer->arena, topic), deletes ? 1 : -1};
    if (is_deletion(unit) || (!roll && is_deleted(walk, record))) {
        timer->counted_count++; /* nothing is delivered */
        timer->changed = true;
        TRY(timer_deliver_append(timer));
        timer->slot_done = done;
        return ERR_OK;
    }
    if (!add(timer, record, unit->write_ms, roll))
        log_warn(MAIN, "timer message dropped, it cannot be stored: topic=%.*s phys=%" PRId64, BYTES_ARG(topic),
                 record->offset_phys);
    timer->counted_count++;
    timer->rolled |= roll;
    if (!delivery_full(timer->delivery) && timer->counted_count < DELIVERY_MAX) return ERR_OK;
    TRY(timer_deliver_append(timer));
    timer->slot_done = done;
    return ERR_OK;
}

static enum err deliver_unit(struct slot_walk *walk, const struct timer_unit *unit, int64_t done) {
    struct store_slice slice;
    struct record record;
    if (done <= walk->timer->slot_done) return ERR_OK;
    enum err err = read_message(walk->timer, unit, &slice, &record);
    if (err == ERR_NOT_FOUND || err == ERR_CORRUPT) {
        log_warn(MAIN, "timer message is gone: phys=%" PRId64 " cause=%s", unit->offset_phys, err_detail(err));
        return ERR_OK;
    }
    TRY(err);
    err = deliver_message(walk, unit, &record, done);
    store_release(slice.hold);
    return err;
}

static enum err walk_stretch(struct slot_walk *walk, int64_t newest, int64_t *done) {
    size_t count_of = 0;
    for (int64_t position = newest; count_of < STRETCH && unit_of_slot(walk, position, &walk->units[count_of]);)
        position = walk->units[count_of++].prev;
    while (count_of > 0) TRY(deliver_unit(walk, &walk->units[--count_of], ++*done));
    return ERR_OK;
}

static enum err walk_again(struct slot_walk *walk) {
    int64_t done = 0;
    for (size_t i = walk->stretch_count; i > 0; i--) TRY(walk_stretch(walk, walk->stretches[i - 1], &done));
    return timer_deliver_append(walk->timer);
}

static void walk_destroy(struct slot_walk *walk) {
    struct deletion *deletion, *next;
    HASH_ITER(hh, walk->deletions, deletion, next) {
        HASH_DEL(walk->deletions, deletion);
        free(deletion);
    }
    free(walk->stretches);
    free(walk);
}

enum err timer_deliver_slot(struct timer *timer, const struct timer_slot *slot) {
    struct slot_walk *walk = calloc(1, sizeof *walk);
    must(walk);
    walk->timer = timer;
    walk->slot_ms = slot->time_ms;
    if (timer->partial_ms != slot->time_ms) timer->slot_done = 0;
    timer->partial_ms = slot->time_ms;
    enum err err = walk_first(walk, slot->last);
    if (err == ERR_OK) err = walk_again(walk);
    walk_destroy(walk);
    TRY(err);
    timer->slot_done = 0;
    timer->changed = true;
    return timer_wheel_put(&timer->wheel, slot->time_ms, &(struct timer_slot){0});
}
