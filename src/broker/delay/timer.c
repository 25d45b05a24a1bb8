/* timer.c - the thread, and what is saved */
#include "broker/delay/timer.h"

#include <inttypes.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "broker/delay/timer_internal.h"
#include "broker/work.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/thread.h"

/* PAGES_MAX: of the wheel in memory; more are saved before their time. */
enum {
    WAIT_MAX_MS = 500,
    WAIT_BUSY_MS = 50,
    WAIT_BARRIER_MS = 1,
    WAIT_AFTER_ERROR_MS = 1000,
    SAVE_IDLE_MS = 60000,
    SAMPLE_MS = 1000,
    FLUSH_WAIT_MS = 5000,
    PAGES_MAX = 2048,
    ROLL_BLANK = 60
};

/* --- saving ------------------------------------------------------------------------------------------------- */

static void take_down(struct timer *timer) {
    struct timer_checkpoint *taken = &timer->taken;
    taken->read_ms = timer->read_ms;
    taken->log_end = timer->log.end;
    taken->queue_offset = taken->master_queue_offset = timer->queue_offset;
    taken->changed_ms = clock_wall_ms();
    taken->changes++;
    timer_wheel_take(&timer->wheel);
    timer->taken_phys = timer->end_phys;
    timer->taken_ms = clock_monotonic_ms();
    timer->changed = false;
    timer->save = SAVE_TAKEN;
}

static enum err write_taken(struct timer *timer) {
    TRY(timer_log_sync(&timer->log, timer->taken.log_end));
    TRY(timer_wheel_save(&timer->wheel));
    TRY(timer_checkpoint_save(timer->checkpoint_path, &timer->taken));
    lock_take(&timer->lock);
    timer->saved = timer->taken;
    lock_give(&timer->lock);
    topic_counts_save(timer->counts);
    return ERR_OK;
}

/* A full disk is tried again. Any other error is final: the kernel may have dropped what it could not write. */
static void save_taken(void *arg) {
    struct timer *timer = arg;
    enum err err = write_taken(timer);
    if (err == ERR_OK) {
        timer->save = SAVE_DONE;
        return;
    }
    log_every_ms(10000, ERROR, STORE, "timer not saved%s: cause=%s",
                 err == ERR_DISK_FULL ? ", trying again" : "; after a restart messages may come twice",
                 err_detail(err));
    timer->save = err == ERR_DISK_FULL ? SAVE_TAKEN : SAVE_FAILED;
}

static bool save_is_due(const struct timer *timer) {
    int64_t age_ms = clock_monotonic_ms() - timer->taken_ms;
    if (!timer->changed) return age_ms >= SAVE_IDLE_MS;
    return age_ms >= timer->broker->store_config.timer_flush_interval_ms || timer->wheel.page_count > PAGES_MAX;
}

/* What the files say is never ahead of the commit log on disk. */
static void save_now_and_then(struct timer *timer) {
    if (timer->save == SAVE_DONE) {
        struct store_facts facts;
        timer_wheel_saved(&timer->wheel);
        store_facts(timer->broker->store, &facts);
        enum err err = timer_log_expire(&timer->log, facts.min_phys);
        if (err != ERR_OK) log_every_ms(60000, WARN, STORE, "timer log not shortened: cause=%s", err_detail(err));
        timer->save = SAVE_IDLE;
    }
    if (timer->save == SAVE_IDLE && save_is_due(timer)) take_down(timer);
    if (timer->save != SAVE_TAKEN || store_flushed_phys(timer->broker->store) < timer->taken_phys) return;
    timer->save = SAVE_RUNS;
    if (work_submit(timer->broker->work, save_taken, timer) != ERR_OK) timer->save = SAVE_TAKEN;
}

