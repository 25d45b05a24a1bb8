/* lite_pop.c - a look at the events of a client: messages found, held, or waiting for the disk; and the answer. */
#include "broker/lite/lite_pop.h"

#include <inttypes.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/endian.h"
#include "base/log.h"
#include "broker/pop/pop_check.h"
#include "broker/pop/pop_source.h"
#include "broker/pull/cold_look.h"
#include "broker/stats/stats.h"
#include "message/lmq.h"
#include "message/properties.h"
#include "os/clock.h"
#include "wire/header.h"
#include "wire/response.h"

enum { AGAIN_MS = 10, LOOKS_MAX = 4096 /* at lite topics, a pop */ };

/* What one look has found. */
struct lite_look {
    struct reactor *reactor;
    struct lite_pop *pop;
    struct arena *arena;
    struct get *copy; /* of the lite topic that was cold, answered; NULL: none, or it is taken */
    int64_t pop_time_ms;
    int32_t count;
    struct buf order_counts;
    struct slice slices[POP_MESSAGES_MAX];
    size_t slice_count;
    bool cold;
    struct get cold_get;
};

static bool look(struct reactor *reactor, struct lite_pop *pop, struct get *copy, struct arena *arena, bool expired);

static void drop(const struct lite_pop *pop) {
    free(pop->client_id);
    free(pop->attempt_id);
}

static struct bytes id_of(const struct lite_pop *pop) {
    return bytes_of(pop->client_id);
}

/* --- messages of one lite topic ---------------------------------------------------------------------------- */

/* The offset of a record in that light queue: it stands at the queue's place among the names. */
static int64_t offset_in(const struct record *record, struct bytes name) {
    struct bytes names = properties_get(record->properties, PROPERTY_INNER_MULTI_DISPATCH), one, text;
    struct bytes offsets = properties_get(record->properties, PROPERTY_INNER_MULTI_QUEUE_OFFSET);
    int64_t offset_queue;
    while (bytes_split(&names, ',', &one) && bytes_split(&offsets, ',', &text))
        if (bytes_equal(one, name) && bytes_to_i64(text, &offset_queue)) return offset_queue;
    return record->offset_queue; /* sent to the light queue itself */
}

static int32_t read_offsets(const struct get *get, struct bytes name, int64_t offsets[POP_MESSAGES_MAX]) {
    struct record record;
    int32_t count = 0;
    for (size_t i = 0; i < get->slice_count; i++)
        for (struct bytes rest = get->slices[i].bytes; count < POP_MESSAGES_MAX;
             rest = bytes_skip(rest, record.size_bytes)) {
            if (record_decode(rest, RECORD_CHECK_SHAPE, &record) != ERR_OK) break;
            offsets[count++] = offset_in(&record, name);
        }
    return count;
}

static void take_found(struct lite_look *look, struct progress *progress, const struct get *get) {
    const struct lite_pop *pop = look->pop;
    struct broker *broker = look->reactor->broker;
    int64_t offsets[POP_MESSAGES_MAX];
    int32_t counts[POP_MESSAGES_MAX], count = read_offsets(get, progress->topic, offsets);
    struct order_key key = {progress->topic, progress->group, 0};
    struct order_pop popped = {bytes_of(pop->attempt_id), look->pop_time_ms, pop->invisible_ms, offsets, count};
    order_infos_popped(lite_orders(broker->lite), &key, &popped, counts);
    for (int32_t i = 0; i < count; i++) {
        if (look->order_counts.len > 0) buf_append_char(&look->order_counts, ';');
        buf_append_i64(&look->order_counts, counts[i]);
    }
    for (size_t i = 0; i < get->slice_count; i++) look->slices[look->slice_count++] = slice_of(get, i);
    look->count += count;
    struct progress *of_parent =
        offsets_progress(broker->offsets, topic_name(pop->topic), group_name(pop->group), true);
    if (of_parent) stats_count_get(broker->stats, pop->topic, of_parent, count, get->total_bytes, get->from_disk);
}

/* Where to begin, written down when the group is new. A reset comes first. */
static int64_t begin_offset(struct broker *broker, struct progress *progress, struct queue *queue) {
    if (progress_take_reset(progress, 0) != OFFSET_NONE) {
        struct order_key key = {progress->topic, progress->group, 0};
        order_infos_clear(lite_orders(broker->lite), &key);
    }
    int64_t offset_queue = pop_offset(broker, progress, queue, INIT_MAX);
    if (progress_committed(progress, 0) < 0) progress_commit(broker->offsets, progress, 0, offset_queue);
    return offset_queue;
}

