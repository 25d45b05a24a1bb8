/* thread.h - named threads and the facts of the machine. */
#ifndef RMQ_OS_THREAD_H
#define RMQ_OS_THREAD_H

#include <pthread.h>
#include <stdint.h>
#include "base/err.h"

/* Name at most 15 characters; it shows in ps, top and log lines. Signals stay with the main thread. */
enum err thread_start(pthread_t *out, const char *name, void (*run)(void *), void *arg) MUST_USE;
void thread_give_way(void); /* this thread, to others that want the same processor */
void thread_join(pthread_t thread);
void thread_set_name(const char *name);
const char *thread_name(void); /* of this thread; valid as long as the thread */
int thread_cpu_count(void);    /* usable by this process, at least 1 */
int64_t machine_memory_bytes(void);
void random_bytes(void *out, size_t len);

#endif
