/* revive.c - the reader of the revive queues and what it does when a checkpoint is due */
#include "broker/pop/revive.h"

#include <inttypes.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/lock.h"
#include "base/log.h"
#include "broker/pop/order_infos.h"
#include "broker/pop/pop_names.h"
#include "broker/pop/revive_copy.h"
#include "broker/stats/stats.h"
#include "os/clock.h"
#include "os/thread.h"

enum {
    READ_MAX = 1024,         /* records at once */
    WAIT_MAX_MS = 100,       /* that long a new checkpoint may go unnoticed */
    DISPATCH_WAIT_MS = 5000, /* for records that are stored and not yet in their queue */
    AFTER_ERROR_MS = 1000,
    SAVE_SLACK_MS = 1000, /* a group offset may be in the file though its record is this much older */
    COPIES_BYTES_MAX = 8 << 20,
    REVIVED_MAX = 1024,      /* checkpoints of one queue before the others get their turn */
    REWRITE_BEHIND = 100000, /* records that one open checkpoint may hold up */
    REWRITES_MAX = 64
};

struct revive_queue {
    struct queue *queue;
    struct progress *progress;
    int32_t id;
    struct checkpoints checkpoints;
    int64_t next_offset;  /* the next record to read */
    int64_t counted_from; /* records from there on were written since the start: their writers counted them */
    _Atomic int64_t done; /* what the group's offset may be */
    _Atomic int64_t open_count;
    int64_t taken; /* `done` as it was before the last save of the group offsets; @thread work */
};
struct revive {
    struct broker *broker;
    struct revive_queue *queues;
    int32_t count;
    int64_t taken_phys; /* end of the log when `taken` was noted; @thread work */
    int64_t saved_ms;   /* records from here on may be newer than the offsets that were loaded */
    struct lock lock;   /* guards closing */
    struct cond wake;
    bool closing, started;
    pthread_t thread;
};

/* --- reading ----------------------------------------------------------------------------------------------- */

static void raise(struct revive *revive, struct progress *progress, int32_t queue_id, int64_t offset_queue) {
    if (progress && offset_queue > progress_committed(progress, queue_id))
        progress_commit(revive->broker->offsets, progress, queue_id, offset_queue);
}

/* At the start: a record that is newer than the offsets that were loaded says where its group had come. */
static void recover_offset(struct revive *revive, const struct revive_record *record) {
    struct broker *broker = revive->broker;
    const struct checkpoint_record *ck = &record->checkpoint;
    const struct ack_record *ack = &record->ack;
    if (record->by_timer || record->store_time_ms < revive->saved_ms) return;
    if (record->kind == REVIVE_CHECKPOINT && ck->count > 0)
        raise(revive, offsets_progress(broker->offsets, ck->topic, ck->group, true), ck->queue_id,
              ck->start_offset + ck->diffs[ck->count - 1] + 1);
    if (record->kind == REVIVE_ACK && ack->next_offset >= 0) {
        struct progress *progress = offsets_progress(broker->offsets, ack->topic, ack->group, true);
        if (!progress) return;
        struct order_key key = {ack->topic, ack->group, ack->queue_id};
        int64_t committed = MAX(progress_committed(progress, ack->queue_id), ack->next_offset);
        (void)order_infos_ack(broker->order_infos, progress, &key, ack->offsets[0], ack->pop_time_ms);
        progress_commit(broker->offsets, progress, ack->queue_id, committed);
    }
}

static void apply(struct revive *revive, struct revive_queue *queue, const struct get *get, bool recovering) {
    struct arena arena = {0};
    for (size_t i = 0; i < get->slice_count; i++) {
        struct bytes rest = get->slices[i].bytes;
        while (rest.len > 0) {
            struct record record;
            struct revive_record read;
            if (record_decode(rest, RECORD_CHECK_SHAPE, &record) != ERR_OK) break;
            revive_record_read(rest, &arena, &read);
            if (recovering) recover_offset(revive, &read);
            checkpoints_apply(&queue->checkpoints, &read, record.offset_queue,
                              record.offset_queue >= queue->counted_from);
            rest = bytes_skip(rest, record.size_bytes);
            arena_reset(&arena);
        }
        store_release(get->slices[i].hold);
    }
    arena_close(&arena);
}

