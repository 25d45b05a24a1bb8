/* work.c - a ring of jobs, a list of periodic ones, and the threads that run both. */
#include "broker/work.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/lock.h"
#include "os/clock.h"
#include "os/thread.h"

struct job {
    void (*run)(void *arg);
    void *arg;
};

struct periodic {
    struct job job;
    int64_t next_ms, period_ms;
    bool running;
    struct periodic *next;
};

struct work {
    struct lock lock; /* guards all below */
    struct cond wake;
    struct job *jobs; /* ring of `limit` */
    size_t limit, first, count;
    struct periodic *periodics;
    bool closing;
    pthread_t *threads;
    size_t thread_count;
};

/* The periodic job that is due first and not running; NULL if none is left. */
static struct periodic *periodic_first(struct work *work) {
    struct periodic *first = NULL;
    for (struct periodic *p = work->periodics; p; p = p->next)
        if (!p->running && (!first || p->next_ms < first->next_ms)) first = p;
    return first;
}

static void periodic_run(struct work *work, struct periodic *periodic) {
    periodic->running = true;
    lock_give(&work->lock);
    periodic->job.run(periodic->job.arg);
    lock_take(&work->lock);
    periodic->running = false;
    periodic->next_ms = clock_monotonic_ms() + periodic->period_ms;
    cond_signal(&work->wake); /* somebody has to wait for its next time */
}

static void job_run(struct work *work) {
    struct job job = work->jobs[work->first];
    work->first = (work->first + 1) % work->limit;
    work->count--;
    lock_give(&work->lock);
    job.run(job.arg);
    lock_take(&work->lock);
}

static void work_thread(void *arg) {
    struct work *work = arg;
    lock_take(&work->lock);
    for (;;) {
        struct periodic *due = work->closing ? NULL : periodic_first(work);
        int64_t wait_ms = due ? due->next_ms - clock_monotonic_ms() : INT64_MAX;
        if (wait_ms <= 0)
            periodic_run(work, due);
        else if (work->count > 0)
            job_run(work);
        else if (work->closing)
            break;
        else if (due)
            (void)cond_wait_ms(&work->wake, &work->lock, wait_ms);
        else
            cond_wait(&work->wake, &work->lock);
    }
    lock_give(&work->lock);
}

enum err work_open(size_t thread_count, size_t limit, struct work **out) {
    must(thread_count > 0 && limit > 0);
    struct work *work = calloc(1, sizeof *work);
    must(work);
    lock_init(&work->lock, LOCK_WORK);
    cond_init(&work->wake);
    work->limit = limit;
    work->jobs = malloc(limit * sizeof *work->jobs);
    work->threads = calloc(thread_count, sizeof *work->threads);
    must(work->jobs && work->threads);
    for (; work->thread_count < thread_count; work->thread_count++) {
        char name[16];
        snprintf(name, sizeof name, "work-%u", (unsigned)work->thread_count % 1000);
        enum err err = thread_start(&work->threads[work->thread_count], name, work_thread, work);
        if (err != ERR_OK) {
            work_close(work);
            return err;
        }
    }
    *out = work;
    return ERR_OK;
}

void work_stop(struct work *work) {
    lock_take(&work->lock);
    work->closing = true;
    cond_broadcast(&work->wake);
    lock_give(&work->lock);
    for (size_t i = 0; i < work->thread_count; i++) thread_join(work->threads[i]);
    work->thread_count = 0;
}

void work_close(struct work *work) {
    if (!work) return;
    work_stop(work);
    while (work->periodics) {
        struct periodic *next = work->periodics->next;
        free(work->periodics);
        work->periodics = next;
    }
    cond_close(&work->wake);
    lock_close(&work->lock);
    free(work->threads);
    free(work->jobs);
    free(work);
}

enum err work_submit(struct work *work, void (*run)(void *arg), void *arg) {
    enum err err = ERR_OK;
    lock_take(&work->lock);
    if (work->closing)
        err = fail(ERR_SHUTTING_DOWN, "the broker is shutting down");
    else if (work->count == work->limit)
        err = fail(ERR_BUSY,
                   "[OVERLOAD]system busy, start flow control for a while. Cause: %zu requests wait for %zu threads, "
                   "adminBrokerThreadPoolQueueCapacity and adminBrokerThreadPoolNums.",
                   work->count, work->thread_count);
    else {
        work->jobs[(work->first + work->count++) % work->limit] = (struct job){run, arg};
        cond_signal(&work->wake);
    }
    lock_give(&work->lock);
    return err;
}

void work_every(struct work *work, int64_t delay_ms, int64_t period_ms, void (*run)(void *arg), void *arg) {
    struct periodic *periodic = calloc(1, sizeof *periodic);
    must(periodic);
    periodic->job = (struct job){run, arg};
    periodic->next_ms = clock_monotonic_ms() + delay_ms;
    periodic->period_ms = period_ms;
    lock_take(&work->lock);
    periodic->next = work->periodics;
    work->periodics = periodic;
    cond_signal(&work->wake);
    lock_give(&work->lock);
}

size_t work_waiting(struct work *work) {
    lock_take(&work->lock);
    size_t count = work->count;
    lock_give(&work->lock);
    return count;
}
