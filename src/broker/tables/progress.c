/* progress.c - what one group has consumed of one topic, queue by queue */
#include "broker/tables/offsets_internal.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "broker/pull/filter.h"
#include "os/clock.h"

enum { CHUNK_QUEUES = 16, SUBSCRIPTION_MS_MAX = 600000 };

/* Offsets of one queue; OFFSET_NONE when there is none. */
struct slot {
    _Atomic int64_t committed, pulled, reset;
    _Atomic int64_t in_flight;
    atomic_bool popping;
};
/* Queues CHUNK_QUEUES * number ..; chunks are only added, in order of their numbers, so readers hold no lock. */
struct progress_queues {
    _Atomic(struct progress_queues *) next;
    int32_t number;
    struct slot slots[CHUNK_QUEUES];
};

static struct slot *slot_find(const struct progress *progress, int32_t queue_id) {
    int32_t number = queue_id / CHUNK_QUEUES;
    struct progress_queues *chunk = atomic_load_explicit(&progress->queues, memory_order_acquire);
    while (chunk && chunk->number < number) chunk = atomic_load_explicit(&chunk->next, memory_order_acquire);
    if (queue_id < 0 || !chunk || chunk->number != number) return NULL;
    return &chunk->slots[queue_id % CHUNK_QUEUES];
}

/* NULL for queue ids that cannot be. */
static struct slot *slot_make(struct offsets *offsets, struct progress *progress, int32_t queue_id) {
    struct slot *slot = slot_find(progress, queue_id);
    if (slot || queue_id < 0 || queue_id > OFFSETS_QUEUE_ID_MAX) return slot;
    int32_t number = queue_id / CHUNK_QUEUES;
    lock_take(&offsets->lock);
    _Atomic(struct progress_queues *) *at = &progress->queues;
    struct progress_queues *next;
    while ((next = atomic_load(at)) && next->number < number) at = &next->next;
    if (!next || next->number != number) {
        struct progress_queues *chunk = calloc(1, sizeof *chunk);
        must(chunk);
        chunk->number = number;
        for (int32_t i = 0; i < CHUNK_QUEUES; i++) {
            atomic_init(&chunk->slots[i].committed, OFFSET_NONE);
            atomic_init(&chunk->slots[i].pulled, OFFSET_NONE);
            atomic_init(&chunk->slots[i].reset, OFFSET_NONE);
        }
        atomic_init(&chunk->next, next);
        atomic_store_explicit(at, chunk, memory_order_release);
    }
    lock_give(&offsets->lock);
    return slot_find(progress, queue_id);
}

int64_t progress_committed(const struct progress *progress, int32_t queue_id) {
    const struct slot *slot = slot_find(progress, queue_id);
    return slot ? atomic_load_explicit(&slot->committed, memory_order_relaxed) : OFFSET_NONE;
}

void progress_commit(struct offsets *offsets, struct progress *progress, int32_t queue_id, int64_t offset_queue) {
    struct slot *slot = slot_make(offsets, progress, queue_id);
    if (!slot) return;
    int64_t former = atomic_exchange_explicit(&slot->committed, offset_queue, memory_order_relaxed);
    if (former == offset_queue) return;
    if (former > offset_queue)
        log_every_ms(1000, WARN, CLIENT, "consumer offset goes back: key=%.*s queue=%d from=%lld to=%lld",
                     BYTES_ARG(progress->named.name), queue_id, (long long)former, (long long)offset_queue);
    state_file_changed(&offsets->file);
}

int64_t progress_pulled(const struct progress *progress, int32_t queue_id) {
    const struct slot *slot = slot_find(progress, queue_id);
    return slot ? atomic_load_explicit(&slot->pulled, memory_order_relaxed) : OFFSET_NONE;
}

void progress_note_pull(struct offsets *offsets, struct progress *progress, int32_t queue_id, int64_t offset_queue) {
    struct slot *slot = slot_make(offsets, progress, queue_id);
    if (slot) atomic_store_explicit(&slot->pulled, offset_queue, memory_order_relaxed);
}

static bool same_subscription(const struct filter *a, const struct filter *b) {
    if (!a || !b) return a == b;
    return bytes_equal(a->subscription.expression, b->subscription.expression) &&
           bytes_equal(a->subscription.expression_type, b->subscription.expression_type);
}

void progress_note_subscription(struct offsets *offsets, struct progress *progress, struct filter *filter) {
    struct filter *former = NULL;
    lock_take(&offsets->lock);
    if (!same_subscription(progress->pulled_by, filter)) {
        former = progress->pulled_by;
        progress->pulled_by = filter_share(filter);
    }
    lock_give(&offsets->lock);
    filter_release(former);
    atomic_store_explicit(&progress->pulled_by_ms, clock_monotonic_ms(), memory_order_relaxed);
}

