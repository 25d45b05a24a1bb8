/* loop.c - the reactor on libuv: turns, tasks, signals. */
#include "net/loop.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "net/conn_internal.h"
#include "net/loop_internal.h"
#include "os/clock.h"
#include "os/thread.h"

enum { TURN_SLOW_MS = 100 };

struct signal_hook {
    uv_signal_t uv;
    struct loop *loop;
    void (*run)(void *arg, int signal_number);
    void *arg;
    struct signal_hook *next;
};

static _Thread_local const struct loop *this_loop; /* that this thread runs */

bool loop_is_mine(const struct loop *loop) {
    return this_loop == loop;
}

void loop_must_own(const struct loop *loop) {
    must(this_loop == loop || !atomic_load_explicit(&loop->running, memory_order_relaxed));
}

int64_t loop_now_ms(const struct loop *loop) {
    return (int64_t)uv_now(&loop->uv);
}

/* Writing to a closed socket must give EPIPE, not end the process. libuv writes without MSG_NOSIGNAL. */
static void block_sigpipe(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* --- a turn --- */

static void run_tasks(struct loop *loop);

/* What a closed connection, a hook or a task sets off is finished in the same turn. */
static void turn_end(struct loop *loop) {
    while (loop->happened || loop->posted || loop->dirty) {
        loop->happened = false;
        for (size_t i = 0; i < loop->hook_count; i++) loop->hooks[i].run(loop->hooks[i].arg);
        if (loop->posted) {
            run_tasks(loop);
            continue; /* their output goes with what is there */
        }
        conn_flush_dirty(loop);
    }
}

/* A turn that takes long holds up everybody on the loop: somebody blocked it. */
static void watch(const struct loop *loop) {
    int64_t took_ms = clock_monotonic_ms() - loop_now_ms(loop);
    if (took_ms < TURN_SLOW_MS) return;
    log_every_ms(10000, WARN, NET, "slow turn: loop=%s took_ms=%" PRId64, loop->name, took_ms);
}

static void on_before_poll(uv_prepare_t *uv) {
    turn_end(uv->data);
}

static void on_after_poll(uv_check_t *uv) {
    turn_end(uv->data);
    watch(uv->data);
}

void loop_on_turn_end(struct loop *loop, void (*hook)(void *arg), void *arg) {
    loop_must_own(loop);
    must(loop->hook_count < TURN_END_HOOKS_MAX);
    loop->hooks[loop->hook_count++] = (struct turn_end_hook){hook, arg};
}

/* --- tasks --- */

void loop_post(struct loop *loop, struct loop_task *task) {
    /* Reading true here and the exchange to false in run_tasks order the poster's data before that run. */
    if (atomic_exchange(&task->pending, true)) return;
    struct loop_task *head = atomic_load_explicit(&loop->inbox, memory_order_relaxed);
    do {
        task->next = head;
    } while (
        !atomic_compare_exchange_weak_explicit(&loop->inbox, &head, task, memory_order_release, memory_order_relaxed));
    /* Whoever finds the inbox empty wakes the loop; the others' tasks are seen by the same wake-up, because the loop
     * takes the whole inbox after waking. The loop itself looks at the end of the turn; what a task posts waits for the
     * next one, so that tasks that post themselves again starve nobody. */
    if (head) return;
    if (this_loop == loop && !loop->in_tasks)
        loop->posted = true;
    else
        uv_async_send(&loop->wake);
}

static void run_tasks(struct loop *loop) {
    loop->posted = false;
    struct loop_task *newest = atomic_exchange_explicit(&loop->inbox, NULL, memory_order_acquire);
    struct loop_task *oldest = NULL;
    while (newest) { /* turned round: tasks run in the order of posting */
        struct loop_task *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    loop->in_tasks = true;
    while (oldest) {
        struct loop_task *task = oldest;
        oldest = task->next;
        loop->happened = true;
        atomic_exchange(&task->pending, false);
        task->run(task); /* may free it or post it again */
    }
    loop->in_tasks = false;
}

static void on_wake(uv_async_t *uv) {
    struct loop *loop = uv->data;
    run_tasks(loop);
    if (atomic_load(&loop->stopping)) uv_stop(&loop->uv);
}

/* --- signals --- */

static void on_signal(uv_signal_t *uv, int signal_number) {
    struct signal_hook *hook = uv->data;
    hook->loop->happened = true;
    hook->run(hook->arg, signal_number);
}

enum err loop_on_signal(struct loop *loop, int signal_number, void (*hook)(void *arg, int signal_number), void *arg) {
    loop_must_own(loop);
    struct signal_hook *made = calloc(1, sizeof *made);
    must(made);
    *made = (struct signal_hook){.loop = loop, .run = hook, .arg = arg, .next = loop->signals};
    must(uv_signal_init(&loop->uv, &made->uv) == 0);
    made->uv.data = made;
    loop->signals = made;
    int status = uv_signal_start(&made->uv, on_signal, signal_number);
    if (status != 0) return fail(ERR_FAILED, "cannot watch signal %d: %s", signal_number, uv_strerror(status));
    return ERR_OK;
}

/* --- idle connections and spare memory --- */

static void on_sweep(struct loop_timer *timer) {
    struct loop *loop = CONTAINER_OF(timer, struct loop, sweep);
    conn_close_idle(loop);
    pool_trim(&loop->in_blocks);
    pool_trim(&loop->out_blocks);
    pool_trim(&loop->out_pieces);
}

void loop_sweep_within(struct loop *loop, int64_t sweep_ms) {
    if (sweep_ms >= loop->sweep_ms) return;
    loop->sweep_ms = MAX(sweep_ms, 10);
    loop_timer_start(loop, &loop->sweep, loop->sweep_ms, loop->sweep_ms, on_sweep);
}

/* --- life --- */

enum err loop_create(const char *name, struct loop **out) {
    static atomic_ushort numbers;
    must(strlen(name) < LOOP_NAME_MAX);
    struct loop *loop = calloc(1, sizeof *loop);
    must(loop);
    int status = uv_loop_init(&loop->uv);
    if (status != 0) {
        free(loop);
        return fail(ERR_FAILED, "cannot create the event loop %s: %s", name, uv_strerror(status));
    }
    status = uv_async_init(&loop->uv, &loop->wake, on_wake);
    if (status != 0) {
        must(uv_loop_close(&loop->uv) == 0);
        free(loop);
        return fail(ERR_FAILED, "cannot create the event loop %s: %s", name, uv_strerror(status));
    }
    strcpy(loop->name, name);
    loop->number = (uint16_t)atomic_fetch_add(&numbers, 1);
    loop->wake.data = loop->before_poll.data = loop->after_poll.data = loop->resume.data = loop;
    uv_prepare_init(&loop->uv, &loop->before_poll);
    uv_check_init(&loop->uv, &loop->after_poll);
    uv_idle_init(&loop->uv, &loop->resume);
    uv_prepare_start(&loop->before_poll, on_before_poll);
    uv_check_start(&loop->after_poll, on_after_poll);
    pool_init(&loop->in_blocks, IN_BLOCK_BYTES, 16);
    pool_init(&loop->out_blocks, OUT_BLOCK_BYTES, 64);
    conn_init_pools(loop);
    loop->sweep_ms = INT64_MAX;
    loop_sweep_within(loop, SWEEP_MS);
    *out = loop;
    return ERR_OK;
}

void loop_run(struct loop *loop) {
    must(!this_loop);
    this_loop = loop;
    atomic_store(&loop->running, true);
    block_sigpipe();
    uv_update_time(&loop->uv);
    if (!atomic_load(&loop->stopping)) uv_run(&loop->uv, UV_RUN_DEFAULT);
    run_tasks(loop);
    turn_end(loop);
    atomic_store(&loop->running, false);
    this_loop = NULL;
}

void loop_stop(struct loop *loop) {
    atomic_store(&loop->stopping, true);
    uv_async_send(&loop->wake);
}

static void run_thread(void *arg) {
    loop_run(arg);
}

enum err loop_start_thread(struct loop *loop) {
    return thread_start(&loop->thread, loop->name, run_thread, loop);
}

void loop_join(struct loop *loop) {
    thread_join(loop->thread);
}

static void close_handles(struct loop *loop) {
    loop_timer_stop(&loop->sweep);
    uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_close((uv_handle_t *)&loop->before_poll, NULL);
    uv_close((uv_handle_t *)&loop->after_poll, NULL);
    uv_close((uv_handle_t *)&loop->resume, NULL);
    for (struct signal_hook *hook = loop->signals; hook; hook = hook->next) uv_close((uv_handle_t *)&hook->uv, NULL);
    loop_timers_close(loop);
}

void loop_destroy(struct loop *loop) {
    must(!atomic_load(&loop->running));
    const struct loop *outer = this_loop;
    this_loop = loop;
    loop->destroying = true;
    run_tasks(loop);
    conn_end_all(loop);
    run_tasks(loop);
    close_handles(loop);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    must(uv_loop_close(&loop->uv) == 0); /* fails when a listener is still open */
    must(!atomic_load(&loop->inbox));
    for (struct signal_hook *hook = loop->signals, *next; hook; hook = next) {
        next = hook->next;
        free(hook);
    }
    loop_timers_free(loop);
    pool_close(&loop->in_blocks);
    pool_close(&loop->out_blocks);
    pool_close(&loop->out_pieces);
    free(loop->slots);
    free(loop);
    this_loop = outer;
}
