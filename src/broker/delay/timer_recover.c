/* timer_recover.c - the timer's files at a start */
#include "broker/delay/timer_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>
#include "base/check.h"
#include "base/hash.h"
#include "base/log.h"
#include "os/clock.h"
#include "os/file.h"

/* --- opening ------------------------------------------------------------------------------------------------ */

static void set_aside(const char *path) {
    char aside[4096];
    snprintf(aside, sizeof aside, "%s.damaged", path);
    enum err err = file_remove_tree(aside);
    if (err == ERR_OK) err = file_rename(path, aside);
    log_warn(STORE, "damaged timer file set aside: path=%s now=%s result=%s", path, aside, err_name(err));
}

static enum err open_log(struct timer *timer, bool *lost) {
    int64_t file_bytes = timer->broker->store_config.mapped_file_size_timer_log;
    enum err err = timer_log_open(&timer->log, timer->log_dir, file_bytes);
    *lost = err == ERR_CORRUPT || mapped_queue_end(&timer->log.files) < timer->saved.log_end;
    if (err != ERR_CORRUPT) return err;
    log_warn(STORE, "timer log cannot be used: cause=%s", err_detail(err));
    set_aside(timer->log_dir);
    return timer_log_open(&timer->log, timer->log_dir, file_bytes);
}

/* Java 5.3.4 and later can keep the wheel in memory and save it as timerwheel.<timer log position>. The newest takes
 * the place of an older timerwheel, and must go: such a broker would take it for the newest again. */
static enum err adopt(struct timer *timer, const char *snapshot, int64_t position) {
    int64_t wheel_ms = -1, snapshot_ms;
    if (file_exists(timer->wheel_path)) TRY(file_mtime_ms(timer->wheel_path, &wheel_ms));
    TRY(file_mtime_ms(snapshot, &snapshot_ms));
    if (snapshot_ms <= wheel_ms) return ERR_OK;
    log_info(STORE, "the timer wheel is taken from a snapshot: path=%s", snapshot);
    timer->saved.log_end = MIN(timer->saved.log_end, position);
    return file_rename(snapshot, timer->wheel_path);
}

static enum err look_for_snapshots(struct timer *timer, struct arena *arena) {
    const char *root = arena_strdup(arena, timer->broker->store_config.store_path_root_dir), **names, *newest = NULL;
    int64_t newest_at = -1, at;
    size_t count;
    TRY(file_list(arena, root, &names, &count));
    for (size_t i = 0; i < count; i++) {
        struct bytes name = bytes_of(names[i]), prefix = BYTES("timerwheel.");
        if (!bytes_starts_with(name, prefix)) continue;
        names[i] = arena_printf(arena, "%s/%s", root, names[i]).data;
        bool good = bytes_to_i64(bytes_skip(name, prefix.len), &at) && at >= 0;
        if (!good || at < newest_at) {
            TRY(file_unlink(names[i]));
            continue;
        }
        if (newest) TRY(file_unlink(newest));
        newest = names[i];
        newest_at = at;
    }
    if (!newest) return ERR_OK;
    TRY(adopt(timer, newest, newest_at));
    return file_unlink(newest);
}

static enum err adopt_snapshot(struct timer *timer) {
    struct arena arena = {0};
    enum err err = look_for_snapshots(timer, &arena);
    arena_close(&arena);
    return err;
}

/* *whole is false when the wheel must be made anew from the timer log. */
static enum err open_wheel(struct timer *timer, bool *whole) {
    TRY(adopt_snapshot(timer));
    *whole = file_exists(timer->wheel_path);
    enum err err = timer_wheel_open(&timer->wheel, timer->wheel_path, timer->precision_ms);
    if (err != ERR_CORRUPT) return err;
    log_warn(STORE, "timer wheel is made anew: cause=%s", err_detail(err));
    *whole = false;
    err = timer_wheel_clear(&timer->wheel);
    if (err != ERR_OK) timer_wheel_close(&timer->wheel);
    return err;
}

/* --- what the timer log adds to the wheel ------------------------------------------------------------------- */

static void note_logged(struct logged *logged, int64_t offset_phys) {
    if (logged->count == logged->cap) {
        logged->cap = logged->cap ? logged->cap * 2 : 256;
        logged->offsets_phys = realloc(logged->offsets_phys, logged->cap * sizeof *logged->offsets_phys);
        must(logged->offsets_phys);
    }
    logged->offsets_phys[logged->count++] = offset_phys;
}

/* A slot that was done when the checkpoint was saved may have been filled again since, because the clock was set back
 * or a message came late. That unit stays out; its message is read from the timer topic again. */
