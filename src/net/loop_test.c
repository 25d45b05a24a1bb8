/* loop_test.c - tasks from many threads, timers, turn ends, signals. */
#include "net/loop.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/check.h"
#include "net/loop_internal.h"
#include "os/clock.h"
#include "os/thread.h"

static struct loop *started(const char *name) {
    struct loop *loop;
    assert_int_equal(ERR_OK, loop_create(name, &loop));
    assert_int_equal(ERR_OK, loop_start_thread(loop));
    return loop;
}

static void end(struct loop *loop) {
    loop_stop(loop);
    loop_join(loop);
    loop_destroy(loop);
}

/* --- tasks --- */

enum { POSTERS = 4, POSTS = 40000, SHARED_TASKS = 3 };

struct counted_task {
    struct loop_task task;
    atomic_int produced; /* before each post */
    int seen;            /* by the loop, at its last run */
    int runs;
};
struct storm {
    struct loop *loop;
    struct counted_task tasks[SHARED_TASKS];
};

static void count(struct loop_task *task) {
    struct counted_task *counted = CONTAINER_OF(task, struct counted_task, task);
    counted->seen = atomic_load_explicit(&counted->produced, memory_order_relaxed);
    counted->runs++;
}

static void post_many(void *arg) {
    struct storm *storm = arg;
    unsigned seed = (unsigned)(uintptr_t)&seed;
    for (int i = 0; i < POSTS; i++) {
        struct counted_task *counted = &storm->tasks[i % SHARED_TASKS];
        atomic_fetch_add_explicit(&counted->produced, 1, memory_order_relaxed);
        loop_post(storm->loop, &counted->task);
        if (rand_r(&seed) % 1000 == 0) usleep(200); /* lets the loop fall asleep */
    }
}

/* Each post is followed by a run that sees what the poster wrote before; posts while pending are one run. */
static void posts_from_many_threads_all_arrive(void **state) {
    (void)state;
    struct storm storm = {.loop = started("storm")};
    pthread_t threads[POSTERS];
    for (int i = 0; i < SHARED_TASKS; i++) storm.tasks[i].task.run = count;
    for (int i = 0; i < POSTERS; i++) assert_int_equal(ERR_OK, thread_start(&threads[i], "poster", post_many, &storm));
    for (int i = 0; i < POSTERS; i++) thread_join(threads[i]);
    loop_stop(storm.loop);
    loop_join(storm.loop);
    int total = 0;
    for (int i = 0; i < SHARED_TASKS; i++) {
        assert_int_equal(atomic_load(&storm.tasks[i].produced), storm.tasks[i].seen);
        assert_in_range(storm.tasks[i].runs, 1, storm.tasks[i].seen);
        total += storm.tasks[i].seen;
    }
    assert_int_equal(POSTERS * POSTS, total);
    loop_destroy(storm.loop);
}

struct ping {
    struct loop_task task;
    sem_t done;
};

static void pong(struct loop_task *task) {
    sem_post(&CONTAINER_OF(task, struct ping, task)->done);
}

static void ping_pong(void *arg) {
    struct loop *loop = arg;
    struct ping ping = {.task.run = pong};
    sem_init(&ping.done, 0, 0);
    for (int i = 0; i < 5000; i++) {
        loop_post(loop, &ping.task);
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 30;
        must(sem_timedwait(&ping.done, &until) == 0); /* a lost wake-up ends here */
    }
    sem_destroy(&ping.done);
}

/* The loop sleeps before nearly each post. */
static void no_wake_up_is_lost(void **state) {
    (void)state;
    struct loop *loop = started("sleepy");
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) assert_int_equal(ERR_OK, thread_start(&threads[i], "pinger", ping_pong, loop));
    for (int i = 0; i < 2; i++) thread_join(threads[i]);
    end(loop);
}

struct ordered_task {
    struct loop_task task;
    int number;
    int *log, *logged;
};

static void log_number(struct loop_task *task) {
    struct ordered_task *ordered = CONTAINER_OF(task, struct ordered_task, task);
    ordered->log[(*ordered->logged)++] = ordered->number;
}

static void tasks_run_in_the_order_of_posting_also_after_stop(void **state) {
    (void)state;
    struct loop *loop;
    struct ordered_task tasks[10];
    int log[10], logged = 0;
    assert_int_equal(ERR_OK, loop_create("ordered", &loop));
    for (int i = 0; i < 10; i++) {
        tasks[i] = (struct ordered_task){.task.run = log_number, .number = i, .log = log, .logged = &logged};
        loop_post(loop, &tasks[i].task);
    }
    loop_stop(loop);
    loop_run(loop);
    assert_int_equal(10, logged);
    for (int i = 0; i < 10; i++) assert_int_equal(i, log[i]);
    loop_post(loop, &tasks[3].task); /* too late for loop_run */
    logged = 0;
    loop_destroy(loop);
    assert_int_equal(1, logged);
}

