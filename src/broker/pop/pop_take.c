/* pop_take.c - the walk over the queues of a pop */
#include "broker/pop/pop_take.h"

#include <inttypes.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/endian.h"
#include "base/log.h"
#include "broker/pop/order_infos.h"
#include "broker/pop/receipt.h"
#include "broker/stats/stats.h"
#include "message/properties.h"
#include "os/clock.h"

enum {
    NUMBER_MAX = 21, /* a number in a text and what separates it */
    INFO_MAX = POP_MESSAGES_MAX * 4 * NUMBER_MAX,
    SLICES_MAX = POP_MESSAGES_MAX,
    PERCENT = 100,
    FULL_WAIT_MS = 500 /* between looks at a queue with too many messages out */
};

static struct buf arena_buf(struct arena *arena) {
    return (struct buf){.data = arena_alloc(arena, INFO_MAX), .cap = INFO_MAX};
}

/* Where to begin, written down when the group is new to the queue. A reset that an admin asked for comes first. */
static int64_t begin_offset(struct pop_take *take, const struct pop_source *source, struct queue *queue) {
    struct broker *broker = take->reactor->broker;
    int32_t id = queue_id(queue);
    if (broker->config.use_server_side_reset_offset && progress_take_reset(source->progress, id) != OFFSET_NONE) {
        struct order_key key = {source->progress->topic, source->progress->group, id};
        order_infos_clear(broker->order_infos, &key);
    }
    int64_t offset_queue = pop_offset(broker, source->progress, queue, take->pop->init_mode);
    if (progress_committed(source->progress, id) < 0)
        progress_commit(broker->offsets, source->progress, id, offset_queue);
    return offset_queue;
}

/* --- the answer's parts ------------------------------------------------------------------------------------ */

/* Queue offsets of the messages found. */
static int32_t read_offsets(const struct get *get, int64_t offsets[POP_MESSAGES_MAX]) {
    int32_t count = 0;
    for (size_t i = 0; i < get->slice_count; i++) {
        struct bytes rest = get->slices[i].bytes;
        while (rest.len > RECORD_AT_PHYSICAL_OFFSET && count < POP_MESSAGES_MAX) {
            offsets[count++] = load_i64be(rest.data + RECORD_AT_QUEUE_OFFSET);
            rest = bytes_skip(rest, load_u32be(rest.data + RECORD_AT_SIZE));
        }
    }
    return count;
}

static void write_infos(struct pop_take *take, const struct pop_source *source, int32_t queue_id, int64_t start,
                        const int64_t *offsets, int32_t count) {
    const char *separator = take->start_offsets.len > 0 ? ";" : "";
    buf_printf(&take->start_offsets, "%s%d %d %" PRId64, separator, (int)source->kind, queue_id, start);
    buf_printf(&take->msg_offsets, "%s%d %d ", separator, (int)source->kind, queue_id);
    for (int32_t i = 0; i < count; i++) {
        if (i > 0) buf_append_char(&take->msg_offsets, ',');
        buf_append_i64(&take->msg_offsets, offsets[i]);
    }
}

/* How often each message that comes again was handed out before, and for old clients the least of the queue. */
static void write_order_counts(struct pop_take *take, const struct pop_source *source, int32_t queue_id,
                               const int64_t *offsets, const int32_t *counts, int32_t count) {
    struct buf *out = &take->order_counts;
    int32_t least = INT32_MAX;
    for (int32_t i = 0; i < count; i++) {
        least = MIN(least, counts[i]);
        if (counts[i] == 0) continue;
        buf_printf(out, "%s%d qo%d%%%" PRId64 " %d", out->len > 0 ? ";" : "", (int)source->kind, queue_id, offsets[i],
                   counts[i]);
    }
    buf_printf(out, "%s%d %d %d", out->len > 0 ? ";" : "", (int)source->kind, queue_id, least);
}

static void add_slice(struct pop_take *take, struct slice slice) {
    must(take->slice_count < SLICES_MAX);
    take->slices[take->slice_count++] = slice;
}

