/* job.c - lists of jobs, threads that run them, callers that wait for them. */
#include "client/job.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "client/client.h"
#include "os/thread.h"

void job_list_init(struct job_list *list) {
    lock_init(&list->lock, LOCK_CLIENT);
    list->first = NULL;
    list->last = &list->first;
}

void job_list_close(struct job_list *list) {
    lock_close(&list->lock);
}

static void append(struct job_list *list, struct job *job) {
    job->next = NULL;
    *list->last = job;
    list->last = &job->next;
}

void job_list_put(struct job_list *list, struct job *job) {
    lock_take(&list->lock);
    append(list, job);
    lock_give(&list->lock);
}

struct job *job_list_take_all(struct job_list *list) {
    lock_take(&list->lock);
    struct job *first = list->first;
    list->first = NULL;
    list->last = &list->first;
    lock_give(&list->lock);
    return first;
}

/* NULL when the pool stops and nothing is left. */
static struct job *wait_for_job(struct job_pool *pool) {
    lock_take(&pool->jobs.lock);
    while (!pool->jobs.first && !pool->stopping) cond_wait(&pool->wake, &pool->jobs.lock);
    struct job *job = pool->jobs.first;
    if (job) {
        pool->jobs.first = job->next;
        if (!job->next) pool->jobs.last = &pool->jobs.first;
    }
    lock_give(&pool->jobs.lock);
    return job;
}

static void pool_thread(void *arg) {
    struct job_pool *pool = arg;
    for (struct job *job; (job = wait_for_job(pool)) != NULL;) job->run(job);
}

enum err job_pool_start(struct job_pool *pool, const char *name, size_t thread_count) {
    job_list_init(&pool->jobs);
    cond_init(&pool->wake);
    pool->stopping = false;
    pool->thread_count = 0;
    pool->threads = calloc(thread_count, sizeof *pool->threads);
    must(pool->threads);
    for (size_t i = 0; i < thread_count; i++) {
        char numbered[64];
        snprintf(numbered, sizeof numbered, "%s-%zu", name, i + 1);
        enum err err = thread_start(&pool->threads[i], numbered, pool_thread, pool);
        if (err != ERR_OK) {
            job_pool_stop(pool);
            return err;
        }
        pool->thread_count++;
    }
    return ERR_OK;
}

void job_pool_put(struct job_pool *pool, struct job *job) {
    lock_take(&pool->jobs.lock);
    append(&pool->jobs, job);
    cond_signal(&pool->wake);
    lock_give(&pool->jobs.lock);
}

void job_pool_stop(struct job_pool *pool) {
    if (!pool->threads) return;
    lock_take(&pool->jobs.lock);
    pool->stopping = true;
    cond_broadcast(&pool->wake);
    lock_give(&pool->jobs.lock);
    for (size_t i = 0; i < pool->thread_count; i++) thread_join(pool->threads[i]);
    free(pool->threads);
    pool->threads = NULL;
    cond_close(&pool->wake);
    job_list_close(&pool->jobs);
}

rmq_error_t waiting_call_run(struct rmq_client *client, struct waiting_call *call, void (*start)(struct job *job)) {
    must(!loop_is_mine(client->loop));
    call->client = client;
    call->ended = false;
    call->job.run = start;
    outcome_ok(&call->outcome);
    lock_init(&call->lock, LOCK_CLIENT);
    cond_init(&call->ended_cond);
    client_post(client, &call->job);
    lock_take(&call->lock);
    while (!call->ended) cond_wait(&call->ended_cond, &call->lock);
    lock_give(&call->lock);
    cond_close(&call->ended_cond);
    lock_close(&call->lock);
    return outcome_report(&call->outcome);
}

void waiting_call_end(struct waiting_call *call) {
    lock_take(&call->lock);
    call->ended = true;
    cond_signal(&call->ended_cond);
    lock_give(&call->lock);
}
