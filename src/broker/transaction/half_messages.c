/* half_messages.c - where half messages are, how they end, and the op records that say so */
#include "broker/transaction/half_messages.h"

#include <inttypes.h>
#include <stdlib.h>
#include <uthash.h>
#include "base/check.h"
#include "base/lock.h"
#include "base/log.h"
#include "broker/transaction/half_window.h"
#include "broker/tables/offsets.h"
#include "broker/stats/stats.h"
#include "os/clock.h"

enum { FLUSH_WAIT_MS = 10000, OPS_AT_ONCE = 128 };

/* A half message that was put back: where it is now. */
struct moved {
    UT_hash_handle hh;
    int64_t original; /* the key: its first queue offset */
    int64_t current;
};

struct half_messages {
    struct broker *broker;
    struct topic *half_topic, *op_topic;
    struct queue *half_queue, *op_queue;
    struct progress *half_progress, *op_progress;
    struct lock lock; /* guards all below */
    struct half_window window;
    struct moved *moved;
    int64_t *due; /* finished, without an op record */
    size_t due_count, due_cap;
    int64_t end_phys; /* of our last append */
};

/* --- where a half message is; the lock is held -------------------------------------------------------------- */

/* The first queue offset of a half message, which each copy of it carries; false for none: given up by a broker that
 * did not note it. */
static bool original_of(const struct record *half, int64_t *original) {
    struct bytes text = properties_get(half->properties, PROPERTY_TRAN_PREPARED_QUEUE_OFFSET);
    if (text.data && bytes_to_i64(text, original)) return true;
    *original = half->offset_queue;
    return bytes_equal(half->topic, TOPIC_HALF);
}

static void note_moved(struct half_messages *halves, int64_t original, int64_t current) {
    struct moved *moved;
    HASH_FIND(hh, halves->moved, &original, sizeof original, moved);
    if (!moved) {
        moved = calloc(1, sizeof *moved);
        must(moved);
        moved->original = original;
        HASH_ADD(hh, halves->moved, original, sizeof moved->original, moved);
    }
    moved->current = current;
}

static void forget_moved(struct half_messages *halves, int64_t below) {
    struct moved *moved, *next;
    HASH_ITER(hh, halves->moved, moved, next) {
        if (moved->current >= below) continue;
        HASH_DEL(halves->moved, moved);
        free(moved);
    }
}

/* The queue offset where it waits now. */
static int64_t current_of(const struct half_messages *halves, const struct record *half) {
    int64_t original;
    struct moved *moved = NULL;
    if (original_of(half, &original)) HASH_FIND(hh, halves->moved, &original, sizeof original, moved);
    return moved ? moved->current : half->offset_queue;
}

/* --- op records --------------------------------------------------------------------------------------------- */

static void note_due(struct half_messages *halves, int64_t half) {
    if (half < half_window_first(&halves->window)) return;
    half_window_finish(&halves->window, half);
    if (halves->due_count == halves->due_cap) {
        halves->due_cap = halves->due_cap ? halves->due_cap * 2 : 256;
        halves->due = realloc(halves->due, halves->due_cap * sizeof *halves->due);
        must(halves->due);
    }
    halves->due[halves->due_count++] = half;
}

/* An op record with the queue offset of one half message, in `arena`. Lists of them cost less, but brokers before 5.1
 * do not read them and would ask about each again. @source shared facts: store 8 */
static enum err encode_op(struct half_messages *halves, int64_t half, struct arena *arena, struct put *put) {
    struct broker *broker = halves->broker;
    struct message_place place = {.topic = halves->op_topic};
    struct record record = {
        .born_time_ms = clock_wall_ms(),
        .born_host = broker->store_host,
        .store_host = broker->store_host,
        .body = arena_printf(arena, "%" PRId64, half),
    };
    property_set(&place.edits, PROPERTY_TAGS, BYTES("d"));
    return message_place_encode(broker, &place, &record, arena, put);
}

static void ops_written(struct half_messages *halves, const struct put *puts, size_t count) {
    int64_t size_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        half_window_add_op(&halves->window, puts[i].offset_queue);
        half_window_name(&halves->window, halves->due[i], puts[i].offset_queue);
        size_bytes += puts[i].size_bytes;
    }
    halves->due_count -= count;
    memmove(halves->due, halves->due + count, halves->due_count * sizeof *halves->due);
    stats_count_put(halves->broker->stats, halves->op_topic, (int64_t)count, size_bytes);
}

static enum err write_some_ops(struct half_messages *halves) {
    struct put puts[OPS_AT_ONCE];
    struct arena arena = {0};
    size_t count = MIN(halves->due_count, OPS_AT_ONCE);
    enum err err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < count; i++) err = encode_op(halves, halves->due[i], &arena, &puts[i]);
    if (err == ERR_OK) err = store_append(halves->broker->store, puts, count, &halves->end_phys);
    if (err == ERR_OK) ops_written(halves, puts, count);
    arena_close(&arena);
    return err;
}