/* Reads what is in the queue until `end`; false when it is not all there. */
static bool read_until(struct revive *revive, struct revive_queue *queue, int64_t end, bool recovering) {
    struct arena arena = {0};
    while (queue->next_offset < end) {
        struct get get = {
            .queue = queue->queue, .offset_queue = queue->next_offset, .max_count = READ_MAX, .may_wait = true};
        store_get(revive->broker->store, &arena, &get);
        if (get.status == GET_FOUND) apply(revive, queue, &get, recovering);
        arena_reset(&arena);
        bool moved = get.next_offset > queue->next_offset || get.status == GET_OFFSET_OVERFLOW_BADLY;
        if (!moved) break;
        queue->next_offset = get.next_offset;
    }
    arena_close(&arena);
    return queue->next_offset >= end;
}

/* All acks that were answered until now are read; false when the queues are not built in time. */
static bool read_all(struct revive *revive, struct revive_queue *queue) {
    int64_t end = queue_next(queue->queue), until_ms = clock_monotonic_ms() + DISPATCH_WAIT_MS;
    while (!read_until(revive, queue, end, false)) {
        if (clock_monotonic_ms() >= until_ms) return false;
        clock_sleep_ms(1);
    }
    return true;
}

/* --- coming back ------------------------------------------------------------------------------------------- */

/* Copies of a checkpoint's messages and the ack of them: they go into the log together. */
struct coming_back {
    struct arena arena;
    struct put puts[POP_MESSAGES_MAX + 1];
    size_t count;
    int64_t bytes;
    struct ack_record ack;
    uint32_t acked; /* their bits */
};

/* From message *next on, which it moves, as many as may be in memory at once. */
static enum err make_copies(struct revive *revive, const struct checkpoint *checkpoint, struct topic *topic,
                            int32_t *next, struct coming_back *back) {
    back->ack = (struct ack_record){
        .topic = checkpoint->progress->topic,
        .group = checkpoint->progress->group,
        .queue_id = checkpoint->queue_id,
        .start_offset = checkpoint->start_offset,
        .pop_time_ms = checkpoint->pop_time_ms,
        .invisible_ms = -1,
        .next_offset = -1,
    };
    for (; *next < checkpoint->count && back->bytes < COPIES_BYTES_MAX; ++*next) {
        if (checkpoint_is_acked(checkpoint, *next)) continue;
        struct put *put = &back->puts[back->count];
        enum err err = revive_copy_make(revive->broker, checkpoint, *next, topic, &back->arena, put);
        if (err != ERR_OK && err != ERR_NOT_FOUND) return err;
        back->ack.offsets[back->ack.count++] = checkpoint_offset(checkpoint, *next);
        back->acked |= (uint32_t)1 << *next;
        if (err == ERR_NOT_FOUND) continue; /* retention deleted it */
        back->bytes += put->size_bytes;
        back->count++;
    }
    return ERR_OK;
}

static enum err store_copies(struct revive *revive, struct revive_queue *queue, struct topic *topic,
                             struct coming_back *back) {
    struct broker *broker = revive->broker;
    int64_t end_phys;
    if (back->ack.count == 0) return ERR_OK;
    revive_record_put_ack(broker, broker->revive_topic, queue->id, &back->ack, &back->arena, &back->puts[back->count]);
    TRY(store_append(broker->store, back->puts, back->count + 1, &end_phys));
    if (back->count > 0) stats_count_put(broker->stats, topic, (int64_t)back->count, back->bytes);
    return ERR_OK;
}