/* A message that came back goes out under its own topic, with its receipt. */
static bool renamed_encode(struct pop_take *take, const struct pop_source *source, int64_t start, struct bytes stored,
                           struct record *record) {
    if (record_decode(stored, RECORD_CHECK_SHAPE, record) != ERR_OK) return false;
    struct receipt receipt = {start,
                              take->pop_time_ms,
                              take->pop->invisible_ms,
                              take->revive_queue,
                              source->kind,
                              take->reactor->broker->config.broker_name,
                              record->queue_id,
                              record->offset_queue};
    if (!properties_get(record->properties, PROPERTY_POP_CK).data) {
        struct bytes text = receipt_text(&receipt, take->arena);
        size_t room = record->properties.len + PROPERTY_POP_CK.len + text.len + 4;
        struct buf properties = {.data = arena_alloc(take->arena, room), .cap = room};
        buf_append_bytes(&properties, record->properties);
        properties_append(&properties, PROPERTY_POP_CK, text);
        record->properties = buf_bytes(&properties);
    }
    record->topic = topic_name(take->pop->topic);
    return record_size(record) > 0;
}

/* All messages of the get, renamed, in one piece of memory. */
static void add_renamed(struct pop_take *take, const struct pop_source *source, int64_t start, struct get *get) {
    struct record *records = arena_alloc(take->arena, (size_t)get->count * sizeof *records);
    size_t count = 0, bytes = 0;
    for (size_t i = 0; i < get->slice_count; i++)
        for (struct bytes rest = get->slices[i].bytes; rest.len > RECORD_AT_MAGIC && count < (size_t)get->count;
             rest = bytes_skip(rest, load_u32be(rest.data)))
            if (renamed_encode(take, source, start, rest, &records[count])) bytes += record_size(&records[count++]);
    char *text = malloc(bytes + 1), *at = text;
    must(text);
    for (size_t i = 0; i < count; i++) {
        record_encode(&records[i], at);
        at += record_size(&records[i]);
    }
    for (size_t i = 0; i < get->slice_count; i++) get->release(get->slices[i].hold);
    add_slice(take, (struct slice){bytes_make(text, bytes), free, text});
}

static void add_messages(struct pop_take *take, const struct pop_source *source, int64_t start, struct get *get) {
    if (source->kind != RETRY_KIND_NONE && !take->reactor->broker->config.pop_response_return_actual_retry_topic) {
        add_renamed(take, source, start, get);
        return;
    }
    for (size_t i = 0; i < get->slice_count; i++) add_slice(take, slice_of(get, i));
}

/* --- one queue --------------------------------------------------------------------------------------------- */

static void take_checkpoint(struct pop_take *take, const struct pop_source *source, const struct get *get,
                            const int64_t *offsets, int32_t count) {
    struct broker *broker = take->reactor->broker;
    struct checkpoint_record checkpoint = {
        .topic = source->progress->topic,
        .group = source->progress->group,
        .queue_id = queue_id(get->queue),
        .start_offset = get->offset_queue,
        .pop_time_ms = take->pop_time_ms,
        .invisible_ms = take->pop->invisible_ms,
        .count = count,
    };
    for (int32_t i = 0; i < count; i++) checkpoint.diffs[i] = (int32_t)(offsets[i] - get->offset_queue);
    revive_record_put_checkpoint(broker, broker->revive_topic, take->revive_queue, &checkpoint, take->arena,
                                 &take->checkpoints[take->taken_count]);
    stats_count_checkpoint(broker->stats, source->progress);
    take->taken[take->taken_count++] = (struct taken){source->progress, checkpoint.queue_id, get->next_offset, count};
}

static void take_ordered(struct pop_take *take, const struct pop_source *source, const struct get *get,
                         const int64_t *offsets, int32_t count) {
    struct order_key key = {source->progress->topic, source->progress->group, queue_id(get->queue)};
    struct order_pop pop = {bytes_of(take->pop->attempt_id), take->pop_time_ms, take->pop->invisible_ms, offsets,
                            count};
    int32_t counts[POP_MESSAGES_MAX];
    order_infos_popped(take->reactor->broker->order_infos, &key, &pop, counts);
    write_order_counts(take, source, key.queue_id, offsets, counts, count);
}

