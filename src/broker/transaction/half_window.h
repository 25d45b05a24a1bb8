/* half_window.h - which half messages are finished, from the first that is not known to be on.
 * Half messages are named by their queue offset; so are the op records, each of which says of some half messages that
 * they are finished. The window also knows the first op record that is still needed: those before it speak of nothing
 * but half messages below the window. Pure bookkeeping; 8 bytes a half message of the window.
 * @thread the caller's lock */
#ifndef RMQ_BROKER_HALF_WINDOW_H
#define RMQ_BROKER_HALF_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers from `first` on, each with a value; taken off at the front. */
struct number_run {
    int64_t first;
    int64_t *values;
    size_t start, count, cap; /* values[start] is that of `first` */
};
struct half_window {
    struct number_run halves; /* what is known of each: an op record, or that there is none */
    struct number_run ops;    /* half messages of the window that the op record names */
};

void half_window_init(struct half_window *window, int64_t first_half, int64_t first_op);
void half_window_close(struct half_window *window);

int64_t half_window_first(const struct half_window *window);    /* lowest half message of the window */
int64_t half_window_first_op(const struct half_window *window); /* lowest op record that is needed */

/* Is it known to be finished? Not of half messages below the window. */
bool half_window_finished(const struct half_window *window, int64_t half);
/* It is finished, though no op record says so yet. */
void half_window_finish(struct half_window *window, int64_t half);
/* There is an op record; records come in order, gaps are records that name nothing. */
void half_window_add_op(struct half_window *window, int64_t op);
/* The record, which was added, names `half`: the first of several counts. Half messages below the window are passed
 * over. */
void half_window_name(struct half_window *window, int64_t half, int64_t op);
/* Half messages below `first` are done with. */
void half_window_advance(struct half_window *window, int64_t first);

#endif
