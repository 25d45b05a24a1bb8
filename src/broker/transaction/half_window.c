/* half_window.c - two runs of numbers: half messages and op records */
#include "broker/transaction/half_window.h"

#include <stdlib.h>
#include <string.h>
#include "base/check.h"

/* Values of half messages that no op record names. */
enum { PENDING = -1, FINISHED_WITHOUT_OP = -2 };

static void run_init(struct number_run *run, int64_t first) {
    *run = (struct number_run){.first = first};
}

static int64_t *run_at(const struct number_run *run, int64_t number) {
    if (number < run->first || number - run->first >= (int64_t)run->count) return NULL;
    return &run->values[run->start + (size_t)(number - run->first)];
}

/* Makes the run reach `number`, giving new ones `value`. */
static int64_t *run_reach(struct number_run *run, int64_t number, int64_t value) {
    size_t count = (size_t)(number - run->first) + 1;
    if (run->start + count > run->cap && run->start > 0) {
        memmove(run->values, run->values + run->start, run->count * sizeof *run->values);
        run->start = 0;
    }
    if (run->start + count > run->cap) {
        run->cap = MAX(count, MAX(run->cap * 2, (size_t)64));
        run->values = realloc(run->values, run->cap * sizeof *run->values);
        must(run->values);
    }
    while (run->count < count) run->values[run->start + run->count++] = value;
    return run_at(run, number);
}

static void run_drop_first(struct number_run *run) {
    run->first++;
    if (run->count == 0) return;
    run->count--;
    run->start = run->count > 0 ? run->start + 1 : 0;
}

void half_window_init(struct half_window *window, int64_t first_half, int64_t first_op) {
    run_init(&window->halves, first_half);
    run_init(&window->ops, first_op);
}

void half_window_close(struct half_window *window) {
    free(window->halves.values);
    free(window->ops.values);
}

int64_t half_window_first(const struct half_window *window) {
    return window->halves.first;
}

int64_t half_window_first_op(const struct half_window *window) {
    return window->ops.first;
}

bool half_window_finished(const struct half_window *window, int64_t half) {
    const int64_t *value = run_at(&window->halves, half);
    return value && *value != PENDING;
}

void half_window_finish(struct half_window *window, int64_t half) {
    if (half < window->halves.first) return;
    int64_t *value = run_reach(&window->halves, half, PENDING);
    if (*value == PENDING) *value = FINISHED_WITHOUT_OP;
}

static void drop_needless_ops(struct half_window *window) {
    struct number_run *ops = &window->ops;
    while (ops->count > 0 && ops->values[ops->start] == 0) run_drop_first(ops);
}

void half_window_add_op(struct half_window *window, int64_t op) {
    if (op < window->ops.first) return;
    run_reach(&window->ops, op, 0);
}

void half_window_name(struct half_window *window, int64_t half, int64_t op) {
    int64_t *named = run_at(&window->ops, op);
    if (!named || half < window->halves.first) return;
    int64_t *value = run_reach(&window->halves, half, PENDING);
    if (*value >= 0) return;
    *value = op;
    (*named)++;
}

void half_window_advance(struct half_window *window, int64_t first) {
    struct number_run *halves = &window->halves;
    while (halves->first < first) {
        if (halves->count == 0) {
            halves->first = first;
            break;
        }
        int64_t *named = run_at(&window->ops, halves->values[halves->start]);
        if (named) (*named)--;
        run_drop_first(halves);
    }
    drop_needless_ops(window);
}