/* true: the queue is kept from other pops until the checkpoint is written. */
static bool take_found(struct pop_take *take, const struct pop_source *source, struct get *get) {
    struct broker *broker = take->reactor->broker;
    int64_t offsets[POP_MESSAGES_MAX];
    int32_t count = read_offsets(get, offsets);
    /* in the middle of a batch: it comes whole */
    if (queue_kind(get->queue) == QUEUE_BATCH) get->offset_queue = MIN(get->offset_queue, offsets[0]);
    write_infos(take, source, queue_id(get->queue), get->offset_queue, offsets, count);
    stats_count_get(broker->stats, source->topic, source->progress, count, get->total_bytes, get->from_disk);
    if (take->pop->order)
        take_ordered(take, source, get, offsets, count);
    else
        take_checkpoint(take, source, get, offsets, count);
    add_messages(take, source, get->offset_queue, get);
    take->count += count;
    take->rest += get->max_offset - get->next_offset;
    return !take->pop->order;
}

/* Is it what was copied that the queue has next? Another pop may have been faster. */
static bool take_copy(struct pop_take *take, struct get *get) {
    struct get *copy = take->copy;
    if (!copy || copy->queue != get->queue || copy->offset_queue != get->offset_queue || copy->count > get->max_count)
        return false;
    *get = *copy;
    copy->slice_count = 0;
    take->copy = NULL;
    return true;
}

static void look_up(struct pop_take *take, struct get *get) {
    const struct filter *filter = take->pop->filter;
    get->max_count = take->pop->max_count - take->count;
    if (take_copy(take, get)) return;
    get->match_tags = filter ? filter_match_tags : NULL;
    get->match_record = filter && filter->sql ? filter_match_record : NULL;
    get->match_ctx = take->pop->filter;
    get->was_cold = take->pop->cold_tries > 0;
    store_get(take->reactor->broker->store, take->arena, get);
}

/* The queue is ours. true: it stays so until the checkpoint is written. */
static bool take_messages(struct pop_take *take, const struct pop_source *source, struct queue *queue) {
    struct broker *broker = take->reactor->broker;
    int32_t id = queue_id(queue);
    struct get get = {.queue = queue, .offset_queue = begin_offset(take, source, queue)};
    look_up(take, &get);
    if (get.status == GET_OFFSET_TOO_SMALL || get.status == GET_OFFSET_OVERFLOW_BADLY ||
        get.status == GET_OFFSET_FOUND_NULL) { /* retention or a reset moved the queue's range */
        log_every_ms(1000, WARN, CLIENT, "pop offset corrected: key=%.*s queue=%d from=%" PRId64 " to=%" PRId64,
                     BYTES_ARG(source->progress->named.name), id, get.offset_queue, get.next_offset);
        progress_commit(broker->offsets, source->progress, id, get.next_offset);
        get = (struct get){.queue = queue, .offset_queue = get.next_offset};
        look_up(take, &get);
    }
    if (get.status == GET_FOUND) return take_found(take, source, &get);
    if (get.status == GET_COLD) {
        take->cold = true;
        take->cold_get = get;
        return false;
    }
    if (get.next_offset > get.offset_queue) { /* what was there is not for this group */
        progress_commit(broker->offsets, source->progress, id, get.next_offset);
        take->again |= get.next_offset < get.max_offset;
    }
    take->rest += get.max_offset - get.next_offset;
    return false;
}

/* Must the queue be left alone: an ordered one whose messages are out, or one with too many of them? */
static bool must_wait(struct pop_take *take, const struct pop_source *source, int32_t id, int64_t left) {
    struct broker *broker = take->reactor->broker;
    const struct pop *pop = take->pop;
    int64_t free_ms;
    if (pop->order) {
        struct order_key key = {source->progress->topic, source->progress->group, id};
        if (progress_pending_reset(source->progress, id) != OFFSET_NONE) return false;
        if (!order_infos_blocked(broker->order_infos, &key, bytes_of(pop->attempt_id), pop->invisible_ms, &free_ms))
            return false;
    } else {
        if (!broker->config.enable_pop_message_threshold ||
            progress_in_flight(source->progress, id) <= broker->config.pop_inflight_message_threshold)
            return false;
        free_ms = take->pop_time_ms + FULL_WAIT_MS;
        take->rest += left;
    }
    take->free_ms = MIN(take->free_ms, free_ms);
    return true;
}

/* Nothing may be looked at before the disk was read; a copy is looked for among all queues first. */
static bool must_warm_up(const struct pop_take *take) {
    return take->cold && !take->copy;
}

