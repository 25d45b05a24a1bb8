/* store_stats.c - counters, and a ring of samples for the rates. */
#include "store/store_stats.h"

#include "base/check.h"
#include "os/clock.h"

void store_stats_init(struct store_stats *stats) {
    memset(stats, 0, sizeof *stats);
    lock_init(&stats->lock, LOCK_STATS);
    store_stats_sample(stats, clock_monotonic_ms());
}

void store_stats_close(struct store_stats *stats) {
    lock_close(&stats->lock);
}

static void add(_Atomic int64_t *counter, int64_t n) {
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static int64_t value(const _Atomic int64_t *counter) {
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void raise_to(_Atomic int64_t *maximum, int64_t n) {
    int64_t old = value(maximum);
    while (n > old &&
           !atomic_compare_exchange_weak_explicit(maximum, &old, n, memory_order_relaxed, memory_order_relaxed)) {
    }
}

/* Upper ends of the buckets <=0ms 0~10 10~50 50~100 100~200 200~500 500~1s 1~2s 2~3s 3~4s 4~5s 5~10s 10s~ */
static int bucket_of(int64_t took_ms) {
    static const int64_t below_ms[STATS_PUT_BUCKETS - 1] = {1,    10,   50,   100,  200,  500,
                                                            1000, 2000, 3000, 4000, 5000, 10000};
    int i = 0;
    while (i < STATS_PUT_BUCKETS - 1 && took_ms >= below_ms[i]) i++;
    return i;
}

void store_stats_put(struct store_stats *stats, size_t count, int64_t size_bytes, int64_t took_ms) {
    add(&stats->put_count, (int64_t)count);
    add(&stats->put_bytes, size_bytes);
    add(&stats->put_buckets[bucket_of(took_ms)], (int64_t)count);
    if (took_ms > 0) raise_to(&stats->put_time_max_ms, took_ms);
}

void store_stats_get(struct store_stats *stats, int32_t found, int64_t took_ms) {
    add(found > 0 ? &stats->get_found : &stats->get_miss, 1);
    add(&stats->get_transferred, found);
    if (took_ms > 0) raise_to(&stats->get_time_max_ms, took_ms);
}

void store_stats_sample(struct store_stats *stats, int64_t now_ms) {
    lock_take(&stats->lock);
    stats->samples[stats->next] = (struct stats_sample){now_ms, value(&stats->put_count), value(&stats->get_found),
                                                        value(&stats->get_miss), value(&stats->get_transferred)};
    stats->next = (stats->next + 1) % STATS_SAMPLES;
    if (stats->count < STATS_SAMPLES) stats->count++;
    lock_give(&stats->lock);
}

static double rate(int64_t from, int64_t to, int64_t ms) {
    return ms > 0 ? (double)(to - from) * 1000.0 / (double)ms : 0;
}

/* Rates between the newest sample and the one `back` samples before it (the oldest if there are fewer). */
static void report_window(const struct store_stats *stats, int window, int32_t back, struct store_facts *out) {
    back = MIN(back, stats->count - 1);
    const struct stats_sample *to = &stats->samples[(stats->next + STATS_SAMPLES - 1) % STATS_SAMPLES];
    const struct stats_sample *from = &stats->samples[(stats->next + 2 * STATS_SAMPLES - 1 - back) % STATS_SAMPLES];
    int64_t ms = to->at_ms - from->at_ms;
    out->put_tps[window] = rate(from->put, to->put, ms);
    out->get_found_tps[window] = rate(from->found, to->found, ms);
    out->get_miss_tps[window] = rate(from->miss, to->miss, ms);
    out->get_total_tps[window] = out->get_found_tps[window] + out->get_miss_tps[window];
    out->get_transferred_tps[window] = rate(from->transferred, to->transferred, ms);
}

void store_stats_report(struct store_stats *stats, struct store_facts *out) {
    static const int32_t windows_s[] = {10, 60, 600};
    lock_take(&stats->lock);
    for (int i = 0; i < (int)ARRAY_LEN(windows_s); i++) report_window(stats, i, windows_s[i], out);
    lock_give(&stats->lock);
    out->put_count = value(&stats->put_count);
    out->put_failed = value(&stats->put_failed);
    out->put_bytes = value(&stats->put_bytes);
    out->put_time_max_ms = value(&stats->put_time_max_ms);
    out->get_time_max_ms = value(&stats->get_time_max_ms);
    out->get_found = value(&stats->get_found);
    out->get_miss = value(&stats->get_miss);
    out->get_transferred = value(&stats->get_transferred);
    for (int i = 0; i < STATS_PUT_BUCKETS; i++) out->put_time_buckets[i] = value(&stats->put_buckets[i]);
}
