/* loop_internal.h - what the files of net/ know of a loop. */
#ifndef RMQ_NET_LOOP_INTERNAL_H
#define RMQ_NET_LOOP_INTERNAL_H

#include <pthread.h>

#include "base/check.h" /* before uv.h, whose system headers define MIN too */
#include <uv.h>

#include "net/conn.h"
#include "net/loop.h"
#include "net/pool.h"

enum {
    LOOP_NAME_MAX = 16,
    TURN_END_HOOKS_MAX = 16,
    IN_BLOCK_BYTES = 64 * 1024,  /* one read at most; frames larger than this get a buffer of their own */
    OUT_BLOCK_BYTES = 16 * 1024, /* copied output; larger pieces get a block of their own */
    SWEEP_MS = 2000,             /* idle connections and spare memory are looked for this often */
};

struct turn_end_hook {
    void (*run)(void *arg);
    void *arg;
};
struct conn_slot {
    struct conn *conn; /* NULL = free */
    uint32_t generation;
    uint32_t next_free; /* slot + 1; 0 = none */
};
struct timer_node;
struct signal_hook;

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_prepare_t before_poll; /* timers ran: their output must not wait for the poll */
    uv_check_t after_poll;
    uv_idle_t resume; /* active while a connection waits to take up reading again: the poll then does not wait */
    struct loop_timer sweep;
    int64_t sweep_ms;

    _Atomic(struct loop_task *) inbox; /* newest first */
    atomic_bool stopping, running;
    struct turn_end_hook hooks[TURN_END_HOOKS_MAX];
    size_t hook_count;
    bool destroying;
    bool happened;                            /* since the last turn end */
    bool posted;                              /* by the loop itself, which nobody wakes for it */
    bool in_tasks;                            /* run_tasks is at work */
    struct timer_node *timers, *spare_timers; /* every node ever made; those not in use */
    struct signal_hook *signals;

    uint16_t number; /* in connection ids */
    struct conn_slot *slots;
    uint32_t slot_count, free_slot;  /* free_slot: slot + 1 */
    atomic_uint conn_count;          /* with those on their way from a listener */
    struct conn *dirty, *last_dirty; /* to be written or closed when the turn ends */
    struct pool in_blocks, out_blocks, out_pieces;

    pthread_t thread;
    char name[LOOP_NAME_MAX];
};

/* Every function for the loop's own thread opens with this; before it runs and after, any one thread may call. */
void loop_must_own(const struct loop *loop);
/* Looks for idle connections at least this often from now on. */
void loop_sweep_within(struct loop *loop, int64_t sweep_ms);
void loop_timers_close(struct loop *loop); /* timers still running end; memory goes with loop_timers_free */
void loop_timers_free(struct loop *loop);

#endif