/* The thread has ended, and so have the work threads. */
static void save_last(struct timer *timer) {
    for (int i = 0; i < 2 && timer->save != SAVE_FAILED; i++) {
        if (timer->save == SAVE_DONE) timer_wheel_saved(&timer->wheel);
        if (timer->save != SAVE_TAKEN) take_down(timer);
        if (store_wait_flushed(timer->broker->store, timer->taken_phys, FLUSH_WAIT_MS) != ERR_OK) return;
        save_taken(timer);
    }
}

/* --- one turn ----------------------------------------------------------------------------------------------- */

/* What is left in the slots from there on was delivered by a Java broker, which does not clear them. */
enum err timer_step_back(struct timer *timer, int64_t slot_ms) {
    struct timer_slot slot;
    int64_t end_ms = MIN(timer->read_ms, slot_ms + TIMER_WHEEL_SLOTS * timer->precision_ms);
    for (int64_t at_ms = slot_ms; at_ms < end_ms; at_ms += timer->precision_ms) {
        TRY(timer_wheel_next(&timer->wheel, at_ms, end_ms, &slot));
        if (slot.time_ms == 0) break;
        at_ms = slot.time_ms;
        TRY(timer_wheel_put(&timer->wheel, at_ms, &(struct timer_slot){0}));
    }
    timer->read_ms = slot_ms;
    timer->barrier.slot_ms = 0;
    timer->changed = true;
    return ERR_OK;
}

static bool is_closing(struct timer *timer) {
    lock_take(&timer->lock);
    bool closing = timer->closing;
    lock_give(&timer->lock);
    return closing;
}

/* Delivers the slots before end_ms. After one whose messages roll it stops: they belong into a later slot, maybe the
 * next, and must be read first. */
static enum err deliver_until(struct timer *timer, int64_t end_ms) {
    struct timer_slot slot;
    timer->rolled = false;
    while (timer->read_ms < end_ms && !timer->rolled && !is_closing(timer)) {
        int64_t turn_ms = MIN(end_ms, timer->read_ms + TIMER_WHEEL_SLOTS * timer->precision_ms);
        TRY(timer_wheel_next(&timer->wheel, timer->read_ms, turn_ms, &slot));
        if (slot.time_ms == 0) {
            timer->read_ms = turn_ms;
            continue;
        }
        timer->read_ms = slot.time_ms;
        TRY(timer_deliver_slot(timer, &slot));
        timer->read_ms = slot.time_ms + timer->precision_ms;
        save_now_and_then(timer);
    }
    return ERR_OK;
}

/* Has all been read that was stored before the slots before now_slot_ms were over? */
static bool is_behind_barrier(struct timer *timer, int64_t now_slot_ms) {
    struct store *store = timer->broker->store;
    struct barrier *barrier = &timer->barrier;
    if (barrier->slot_ms != now_slot_ms || timer->rolled)
        *barrier = (struct barrier){.slot_ms = now_slot_ms, .phys = store_end_phys(store), .queue_offset = -1};
    timer->rolled = false;
    if (barrier->queue_offset < 0 && store_dispatched_phys(store) >= barrier->phys) {
        struct queue *queue = topic_queue(timer->topic, store, 0, false);
        barrier->queue_offset = queue ? queue_max(queue) : 0;
    }
    return barrier->queue_offset >= 0 && timer->queue_offset >= barrier->queue_offset;
}

/* Says when to come again. */
static enum err turn(struct timer *timer, int64_t *wait_ms) {
    const struct store_config *config = &timer->broker->store_config;
    int64_t now_ms = clock_wall_ms(), now_slot_ms = timer_floor(timer, now_ms), from = timer->queue_offset;
    struct queue *queue = topic_queue(timer->topic, timer->broker->store, 0, false);
    bool more = false;
    if (timer->read_ms > now_slot_ms) TRY(timer_step_back(timer, now_slot_ms));
    (void)is_behind_barrier(timer, now_slot_ms); /* it stands where the log ends now */
    if (!config->timer_stop_enqueue && queue) TRY(timer_take(timer, now_ms, queue_max(queue), &more));
    bool ready = is_behind_barrier(timer, now_slot_ms) || config->timer_stop_enqueue;
    if (ready && !config->timer_stop_dequeue) TRY(deliver_until(timer, now_slot_ms));
    *wait_ms =
        MIN(now_slot_ms + timer->precision_ms - now_ms, timer->queue_offset == from ? WAIT_MAX_MS : WAIT_BUSY_MS);
    if (!ready || timer->rolled) *wait_ms = WAIT_BARRIER_MS;
    if (more) *wait_ms = 0;
    return ERR_OK;
}

