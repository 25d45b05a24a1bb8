/* thread.c - threads without signals, facts from the kernel. */
#include "os/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/check.h"

enum { THREAD_NAME_SIZE = 16 };

struct thread_start {
    void (*run)(void *);
    void *arg;
    char name[THREAD_NAME_SIZE];
};

static void *thread_main(void *arg) {
    struct thread_start start = *(struct thread_start *)arg;
    free(arg);
    thread_set_name(start.name);
    start.run(start.arg);
    return NULL;
}

enum err thread_start(pthread_t *out, const char *name, void (*run)(void *), void *arg) {
    struct thread_start *start = malloc(sizeof *start);
    if (!start) return fail(ERR_NO_MEMORY, "cannot start thread %s", name);
    start->run = run;
    start->arg = arg;
    snprintf(start->name, sizeof start->name, "%s", name);

    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(out, NULL, thread_main, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        free(start);
        errno = error;
        return fail_errno(ERR_FAILED, "cannot start thread %s", name);
    }
    return ERR_OK;
}

void thread_give_way(void) {
    enum { NICE = 10 };
    (void)setpriority(PRIO_PROCESS, 0, NICE); /* on Linux 0 is the calling thread */
}

void thread_join(pthread_t thread) {
    int error = pthread_join(thread, NULL);
    must(error == 0);
}

void thread_set_name(const char *name) {
    char cut[THREAD_NAME_SIZE];
    snprintf(cut, sizeof cut, "%s", name);
    pthread_setname_np(pthread_self(), cut);
}

const char *thread_name(void) {
    static _Thread_local char name[THREAD_NAME_SIZE];
    if (pthread_getname_np(pthread_self(), name, sizeof name) != 0) return "?";
    return name;
}

int thread_cpu_count(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    int count = CPU_COUNT(&set);
    return count > 0 ? count : 1;
}

int64_t machine_memory_bytes(void) {
    return (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
}

void random_bytes(void *out, size_t len) {
    char *at = out;
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        must(got > 0 || errno == EINTR);
        if (got <= 0) continue;
        at += got;
        len -= (size_t)got;
    }
}
