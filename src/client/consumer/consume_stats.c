/* consume_stats.c - differences of totals over a minute. */
#include "client/consumer/consume_stats.h"

void consume_stats_sample(struct consume_stats *stats, int64_t now_ms) {
    stats->now.at_ms = now_ms;
    stats->samples[stats->sample_count++ % STATS_SAMPLES] = stats->now;
}

static double ratio(int64_t sum, int64_t count) {
    return count > 0 ? (double)sum / (double)count : 0;
}

struct consume_rates consume_stats_rates(const struct consume_stats *stats) {
    struct consume_rates rates = {.consume_failed_msgs = stats->now.failed};
    if (stats->sample_count < 2) return rates;
    const struct consume_totals *last = &stats->samples[(stats->sample_count - 1) % STATS_SAMPLES];
    size_t oldest = stats->sample_count > STATS_SAMPLES ? stats->sample_count - STATS_SAMPLES : 0;
    const struct consume_totals *first = &stats->samples[oldest % STATS_SAMPLES];
    int64_t ms = last->at_ms - first->at_ms;
    rates.pull_rt = ratio(last->pull_ms - first->pull_ms, last->pulls - first->pulls);
    rates.pull_tps = ratio((last->pulled - first->pulled) * 1000, ms);
    rates.consume_rt = ratio(last->consume_ms - first->consume_ms, last->consumes - first->consumes);
    rates.consume_ok_tps = ratio((last->ok - first->ok) * 1000, ms);
    rates.consume_failed_tps = ratio((last->failed - first->failed) * 1000, ms);
    return rates;
}
