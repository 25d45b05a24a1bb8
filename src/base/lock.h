/* lock.h - a mutex with a rank: debug builds abort when locks are taken out of the order of locks.def. */
#ifndef RMQ_BASE_LOCK_H
#define RMQ_BASE_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Whether this build checks the order. */
#if !defined(NDEBUG) || defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define LOCK_CHECKED 1
#else
#define LOCK_CHECKED 0
#endif

enum lock_rank {
#define LOCK(name, guards) LOCK_##name,
#include "base/locks.def"
#undef LOCK
    LOCK_COUNT
};
struct lock {
    pthread_mutex_t mutex;
    enum lock_rank rank;
};
void lock_init(struct lock *lock, enum lock_rank rank);
void lock_close(struct lock *lock);
void lock_take(struct lock *lock);
bool lock_try(struct lock *lock);
void lock_give(struct lock *lock);

/* A condition that waits on a struct lock; time is CLOCK_MONOTONIC. */
struct cond {
    pthread_cond_t cond;
};
void cond_init(struct cond *cond);
void cond_close(struct cond *cond);
void cond_wait(struct cond *cond, struct lock *lock);
/* false when `timeout_ms` passed without a signal. */
bool cond_wait_ms(struct cond *cond, struct lock *lock, int64_t timeout_ms);
void cond_signal(struct cond *cond);
void cond_broadcast(struct cond *cond);

#endif
