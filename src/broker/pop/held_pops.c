/* held_pops.c - lines of waiters, the queues they watch, and a heap of the times at which they look */
#include "broker/pop/held_pops.h"

#include <stdlib.h>
#include <uthash.h>
#include "base/check.h"
#include "base/lock.h"
#include "broker/arrivals.h"

/* Queues that had arrivals since the last wake; when there are more, all lines look. */
enum { HEAP_MIN = 64, SWEEP_MS = 60000 };

struct list {
    struct pop_waiter *first, *last;
    int32_t count;
};

struct wait_line {
    UT_hash_handle hh;
    char *name;
    struct list lists[WAITER_KINDS];
    struct watched **watched;
    size_t watched_count, watched_cap;
    int64_t used_ms;
};

/* A queue, and the lines that watch it. */
struct watcher {
    struct wait_line *line;
    int32_t queue_id;
};
struct watched {
    UT_hash_handle hh;
    struct queue *queue; /* the key */
    struct watcher *watchers;
    size_t count, cap;
};

struct heap_item {
    int64_t time_ms;
    struct pop_waiter *waiter;
};

struct held_pops {
    struct reactor *reactor;
    struct wait_line *lines;
    struct watched *watched;
    struct heap_item *heap; /* the first one on top */
    size_t count, heap_cap;
    struct loop_timer timer;
    int64_t timer_ms; /* when it fires; INT64_MAX = not set */
    int64_t swept_ms;
    bool closing; /* the store is closed, and its queues are gone */

    struct arrivals arrivals;
    struct loop_task wake;
};

static uint64_t watch_bit(const struct reactor *reactor) {
    return (uint64_t)1 << (REACTORS_MAX + reactor->index);
}

/* Room for one more in a growing array. */
static void *grow(void *items, size_t count, size_t *cap, size_t item_bytes) {
    if (count < *cap) return items;
    *cap = *cap ? *cap * 2 : 4;
    items = realloc(items, *cap * item_bytes);
    must(items);
    return items;
}

/* --- the heap ---------------------------------------------------------------------------------------------- */

static void heap_put(struct held_pops *held, size_t at, struct heap_item item) {
    held->heap[at] = item;
    item.waiter->heap_at = at;
}

static void heap_up(struct held_pops *held, size_t at) {
    struct heap_item item = held->heap[at];
    for (; at > 0 && held->heap[(at - 1) / 2].time_ms > item.time_ms; at = (at - 1) / 2)
        heap_put(held, at, held->heap[(at - 1) / 2]);
    heap_put(held, at, item);
}

static void heap_down(struct held_pops *held, size_t at) {
    struct heap_item item = held->heap[at];
    for (;;) {
        size_t child = at * 2 + 1;
        if (child >= held->count) break;
        if (child + 1 < held->count && held->heap[child + 1].time_ms < held->heap[child].time_ms) child++;
        if (held->heap[child].time_ms >= item.time_ms) break;
        heap_put(held, at, held->heap[child]);
        at = child;
    }
    heap_put(held, at, item);
}

/* --- waiters in their lines -------------------------------------------------------------------------------- */

static void take_out(struct held_pops *held, struct pop_waiter *waiter) {
    struct list *list = &waiter->line->lists[waiter->kind];
    if (waiter->prev)
        waiter->prev->next = waiter->next;
    else
        list->first = waiter->next;
    if (waiter->next)
        waiter->next->prev = waiter->prev;
    else
        list->last = waiter->prev;
    list->count--;
    struct heap_item last = held->heap[--held->count];
    if (last.waiter != waiter) {
        heap_put(held, waiter->heap_at, last);
        heap_up(held, last.waiter->heap_at);
        heap_down(held, last.waiter->heap_at);
    }
    waiter->line->used_ms = loop_now_ms(held->reactor->loop);
    atomic_fetch_sub(&held->reactor->broker->held_pop_count, 1);
}

static bool look(struct held_pops *held, struct pop_waiter *waiter, bool expired) {
    take_out(held, waiter);
    return waiter->look(held->reactor, waiter, expired);
}

static struct pop_waiter *first_for(const struct list *list, int32_t queue_id) {
    struct pop_waiter *waiter = list->first;
    while (waiter && queue_id != ANY_QUEUE && waiter->queue_id != ANY_QUEUE && waiter->queue_id != queue_id)
        waiter = waiter->next;
    return waiter;
}