static bool out_of_range(enum get_status status) {
    return status == GET_OFFSET_TOO_SMALL || status == GET_OFFSET_OVERFLOW_BADLY || status == GET_OFFSET_FOUND_NULL;
}

/* What the queue has, from get->offset_queue on: the copy, if it is of that. */
static void look_up(struct lite_look *look, struct get *get) {
    struct get *copy = look->copy;
    if (copy && copy->queue == get->queue && copy->offset_queue == get->offset_queue && copy->count <= get->max_count) {
        *get = *copy;
        copy->slice_count = 0;
        look->copy = NULL;
        return;
    }
    store_get(look->reactor->broker->store, look->arena, get);
}

/* The lite topic is ours. true: messages were taken. */
static bool take_messages(struct lite_look *look, struct progress *progress, struct queue *queue) {
    struct broker *broker = look->reactor->broker;
    struct get get = {.queue = queue,
                      .offset_queue = begin_offset(broker, progress, queue),
                      .max_count = look->pop->max_count - look->count,
                      .was_cold = look->pop->cold_tries > 0};
    look_up(look, &get);
    if (out_of_range(get.status)) {
        progress_commit(broker->offsets, progress, 0, get.next_offset);
        get.offset_queue = get.next_offset;
        look_up(look, &get);
    }
    if (get.status == GET_COLD) {
        look->cold = true;
        look->cold_get = get;
    }
    if (get.status == GET_NO_MATCHED_MESSAGE || get.status == GET_MESSAGE_WAS_REMOVING)
        progress_commit(broker->offsets, progress, 0, get.next_offset);
    if (get.status != GET_FOUND) return false;
    take_found(look, progress, &get);
    return true;
}

/* Works off one event. false: the look is over. */
static bool take_event(struct lite_look *look, struct bytes name) {
    const struct lite_pop *pop = look->pop;
    struct broker *broker = look->reactor->broker;
    struct lite *lite = broker->lite;
    struct bytes id = id_of(pop);
    struct queue *queue = store_queue(broker->store, name, 0, false);
    struct progress *progress = offsets_progress(broker->offsets, name, group_name(pop->group), true);
    if (!queue || !progress) {
        lite_rest(lite, id, pop->group, name);
        return true;
    }
    if (!progress_try_take(broker->offsets, progress, 0)) {
        lite_put_back(lite, id, pop->group, name, clock_wall_ms() + AGAIN_MS);
        return true;
    }
    struct order_key key = {name, group_name(pop->group), 0};
    int64_t free_ms;
    bool reset = progress_pending_reset(progress, 0) != OFFSET_NONE;
    if (!reset && order_infos_blocked(lite_orders(lite), &key, bytes_of(pop->attempt_id), pop->invisible_ms, &free_ms))
        lite_put_back(lite, id, pop->group, name, free_ms);
    else if (take_messages(look, progress, queue))
        lite_put_back(lite, id, pop->group, name, look->pop_time_ms + pop->invisible_ms);
    else if (look->cold)
        lite_put_back(lite, id, pop->group, name, 0);
    else
        lite_rest(lite, id, pop->group, name);
    progress_give(progress, 0);
    return !look->cold;
}

static void take_all(struct lite_look *look) {
    struct bytes name;
    look->pop_time_ms = clock_wall_ms();
    for (int i = 0; i < LOOKS_MAX && look->count < look->pop->max_count; i++) {
        if (!lite_take(look->reactor->broker->lite, id_of(look->pop), look->pop->group, look->arena, &name)) return;
        if (!take_event(look, name)) return;
    }
}

/* --- the answer -------------------------------------------------------------------------------------------- */

static void answer(struct lite_look *look, int32_t code) {
    const struct lite_pop *pop = look->pop;
    bool found = code == RESPONSE_SUCCESS;
    struct hdr_pop_lite_result result = {
        .present = HEADER_ALL,
        .pop_time = look->pop_time_ms,
        .invisible_time = pop->invisible_ms,
        .revive_qid = REVIVE_QUEUE_ORDER,
        .order_count_info = buf_bytes(&look->order_counts),
    };
    remoting_reply(&pop->to, &(struct outgoing){.code = code,
                                                .remark = found ? BYTES("FOUND") : BYTES("NO_MESSAGE_IN_QUEUE"),
                                                .layout = layout_pop_lite_result(),
                                                .fields = &result,
                                                .slices = look->slices,
                                                .slice_count = look->slice_count});
    drop(pop);
}

