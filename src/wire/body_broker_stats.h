/* body_broker_stats.h - BrokerStatsData, the answer to VIEW_BROKER_STATS_DATA: one counter over three spans.
 * @source shared facts: protocol 2.3 */
#ifndef RMQ_WIRE_BODY_BROKER_STATS_H
#define RMQ_WIRE_BODY_BROKER_STATS_H

#include "base/json.h"

struct stats_span {
    int64_t sum;
    double tps, average;
};
struct broker_stats {
    struct stats_span minute, hour, day;
};
/* Missing spans are zero. ERR_BAD_INPUT: no JSON object. */
enum err broker_stats_decode(struct arena *arena, struct bytes body, struct broker_stats *out) MUST_USE;

#endif
