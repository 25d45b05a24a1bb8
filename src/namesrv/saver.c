/* saver.c - two lists: files to be written, files that are. */
#include "namesrv/saver.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/lock.h"
#include "os/file.h"
#include "os/thread.h"

/* Somebody who wants to know. */
struct waiter {
    struct waiter *next;
    saver_done *done;
    void *ctx;
};
struct job {
    struct job *next;
    char *path;
    struct buf content;
    struct waiter *waiters;
    enum err err;
    char *detail; /* of err */
};
struct job_list {
    struct job *first, **tail;
};
struct saver {
    struct loop *loop;
    struct loop_task task; /* tells the loop of what is written */
    struct lock lock;      /* guards what follows */
    struct cond changed;
    struct job_list queued, written;
    bool stopping;
    bool started; /* the loop's */
    pthread_t thread;
};

static void list_init(struct job_list *list) {
    list->first = NULL;
    list->tail = &list->first;
}

static void list_add(struct job_list *list, struct job *job) {
    job->next = NULL;
    *list->tail = job;
    list->tail = &job->next;
}

static enum err write_file(const struct job *job) {
    const char *slash = strrchr(job->path, '/');
    if (slash != NULL && slash != job->path) {
        char *dir = bytes_dup(bytes_make(job->path, (size_t)(slash - job->path)));
        const enum err err = file_make_dirs(dir);
        free(dir);
        TRY(err);
    }
    return file_replace(job->path, buf_bytes(&job->content), true);
}

static void run_saver(void *arg) {
    struct saver *saver = arg;
    lock_take(&saver->lock);
    for (;;) {
        while (saver->queued.first == NULL && !saver->stopping) cond_wait(&saver->changed, &saver->lock);
        struct job *job = saver->queued.first;
        if (job == NULL) break;
        saver->queued.first = job->next;
        if (job->next == NULL) list_init(&saver->queued);
        lock_give(&saver->lock);
        job->err = write_file(job);
        if (job->err != ERR_OK) job->detail = bytes_dup(bytes_of(err_detail(job->err)));
        lock_take(&saver->lock);
        list_add(&saver->written, job);
        loop_post(saver->loop, &saver->task);
    }
    lock_give(&saver->lock);
}

static void report(struct saver *saver) {
    lock_take(&saver->lock);
    struct job *job = saver->written.first;
    list_init(&saver->written);
    lock_give(&saver->lock);
    for (struct job *next; job != NULL; job = next) {
        next = job->next;
        for (struct waiter *waiter = job->waiters, *other; waiter != NULL; waiter = other) {
            other = waiter->next;
            waiter->done(waiter->ctx, job->err == ERR_OK ? ERR_OK : fail(job->err, "%s", job->detail));
            free(waiter);
        }
        buf_close(&job->content);
        free(job->path);
        free(job->detail);
        free(job);
    }
}

static void report_task(struct loop_task *task) {
    report(CONTAINER_OF(task, struct saver, task));
}

struct saver *saver_create(struct loop *loop) {
    struct saver *saver = calloc(1, sizeof *saver);
    must(saver != NULL);
    saver->loop = loop;
    saver->task.run = report_task;
    lock_init(&saver->lock, LOCK_WORK);
    cond_init(&saver->changed);
    list_init(&saver->queued);
    list_init(&saver->written);
    return saver;
}

void saver_finish(struct saver *saver) {
    if (!saver->started) return;
    lock_take(&saver->lock);
    saver->stopping = true;
    cond_signal(&saver->changed);
    lock_give(&saver->lock);
    thread_join(saver->thread);
    report(saver);
}

void saver_destroy(struct saver *saver) {
    cond_close(&saver->changed);
    lock_close(&saver->lock);
    free(saver);
}

/* The one that waits for that path, made if there is none. */
static struct job *job_of(struct saver *saver, struct bytes path) {
    for (struct job *job = saver->queued.first; job != NULL; job = job->next)
        if (bytes_is(path, job->path)) return job;
    struct job *job = calloc(1, sizeof *job);
    must(job != NULL);
    job->path = bytes_dup(path);
    list_add(&saver->queued, job);
    return job;
}

void saver_save(struct saver *saver, struct bytes path, struct buf *content, saver_done *done, void *ctx) {
    if (!saver->started) {
        const enum err err = thread_start(&saver->thread, "save", run_saver, saver);
        if (err != ERR_OK) {
            buf_close(content);
            done(ctx, err);
            return;
        }
        saver->started = true;
    }
    struct waiter *waiter = malloc(sizeof *waiter);
    must(waiter != NULL);
    lock_take(&saver->lock);
    struct job *job = job_of(saver, path);
    *waiter = (struct waiter){job->waiters, done, ctx};
    job->waiters = waiter;
    buf_close(&job->content);
    job->content = *content;
    cond_signal(&saver->changed);
    lock_give(&saver->lock);
    *content = (struct buf){0};
}
