/* held_pulls.c - two chained tables and a heap over the same held pulls, and the notices from dispatch. */
#include "broker/pull/held_pulls.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/lock.h"
#include "broker/arrivals.h"
#include "broker/static_topic/mappings.h"

/* Queues that had arrivals since the last wake; when there are more, all pulls look. */
enum { BUCKETS_MIN = 64, FREE_HELD_MAX = 1024 };

/* A list in a bucket of one of the two tables. */
struct link {
    struct held_pull *next, **from; /* *from is this one */
};
struct held_pull {
    struct pull pull;
    struct link by_queue, by_channel;
    int64_t deadline_ms;
    size_t heap_at;
};

struct held_pulls {
    struct reactor *reactor;
    struct held_pull **queue_buckets, **channel_buckets;
    size_t bucket_count;
    struct held_pull **heap; /* by deadline, the first one on top */
    size_t count, heap_cap;
    struct held_pull *free_list; /* through by_queue.next */
    size_t free_count;
    struct arena scratch; /* of a look */
    struct loop_timer timer;
    int64_t timer_ms; /* when it fires; INT64_MAX = not set */

    struct arrivals arrivals;
    struct loop_task wake;
};

static size_t bucket_of(const struct held_pulls *held, uint64_t key) {
    return (size_t)((key * 0x9E3779B97F4A7C15u) >> 32) & (held->bucket_count - 1);
}

static struct held_pull **queue_bucket(const struct held_pulls *held, const struct queue *queue) {
    return &held->queue_buckets[bucket_of(held, (uintptr_t)queue)];
}

static struct held_pull **channel_bucket(const struct held_pulls *held, uint64_t channel_id) {
    return &held->channel_buckets[bucket_of(held, channel_id)];
}

static void link_queue(struct held_pulls *held, struct held_pull *h) {
    struct held_pull **bucket = queue_bucket(held, h->pull.queue);
    h->by_queue = (struct link){*bucket, bucket};
    if (*bucket) (*bucket)->by_queue.from = &h->by_queue.next;
    *bucket = h;
}

static void link_channel(struct held_pulls *held, struct held_pull *h) {
    struct held_pull **bucket = channel_bucket(held, h->pull.to.channel_id);
    h->by_channel = (struct link){*bucket, bucket};
    if (*bucket) (*bucket)->by_channel.from = &h->by_channel.next;
    *bucket = h;
}

static void unlink_both(struct held_pull *h) {
    *h->by_queue.from = h->by_queue.next;
    if (h->by_queue.next) h->by_queue.next->by_queue.from = h->by_queue.from;
    *h->by_channel.from = h->by_channel.next;
    if (h->by_channel.next) h->by_channel.next->by_channel.from = h->by_channel.from;
}

static void grow_buckets(struct held_pulls *held) {
    free(held->queue_buckets);
    free(held->channel_buckets);
    held->bucket_count = held->bucket_count ? held->bucket_count * 2 : BUCKETS_MIN;
    held->queue_buckets = calloc(held->bucket_count, sizeof *held->queue_buckets);
    held->channel_buckets = calloc(held->bucket_count, sizeof *held->channel_buckets);
    must(held->queue_buckets && held->channel_buckets);
    for (size_t i = 0; i < held->count; i++) {
        link_queue(held, held->heap[i]);
        link_channel(held, held->heap[i]);
    }
}

static void heap_put(struct held_pulls *held, size_t at, struct held_pull *h) {
    held->heap[at] = h;
    h->heap_at = at;
}

static void heap_up(struct held_pulls *held, size_t at) {
    struct held_pull *h = held->heap[at];
    for (; at > 0 && held->heap[(at - 1) / 2]->deadline_ms > h->deadline_ms; at = (at - 1) / 2)
        heap_put(held, at, held->heap[(at - 1) / 2]);
    heap_put(held, at, h);
}

static void heap_down(struct held_pulls *held, size_t at) {
    struct held_pull *h = held->heap[at];
    for (;;) {
        size_t child = at * 2 + 1;
        if (child >= held->count) break;
        if (child + 1 < held->count && held->heap[child + 1]->deadline_ms < held->heap[child]->deadline_ms) child++;
        if (held->heap[child]->deadline_ms >= h->deadline_ms) break;
        heap_put(held, at, held->heap[child]);
        at = child;
    }
    heap_put(held, at, h);
}

/* Out of all tables; the pull is the caller's. */
static void take_out(struct held_pulls *held, struct held_pull *h) {
    unlink_both(h);
    struct held_pull *last = held->heap[--held->count];
    if (last == h) return;
    heap_put(held, h->heap_at, last);
    heap_up(held, last->heap_at);
    heap_down(held, last->heap_at);
}

static void give_back(struct held_pulls *held, struct held_pull *h) {
    if (held->free_count >= FREE_HELD_MAX) {
        free(h);
        return;
    }
    h->by_queue.next = held->free_list;
    held->free_list = h;
    held->free_count++;
}

static void resume(struct held_pulls *held, struct held_pull *h, bool expired) {
    struct pull pull = h->pull;
    give_back(held, h); /* before the look: it may be held again */
    pull_resume(held->reactor, &pull, &held->scratch, expired);
    arena_reset(&held->scratch);
}

static void deadline(struct loop_timer *timer);

static void set_timer(struct held_pulls *held) {
    if (held->count == 0 || held->heap[0]->deadline_ms >= held->timer_ms) return;
    held->timer_ms = held->heap[0]->deadline_ms;
    int64_t delay_ms = MAX(held->timer_ms - loop_now_ms(held->reactor->loop), 0);
    loop_timer_start(held->reactor->loop, &held->timer, delay_ms, 0, deadline);
}

