/* bell.c - a futex with a count of sleepers. */
#include "store/bell.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void bell_init(struct bell *bell) {
    atomic_init(&bell->rings, 0);
    atomic_init(&bell->sleepers, 0);
}

uint32_t bell_seen(struct bell *bell) {
    return atomic_load(&bell->rings);
}

/* Ringer: count, then look for sleepers. Sleeper: announce itself, then the kernel compares the count. All in one total
 * order (seq_cst), so one of them sees the other. */
void bell_ring(struct bell *bell) {
    atomic_fetch_add(&bell->rings, 1);
    if (atomic_load(&bell->sleepers) > 0)
        syscall(SYS_futex, &bell->rings, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

void bell_wait(struct bell *bell, uint32_t seen, int64_t timeout_ms) {
    struct timespec limit = {timeout_ms / 1000, timeout_ms % 1000 * 1000000};
    atomic_fetch_add(&bell->sleepers, 1);
    if (atomic_load(&bell->rings) == seen)
        syscall(SYS_futex, &bell->rings, FUTEX_WAIT_PRIVATE, seen, timeout_ms < 0 ? NULL : &limit, NULL, 0);
    atomic_fetch_sub(&bell->sleepers, 1);
}