/* What the loop posts itself, and what that posts. */
struct own_task {
    struct loop_task task;
    struct loop *loop;
    uv_prepare_t poll;
    int polls, posted_at, ran_at; /* polls before */
    int hooks, runs;
    bool again;
    struct loop_timer timer;
};

static void count_poll(uv_prepare_t *uv) {
    CONTAINER_OF(uv, struct own_task, poll)->polls++;
}

static void post_at_first(void *arg) {
    struct own_task *own = arg;
    if (own->hooks++ > 0) return;
    own->posted_at = own->polls;
    loop_post(own->loop, &own->task);
}

static void end_posting(struct loop_timer *timer) {
    struct own_task *own = CONTAINER_OF(timer, struct own_task, timer);
    own->again = false;
    loop_stop(own->loop);
}

static void run_own(struct loop_task *task) {
    struct own_task *own = CONTAINER_OF(task, struct own_task, task);
    if (own->runs++ == 0) {
        own->ran_at = own->polls;
        loop_timer_start(own->loop, &own->timer, 5, 0, end_posting);
    }
    if (own->again) loop_post(own->loop, task);
}

static void do_nothing(struct loop_task *task) {
    (void)task;
}

/* In the same turn, and with hooks behind it; but a task that posts itself on and on leaves the loop its turns. */
static void what_the_loop_posts_runs_in_its_turn(void **state) {
    (void)state;
    struct own_task own = {.task.run = run_own, .again = true};
    struct loop_task first = {.run = do_nothing};
    assert_int_equal(ERR_OK, loop_create("own", &own.loop));
    loop_on_turn_end(own.loop, post_at_first, &own);
    uv_prepare_init(&own.loop->uv, &own.poll);
    uv_prepare_start(&own.poll, count_poll);
    loop_post(own.loop, &first);
    loop_run(own.loop); /* until the timer fires */
    assert_true(own.runs >= 2);
    assert_true(own.hooks >= 2);
    assert_int_equal(own.posted_at, own.ran_at);
    uv_close((uv_handle_t *)&own.poll, NULL);
    loop_destroy(own.loop);
}

/* --- timers --- */

struct ticker {
    struct loop_timer timer;
    struct loop *loop;
    int ticks, stop_after;
    int64_t fired_ms;
    struct ticker *end; /* counts the ticks of all, and stops the loop some time after its stop_after-th */
};

static void stop_loop(struct loop_timer *timer) {
    loop_stop(CONTAINER_OF(timer, struct ticker, timer)->loop);
}

/* However late the loop is, all ticks come; those that must not get the time to come too. */
static void count_tick(struct ticker *ticker) {
    struct ticker *end = ticker->end;
    ticker->ticks++;
    if (++end->ticks == end->stop_after) loop_timer_start(end->loop, &end->timer, 50, 0, stop_loop);
}

static void tick(struct loop_timer *timer) {
    struct ticker *ticker = CONTAINER_OF(timer, struct ticker, timer);
    ticker->fired_ms = loop_now_ms(ticker->loop);
    count_tick(ticker);
    if (ticker->ticks == ticker->stop_after) loop_timer_stop(timer);
}

static void timers_fire_repeat_and_stop(void **state) {
    (void)state;
    struct loop *loop;
    assert_int_equal(ERR_OK, loop_create("timers", &loop));
    struct ticker end = {.loop = loop, .stop_after = 1 + 3};
    struct ticker once = {.loop = loop, .end = &end}, repeated = {.loop = loop, .end = &end, .stop_after = 3};
    struct ticker stopped = {.loop = loop, .end = &end};
    int64_t start_ms = loop_now_ms(loop);
    loop_timer_start(loop, &once.timer, 20, 0, tick);
    loop_timer_start(loop, &repeated.timer, 10, 10, tick);
    loop_timer_start(loop, &stopped.timer, 10, 0, tick);
    loop_timer_stop(&stopped.timer);
    loop_timer_stop(&stopped.timer);
    loop_run(loop);
    assert_int_equal(1, once.ticks);
    assert_true(once.fired_ms - start_ms >= 20);
    assert_int_equal(3, repeated.ticks);
    assert_int_equal(0, stopped.ticks);
    assert_null(once.timer.handle);
    loop_destroy(loop);
}

enum { MANY = 5000, MANY_STOPPED = (MANY + 2) / 3 };
struct many {
    struct ticker tickers[MANY];
    struct ticker end;
};

