/* loop_timer.c - timers of a loop. */
#include "net/loop.h"

#include <stdlib.h>

#include "base/check.h"
#include "net/loop_internal.h"

/* libuv keeps its timers in a heap, which is cheap for thousands; a node outlives the timer it serves because closing
 * a libuv handle takes a turn. Nodes are reused and closed with the loop. */
struct timer_node {
    uv_timer_t uv;
    struct loop *loop;
    struct loop_timer *timer; /* NULL = spare */
    struct timer_node *next_spare, *next;
};

static struct timer_node *node_take(struct loop *loop) {
    struct timer_node *node = loop->spare_timers;
    if (node) {
        loop->spare_timers = node->next_spare;
        return node;
    }
    node = calloc(1, sizeof *node);
    must(node);
    must(uv_timer_init(&loop->uv, &node->uv) == 0);
    node->uv.data = node;
    node->loop = loop;
    node->next = loop->timers;
    loop->timers = node;
    return node;
}

static void on_timer(uv_timer_t *uv) {
    struct timer_node *node = uv->data;
    struct loop_timer *timer = node->timer;
    node->loop->happened = true;
    if (uv_timer_get_repeat(uv) == 0) loop_timer_stop(timer);
    timer->fire(timer);
}

void loop_timer_start(struct loop *loop, struct loop_timer *timer, int64_t delay_ms, int64_t repeat_ms,
                      void (*fire)(struct loop_timer *timer)) {
    loop_must_own(loop);
    struct timer_node *node = timer->handle;
    if (!node) {
        node = node_take(loop);
        node->timer = timer;
        timer->handle = node;
    }
    timer->fire = fire;
    uint64_t delay = delay_ms > 0 ? (uint64_t)delay_ms : 0, repeat = repeat_ms > 0 ? (uint64_t)repeat_ms : 0;
    must(uv_timer_start(&node->uv, on_timer, delay, repeat) == 0);
}

void loop_timer_stop(struct loop_timer *timer) {
    struct timer_node *node = timer->handle;
    if (!node) return;
    loop_must_own(node->loop);
    timer->handle = NULL;
    node->timer = NULL;
    uv_timer_stop(&node->uv);
    node->next_spare = node->loop->spare_timers;
    node->loop->spare_timers = node;
}

void loop_timers_close(struct loop *loop) {
    for (struct timer_node *node = loop->timers; node; node = node->next) uv_close((uv_handle_t *)&node->uv, NULL);
}

void loop_timers_free(struct loop *loop) {
    for (struct timer_node *node = loop->timers, *next; node; node = next) {
        next = node->next;
        free(node);
    }
    loop->timers = loop->spare_timers = NULL;
}