static enum err bring_back(struct revive *revive, struct revive_queue *queue, struct checkpoint *checkpoint) {
    struct topic *topic;
    TRY(revive_copy_topic(revive->broker, checkpoint, &topic));
    for (int32_t next = 0; topic && next < checkpoint->count;) {
        struct coming_back back = {0};
        enum err err = make_copies(revive, checkpoint, topic, &next, &back);
        if (err == ERR_OK) err = store_copies(revive, queue, topic, &back);
        arena_close(&back.arena);
        if (err != ERR_OK) return err;
        checkpoints_set_acked(&queue->checkpoints, checkpoint, back.acked);
    }
    return ERR_OK;
}

static void revive_due(struct revive *revive, struct revive_queue *queue, int64_t now_ms) {
    struct checkpoints *all = &queue->checkpoints;
    for (int32_t left = REVIVED_MAX; left > 0; left--) {
        struct checkpoint *due = checkpoints_due(all, now_ms);
        if (!due) break;
        enum err err = due->count > 0 ? bring_back(revive, queue, due) : ERR_OK;
        if (err == ERR_OK) {
            checkpoints_remove(all, due);
            continue;
        }
        log_every_ms(10000, WARN, CLIENT, "popped messages do not come back, trying again: key=%.*s queue=%d cause=%s",
                     BYTES_ARG(due->progress->named.name), due->queue_id, err_detail(err));
        checkpoints_put_off(all, due, now_ms + AFTER_ERROR_MS);
    }
}

/* --- the group's offset ------------------------------------------------------------------------------------ */

static void put_again(struct revive *revive, const struct revive_queue *queue, const struct checkpoint *checkpoint,
                      struct arena *arena, struct put *put) {
    struct checkpoint_record record;
    checkpoint_to_record(checkpoint, &record);
    revive_record_put_checkpoint(revive->broker, revive->broker->revive_topic, queue->id, &record, arena, put);
}

/* As all who write checkpoints do. */
static void count_again(struct offsets *offsets, const struct checkpoints *all, size_t count) {
    for (const struct checkpoint *c = all->first; c && count > 0; c = c->next) {
        if (c->count == 0) continue;
        progress_add_in_flight(offsets, c->progress, c->queue_id, c->count);
        count--;
    }
}

/* The oldest are written again when they hold up many more records than are open. */
static void rewrite_oldest(struct revive *revive, struct revive_queue *queue) {
    struct checkpoints *all = &queue->checkpoints;
    int64_t behind = queue->next_offset - checkpoints_first(all, queue->next_offset), end_phys;
    struct arena arena = {0};
    struct put puts[REWRITES_MAX];
    size_t count = 0;
    if (behind < REWRITE_BEHIND || behind < 4 * (int64_t)all->count) return;
    for (struct checkpoint *c = all->first; c && count < REWRITES_MAX; c = c->next)
        if (c->count > 0) put_again(revive, queue, c, &arena, &puts[count++]);
    enum err err = count > 0 ? store_append(revive->broker->store, puts, count, &end_phys) : ERR_OK;
    if (err == ERR_OK)
        count_again(revive->broker->offsets, all, count);
    else
        log_every_ms(10000, WARN, CLIENT, "checkpoints are written again later: cause=%s", err_detail(err));
    arena_close(&arena);
}

static void note_done(struct revive_queue *queue) {
    atomic_store(&queue->done, checkpoints_first(&queue->checkpoints, queue->next_offset) - 1);
    atomic_store(&queue->open_count, (int64_t)queue->checkpoints.count);
}

static void commit_done(struct revive *revive, struct revive_queue *queue, int64_t done) {
    if (done >= 0 && done != progress_committed(queue->progress, queue->id))
        progress_commit(revive->broker->offsets, queue->progress, queue->id, done);
}

void revive_before_save(struct revive *revive) {
    struct store *store = revive->broker->store;
    struct store_facts facts;
    if (store_flushed_phys(store) < revive->taken_phys) return;
    for (int32_t i = 0; i < revive->count; i++) {
        commit_done(revive, &revive->queues[i], revive->queues[i].taken);
        revive->queues[i].taken = atomic_load(&revive->queues[i].done);
    }
    store_facts(store, &facts);
    revive->taken_phys = facts.max_phys;
}

