#include "store/bell.h"

void bell_init(struct bell *bell) {
    atomic_init(&bell->rings, 0);
    atomic_init(&bell->sleepers, 0);
    lock_init(&bell->lock, LOCK_WORK);
    cond_init(&bell->cond);
}

void bell_close(struct bell *bell) {
    cond_close(&bell->cond);
    lock_close(&bell->lock);
}

uint32_t bell_seen(struct bell *bell) {
    return atomic_load(&bell->rings);
}

/* Ringer: count, then look for sleepers. Sleeper: announce itself, then compare the count. Both in one total order
 * (seq_cst), so one of them sees the other. */
void bell_ring(struct bell *bell) {
    atomic_fetch_add(&bell->rings, 1);
    if (atomic_load(&bell->sleepers) == 0) return;
    lock_take(&bell->lock);
    cond_broadcast(&bell->cond);
    lock_give(&bell->lock);
}

void bell_wait(struct bell *bell, uint32_t seen, int64_t timeout_ms) {
    lock_take(&bell->lock);
    atomic_fetch_add(&bell->sleepers, 1);
    while (atomic_load(&bell->rings) == seen) {
        if (timeout_ms < 0) {
            cond_wait(&bell->cond, &bell->lock);
        } else if (!cond_wait_ms(&bell->cond, &bell->lock, timeout_ms)) {
            break;
        }
    }
    atomic_fetch_sub(&bell->sleepers, 1);
    lock_give(&bell->lock);
}