static void line_wake(struct held_pops *held, struct wait_line *line, int32_t queue_id) {
    bool found = true;
    for (int32_t left = line->lists[WAITER_POP].count; left > 0 && found; left--) {
        struct pop_waiter *waiter = first_for(&line->lists[WAITER_POP], queue_id);
        found = waiter && look(held, waiter, false);
    }
    struct pop_waiter *notice = first_for(&line->lists[WAITER_NOTICE], queue_id);
    if (notice) (void)look(held, notice, false);
}

static bool line_is_empty(const struct wait_line *line) {
    return line->lists[WAITER_POP].count == 0 && line->lists[WAITER_NOTICE].count == 0;
}

static void unwatch(struct held_pops *held, struct watched *watched, const struct wait_line *line) {
    for (size_t i = 0; i < watched->count; i++)
        if (watched->watchers[i].line == line) watched->watchers[i--] = watched->watchers[--watched->count];
    if (watched->count > 0) return;
    if (!held->closing) queue_unwatch(watched->queue, watch_bit(held->reactor));
    HASH_DEL(held->watched, watched);
    free(watched->watchers);
    free(watched);
}

static void line_destroy(struct held_pops *held, struct wait_line *line) {
    for (size_t i = 0; i < line->watched_count; i++) unwatch(held, line->watched[i], line);
    HASH_DEL(held->lines, line);
    free(line->watched);
    free(line->name);
    free(line);
}

/* Lines in which nobody has waited for a while. */
static void sweep(struct held_pops *held, int64_t now_ms) {
    int64_t unused_ms = held->reactor->broker->config.pop_polling_map_expire_s * (int64_t)1000;
    struct wait_line *line, *next;
    if (now_ms - held->swept_ms < SWEEP_MS) return;
    held->swept_ms = now_ms;
    HASH_ITER(hh, held->lines, line, next) {
        if (line_is_empty(line) && now_ms - line->used_ms > unused_ms) line_destroy(held, line);
    }
}

/* --- times ------------------------------------------------------------------------------------------------- */

static void due(struct loop_timer *timer);

static void set_timer(struct held_pops *held) {
    if (held->count == 0 || held->heap[0].time_ms >= held->timer_ms) return;
    held->timer_ms = held->heap[0].time_ms;
    int64_t delay_ms = MAX(held->timer_ms - loop_now_ms(held->reactor->loop), 0);
    loop_timer_start(held->reactor->loop, &held->timer, delay_ms, 0, due);
}

static void due(struct loop_timer *timer) {
    struct held_pops *held = CONTAINER_OF(timer, struct held_pops, timer);
    int64_t now_ms = loop_now_ms(held->reactor->loop);
    held->timer_ms = INT64_MAX;
    for (size_t left = held->count; left > 0 && held->count > 0 && held->heap[0].time_ms <= now_ms; left--) {
        struct pop_waiter *waiter = held->heap[0].waiter;
        (void)look(held, waiter, waiter->deadline_ms <= now_ms);
    }
    sweep(held, now_ms);
    set_timer(held);
}

/* --- news -------------------------------------------------------------------------------------------------- */

static void wake_queue(struct held_pops *held, struct queue *queue) {
    struct watched *watched;
    HASH_FIND_PTR(held->watched, &queue, watched);
    if (!watched) return;
    for (size_t i = 0; i < watched->count; i++)
        line_wake(held, watched->watchers[i].line, watched->watchers[i].queue_id);
}

static void wake_all(struct held_pops *held) {
    struct wait_line *line, *next;
    HASH_ITER(hh, held->lines, line, next) {
        line_wake(held, line, ANY_QUEUE);
    }
}

static void wake(struct loop_task *task) {
    struct held_pops *held = CONTAINER_OF(task, struct held_pops, wake);
    struct queue *arrived[ARRIVALS_MAX];
    size_t count;
    if (arrivals_take(&held->arrivals, arrived, &count))
        wake_all(held);
    else
        for (size_t i = 0; i < count; i++) wake_queue(held, arrived[i]);
}

void held_pops_arrived(struct held_pops *held, struct queue *queue) {
    arrivals_note(&held->arrivals, queue);
    loop_post(held->reactor->loop, &held->wake);
}

void held_pops_news(struct broker *broker, struct queue *queue) {
    uint64_t watchers = queue_watchers(queue);
    for (size_t i = 0; i < broker->reactor_count && watchers >> REACTORS_MAX != 0; i++)
        if (watchers & watch_bit(&broker->reactors[i])) held_pops_arrived(broker->reactors[i].held_pops, queue);
}

static struct wait_line *find_line(const struct held_pops *held, struct bytes name) {
    struct wait_line *line = NULL;
    HASH_FIND(hh, held->lines, name.data, name.len, line);
    return line;
}