static void deadline(struct loop_timer *timer) {
    struct held_pulls *held = CONTAINER_OF(timer, struct held_pulls, timer);
    int64_t now_ms = loop_now_ms(held->reactor->loop);
    held->timer_ms = INT64_MAX;
    while (held->count > 0 && held->heap[0]->deadline_ms <= now_ms) {
        struct held_pull *h = held->heap[0];
        take_out(held, h);
        resume(held, h, true);
    }
    set_timer(held);
}

static bool has_news(const struct held_pull *h) {
    const struct pull *pull = &h->pull;
    return queue_max(pull->queue) > pull->offset_queue || queue_deleted(pull->queue) ||
           (pull->mapping && pull->mapping != topic_mapping(pull->topic)) ||
           (pull->progress && progress_pending_reset(pull->progress, pull->queue_id) != OFFSET_NONE);
}

/* Takes those out that have something to look at (of one queue, or of all when it is NULL), then lets them look. */
static void wake_queue(struct held_pulls *held, struct queue *queue) {
    struct held_pull *ready = NULL, *next;
    bool waiting = false;
    for (struct held_pull *h = *queue_bucket(held, queue); h; h = next) {
        next = h->by_queue.next;
        if (h->pull.queue != queue) continue;
        waiting = true;
        if (!has_news(h)) continue;
        take_out(held, h);
        h->by_queue.next = ready;
        ready = h;
    }
    if (!waiting) queue_unwatch(queue, (uint64_t)1 << held->reactor->index);
    for (; ready; ready = next) {
        next = ready->by_queue.next;
        resume(held, ready, false);
    }
}

static void wake_all(struct held_pulls *held) {
    struct held_pull *ready = NULL, *next;
    for (size_t i = 0; i < held->bucket_count; i++) {
        for (struct held_pull *h = held->queue_buckets[i]; h; h = next) {
            next = h->by_queue.next;
            if (!has_news(h)) continue;
            take_out(held, h);
            h->by_queue.next = ready;
            ready = h;
        }
    }
    for (; ready; ready = next) {
        next = ready->by_queue.next;
        resume(held, ready, false);
    }
}

static void wake(struct loop_task *task) {
    struct held_pulls *held = CONTAINER_OF(task, struct held_pulls, wake);
    struct queue *arrived[ARRIVALS_MAX];
    size_t count;
    if (arrivals_take(&held->arrivals, arrived, &count))
        wake_all(held);
    else
        for (size_t i = 0; i < count; i++) wake_queue(held, arrived[i]);
}

void held_pulls_arrived(struct held_pulls *held, struct queue *queue) {
    arrivals_note(&held->arrivals, queue);
    loop_post(held->reactor->loop, &held->wake);
}

void held_pulls_open(struct reactor *reactor) {
    struct held_pulls *held = calloc(1, sizeof *held);
    must(held);
    held->reactor = reactor;
    held->timer_ms = INT64_MAX;
    held->wake.run = wake;
    arrivals_init(&held->arrivals);
    grow_buckets(held);
    reactor->held_pulls = held;
}

void held_pulls_stop(struct held_pulls *held) {
    while (held->count > 0) {
        struct held_pull *h = held->heap[0];
        take_out(held, h);
        resume(held, h, true);
    }
}

void held_pulls_close(struct held_pulls *held) {
    if (!held) return;
    loop_timer_stop(&held->timer);
    for (size_t i = 0; i < held->count; i++) {
        pull_drop(&held->heap[i]->pull);
        free(held->heap[i]);
    }
    while (held->free_list) {
        struct held_pull *next = held->free_list->by_queue.next;
        free(held->free_list);
        held->free_list = next;
    }
    arena_close(&held->scratch);
    arrivals_close(&held->arrivals);
    free(held->heap);
    free(held->queue_buckets);
    free(held->channel_buckets);
    free(held);
}

bool held_pulls_add(struct held_pulls *held, const struct pull *pull) {
    must(pull->queue);
    if (held->count == HELD_PULLS_MAX) return false;
    struct held_pull *h = held->free_list;
    if (h) {
        held->free_list = h->by_queue.next;
        held->free_count--;
    } else {
        h = malloc(sizeof *h);
        must(h);
    }
    h->pull = *pull;
    h->deadline_ms = pull->begin_ms + MIN(pull->hold_ms, HELD_PULL_MAX_MS);
    if (held->count == held->heap_cap) {
        held->heap_cap = held->heap_cap ? held->heap_cap * 2 : BUCKETS_MIN;
        held->heap = realloc(held->heap, held->heap_cap * sizeof *held->heap);
        must(held->heap);
    }
    if (held->count == held->bucket_count) grow_buckets(held);
    link_queue(held, h);
    link_channel(held, h);
    heap_put(held, held->count, h);
    held->count++;
    heap_up(held, h->heap_at);
    set_timer(held);
    queue_watch(pull->queue, (uint64_t)1 << held->reactor->index);
    if (has_news(h)) held_pulls_arrived(held, pull->queue);
    return true;
}

void held_pulls_channel_closed(struct held_pulls *held, uint64_t channel_id) {
    struct held_pull *next;
    for (struct held_pull *h = *channel_bucket(held, channel_id); h; h = next) {
        next = h->by_channel.next;
        if (h->pull.to.channel_id != channel_id) continue;
        take_out(held, h);
        pull_drop(&h->pull);
        give_back(held, h);
    }
}

size_t held_pulls_count(const struct held_pulls *held) {
    return held->count;
}
