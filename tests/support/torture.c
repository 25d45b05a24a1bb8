/* torture.c - seeds, counts, lines. */
#include "support/torture.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "os/clock.h"
#include "os/thread.h"

enum { LINE_EVERY_MS = 5000 };

static _Atomic uint64_t state;
static int64_t line_at_ms;

void torture_begin(const char *what) {
    uint32_t seed;
    const char *asked = getenv("RMQ_TORTURE_SEED");
    random_bytes(&seed, sizeof seed);
    if (asked) seed = (uint32_t)strtoul(asked, NULL, 10);
    state = seed;
    line_at_ms = clock_monotonic_ms() + LINE_EVERY_MS;
    printf("%s: RMQ_TORTURE_SEED=%" PRIu32 "\n", what, seed);
    fflush(stdout);
}

uint32_t torture_random(uint32_t below) {
    uint64_t before = atomic_load(&state), after;
    do after = before * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    while (!atomic_compare_exchange_weak(&state, &before, after));
    return (uint32_t)(after >> 33) % below;
}

int torture_count(int in_ci, int full) {
    const char *asked = getenv("RMQ_TORTURE");
    return asked && strcmp(asked, "full") == 0 ? full : in_ci;
}

void torture_progress(const char *what, int64_t done, int64_t of) {
    int64_t now_ms = clock_monotonic_ms();
    if (now_ms < line_at_ms) return;
    line_at_ms = now_ms + LINE_EVERY_MS;
    printf("%s: %" PRId64 " of %" PRId64 "\n", what, done, of);
    fflush(stdout);
}

void torture_result(const char *what, int64_t done, const char *came_of_it) {
    printf("%s: %" PRId64 " done, %s\n", what, done, came_of_it);
    fflush(stdout);
}