static enum err write_ops(struct half_messages *halves) {
    while (halves->due_count > 0) TRY(write_some_ops(halves));
    return ERR_OK;
}

enum err half_messages_write_ops(struct half_messages *halves) {
    lock_take(&halves->lock);
    enum err err = write_ops(halves);
    lock_give(&halves->lock);
    return err;
}

/* --- ends and moves ----------------------------------------------------------------------------------------- */

static enum err end(struct half_messages *halves, const struct record *half, struct put *message, bool *ended) {
    int64_t current = current_of(halves, half);
    *ended = !half_window_finished(&halves->window, current);
    if (!*ended) return ERR_OK;
    if (message) TRY(store_append(halves->broker->store, message, 1, &halves->end_phys));
    note_due(halves, current);
    if (halves->due_count < OPS_AT_ONCE) return ERR_OK;
    enum err err = write_some_ops(halves);
    if (err != ERR_OK) log_every_ms(10000, WARN, MAIN, "op records are written later: cause=%s", err_detail(err));
    return ERR_OK;
}

enum err half_messages_end(struct half_messages *halves, const struct record *half, struct put *message, bool *ended) {
    lock_take(&halves->lock);
    enum err err = end(halves, half, message, ended);
    lock_give(&halves->lock);
    return err;
}

enum err half_messages_encode_back(struct half_messages *halves, const struct record *half, int32_t check_times,
                                   struct arena *arena, struct put *back) {
    struct record record = *half;
    struct message_place place = {.topic = halves->half_topic, .sys_flag = half->sys_flag};
    int64_t original;
    if (check_times >= 0) property_set_i64(&place.edits, PROPERTY_TRANSACTION_CHECK_TIMES, check_times, arena);
    if (original_of(half, &original))
        property_set_i64(&place.edits, PROPERTY_TRAN_PREPARED_QUEUE_OFFSET, original, arena);
    return message_place_encode(halves->broker, &place, &record, arena, back);
}

static enum err put_back(struct half_messages *halves, const struct record *half, struct put *back, bool *moved) {
    int64_t original, current = -1; /* one that was given up is nowhere now */
    bool known = original_of(half, &original);
    if (bytes_equal(half->topic, TOPIC_HALF)) current = current_of(halves, half);
    *moved = !half_window_finished(&halves->window, current);
    if (!*moved) return ERR_OK;
    TRY(store_append(halves->broker->store, back, 1, &halves->end_phys));
    half_window_finish(&halves->window, current);
    if (known) note_moved(halves, original, back->offset_queue);
    return ERR_OK;
}

enum err half_messages_put_back(struct half_messages *halves, const struct record *half, struct put *back,
                                bool *moved) {
    lock_take(&halves->lock);
    enum err err = put_back(halves, half, back, moved);
    lock_give(&halves->lock);
    if (err == ERR_OK && *moved) stats_count_put(halves->broker->stats, halves->half_topic, 1, back->size_bytes);
    return err;
}

/* --- the range that is left --------------------------------------------------------------------------------- */

struct queue *half_messages_queue(const struct half_messages *halves) {
    return halves->half_queue;
}

int64_t half_messages_first(struct half_messages *halves) {
    lock_take(&halves->lock);
    int64_t first = half_window_first(&halves->window);
    lock_give(&halves->lock);
    return first;
}

bool half_messages_finished(struct half_messages *halves, int64_t offset_queue) {
    lock_take(&halves->lock);
    bool finished = half_window_finished(&halves->window, offset_queue);
    lock_give(&halves->lock);
    return finished;
}

/* Offsets must never be ahead of the disk: what was put back would be lost with the end of the log. */
enum err half_messages_pass(struct half_messages *halves, int64_t offset_queue) {
    lock_take(&halves->lock);
    enum err err = write_ops(halves);
    int64_t end_phys = halves->end_phys;
    bool forward = offset_queue > half_window_first(&halves->window);
    lock_give(&halves->lock);
    TRY(err);
    if (forward) TRY(store_wait_flushed(halves->broker->store, end_phys, FLUSH_WAIT_MS));
    lock_take(&halves->lock);
    half_window_advance(&halves->window, offset_queue);
    forget_moved(halves, half_window_first(&halves->window));
    int64_t first = half_window_first(&halves->window), first_op = half_window_first_op(&halves->window);
    lock_give(&halves->lock);
    struct offsets *offsets = halves->broker->offsets;
    if (progress_committed(halves->half_progress, 0) != first)
        progress_commit(offsets, halves->half_progress, 0, first);
    if (progress_committed(halves->op_progress, 0) != first_op)
        progress_commit(offsets, halves->op_progress, 0, first_op);
    return ERR_OK;
}