static enum err add_to_wheel(struct timer *timer, const struct timer_unit *unit, int64_t position) {
    int64_t slot_ms = timer_floor(timer, timer_unit_slot_ms(unit));
    struct timer_slot slot;
    if (slot_ms < timer->read_ms) return ERR_OK;
    if (position >= timer->saved.log_end) note_logged(&timer->logged, unit->offset_phys);
    TRY(timer_wheel_get(&timer->wheel, slot_ms, &slot));
    if (slot.time_ms == slot_ms && slot.last >= position) return ERR_OK;
    if (slot.time_ms != slot_ms) slot = (struct timer_slot){.time_ms = slot_ms, .first = position};
    slot.last = position;
    slot.count += unit->kind & TIMER_UNIT_DELETE ? -1 : 1;
    return timer_wheel_put(&timer->wheel, slot_ms, &slot);
}

/* Goes through the timer log from a position on; it is cut where it, or what it speaks of, ends. */
static enum err replay(struct timer *timer, int64_t from) {
    int64_t log_end_phys = store_end_phys(timer->broker->store), position = from, end = from, units = 0;
    struct timer_unit unit;
    timer->logged.count = timer->logged.next = 0;
    while (timer_log_next(&timer->log, &position, &unit) == ERR_OK) {
        if (unit.offset_phys + unit.size_bytes > log_end_phys) break;
        TRY(add_to_wheel(timer, &unit, position));
        position += TIMER_UNIT_BYTES;
        end = position;
        units++;
    }
    log_info(STORE, "timer log read: from=%" PRId64 " to=%" PRId64 " units=%" PRId64, from, end, units);
    return timer_log_cut(&timer->log, end);
}

/* --- counting, which also looks whether the wheel fits to the log -------------------------------------------- */

struct hashed_topic {
    UT_hash_handle hh;
    int32_t hash;
    bool ambiguous; /* two topics have it */
    struct bytes name;
    int64_t count;
};
struct counting {
    struct timer *timer;
    struct hashed_topic *topics;
    struct arena arena;
    int64_t waiting;
};

static struct hashed_topic *hashed(struct counting *counting, struct bytes name) {
    int32_t hash = java_string_hash(name);
    struct hashed_topic *topic;
    HASH_FIND_INT(counting->topics, &hash, topic);
    if (!topic) {
        topic = arena_calloc(&counting->arena, 1, sizeof *topic);
        topic->hash = hash;
        topic->name = arena_copy(&counting->arena, name);
        HASH_ADD_INT(counting->topics, hash, topic);
    }
    if (!bytes_equal(topic->name, name)) topic->ambiguous = true;
    return topic;
}

static void know_topic(struct topic *topic, void *arg) {
    hashed(arg, topic_name(topic));
}

static void know_counted(struct bytes topic, int64_t number, void *arg) {
    (void)number;
    hashed(arg, topic);
}

/* A topic that is unknown, or one of two with that hash: the message itself says it. */
static struct hashed_topic *topic_of_message(struct counting *counting, const struct timer_unit *unit) {
    struct store_slice slice;
    struct record record;
    struct hashed_topic *topic = NULL;
    if (store_record_at(counting->timer->broker->store, unit->offset_phys, &slice) != ERR_OK) return NULL;
    if (record_decode(slice.bytes, RECORD_CHECK_SHAPE, &record) == ERR_OK) {
        struct bytes name = properties_get(record.properties, PROPERTY_REAL_TOPIC);
        if (name.data) topic = hashed(counting, name);
    }
    store_release(slice.hold);
    return topic;
}

static void count_unit(struct counting *counting, const struct timer_unit *unit) {
    int32_t change = unit->kind & TIMER_UNIT_DELETE ? -1 : 1;
    struct hashed_topic *topic;
    HASH_FIND_INT(counting->topics, &unit->topic_hash, topic);
    if (!topic || topic->ambiguous) topic = topic_of_message(counting, unit);
    counting->waiting += change;
    if (topic) topic->count += change;
}

/* ERR_CORRUPT: the slot leads to where no unit of it is. */
static enum err count_slot(struct counting *counting, const struct timer_slot *slot) {
    struct timer_log *log = &counting->timer->log;
    struct timer_unit unit;
    int64_t begin = timer_log_begin(log);
    for (int64_t position = slot->last; position >= begin; position = unit.prev) {
        enum err err = position < log->end ? timer_log_read(log, position, &unit) : ERR_CORRUPT;
        if (err != ERR_OK || timer_floor(counting->timer, timer_unit_slot_ms(&unit)) != slot->time_ms ||
            unit.prev >= position)
            return fail(ERR_CORRUPT, "slot %" PRId64 " leads to position %" PRId64, slot->time_ms, position);
        count_unit(counting, &unit);
    }
    return ERR_OK;
}

