/* fault.c - a table of brokers and until when others are preferred. */
#include "client/producer/fault.h"

#include <stdlib.h>
#include "base/check.h"

enum { LATENCY_OF_FAILURE_MS = 30000 };

/* A send that took at least so long keeps others away from the broker for so long. */
static const struct {
    int64_t latency_ms, away_ms;
} steps[] = {{15000, 600000}, {3000, 180000}, {2000, 120000}, {1000, 60000}, {550, 30000}};

static int64_t away_ms_of(int64_t latency_ms) {
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        if (latency_ms >= steps[i].latency_ms) return steps[i].away_ms;
    }
    return 0;
}

void faults_close(struct faults *faults) {
    free(faults->items);
    *faults = (struct faults){0};
}

static struct fault *find(const struct faults *faults, struct bytes broker_name) {
    for (size_t i = 0; i < faults->count; i++) {
        if (faults->items[i].broker_name.data == broker_name.data) return &faults->items[i];
    }
    return NULL;
}

void faults_update(struct faults *faults, struct bytes broker_name, int64_t latency_ms, bool failed, int64_t now_ms) {
    struct fault *fault = find(faults, broker_name);
    if (!fault) {
        faults->items = realloc(faults->items, (faults->count + 1) * sizeof *faults->items);
        must(faults->items);
        fault = &faults->items[faults->count++];
        fault->broker_name = broker_name;
    }
    fault->until_ms = now_ms + away_ms_of(failed ? LATENCY_OF_FAILURE_MS : latency_ms);
}

bool faults_available(const struct faults *faults, struct bytes broker_name, int64_t now_ms) {
    const struct fault *fault = find(faults, broker_name);
    return !fault || now_ms >= fault->until_ms;
}