void revive_counts(const struct revive *revive, int64_t *open, int64_t *behind) {
    *open = *behind = 0;
    for (int32_t i = 0; i < revive->count; i++) {
        *open += atomic_load(&revive->queues[i].open_count);
        *behind += MAX(queue_max(revive->queues[i].queue) - 1 - atomic_load(&revive->queues[i].done), 0);
    }
}

/* --- the thread -------------------------------------------------------------------------------------------- */

static bool wait_until(struct revive *revive, int64_t due_ms) {
    int64_t wait_ms = MIN(due_ms - MIN(clock_wall_ms(), due_ms), WAIT_MAX_MS);
    lock_take(&revive->lock);
    if (!revive->closing && wait_ms > 0) (void)cond_wait_ms(&revive->wake, &revive->lock, wait_ms);
    bool closing = revive->closing;
    lock_give(&revive->lock);
    return !closing;
}

static void revive_thread(void *arg) {
    struct revive *revive = arg;
    int64_t due_ms;
    do {
        due_ms = INT64_MAX;
        for (int32_t i = 0; i < revive->count; i++) {
            struct revive_queue *queue = &revive->queues[i];
            int64_t now_ms = clock_wall_ms(); /* before what came until then is read */
            if (!read_all(revive, queue)) continue;
            revive_due(revive, queue, now_ms);
            rewrite_oldest(revive, queue);
            note_done(queue);
            due_ms = MIN(due_ms, checkpoints_next_due_ms(&queue->checkpoints));
        }
    } while (wait_until(revive, due_ms));
}

static void open_queue(struct revive *revive, int32_t id) {
    struct broker *broker = revive->broker;
    struct revive_queue *queue = &revive->queues[id];
    queue->id = id;
    queue->queue = topic_queue(broker->revive_topic, broker->store, id, true);
    queue->progress = offsets_progress(broker->offsets, topic_name(broker->revive_topic), REVIVE_GROUP, true);
    must(queue->queue && queue->progress);
    checkpoints_init(&queue->checkpoints, broker->offsets, broker->boot_time_ms);
    queue->counted_from = queue_next(queue->queue);
    int64_t begin = progress_committed(queue->progress, id) + 1;
    queue->next_offset = MIN(MAX(begin, queue_min(queue->queue)), queue_max(queue->queue));
    if (!read_until(revive, queue, queue_max(queue->queue), true))
        log_warn(MAIN, "revive queue not read to its end yet: queue=%d offset=%" PRId64, id, queue->next_offset);
    note_done(queue);
    queue->taken = progress_committed(queue->progress, id);
}

enum err revive_open(struct broker *broker, struct revive **out) {
    struct revive *revive = calloc(1, sizeof *revive);
    must(revive);
    revive->broker = broker;
    broker->revive_topic = revive_topic(broker);
    revive->count = MAX(atomic_load(&broker->revive_topic->write_queues), broker->config.revive_queue_num);
    revive->saved_ms = offsets_loaded_ms(broker->offsets) - SAVE_SLACK_MS;
    revive->queues = calloc((size_t)revive->count, sizeof *revive->queues);
    must(revive->queues);
    lock_init(&revive->lock, LOCK_WORK);
    cond_init(&revive->wake);
    for (int32_t i = 0; i < revive->count; i++) open_queue(revive, i);
    *out = revive;
    return ERR_OK;
}

enum err revive_start(struct revive *revive) {
    enum err err = thread_start(&revive->thread, "revive", revive_thread, revive);
    revive->started = err == ERR_OK;
    return err;
}

void revive_close(struct revive *revive) {
    if (!revive) return;
    lock_take(&revive->lock);
    revive->closing = true;
    cond_signal(&revive->wake);
    lock_give(&revive->lock);
    if (revive->started) thread_join(revive->thread);
    for (int32_t i = 0; i < revive->count; i++) {
        if (revive->started) commit_done(revive, &revive->queues[i], atomic_load(&revive->queues[i].done));
        checkpoints_close(&revive->queues[i].checkpoints);
    }
    cond_close(&revive->wake);
    lock_close(&revive->lock);
    free(revive->queues);
    free(revive);
}
