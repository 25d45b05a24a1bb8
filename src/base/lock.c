/* lock.c - pthread mutexes; checked builds keep a bit for each rank the thread holds. */
#include "base/lock.h"

#include <errno.h>
#include <time.h>
#include "base/check.h"

#if LOCK_CHECKED
_Static_assert(LOCK_COUNT <= 64, "held has one bit a rank");
static _Thread_local uint64_t held;

static void note_wish(const struct lock *lock) {
    must(held >> lock->rank == 0); /* a lock of this or a lower row of locks.def is held already */
}
static void note_taken(const struct lock *lock) {
    held |= UINT64_C(1) << lock->rank;
}
static void note_given(const struct lock *lock) {
    must(held & UINT64_C(1) << lock->rank);
    held &= ~(UINT64_C(1) << lock->rank);
}
#else
#define note_wish(lock)  ((void)(lock))
#define note_taken(lock) ((void)(lock))
#define note_given(lock) ((void)(lock))
#endif

void lock_init(struct lock *lock, enum lock_rank rank) {
    must((unsigned)rank < LOCK_COUNT);
    lock->rank = rank;
    must(pthread_mutex_init(&lock->mutex, NULL) == 0);
}

void lock_close(struct lock *lock) {
    must(pthread_mutex_destroy(&lock->mutex) == 0);
}

void lock_take(struct lock *lock) {
    note_wish(lock);
    must(pthread_mutex_lock(&lock->mutex) == 0);
    note_taken(lock);
}

bool lock_try(struct lock *lock) {
    note_wish(lock);
    int error = pthread_mutex_trylock(&lock->mutex);
    must(error == 0 || error == EBUSY);
    if (error != 0) return false;
    note_taken(lock);
    return true;
}

void lock_give(struct lock *lock) {
    note_given(lock);
    must(pthread_mutex_unlock(&lock->mutex) == 0);
}

void cond_init(struct cond *cond) {
    pthread_condattr_t attributes;
    must(pthread_condattr_init(&attributes) == 0);
    must(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    must(pthread_cond_init(&cond->cond, &attributes) == 0);
    pthread_condattr_destroy(&attributes);
}

void cond_close(struct cond *cond) {
    must(pthread_cond_destroy(&cond->cond) == 0);
}

void cond_wait(struct cond *cond, struct lock *lock) {
    must(pthread_cond_wait(&cond->cond, &lock->mutex) == 0);
}

bool cond_wait_ms(struct cond *cond, struct lock *lock, int64_t timeout_ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    timeout_ms = MAX(timeout_ms, 0);
    until.tv_sec += (time_t)(timeout_ms / 1000);
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    int error = pthread_cond_timedwait(&cond->cond, &lock->mutex, &until);
    must(error == 0 || error == ETIMEDOUT);
    return error == 0;
}

void cond_signal(struct cond *cond) {
    pthread_cond_signal(&cond->cond);
}

void cond_broadcast(struct cond *cond) {
    pthread_cond_broadcast(&cond->cond);
}
