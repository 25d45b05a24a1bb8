/* delay.c - the thread that delivers what is due, and its file, which is never ahead of the disk. */
#include "broker/delay/delay.h"

#include <inttypes.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/lock.h"
#include "base/log.h"
#include "broker/delay/delivery.h"
#include "broker/tables/state_file.h"
#include "broker/tables/topics.h"
#include "os/clock.h"
#include "os/thread.h"
#include "store/delay_levels.h"
#include "wire/body_data_version.h"

/* WAIT_MAX_MS must stay below the shortest delay: that long a new message may go unnoticed. */
enum { WAIT_MAX_MS = 500, WAIT_AFTER_ERROR_MS = 1000, FLUSH_WAIT_MS = 5000 };

struct delay {
    struct broker *broker;
    struct topic *schedule;
    struct delay_levels levels;
    _Atomic int64_t offsets[DELAY_LEVELS_MAX]; /* of level i + 1: next to deliver; -1 = none yet */
    /* What the file says is never ahead of the disk: offsets are taken down with the end of the log, and written when
     * the log is on disk up to there. */
    _Atomic int64_t durable[DELAY_LEVELS_MAX];
    int64_t taken[DELAY_LEVELS_MAX], taken_phys;
    bool taken_waits;
    int64_t end_phys; /* of the last delivery */
    struct state_file file;
    struct lock version_lock;
    struct data_version version;
    int64_t moves; /* since start; the version changes each delayOffsetUpdateVersionStep of them */
    int64_t saved_ms;
    struct lock lock; /* guards closing */
    struct cond wake;
    bool closing;
    pthread_t thread;
    bool started;
};

int32_t delay_level_count(const struct delay *delay) {
    return delay->levels.count;
}

int64_t delay_offset(const struct delay *delay, int32_t level) {
    return level < 1 || level > delay->levels.count ? -1 : delay->offsets[level - 1];
}

void delay_write(void *table, struct json_writer *w) {
    struct delay *delay = table;
    lock_take(&delay->version_lock);
    struct data_version version = delay->version;
    lock_give(&delay->version_lock);
    w->bare_int_keys = true;
    json_begin_object(w);
    json_key_text(w, "dataVersion");
    data_version_encode(w, &version);
    json_key_text(w, "offsetTable");
    json_begin_object(w);
    for (int32_t level = 1; level <= delay->levels.count; level++) {
        int64_t offset_queue = delay->durable[level - 1];
        if (offset_queue < 0) continue;
        json_key_i64(w, level);
        json_int(w, offset_queue);
    }
    json_end_object(w);
    json_end_object(w);
}

static void moved_to(struct delay *delay, int32_t level, int64_t offset_queue) {
    if (delay->offsets[level - 1] == offset_queue) return;
    delay->offsets[level - 1] = offset_queue;
    if (++delay->moves % delay->broker->config.delay_offset_update_version_step == 0) {
        lock_take(&delay->version_lock);
        delay->version.timestamp_ms = clock_wall_ms();
        delay->version.counter++;
        lock_give(&delay->version_lock);
    }
}

/* Makes the message again for its real place; false when it cannot be delivered at all. */
static bool add_stored(struct delay *delay, struct delivery *delivery, struct bytes stored) {
    struct record record;
    if (record_decode(stored, RECORD_CHECK_SHAPE, &record) != ERR_OK) return false;
    if (!delivery_place(record.properties, &record.topic, &record.queue_id)) return false;
    return delivery_add(delivery, delay->broker, &record);
}

/* Adds the message of one entry. A message that retention has deleted is passed over; any other failure to read is an
 * error: it is tried again, not lost. */
static enum err delivery_take(struct delay *delay, struct delivery *delivery, int32_t level, int64_t offset_queue,
                              const struct queue_entry *entry) {
    struct store_slice slice;
    enum err err = store_record_at(delay->broker->store, entry->offset_phys, &slice);
    if (err == ERR_NOT_FOUND) return ERR_OK;
    if (err != ERR_OK) return err;
    if (!add_stored(delay, delivery, slice.bytes))
        log_warn(MAIN, "delayed message dropped: level=%d offset=%" PRId64 " phys=%" PRId64, level, offset_queue,
                 entry->offset_phys);
    store_release(slice.hold);
    return ERR_OK;
}