static enum err count_slots(struct counting *counting) {
    struct timer *timer = counting->timer;
    struct timer_slot slot;
    for (int64_t i = 0; i < TIMER_WHEEL_SLOTS; i++) {
        TRY(timer_wheel_get(&timer->wheel, i * timer->precision_ms, &slot));
        if (slot.time_ms != 0 && slot.time_ms >= timer->read_ms) TRY(count_slot(counting, &slot));
    }
    return ERR_OK;
}

/* Who sees the sum finds the counts that make it. */
static void set_counts(struct counting *counting) {
    struct timer *timer = counting->timer;
    for (struct hashed_topic *topic = counting->topics; topic; topic = topic->hh.next) {
        if (topic->ambiguous) log_warn(MAIN, "topics of one hash are counted as one: %.*s", BYTES_ARG(topic->name));
        if (topic->count != 0 || topic_counts_of(timer->counts, topic->name) != 0)
            topic_counts_set(timer->counts, topic->name, topic->count);
    }
    timer->waiting = counting->waiting;
}

static enum err count_waiting(struct timer *timer) {
    struct counting counting = {.timer = timer};
    topic_counts_each(timer->counts, know_counted, &counting);
    topics_each(timer->broker->topics, know_topic, &counting);
    enum err err = count_slots(&counting);
    if (err == ERR_OK) set_counts(&counting);
    HASH_CLEAR(hh, counting.topics);
    arena_close(&counting.arena);
    return err;
}

/* --- all of it ---------------------------------------------------------------------------------------------- */

/* Without a checkpoint everything that waits in the wheel is due when its time is over, however long ago. */
static enum err set_read_time(struct timer *timer) {
    int64_t first_ms = 0;
    timer->read_ms = timer_floor(timer, timer->saved.read_ms);
    if (timer->read_ms > 0) return ERR_OK;
    TRY(timer_wheel_first(&timer->wheel, &first_ms));
    timer->read_ms = first_ms > 0 ? first_ms : timer_floor(timer, clock_wall_ms());
    return ERR_OK;
}

static void set_queue_offset(struct timer *timer, bool log_lost) {
    struct queue *queue = topic_queue(timer->topic, timer->broker->store, 0, false);
    int64_t min = queue ? queue_min(queue) : 0, max = queue ? queue_max(queue) : 0;
    int64_t saved = MIN(timer->saved.queue_offset, timer->saved.master_queue_offset);
    timer->queue_offset = MIN(MAX(log_lost ? min : saved, min), max);
    if (!log_lost) return;
    timer->rescan_end = MIN(saved, max);
    timer->rescan_ms = timer->read_ms;
    log_warn(STORE, "the timer log is lost, messages are put into the wheel again: from=%" PRId64 " to=%" PRId64, min,
             timer->rescan_end);
}

static enum err rebuild(struct timer *timer) {
    TRY(timer_wheel_clear(&timer->wheel));
    return replay(timer, timer_log_begin(&timer->log));
}

/* The files are open. */
static enum err make_fit(struct timer *timer, bool log_lost, bool wheel_whole) {
    int64_t saved_end = timer->saved.log_end;
    bool from_saved = wheel_whole && !log_lost && saved_end >= timer_log_begin(&timer->log) &&
                      timer_log_is_boundary(&timer->log, saved_end);
    TRY(set_read_time(timer));
    TRY(from_saved ? replay(timer, saved_end) : rebuild(timer));
    set_queue_offset(timer, log_lost);
    enum err err = count_waiting(timer);
    if (err != ERR_CORRUPT) return err;
    log_warn(STORE, "timer wheel is made anew from the timer log: cause=%s", err_detail(err));
    TRY(rebuild(timer));
    err = count_waiting(timer);
    return err == ERR_CORRUPT ? ERR_OK : err; /* said again when the slot is due */
}

enum err timer_recover(struct timer *timer) {
    bool log_lost, wheel_whole;
    TRY(open_log(timer, &log_lost));
    enum err err = open_wheel(timer, &wheel_whole);
    if (err == ERR_OK) {
        err = make_fit(timer, log_lost, wheel_whole);
        if (err != ERR_OK) timer_wheel_close(&timer->wheel);
    }
    if (err != ERR_OK) timer_log_close(&timer->log);
    timer->is_open = err == ERR_OK;
    timer->changed = true;
    return err;
}
