/* pop.c - a look at what there is to pop: found, held, or waiting for the disk; and the answer. */
#include "broker/pop/pop.h"

#include <stdlib.h>
#include "base/check.h"
#include "broker/pop/pop_check.h"
#include "broker/pop/pop_take.h"
#include "broker/pull/cold_look.h"
#include "broker/stats/stats.h"
#include "os/clock.h"
#include "wire/response.h"

static bool pop_look(struct reactor *reactor, struct pop *pop, struct get *copy, struct arena *arena, bool expired);

static void pop_drop(const struct pop *pop) {
    filter_release(pop->filter);
    free(pop->attempt_id);
}

static void answer(struct reactor *reactor, const struct pop *pop, const struct pop_take *take, int32_t code) {
    bool found = code == RESPONSE_SUCCESS;
    struct hdr_pop_result result = {
        .present = HEADER_ALL,
        .pop_time = take->pop_time_ms,
        .invisible_time = pop->invisible_ms,
        .revive_qid = take->revive_queue,
        .rest_num = take->rest,
        .start_offset_info = buf_bytes(&take->start_offsets),
        .msg_offset_info = buf_bytes(&take->msg_offsets),
        .order_count_info = pop->order ? buf_bytes(&take->order_counts) : bytes_of(NULL),
    };
    remoting_reply(&pop->to, &(struct outgoing){.code = code,
                                                .remark = found ? BYTES("FOUND") : BYTES("NO_MESSAGE_IN_QUEUE"),
                                                .layout = layout_pop_result(),
                                                .fields = &result,
                                                .slices = take->slices,
                                                .slice_count = take->slice_count});
    if (found)
        stats_count_get_latency(reactor->broker->stats, pop->progress, pop->waiter.queue_id,
                                loop_now_ms(reactor->loop) - pop->begin_ms);
    pop_drop(pop);
}

/* --- messages that are not in memory ----------------------------------------------------------------------- */

static void look_warm(struct reactor *reactor, void *ctx, struct get *copy, struct arena *arena) {
    struct pop *waiting = ctx, pop = *waiting;
    free(waiting);
    (void)pop_look(reactor, &pop, copy, arena, false);
}

static void pop_later(struct reactor *reactor, struct pop *pop, const struct get *get) {
    struct pop *waiting = malloc(sizeof *waiting);
    must(waiting);
    *waiting = *pop;
    waiting->cold_tries++;
    enum err err = cold_look_later(reactor, get, pop->cold_tries, look_warm, waiting);
    if (err == ERR_OK) return;
    free(waiting);
    remoting_reply_error(&pop->to, err);
    pop_drop(pop);
}

/* --- waiting ----------------------------------------------------------------------------------------------- */

static bool look_again(struct reactor *reactor, struct pop_waiter *waiter, bool expired) {
    struct pop *held = CONTAINER_OF(waiter, struct pop, waiter), pop = *held;
    free(held); /* before the look: it may be held again */
    if (!remoting_channel_alive(reactor->remoting, pop.to.channel_id) ||
        !pop_check_again(&pop.to, pop.topic, pop.group)) {
        pop_drop(&pop);
        return true; /* the next may look */
    }
    struct arena arena = {0};
    bool answered = pop_look(reactor, &pop, NULL, &arena, expired);
    arena_close(&arena);
    return answered;
}

static void waiter_drop(struct pop_waiter *waiter) {
    struct pop *held = CONTAINER_OF(waiter, struct pop, waiter);
    pop_drop(held);
    free(held);
}

/* false when the line is full. */
static bool hold(struct reactor *reactor, const struct pop *pop, const struct pop_take *take) {
    int64_t now_ms = loop_now_ms(reactor->loop);
    struct pop *held = malloc(sizeof *held);
    must(held);
    *held = *pop;
    held->waiter.kind = WAITER_POP;
    held->waiter.look = look_again;
    held->waiter.drop = waiter_drop;
    held->waiter.look_ms = INT64_MAX;
    if (take->free_ms != INT64_MAX) held->waiter.look_ms = now_ms + MAX(take->free_ms - clock_wall_ms(), 0) + 1;
    if (take->again) held->waiter.look_ms = now_ms + 1;
    struct wait_line *line = held_pops_line(reactor->held_pops, pop->progress->named.name);
    bool good = held_pops_hold(reactor->held_pops, line, &held->waiter);
    if (!good) free(held);
    return good;
}

/* --- looks ------------------------------------------------------------------------------------------------- */

static bool may_wait(const struct reactor *reactor, const struct pop *pop) {
    return pop->hold_ms > 0 && pop->waiter.deadline_ms > loop_now_ms(reactor->loop) &&
           !atomic_load(&reactor->broker->stopping);
}

static bool found_nothing(const struct pop_take *take, enum err err) {
    return err == ERR_OK && take->count == 0 && !take->cold;
}

/* Was it answered? `copy`: what a queue gave that was cold before, or NULL. */
static bool pop_look(struct reactor *reactor, struct pop *pop, struct get *copy, struct arena *arena, bool expired) {
    const struct pop_take fresh = {.reactor = reactor, .pop = pop, .arena = arena, .copy = copy};
    struct pop_take take = fresh;
    bool wait = !expired && may_wait(reactor, pop);
    enum err err = pop_take(&take);
    if (found_nothing(&take, err) && wait &&
        pop_source_watch(reactor, pop->topic, pop->progress, pop->waiter.queue_id, pop->order)) {
        take = fresh;
        err = pop_take(&take);
    }
    if (err != ERR_OK) {
        remoting_reply_error(&pop->to, err);
        pop_drop(pop);
        return true;
    }
    if (take.cold) {
        pop_later(reactor, pop, &take.cold_get);
        return false;
    }
    if (take.count > 0) {
        answer(reactor, pop, &take, RESPONSE_SUCCESS);
        return true;
    }
    if (wait && hold(reactor, pop, &take)) return false;
    answer(reactor, pop, &take, wait ? RESPONSE_POLLING_FULL : RESPONSE_POLLING_TIMEOUT);
    return true;
}

void pop_start(struct reactor *reactor, const struct pop *pop, struct arena *arena) {
    struct pop looking = *pop;
    (void)pop_look(reactor, &looking, NULL, arena, false);
}