/* Takes what is due from *offset_queue on, which it moves behind that; says when to look again (INT64_MAX: when
 * something new has come). */
static enum err delivery_fill(struct delay *delay, int32_t level, struct queue *queue, struct delivery *delivery,
                              int64_t *offset_queue, int64_t *next_due_ms) {
    int64_t max = queue_max(queue), now_ms = clock_wall_ms();
    *next_due_ms = INT64_MAX;
    for (; *offset_queue < max; (*offset_queue)++) {
        struct queue_entry entry;
        if (delivery_full(delivery)) {
            *next_due_ms = now_ms;
            return ERR_OK;
        }
        enum err err = queue_entry_at(delay->broker->store, queue, *offset_queue, &entry);
        if (err == ERR_NOT_FOUND) continue;
        if (err != ERR_OK) return err;
        int64_t due_ms = entry.tags_code;
        if (due_ms > now_ms + delay->levels.delay_ms[level - 1]) due_ms = now_ms; /* the clock went back */
        if (due_ms > now_ms) {
            *next_due_ms = due_ms;
            return ERR_OK;
        }
        TRY(delivery_take(delay, delivery, level, *offset_queue, &entry));
    }
    return ERR_OK;
}

/* One look at a level; the wall time of the next. */
static int64_t level_deliver(struct delay *delay, int32_t level, struct delivery *delivery) {
    struct store *store = delay->broker->store;
    struct queue *queue = topic_queue(delay->schedule, store, level - 1, false);
    int64_t next_due_ms;
    if (!queue) return INT64_MAX;
    int64_t offset_queue = MAX(delay->offsets[level - 1], queue_min(queue));
    if (offset_queue >= queue_max(queue)) return INT64_MAX;
    enum err err = delivery_fill(delay, level, queue, delivery, &offset_queue, &next_due_ms);
    if (err == ERR_OK) err = delivery_append(delivery, delay->broker, &delay->end_phys);
    if (err == ERR_OK) {
        moved_to(delay, level, offset_queue);
    } else {
        log_every_ms(10000, WARN, MAIN, "delayed messages not delivered, trying again: level=%d cause=%s", level,
                     err_detail(err));
        next_due_ms = clock_wall_ms() + WAIT_AFTER_ERROR_MS;
        delivery_empty(delivery);
    }
    return next_due_ms;
}

static void take_down(struct delay *delay) {
    for (int32_t i = 0; i < delay->levels.count; i++) delay->taken[i] = delay->offsets[i];
    delay->taken_phys = delay->end_phys;
    delay->taken_waits = true;
}

static void taken_to_file(struct delay *delay) {
    for (int32_t i = 0; i < delay->levels.count; i++) {
        if (delay->durable[i] == delay->taken[i]) continue;
        delay->durable[i] = delay->taken[i];
        state_file_changed(&delay->file);
    }
    delay->taken_waits = false;
    state_file_save(&delay->file);
}

static void save_now_and_then(struct delay *delay) {
    int64_t now_ms = clock_monotonic_ms();
    if (!delay->taken_waits && now_ms - delay->saved_ms >= delay->broker->store_config.flush_delay_offset_interval_ms) {
        delay->saved_ms = now_ms;
        take_down(delay);
    }
    if (delay->taken_waits && store_flushed_phys(delay->broker->store) >= delay->taken_phys) taken_to_file(delay);
}

static bool wait_until_due(struct delay *delay, int64_t due_ms) {
    int64_t now_ms = clock_wall_ms(), wait_ms = WAIT_MAX_MS;
    if (due_ms != INT64_MAX) wait_ms = MIN(MAX(due_ms - now_ms, 0), WAIT_MAX_MS);
    lock_take(&delay->lock);
    if (!delay->closing && wait_ms > 0) (void)cond_wait_ms(&delay->wake, &delay->lock, wait_ms);
    bool closing = delay->closing;
    lock_give(&delay->lock);
    return !closing;
}