/* --- start -------------------------------------------------------------------------------------------------- */

/* Where to begin: the group's offset, within what the queue has. */
static int64_t begin_of(const struct progress *progress, struct queue *queue) {
    int64_t offset_queue = MAX(progress_committed(progress, 0), queue_min(queue));
    return MIN(offset_queue, queue_max(queue));
}

/* The record of a queue's entry; ERR_NOT_FOUND when retention has deleted it. */
static enum err record_of_entry(struct half_messages *halves, struct queue *queue, int64_t offset_queue,
                                struct store_slice *slice, struct record *record) {
    struct queue_entry entry;
    TRY(queue_entry_at(halves->broker->store, queue, offset_queue, &entry));
    TRY(store_record_at(halves->broker->store, entry.offset_phys, slice));
    enum err err = record_decode(slice->bytes, RECORD_CHECK_SHAPE, record);
    if (err != ERR_OK) store_release(slice->hold);
    return err == ERR_OK ? ERR_OK : fail(ERR_NOT_FOUND, "no record at %" PRId64, entry.offset_phys);
}

/* Bodies are one number (before 5.1), or several with commas. */
static void read_op(struct half_messages *halves, int64_t op, const struct record *record) {
    int64_t half, half_max = queue_max(halves->half_queue);
    struct bytes text;
    half_window_add_op(&halves->window, op);
    if (!bytes_is(properties_get(record->properties, PROPERTY_TAGS), "d")) return;
    for (struct bytes rest = record->body; bytes_split(&rest, ',', &text);)
        if (bytes_to_i64(text, &half) && half < half_max) half_window_name(&halves->window, half, op);
}

static enum err load_ops(struct half_messages *halves) {
    int64_t max = queue_max(halves->op_queue);
    for (int64_t op = half_window_first_op(&halves->window); op < max; op++) {
        struct store_slice slice;
        struct record record;
        enum err err = record_of_entry(halves, halves->op_queue, op, &slice, &record);
        if (err == ERR_NOT_FOUND) continue;
        TRY(err);
        read_op(halves, op, &record);
        store_release(slice.hold);
    }
    return ERR_OK;
}

/* Finds those that were put back: their first ends may still come. */
static enum err load_moved(struct half_messages *halves) {
    int64_t max = queue_max(halves->half_queue);
    for (int64_t half = half_window_first(&halves->window); half < max; half++) {
        struct store_slice slice;
        struct record record;
        int64_t original;
        if (half_window_finished(&halves->window, half)) continue;
        enum err err = record_of_entry(halves, halves->half_queue, half, &slice, &record);
        if (err == ERR_NOT_FOUND) continue;
        TRY(err);
        if (original_of(&record, &original) && original != half) note_moved(halves, original, half);
        store_release(slice.hold);
    }
    return ERR_OK;
}

enum err half_messages_open(struct broker *broker, struct half_messages **out) {
    struct half_messages *halves = calloc(1, sizeof *halves);
    must(halves);
    halves->broker = broker;
    halves->half_topic = topics_find(broker->topics, TOPIC_HALF);
    halves->op_topic = topics_find(broker->topics, TOPIC_OP_HALF);
    must(halves->half_topic && halves->op_topic); /* made at start, never deleted */
    halves->half_queue = topic_queue(halves->half_topic, broker->store, 0, true);
    halves->op_queue = topic_queue(halves->op_topic, broker->store, 0, true);
    must(halves->half_queue && halves->op_queue);
    halves->half_progress = offsets_progress(broker->offsets, TOPIC_HALF, GROUP_TRANSACTIONS, true);
    halves->op_progress = offsets_progress(broker->offsets, TOPIC_OP_HALF, GROUP_TRANSACTIONS, true);
    lock_init(&halves->lock, LOCK_HALF_MESSAGES);
    half_window_init(&halves->window, begin_of(halves->half_progress, halves->half_queue),
                     begin_of(halves->op_progress, halves->op_queue));
    enum err err = load_ops(halves);
    if (err == ERR_OK) err = load_moved(halves);
    if (err == ERR_OK)
        *out = halves;
    else
        half_messages_close(halves);
    return err;
}

void half_messages_close(struct half_messages *halves) {
    if (!halves) return;
    enum err err = half_messages_write_ops(halves);
    if (err != ERR_OK)
        log_warn(MAIN, "ends of transactions not noted, producers will be asked again: count=%zu cause=%s",
                 halves->due_count, err_detail(err));
    forget_moved(halves, INT64_MAX);
    half_window_close(&halves->window);
    lock_close(&halves->lock);
    free(halves->due);
    free(halves);
}
