/* job.h - work handed from one thread to another: a list that several threads put into and one or more take from,
 * callback threads that run such work, and a caller that waits for work on the I/O thread to end. */
#ifndef RMQ_CLIENT_JOB_H
#define RMQ_CLIENT_JOB_H

#include <pthread.h>
#include "base/lock.h"
#include "client/outcome.h"

/* Lives in the memory of what is to be done. */
struct job {
    struct job *next;
    void (*run)(struct job *job);
};

/* First in, first out. */
struct job_list {
    struct lock lock;
    struct job *first, **last;
};
void job_list_init(struct job_list *list);
void job_list_close(struct job_list *list);
void job_list_put(struct job_list *list, struct job *job);
struct job *job_list_take_all(struct job_list *list); /* in order, linked by next; NULL if empty */

/* Threads that run jobs. */
struct job_pool {
    struct job_list jobs;
    struct cond wake;
    bool stopping;
    pthread_t *threads;
    size_t thread_count;
};
/* Threads are called NAME-1 and so on. */
enum err job_pool_start(struct job_pool *pool, const char *name, size_t thread_count) MUST_USE;
void job_pool_put(struct job_pool *pool, struct job *job); /* any thread */
void job_pool_stop(struct job_pool *pool); /* runs what is left, ends the threads; fine if not started */

struct rmq_client;
/* A call that waits: `start` runs on the I/O thread and sees to it that call_end comes exactly once. */
struct waiting_call {
    struct job job;
    struct rmq_client *client;
    struct outcome outcome;
    struct lock lock;
    struct cond ended_cond;
    bool ended;
};
/* Runs and waits; then the outcome is there and reported. @thread any but the I/O thread */
rmq_error_t waiting_call_run(struct rmq_client *client, struct waiting_call *call, void (*start)(struct job *job));
/* The outcome has been set: lets the caller go; the call's memory is gone then. @thread the I/O thread */
void waiting_call_end(struct waiting_call *call);

#endif