static void delay_thread(void *arg) {
    struct delay *delay = arg;
    struct delivery *delivery = delivery_create();
    int64_t due_ms;
    do {
        due_ms = INT64_MAX;
        for (int32_t level = 1; level <= delay->levels.count; level++) {
            int64_t level_due_ms = level_deliver(delay, level, delivery);
            due_ms = MIN(due_ms, level_due_ms);
        }
        save_now_and_then(delay);
    } while (wait_until_due(delay, due_ms));
    delivery_destroy(delivery);
}

static enum err delay_load(struct delay *delay) {
    struct arena arena = {0};
    struct buf text = {0};
    const struct json *root = NULL;
    enum err err = state_file_load(&delay->file, &arena, &text, &root);
    if (err == ERR_OK && root) {
        delay->version = data_version_decode(json_get(root, "dataVersion"));
        for (const struct json *n = json_first(json_get(root, "offsetTable")); n; n = n->next) {
            int32_t level;
            if (bytes_to_i32(n->key, &level) && level >= 1 && level <= delay->levels.count)
                delay->offsets[level - 1] = delay->durable[level - 1] = json_i64(n, 0);
        }
    }
    buf_close(&text);
    arena_close(&arena);
    return err;
}

/* The file may be ahead of a log that lost its end in a crash. */
static void delay_correct(struct delay *delay) {
    for (int32_t level = 1; level <= delay->levels.count; level++) {
        struct queue *queue = topic_queue(delay->schedule, delay->broker->store, level - 1, false);
        int64_t max = queue ? queue_max(queue) : 0, offset_queue = delay->offsets[level - 1];
        if (offset_queue <= max) continue;
        log_warn(MAIN, "delay offset beyond its queue: level=%d offset=%" PRId64 " max=%" PRId64, level, offset_queue,
                 max);
        moved_to(delay, level, max);
    }
}

enum err delay_open(struct broker *broker, struct delay **out) {
    struct delay *delay = calloc(1, sizeof *delay);
    must(delay);
    delay->broker = broker;
    delay->schedule = topics_find(broker->topics, TOPIC_SCHEDULE);
    must(delay->schedule);
    delay->version.timestamp_ms = clock_wall_ms();
    delay->saved_ms = clock_monotonic_ms();
    for (int32_t i = 0; i < DELAY_LEVELS_MAX; i++) delay->offsets[i] = delay->durable[i] = -1;
    lock_init(&delay->version_lock, LOCK_OFFSETS);
    lock_init(&delay->lock, LOCK_WORK);
    cond_init(&delay->wake);
    state_file_init(&delay->file, broker, "delayOffset.json", delay, delay_write);
    enum err err = delay_levels_parse(broker->store_config.message_delay_level, &delay->levels);
    if (err == ERR_OK) err = delay_load(delay);
    if (err == ERR_OK) {
        delay_correct(delay);
        err = thread_start(&delay->thread, "delay", delay_thread, delay);
        delay->started = err == ERR_OK;
    }
    if (err == ERR_OK)
        *out = delay;
    else
        delay_close(delay);
    return err;
}

void delay_close(struct delay *delay) {
    if (!delay) return;
    lock_take(&delay->lock);
    delay->closing = true;
    cond_signal(&delay->wake);
    lock_give(&delay->lock);
    if (delay->started) {
        thread_join(delay->thread);
        take_down(delay);
        if (store_wait_flushed(delay->broker->store, delay->taken_phys, FLUSH_WAIT_MS) == ERR_OK) taken_to_file(delay);
    }
    state_file_close(&delay->file);
    cond_close(&delay->wake);
    lock_close(&delay->lock);
    lock_close(&delay->version_lock);
    free(delay);
}