static void restart_or_stop(struct loop_timer *timer) {
    struct ticker *ticker = CONTAINER_OF(timer, struct ticker, timer);
    count_tick(ticker);
    if (ticker->ticks == 1) loop_timer_start(ticker->loop, timer, 1, 0, restart_or_stop);
}

static void thousands_of_timers_restart_themselves(void **state) {
    (void)state;
    struct many *many = calloc(1, sizeof *many);
    struct loop *loop;
    assert_int_equal(ERR_OK, loop_create("many", &loop));
    many->end.loop = loop;
    many->end.stop_after = 2 * (MANY - MANY_STOPPED);
    for (int i = 0; i < MANY; i++) {
        many->tickers[i].loop = loop;
        many->tickers[i].end = &many->end;
        loop_timer_start(loop, &many->tickers[i].timer, i % 50, 0, restart_or_stop);
    }
    for (int i = 0; i < MANY; i += 3) loop_timer_stop(&many->tickers[i].timer);
    loop_run(loop);
    for (int i = 0; i < MANY; i++) assert_int_equal(i % 3 ? 2 : 0, many->tickers[i].ticks);
    loop_destroy(loop);
    free(many);
}

/* --- turn ends and signals --- */

struct trace {
    struct loop *loop;
    struct loop_task task;
    struct loop_timer timer;
    char text[16];
};

static void trace_timer(struct loop_timer *timer) {
    struct trace *trace = CONTAINER_OF(timer, struct trace, timer);
    strcat(trace->text, "T");
    loop_stop(trace->loop);
}
static void trace_task(struct loop_task *task) {
    struct trace *trace = CONTAINER_OF(task, struct trace, task);
    strcat(trace->text, "t");
    loop_timer_start(trace->loop, &trace->timer, 1, 0, trace_timer);
}
static void trace_first(void *arg) {
    strcat(((struct trace *)arg)->text, "1");
}
static void trace_second(void *arg) {
    strcat(((struct trace *)arg)->text, "2");
}

static void hooks_run_when_a_turn_in_which_something_happened_ends(void **state) {
    (void)state;
    struct trace trace = {.task.run = trace_task};
    assert_int_equal(ERR_OK, loop_create("trace", &trace.loop));
    loop_on_turn_end(trace.loop, trace_first, &trace);
    loop_on_turn_end(trace.loop, trace_second, &trace);
    loop_post(trace.loop, &trace.task);
    loop_run(trace.loop);
    assert_string_equal("t12T12", trace.text);
    loop_destroy(trace.loop);
}

static void note_signal(void *arg, int signal_number) {
    struct trace *trace = arg;
    strcat(trace->text, signal_number == SIGUSR1 ? "u" : "?");
    loop_stop(trace->loop);
}

static void signals_reach_their_hook(void **state) {
    (void)state;
    struct trace trace = {0};
    assert_int_equal(ERR_OK, loop_create("signals", &trace.loop));
    assert_int_equal(ERR_OK, loop_on_signal(trace.loop, SIGUSR1, note_signal, &trace));
    assert_int_equal(ERR_FAILED, loop_on_signal(trace.loop, SIGKILL, note_signal, &trace));
    kill(getpid(), SIGUSR1);
    loop_run(trace.loop);
    assert_string_equal("u", trace.text);
    loop_destroy(trace.loop);
}

struct identity {
    struct loop_task task;
    struct loop *loop;
    bool mine;
    char name[16];
};

static void note_identity(struct loop_task *task) {
    struct identity *identity = CONTAINER_OF(task, struct identity, task);
    identity->mine = loop_is_mine(identity->loop);
    strcpy(identity->name, thread_name());
}

static void a_loop_knows_its_thread(void **state) {
    (void)state;
    struct identity identity = {.task.run = note_identity, .loop = started("net-7")};
    loop_post(identity.loop, &identity.task);
    assert_false(loop_is_mine(identity.loop));
    end(identity.loop);
    assert_true(identity.mine);
    assert_string_equal("net-7", identity.name);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posts_from_many_threads_all_arrive),
        cmocka_unit_test(no_wake_up_is_lost),
        cmocka_unit_test(tasks_run_in_the_order_of_posting_also_after_stop),
        cmocka_unit_test(what_the_loop_posts_runs_in_its_turn),
        cmocka_unit_test(timers_fire_repeat_and_stop),
        cmocka_unit_test(thousands_of_timers_restart_themselves),
        cmocka_unit_test(hooks_run_when_a_turn_in_which_something_happened_ends),
        cmocka_unit_test(signals_reach_their_hook),
        cmocka_unit_test(a_loop_knows_its_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