bool progress_subscription(struct offsets *offsets, struct progress *progress, struct filter **out) {
    int64_t noted_ms = atomic_load_explicit(&progress->pulled_by_ms, memory_order_relaxed);
    if (noted_ms == 0 || clock_monotonic_ms() - noted_ms > SUBSCRIPTION_MS_MAX) return false;
    lock_take(&offsets->lock);
    *out = filter_share(progress->pulled_by);
    lock_give(&offsets->lock);
    return true;
}

int64_t progress_pending_reset(const struct progress *progress, int32_t queue_id) {
    const struct slot *slot = slot_find(progress, queue_id);
    return slot ? atomic_load(&slot->reset) : OFFSET_NONE;
}

int64_t progress_take_reset(struct progress *progress, int32_t queue_id) {
    struct slot *slot = slot_find(progress, queue_id);
    if (!slot || atomic_load_explicit(&slot->reset, memory_order_relaxed) == OFFSET_NONE) return OFFSET_NONE;
    return atomic_exchange(&slot->reset, OFFSET_NONE);
}

void progress_reset(struct offsets *offsets, struct progress *progress, int32_t queue_id, int64_t offset_queue) {
    struct slot *slot = slot_make(offsets, progress, queue_id);
    if (!slot) return;
    atomic_store(&slot->reset, offset_queue);
    atomic_store(&slot->committed, offset_queue);
    state_file_changed(&offsets->file);
}

bool progress_try_take(struct offsets *offsets, struct progress *progress, int32_t queue_id) {
    struct slot *slot = slot_make(offsets, progress, queue_id);
    return slot && !atomic_exchange_explicit(&slot->popping, true, memory_order_acquire);
}

void progress_give(struct progress *progress, int32_t queue_id) {
    atomic_store_explicit(&slot_find(progress, queue_id)->popping, false, memory_order_release);
}

void progress_add_in_flight(struct offsets *offsets, struct progress *progress, int32_t queue_id, int64_t more) {
    struct slot *slot = slot_make(offsets, progress, queue_id);
    if (slot) atomic_fetch_add_explicit(&slot->in_flight, more, memory_order_relaxed);
}

int64_t progress_in_flight(const struct progress *progress, int32_t queue_id) {
    const struct slot *slot = slot_find(progress, queue_id);
    return slot ? atomic_load_explicit(&slot->in_flight, memory_order_relaxed) : 0;
}

void progress_each(const struct progress *progress, void (*visit)(int32_t queue_id, int64_t offset_queue, void *arg),
                   void *arg) {
    struct progress_queues *chunk = atomic_load_explicit(&progress->queues, memory_order_acquire);
    for (; chunk; chunk = atomic_load_explicit(&chunk->next, memory_order_acquire))
        for (int32_t i = 0; i < CHUNK_QUEUES; i++) {
            int64_t offset_queue = atomic_load_explicit(&chunk->slots[i].committed, memory_order_relaxed);
            if (offset_queue >= 0) visit(chunk->number * CHUNK_QUEUES + i, offset_queue, arg);
        }
}

void progress_clear(struct progress *progress) {
    struct progress_queues *chunk = atomic_load(&progress->queues);
    for (; chunk; chunk = atomic_load(&chunk->next))
        for (int32_t i = 0; i < CHUNK_QUEUES; i++) {
            atomic_store(&chunk->slots[i].committed, OFFSET_NONE);
            atomic_store(&chunk->slots[i].pulled, OFFSET_NONE);
            atomic_store(&chunk->slots[i].reset, OFFSET_NONE);
        }
}

void progress_forget(struct offsets *offsets, struct progress *progress) {
    progress_clear(progress);
    state_file_changed(&offsets->file);
}

static void see_queue(int32_t queue_id, int64_t offset_queue, void *arg) {
    (void)queue_id;
    (void)offset_queue;
    *(bool *)arg = true;
}

bool progress_any(const struct progress *progress) {
    bool any = false;
    progress_each(progress, see_queue, &any);
    return any;
}

void progress_load(struct offsets *offsets, struct progress *progress, int32_t queue_id, int64_t offset_queue) {
    struct slot *slot = slot_make(offsets, progress, queue_id);
    if (slot) atomic_store(&slot->committed, offset_queue);
}

void progress_free(struct named *item) {
    struct progress *progress = (struct progress *)item;
    struct progress_queues *next;
    for (struct progress_queues *chunk = atomic_load(&progress->queues); chunk; chunk = next) {
        next = atomic_load(&chunk->next);
        free(chunk);
    }
    filter_release(progress->pulled_by);
    free((char *)(uintptr_t)progress->topic.data);
    free(progress);
}
