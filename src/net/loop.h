/* loop.h - the reactor: one thread, its sockets, timers and tasks. libuv lives behind this folder alone.
 * A turn: wait, run what is ready (sockets, timers, tasks), then the turn-end hooks, then write the output that
 * connections have queued, once for each. Nothing called on a loop may block.
 * Every function is for the loop's own thread unless it says "any thread". */
#ifndef RMQ_NET_LOOP_H
#define RMQ_NET_LOOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"

struct loop;

enum err loop_create(const char *name, struct loop **out) MUST_USE; /* name: of its thread, at most 15 characters */
void loop_run(struct loop *loop);  /* on the thread that is to own it; returns after loop_stop; blocks SIGPIPE there */
void loop_stop(struct loop *loop); /* any thread; pending tasks still run */
/* After loop_run returned, with its listeners closed: runs tasks posted late and closes the connections still open
 * (`closed` with ERR_CANCELLED). A name being resolved is waited for. */
void loop_destroy(struct loop *loop);
enum err loop_start_thread(struct loop *loop) MUST_USE; /* loop_run on a thread of its own */
void loop_join(struct loop *loop);                      /* waits for that thread */
bool loop_is_mine(const struct loop *loop);             /* any thread: is this the loop's thread? */
int64_t loop_now_ms(const struct loop *loop);           /* monotonic, read once a turn */

/* A task runs once on the loop for each time it was posted while not pending: posts coalesce. The memory is the
 * caller's and must live until it ran. No allocation, no lock held while it runs. */
struct loop_task {
    void (*run)(struct loop_task *task);
    struct loop_task *next;
    atomic_bool pending;
};
void loop_post(struct loop *loop, struct loop_task *task); /* any thread */

/* A timer in its owner's memory; zeroed before first use. The loop keeps no pointer to it after loop_timer_stop or,
 * without repeat, once it fires. Stop it before its memory goes and before the loop is destroyed. */
struct loop_timer {
    void *handle;
    void (*fire)(struct loop_timer *timer);
};
void loop_timer_start(struct loop *loop, struct loop_timer *timer, int64_t delay_ms, int64_t repeat_ms,
                      void (*fire)(struct loop_timer *timer));
void loop_timer_stop(struct loop_timer *timer); /* safe on a zeroed or stopped one */

/* Runs at the end of each turn in which something happened, in the order of registration. */
void loop_on_turn_end(struct loop *loop, void (*hook)(void *arg), void *arg);
/* SIGTERM and the like; main loop only. */
enum err loop_on_signal(struct loop *loop, int signal_number, void (*hook)(void *arg, int signal_number),
                        void *arg) MUST_USE;

#endif