static void wake_named(struct reactor *reactor, void *arg) {
    char *name = arg;
    struct wait_line *line = find_line(reactor->held_pops, bytes_of(name));
    if (line) line_wake(reactor->held_pops, line, ANY_QUEUE);
    free(name);
}

void held_pops_wake(struct broker *broker, struct bytes name) {
    for (size_t i = 0; i < broker->reactor_count; i++) reactor_run(&broker->reactors[i], wake_named, bytes_dup(name));
}

/* --- in and out -------------------------------------------------------------------------------------------- */

struct wait_line *held_pops_line(struct held_pops *held, struct bytes name) {
    struct wait_line *line = find_line(held, name);
    if (!line) {
        line = calloc(1, sizeof *line);
        must(line);
        line->name = bytes_dup(name);
        HASH_ADD_KEYPTR(hh, held->lines, line->name, name.len, line);
    }
    line->used_ms = loop_now_ms(held->reactor->loop);
    return line;
}

bool held_pops_watch(struct held_pops *held, struct wait_line *line, struct queue *queue, int32_t queue_id) {
    struct watched *watched;
    HASH_FIND_PTR(held->watched, &queue, watched);
    if (!watched) {
        watched = calloc(1, sizeof *watched);
        must(watched);
        watched->queue = queue;
        HASH_ADD_PTR(held->watched, queue, watched);
    }
    for (size_t i = 0; i < watched->count; i++)
        if (watched->watchers[i].line == line) return false;
    watched->watchers = grow(watched->watchers, watched->count, &watched->cap, sizeof *watched->watchers);
    watched->watchers[watched->count++] = (struct watcher){line, queue_id};
    line->watched = grow(line->watched, line->watched_count, &line->watched_cap, sizeof *line->watched);
    line->watched[line->watched_count++] = watched;
    queue_watch(queue, watch_bit(held->reactor));
    return true;
}

bool held_pops_hold(struct held_pops *held, struct wait_line *line, struct pop_waiter *waiter) {
    struct broker *broker = held->reactor->broker;
    struct list *list = &line->lists[waiter->kind];
    if (list->count > broker->config.pop_polling_size ||
        atomic_load(&broker->held_pop_count) >= (size_t)broker->config.max_pop_polling_size)
        return false;
    atomic_fetch_add(&broker->held_pop_count, 1);
    waiter->line = line;
    waiter->next = NULL;
    waiter->prev = list->last;
    if (list->last)
        list->last->next = waiter;
    else
        list->first = waiter;
    list->last = waiter;
    list->count++;
    if (held->count == held->heap_cap) {
        held->heap_cap = held->heap_cap ? held->heap_cap * 2 : HEAP_MIN;
        held->heap = realloc(held->heap, held->heap_cap * sizeof *held->heap);
        must(held->heap);
    }
    heap_put(held, held->count, (struct heap_item){MIN(waiter->deadline_ms, waiter->look_ms), waiter});
    held->count++;
    heap_up(held, waiter->heap_at);
    set_timer(held);
    return true;
}

void held_pops_channel_closed(struct held_pops *held, uint64_t channel_id) {
    for (size_t i = held->count; i-- > 0;) {
        if (i >= held->count || held->heap[i].waiter->channel_id != channel_id) continue;
        struct pop_waiter *waiter = held->heap[i].waiter;
        take_out(held, waiter);
        waiter->drop(waiter);
        i++; /* what took its place may have been before it */
    }
}

int32_t held_pops_count(const struct held_pops *held, struct bytes name, int32_t queue_id) {
    const struct wait_line *line = find_line(held, name);
    int32_t count = 0;
    for (const struct pop_waiter *w = line ? line->lists[WAITER_POP].first : NULL; w; w = w->next)
        count += w->queue_id == queue_id;
    return count;
}

void held_pops_open(struct reactor *reactor) {
    struct held_pops *held = calloc(1, sizeof *held);
    must(held);
    held->reactor = reactor;
    held->timer_ms = INT64_MAX;
    held->wake.run = wake;
    arrivals_init(&held->arrivals);
    reactor->held_pops = held;
}

void held_pops_stop(struct held_pops *held) {
    while (held->count > 0) (void)look(held, held->heap[0].waiter, true);
}

void held_pops_close(struct held_pops *held) {
    struct wait_line *line, *next;
    if (!held) return;
    held->closing = true;
    loop_timer_stop(&held->timer);
    for (size_t i = 0; i < held->count; i++) held->heap[i].waiter->drop(held->heap[i].waiter);
    HASH_ITER(hh, held->lines, line, next) {
        line_destroy(held, line);
    }
    arrivals_close(&held->arrivals);
    free(held->heap);
    free(held);
}
