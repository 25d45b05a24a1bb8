/* reactor.c - loops with their remoting, and the jobs that other threads give them. */
#include "broker/reactor.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/lock.h"
#include "broker/clients/consumers.h"
#include "broker/pop/held_pops.h"
#include "broker/pull/held_pulls.h"
#include "broker/send/parked_sends.h"
#include "broker/clients/producers.h"
#include "broker/route.h"
#include "broker/send/send_batch.h"
#include "os/clock.h"

enum { COLD_WAIT_MS = 5000 };

struct reactor_job {
    void (*run)(struct reactor *reactor, void *arg);
    void *arg;
    struct reactor_job *next;
};

/* What other threads want done on the loop, in order. */
struct reactor_jobs {
    struct reactor *reactor;
    struct lock lock;
    struct reactor_job *first, **last;
    struct loop_task task;
};

static bool run_jobs(struct reactor_jobs *jobs) {
    lock_take(&jobs->lock);
    struct reactor_job *job = jobs->first, *next;
    jobs->first = NULL;
    jobs->last = &jobs->first;
    lock_give(&jobs->lock);
    bool any = job != NULL;
    for (; job; job = next) {
        next = job->next;
        job->run(jobs->reactor, job->arg);
        free(job);
    }
    return any;
}

static void run_jobs_task(struct loop_task *task) {
    (void)run_jobs(CONTAINER_OF(task, struct reactor_jobs, task));
}

void reactor_run(struct reactor *reactor, void (*run)(struct reactor *reactor, void *arg), void *arg) {
    struct reactor_jobs *jobs = reactor->jobs;
    struct reactor_job *job = malloc(sizeof *job);
    must(job);
    *job = (struct reactor_job){.run = run, .arg = arg};
    lock_take(&jobs->lock);
    *jobs->last = job;
    jobs->last = &job->next;
    lock_give(&jobs->lock);
    loop_post(reactor->loop, &jobs->task);
}

static void jobs_open(struct reactor *reactor) {
    struct reactor_jobs *jobs = calloc(1, sizeof *jobs);
    must(jobs);
    jobs->reactor = reactor;
    jobs->last = &jobs->first;
    jobs->task.run = run_jobs_task;
    lock_init(&jobs->lock, LOCK_INBOX);
    reactor->jobs = jobs;
}

static void on_closed(void *owner, struct remoting *remoting, uint64_t channel_id, const struct address *peer) {
    struct reactor *reactor = owner;
    struct broker *broker = reactor->broker;
    struct client_channel channel = {.reactor = reactor, .id = channel_id};
    (void)remoting;
    (void)peer;
    held_pulls_channel_closed(reactor->held_pulls, channel_id);
    held_pops_channel_closed(reactor->held_pops, channel_id);
    if (atomic_load(&broker->stopping)) return; /* nobody is left to tell */
    consumers_channel_closed(broker->consumers, channel);
    producers_channel_closed(broker->producers, channel);
}

static enum err reactor_open(struct broker *broker, size_t index) {
    struct reactor *reactor = &broker->reactors[index];
    char name[16];
    snprintf(name, sizeof name, "net-%u", (unsigned)index % 1000);
    reactor->broker = broker;
    reactor->index = index;
    TRY(loop_create(name, &reactor->loop));
    struct remoting_options options = {
        .owner = reactor,
        .on_request = route_request,
        .on_closed = on_closed,
        .server_idle_ms = broker->config.server_channel_max_idle_s * 1000LL,
        .language = LANGUAGE_OTHER,
    };
    TRY(remoting_create(reactor->loop, &options, &reactor->remoting));
    jobs_open(reactor);
    send_turn_open(reactor);
    parked_sends_open(reactor);
    held_pulls_open(reactor);
    held_pops_open(reactor);
    return ERR_OK;
}

enum err reactors_open(struct broker *broker, size_t count) {
    must(count > 0 && count <= REACTORS_MAX);
    broker->reactors = calloc(count, sizeof *broker->reactors);
    must(broker->reactors);
    for (; broker->reactor_count < count; broker->reactor_count++) {
        enum err err = reactor_open(broker, broker->reactor_count);
        if (err != ERR_OK) {
            broker->reactor_count++; /* what there is of it, for reactors_close */
            return err;
        }
    }
    return ERR_OK;
}

enum err reactors_start(struct broker *broker) {
    for (size_t i = 0; i < broker->reactor_count; i++) {
        TRY(loop_start_thread(broker->reactors[i].loop));
        broker->reactors[i].running = true;
    }
    return ERR_OK;
}

static void answer_and_end(struct reactor *reactor, void *arg) {
    (void)arg;
    held_pulls_stop(reactor->held_pulls);
    held_pops_stop(reactor->held_pops);
    parked_sends_stop(reactor->parked_sends);
    loop_stop(reactor->loop);
}

void reactors_stop(struct broker *broker) {
    int64_t until_ms = clock_monotonic_ms() + COLD_WAIT_MS;
    for (size_t i = 0; i < broker->reactor_count; i++)
        while (atomic_load(&broker->reactors[i].cold_looks) > 0 && clock_monotonic_ms() < until_ms) clock_sleep_ms(1);
    for (size_t i = 0; i < broker->reactor_count; i++)
        if (broker->reactors[i].running) reactor_run(&broker->reactors[i], answer_and_end, NULL);
    for (size_t i = 0; i < broker->reactor_count; i++) {
        if (!broker->reactors[i].running) continue;
        loop_join(broker->reactors[i].loop);
        broker->reactors[i].running = false;
    }
    /* What reactors wanted of each other while they ended. */
    for (bool any = true; any;) {
        any = false;
        for (size_t i = 0; i < broker->reactor_count; i++)
            if (broker->reactors[i].jobs) any |= run_jobs(broker->reactors[i].jobs);
    }
    for (size_t i = 0; i < broker->reactor_count; i++) {
        if (broker->reactors[i].remoting) remoting_destroy(broker->reactors[i].remoting);
        broker->reactors[i].remoting = NULL;
    }
}

void reactors_close(struct broker *broker) {
    for (size_t i = 0; i < broker->reactor_count; i++) {
        struct reactor *reactor = &broker->reactors[i];
        held_pulls_close(reactor->held_pulls);
        held_pops_close(reactor->held_pops);
        parked_sends_close(reactor->parked_sends);
        send_turn_close(reactor->send_turn);
        if (reactor->loop) loop_destroy(reactor->loop);
        if (reactor->jobs) lock_close(&reactor->jobs->lock);
        free(reactor->jobs);
    }
    free(broker->reactors);
    broker->reactors = NULL;
    broker->reactor_count = 0;
}