static void take_queue(struct pop_take *take, const struct pop_source *source, int32_t id) {
    struct broker *broker = take->reactor->broker;
    struct queue *queue = topic_queue(source->topic, broker->store, id, false);
    if (!queue || must_warm_up(take)) return;
    int64_t left = queue_max(queue) - pop_offset(broker, source->progress, queue, take->pop->init_mode);
    if (left == 0 && progress_pending_reset(source->progress, id) == OFFSET_NONE) return;
    if (take->count >= take->pop->max_count) {
        take->rest += MAX(left, 0);
        return;
    }
    if (!progress_try_take(broker->offsets, source->progress, id)) {
        take->again = true;
        return;
    }
    if (must_wait(take, source, id, left) || !take_messages(take, source, queue)) progress_give(source->progress, id);
}

/* --- all queues -------------------------------------------------------------------------------------------- */

/* The share of a PRIORITY topic's pops that go by priority. @source shared facts: since-5.3.3 section 5 */
static bool by_priority(const struct pop *pop) {
    return !pop->order && pop->topic->type == TOPIC_TYPE_PRIORITY &&
           random_below(PERCENT) < pop->group->priority_factor;
}

static void take_topic(struct pop_take *take, const struct pop_source *source, bool priority) {
    int32_t count = atomic_load(&source->topic->read_queues), first = priority ? 0 : random_below(count);
    bool down = take->reactor->broker->config.priority_order_asc;
    for (int32_t i = 0; i < count && !must_warm_up(take); i++)
        take_queue(take, source, (int32_t)(((int64_t)first + (down ? count - 1 - i : i)) % count));
}

/* One kind of retry topic an answer: receipts tell them apart, but clients of both do not. */
static void take_retry(struct pop_take *take, bool priority) {
    const struct broker *broker = take->reactor->broker;
    enum retry_kind kinds[2];
    int32_t count = (int32_t)pop_source_retry_kinds(broker, kinds), first = random_below(count), before = take->count;
    for (int32_t i = 0; i < count && take->count == before; i++) {
        struct pop_source source;
        if (pop_source_find(broker, take->pop->progress, kinds[(first + i) % count], &source))
            take_topic(take, &source, priority);
    }
}

static void take_all(struct pop_take *take) {
    const struct pop *pop = take->pop;
    const struct broker_config *config = &take->reactor->broker->config;
    struct pop_source source = {pop->topic, pop->progress, retry_kind_of(topic_name(pop->topic))};
    bool priority = by_priority(pop);
    int32_t share = priority ? config->pop_from_retry_probability_for_priority : config->pop_from_retry_probability;
    bool retry_first = !pop->order && random_below(PERCENT) < share;
    if (retry_first) take_retry(take, priority);
    if (pop->waiter.queue_id < 0)
        take_topic(take, &source, priority);
    else
        take_queue(take, &source, pop->waiter.queue_id);
    if (!retry_first && !pop->order && take->count < pop->max_count) take_retry(take, priority);
}

static void settle(struct pop_take *take, bool stored) {
    struct offsets *offsets = take->reactor->broker->offsets;
    for (size_t i = 0; i < take->taken_count; i++) {
        struct taken *taken = &take->taken[i];
        if (stored) {
            progress_commit(offsets, taken->progress, taken->queue_id, taken->next_offset);
            progress_note_pull(offsets, taken->progress, taken->queue_id, taken->next_offset);
            progress_add_in_flight(offsets, taken->progress, taken->queue_id, taken->count);
        }
        progress_give(taken->progress, taken->queue_id);
    }
}

enum err pop_take(struct pop_take *take) {
    struct broker *broker = take->reactor->broker;
    int64_t end_phys;
    take->pop_time_ms = clock_wall_ms();
    take->revive_queue =
        take->pop->order
            ? REVIVE_QUEUE_ORDER
            : (int32_t)(atomic_fetch_add(&broker->pop_count, 1) % (unsigned)broker->config.revive_queue_num);
    take->free_ms = INT64_MAX;
    take->start_offsets = arena_buf(take->arena);
    take->msg_offsets = arena_buf(take->arena);
    if (take->pop->order) take->order_counts = arena_buf(take->arena);
    take->slices = arena_alloc(take->arena, SLICES_MAX * sizeof *take->slices);
    take_all(take);
    if (take->count > 0) take->cold = false;
    if (take->taken_count == 0) return ERR_OK;
    enum err err = store_append(broker->store, take->checkpoints, take->taken_count, &end_phys);
    settle(take, err == ERR_OK);
    if (err != ERR_OK) slices_release(take->slices, take->slice_count);
    return err;
}