static void sample(struct timer *timer) {
    int64_t now_ms = clock_monotonic_ms(), passed_ms = now_ms - timer->sampled_ms;
    int64_t taken = timer->taken_count, delivered = timer->delivered_count;
    if (passed_ms < SAMPLE_MS) return;
    timer->take_tps = (double)(taken - timer->sampled_taken) * 1000 / (double)passed_ms;
    timer->deliver_tps = (double)(delivered - timer->sampled_delivered) * 1000 / (double)passed_ms;
    timer->sampled_ms = now_ms;
    timer->sampled_taken = taken;
    timer->sampled_delivered = delivered;
}

static bool wait_for(struct timer *timer, int64_t wait_ms) {
    lock_take(&timer->lock);
    if (!timer->closing && wait_ms > 0) (void)cond_wait_ms(&timer->wake, &timer->lock, wait_ms);
    bool closing = timer->closing;
    lock_give(&timer->lock);
    return !closing;
}

static void timer_thread(void *arg) {
    struct timer *timer = arg;
    int64_t wait_ms;
    enum err err;
    while ((err = timer_recover(timer)) != ERR_OK) {
        log_error(STORE, "timer messages wait, their files cannot be used: cause=%s", err_detail(err));
        if (!wait_for(timer, 10 * WAIT_AFTER_ERROR_MS)) return;
    }
    do {
        err = turn(timer, &wait_ms);
        if (err != ERR_OK) {
            log_every_ms(10000, WARN, MAIN, "timer messages wait, trying again: cause=%s", err_detail(err));
            timer_deliver_forget(timer);
            wait_ms = WAIT_AFTER_ERROR_MS;
        }
        sample(timer);
        save_now_and_then(timer);
    } while (wait_for(timer, wait_ms));
}

/* --- for others --------------------------------------------------------------------------------------------- */

int64_t timer_slot_of(const struct timer *timer, int64_t deliver_ms) {
    return timer_floor(timer, deliver_ms - 1);
}

bool timer_is_congested(struct timer *timer, int64_t slot_ms) {
    int64_t limit = timer->broker->store_config.timer_congest_num_each_slot;
    if (limit == INT32_MAX || !timer->is_open) return false;
    int64_t over = timer_wheel_count(&timer->wheel, slot_ms) - limit;
    return over > 0 && random_below((int32_t)limit) < over;
}

void timer_checkpoint(struct timer *timer, struct timer_checkpoint *out) {
    lock_take(&timer->lock);
    *out = timer->saved;
    lock_give(&timer->lock);
}

struct topic_counts *timer_counts(struct timer *timer) {
    return timer->counts;
}

void timer_facts(struct timer *timer, struct timer_facts *out) {
    struct queue *queue = topic_queue(timer->topic, timer->broker->store, 0, false);
    int64_t over_ms = timer_floor(timer, clock_wall_ms());
    *out = (struct timer_facts){.behind_ms = MAX(over_ms - timer->read_ms, 0),
                                .behind_messages = queue ? MAX(queue_max(queue) - timer->queue_offset, 0) : 0,
                                .waiting = MAX(timer->waiting, 0),
                                .take_tps = timer->take_tps,
                                .deliver_tps = timer->deliver_tps};
}

/* --- opening ------------------------------------------------------------------------------------------------ */

