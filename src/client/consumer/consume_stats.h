/* consume_stats.h - what the running info tells of a topic: rates of the last minute, failures since the start.
 * Totals are noted every 10 seconds and differences taken. @thread the I/O thread */
#ifndef RMQ_CLIENT_CONSUME_STATS_H
#define RMQ_CLIENT_CONSUME_STATS_H

#include <stddef.h>
#include <stdint.h>

enum { STATS_INTERVAL_MS = 10000, STATS_SAMPLES = 7 }; /* seven marks make six intervals: a minute */

struct consume_totals {
    int64_t at_ms;
    int64_t pulls, pull_ms, pulled, ok, failed, consumes, consume_ms;
};
struct consume_stats {
    struct consume_totals now;
    struct consume_totals samples[STATS_SAMPLES];
    size_t sample_count; /* taken in all */
};
struct consume_rates {
    double pull_rt, pull_tps, consume_rt, consume_ok_tps, consume_failed_tps;
    int64_t consume_failed_msgs; /* since the start */
};
void consume_stats_sample(struct consume_stats *stats, int64_t now_ms);
struct consume_rates consume_stats_rates(const struct consume_stats *stats);

#endif
