/* calls.c - the three orders of calls in flight. */
#include "remoting/calls.h"

#include <stdlib.h>

#include "base/check.h"

enum { BUCKETS_MIN = 64, SPARE_CALLS = 4096 };

void calls_init(struct calls *calls) {
    *calls = (struct calls){.bucket_count = BUCKETS_MIN};
    calls->buckets = calloc(BUCKETS_MIN, sizeof *calls->buckets);
    must(calls->buckets);
    pool_init(&calls->pool, sizeof(struct call), SPARE_CALLS);
}

void calls_close(struct calls *calls) {
    must(calls->count == 0);
    free(calls->buckets);
    free(calls->heap);
    pool_close(&calls->pool);
}

struct call *calls_make(struct calls *calls, int64_t timeout_ms, call_done *done, void *ctx) {
    struct call *call = pool_take(&calls->pool);
    *call = (struct call){.timeout_ms = timeout_ms, .done = done, .ctx = ctx};
    return call;
}

void calls_free(struct calls *calls, struct call *call) {
    pool_give(&calls->pool, call);
}

/* --- by opaque --- */

static struct call **bucket_of(const struct calls *calls, int32_t opaque) {
    return &calls->buckets[(uint32_t)opaque & (calls->bucket_count - 1)];
}

static void buckets_grow(struct calls *calls) {
    calls->bucket_count *= 2;
    free(calls->buckets);
    calls->buckets = calloc(calls->bucket_count, sizeof *calls->buckets);
    must(calls->buckets);
    for (size_t i = 0; i < calls->count; i++) {
        struct call **bucket = bucket_of(calls, calls->heap[i]->opaque);
        calls->heap[i]->next_in_bucket = *bucket;
        *bucket = calls->heap[i];
    }
}

int32_t calls_next_opaque(struct calls *calls) {
    calls->last_opaque = calls->last_opaque == INT32_MAX ? 1 : calls->last_opaque + 1;
    return calls->last_opaque;
}

struct call *calls_find(const struct calls *calls, const struct channel *channel, int32_t opaque) {
    struct call *call = *bucket_of(calls, opaque);
    while (call && (call->opaque != opaque || call->channel != channel)) call = call->next_in_bucket;
    return call;
}

/* --- by deadline: a binary heap --- */

static void heap_put(struct calls *calls, size_t index, struct call *call) {
    calls->heap[index] = call;
    call->heap_index = index;
}

static void heap_up(struct calls *calls, size_t index, struct call *call) {
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (calls->heap[parent]->deadline_ms <= call->deadline_ms) break;
        heap_put(calls, index, calls->heap[parent]);
        index = parent;
    }
    heap_put(calls, index, call);
}

static void heap_down(struct calls *calls, size_t index, struct call *call) {
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= calls->count) break;
        if (child + 1 < calls->count && calls->heap[child + 1]->deadline_ms < calls->heap[child]->deadline_ms) child++;
        if (call->deadline_ms <= calls->heap[child]->deadline_ms) break;
        heap_put(calls, index, calls->heap[child]);
        index = child;
    }
    heap_put(calls, index, call);
}

struct call *calls_earliest(const struct calls *calls) {
    return calls->count ? calls->heap[0] : NULL;
}

/* --- all three --- */

void calls_add(struct calls *calls, struct call *call, struct channel *channel, struct call **first,
               int64_t deadline_ms) {
    if (calls->count == calls->bucket_count) buckets_grow(calls);
    if (calls->count == calls->heap_cap) {
        calls->heap_cap = MAX(calls->heap_cap * 2, (size_t)BUCKETS_MIN);
        calls->heap = realloc(calls->heap, calls->heap_cap * sizeof *calls->heap);
        must(calls->heap);
    }
    call->opaque = calls_next_opaque(calls);
    call->channel = channel;
    call->deadline_ms = deadline_ms;
    struct call **bucket = bucket_of(calls, call->opaque);
    call->next_in_bucket = *bucket;
    *bucket = call;
    call->prev = NULL;
    call->next = *first;
    if (*first) (*first)->prev = call;
    *first = call;
    heap_up(calls, calls->count++, call);
}

void calls_remove(struct calls *calls, struct call *call, struct call **first) {
    struct call **link = bucket_of(calls, call->opaque);
    while (*link != call) link = &(*link)->next_in_bucket;
    *link = call->next_in_bucket;
    if (call->next) call->next->prev = call->prev;
    if (call->prev)
        call->prev->next = call->next;
    else
        *first = call->next;
    struct call *moved = calls->heap[--calls->count];
    if (moved == call) return;
    size_t index = call->heap_index;
    if (index > 0 && moved->deadline_ms < calls->heap[(index - 1) / 2]->deadline_ms)
        heap_up(calls, index, moved);
    else
        heap_down(calls, index, moved);
}