/* The width of a slot is one of these. @source store/config/MessageStoreConfig.setTimerPrecisionMs */
static int64_t precision_of(int32_t wanted_ms) {
    static const int32_t widths_ms[] = {1000, 500, 200, 100};
    for (size_t i = 0; i < ARRAY_LEN(widths_ms); i++)
        if (wanted_ms >= widths_ms[i]) return widths_ms[i];
    return 100;
}

static char *path_in(const struct broker *broker, const char *name) {
    struct arena arena = {0};
    char *path = bytes_dup(arena_printf(&arena, "%.*s/%s", BYTES_ARG(broker->store_config.store_path_root_dir), name));
    arena_close(&arena);
    return path;
}

static struct timer *timer_new(struct broker *broker) {
    const struct store_config *config = &broker->store_config;
    int64_t roll_max = TIMER_WHEEL_SLOTS / 2 - ROLL_BLANK;
    struct timer *timer = calloc(1, sizeof *timer);
    must(timer);
    timer->broker = broker;
    timer->topic = topics_find(broker->topics, TOPIC_TIMER);
    must(timer->topic);
    timer->precision_ms = precision_of(config->timer_precision_ms);
    timer->roll_slots = config->timer_roll_window_slot;
    if (timer->roll_slots < 2 || timer->roll_slots > roll_max) timer->roll_slots = roll_max;
    timer->checkpoint_path = path_in(broker, "config/timercheck");
    timer->log_dir = path_in(broker, "timerlog");
    timer->wheel_path = path_in(broker, "timerwheel");
    timer->delivery = delivery_create();
    timer->taken_ms = timer->sampled_ms = clock_monotonic_ms();
    lock_init(&timer->lock, LOCK_WORK);
    cond_init(&timer->wake);
    return timer;
}

/* A timer that begins says when on disk, before it takes messages: after a crash it must not take those due since for
 * messages whose deletion came too late. */
static enum err load_checkpoint(struct timer *timer) {
    TRY(timer_checkpoint_load(timer->checkpoint_path, &timer->saved));
    if (timer->saved.read_ms > 0 || file_exists(timer->wheel_path) || file_exists(timer->log_dir)) return ERR_OK;
    timer->saved.read_ms = timer_floor(timer, clock_wall_ms());
    return timer_checkpoint_save(timer->checkpoint_path, &timer->saved);
}

enum err timer_open(struct broker *broker, struct timer **out) {
    *out = NULL;
    if (!broker->store_config.timer_wheel_enable) return ERR_OK;
    struct timer *timer = timer_new(broker);
    enum err err = topic_counts_open(broker, "timermetrics", "timingCount", &timer->counts);
    if (err == ERR_OK) err = load_checkpoint(timer);
    if (err == ERR_OK) {
        timer->taken = timer->saved;
        timer->read_ms = timer->saved.read_ms > 0 ? timer->saved.read_ms : timer_floor(timer, clock_wall_ms());
        timer->queue_offset = timer->saved.queue_offset;
        err = thread_start(&timer->thread, "timer", timer_thread, timer);
        timer->started = err == ERR_OK;
    }
    if (err == ERR_OK)
        *out = timer;
    else
        timer_close(timer);
    return err;
}

void timer_close(struct timer *timer) {
    if (!timer) return;
    lock_take(&timer->lock);
    timer->closing = true;
    cond_signal(&timer->wake);
    lock_give(&timer->lock);
    if (timer->started) thread_join(timer->thread);
    if (timer->is_open) {
        save_last(timer);
        timer_wheel_close(&timer->wheel);
        timer_log_close(&timer->log);
    }
    topic_counts_close(timer->counts);
    delivery_destroy(timer->delivery);
    arena_close(&timer->arena);
    free(timer->logged.offsets_phys);
    free(timer->checkpoint_path);
    free(timer->log_dir);
    free(timer->wheel_path);
    cond_close(&timer->wake);
    lock_close(&timer->lock);
    free(timer);
}
