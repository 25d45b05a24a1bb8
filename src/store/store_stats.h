/* store_stats.h - what store_facts tells: counters since start, and rates over 10 s, 1 min and 10 min.
 * @source shared facts: behaviour 14.1 */
#ifndef RMQ_STORE_STORE_STATS_H
#define RMQ_STORE_STORE_STATS_H

#include <stdatomic.h>
#include "base/lock.h"
#include "store/store.h"

enum { STATS_SAMPLES = 601, STATS_PUT_BUCKETS = 13 };
struct stats_sample {
    int64_t at_ms, put, found, miss, transferred;
};
struct store_stats {
    _Atomic int64_t put_count, put_failed, put_bytes, put_time_max_ms;
    _Atomic int64_t put_buckets[STATS_PUT_BUCKETS];
    _Atomic int64_t get_found, get_miss, get_transferred, get_time_max_ms;
    struct lock lock;                           /* LOCK_STATS: the samples */
    struct stats_sample samples[STATS_SAMPLES]; /* ring, one a second */
    int32_t next, count;
};
void store_stats_init(struct store_stats *stats);
void store_stats_close(struct store_stats *stats);
void store_stats_put(struct store_stats *stats, size_t count, int64_t size_bytes, int64_t took_ms);
void store_stats_get(struct store_stats *stats, int32_t found, int64_t took_ms);
/* Once a second. @thread flush-queues */
void store_stats_sample(struct store_stats *stats, int64_t now_ms);
void store_stats_report(struct store_stats *stats, struct store_facts *out);

#endif
