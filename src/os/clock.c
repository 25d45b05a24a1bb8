/* clock.c - the clocks of the system, and a shift for tests. */
#include "os/clock.h"

#include <errno.h>
#include <stdatomic.h>
#include <time.h>

static _Atomic int64_t wall_shift_ms, monotonic_shift_ms;

static int64_t clock_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_wall_ms(void) {
    return clock_ns(CLOCK_REALTIME) / 1000000 + atomic_load_explicit(&wall_shift_ms, memory_order_relaxed);
}

int64_t clock_monotonic_ms(void) {
    return clock_monotonic_ns() / 1000000;
}

int64_t clock_monotonic_ns(void) {
    return clock_ns(CLOCK_MONOTONIC) + atomic_load_explicit(&monotonic_shift_ms, memory_order_relaxed) * 1000000;
}

void clock_sleep_ms(int64_t ms) {
    if (ms <= 0) return;
    struct timespec left = {ms / 1000, (ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

void clock_shift_wall_ms(int64_t ms) {
    atomic_fetch_add_explicit(&wall_shift_ms, ms, memory_order_relaxed);
}

void clock_shift_monotonic_ms(int64_t ms) {
    atomic_fetch_add_explicit(&monotonic_shift_ms, ms, memory_order_relaxed);
}