/* --- messages that are not in memory ----------------------------------------------------------------------- */

static void look_warm(struct reactor *reactor, void *ctx, struct get *copy, struct arena *arena) {
    struct lite_pop *waiting = ctx, pop = *waiting;
    free(waiting);
    (void)look(reactor, &pop, copy, arena, false);
}

static void look_later(struct lite_look *look) {
    struct lite_pop *pop = look->pop, *waiting = malloc(sizeof *waiting);
    must(waiting);
    *waiting = *pop;
    waiting->cold_tries++;
    enum err err = cold_look_later(look->reactor, &look->cold_get, pop->cold_tries, look_warm, waiting);
    if (err == ERR_OK) return;
    free(waiting);
    remoting_reply_error(&pop->to, err);
    drop(pop);
}

/* --- waiting ----------------------------------------------------------------------------------------------- */

static struct bytes line_of(const struct lite_pop *pop, struct arena *arena) {
    return lite_line_name(arena, id_of(pop), group_name(pop->group));
}

static bool look_again(struct reactor *reactor, struct pop_waiter *waiter, bool expired) {
    struct lite_pop *held = CONTAINER_OF(waiter, struct lite_pop, waiter), pop = *held;
    struct arena arena = {0};
    bool answered = true; /* the next may look */
    free(held);           /* before the look: it may be held again */
    lite_unhold(reactor->broker->lite, line_of(&pop, &arena));
    if (remoting_channel_alive(reactor->remoting, pop.to.channel_id) && pop_check_again(&pop.to, pop.topic, pop.group))
        answered = look(reactor, &pop, NULL, &arena, expired);
    else
        drop(&pop);
    arena_close(&arena);
    return answered;
}

static void waiter_drop(struct pop_waiter *waiter) {
    struct lite_pop *held = CONTAINER_OF(waiter, struct lite_pop, waiter);
    struct arena arena = {0};
    lite_unhold(held->lite, line_of(held, &arena));
    arena_close(&arena);
    drop(held);
    free(held);
}

/* false when the line is full. */
static bool hold(struct lite_look *look) {
    struct reactor *reactor = look->reactor;
    int64_t now_ms = loop_now_ms(reactor->loop), due_ms;
    struct lite_pop *held = malloc(sizeof *held);
    must(held);
    *held = *look->pop;
    held->waiter.kind = WAITER_POP;
    held->waiter.look = look_again;
    held->waiter.drop = waiter_drop;
    struct bytes name = line_of(held, look->arena);
    lite_hold(reactor->broker->lite, name, id_of(held), &due_ms);
    held->waiter.look_ms = due_ms == INT64_MAX ? INT64_MAX : now_ms + MAX(due_ms - clock_wall_ms(), 0) + 1;
    bool good = held_pops_hold(reactor->held_pops, held_pops_line(reactor->held_pops, name), &held->waiter);
    if (good) return true;
    lite_unhold(reactor->broker->lite, name);
    free(held);
    return false;
}

/* --- looks ------------------------------------------------------------------------------------------------- */

static bool may_wait(const struct reactor *reactor, const struct lite_pop *pop) {
    return pop->hold_ms > 0 && pop->waiter.deadline_ms > loop_now_ms(reactor->loop) &&
           !atomic_load(&reactor->broker->stopping);
}

/* Was it answered? */
static bool look(struct reactor *reactor, struct lite_pop *pop, struct get *copy, struct arena *arena, bool expired) {
    struct lite_look *looking = arena_calloc(arena, 1, sizeof *looking);
    *looking = (struct lite_look){.reactor = reactor, .pop = pop, .arena = arena, .copy = copy};
    bool wait = !expired && may_wait(reactor, pop), answered = true;
    take_all(looking);
    if (looking->count > 0) {
        answer(looking, RESPONSE_SUCCESS);
    } else if (looking->cold) {
        look_later(looking);
        answered = false;
    } else if (wait && hold(looking)) {
        answered = false;
    } else {
        answer(looking, wait ? RESPONSE_POLLING_FULL : RESPONSE_POLLING_TIMEOUT);
    }
    buf_close(&looking->order_counts);
    return answered;
}

void lite_pop_start(struct reactor *reactor, const struct lite_pop *pop, struct arena *arena) {
    struct lite_pop looking = *pop;
    (void)look(reactor, &looking, NULL, arena, false);
}
