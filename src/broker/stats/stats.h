/* stats.h - counters a topic, a group and the broker, with views of the last minute, hour and day.
 * Counting is a relaxed add to a line that the thread rarely shares, found through the topic or progress itself.
 * @thread any; LOCK_STATS for making counters and sampling. @source shared facts: behaviour 14 */
#ifndef RMQ_BROKER_STATS_H
#define RMQ_BROKER_STATS_H

#include "broker/tables/offsets.h"
#include "broker/tables/topics.h"

enum stat_kind {
#define STAT(name, key, what) STAT_##name,
#include "broker/stats/stats.def"
#undef STAT
    STAT_COUNT
};

struct stats;
enum err stats_open(struct broker *broker, struct stats **out) MUST_USE;
void stats_close(struct stats *stats);
void stats_sample(struct stats *stats, int64_t now_ms); /* each 10 s */

/* `messages` were stored in a topic; `bytes` of their records. */
void stats_count_put(struct stats *stats, struct topic *topic, int64_t messages, int64_t bytes);
/* A send that ended, from the request to the answer. */
void stats_count_put_latency(struct stats *stats, struct topic *topic, int32_t queue_id, int64_t latency_ms);
/* `messages` of `topic` were handed to the group of `progress` (which may belong to its retry topic). */
void stats_count_get(struct stats *stats, struct topic *topic, struct progress *progress, int64_t messages,
                     int64_t bytes, bool from_disk);
void stats_count_get_latency(struct stats *stats, struct progress *progress, int32_t queue_id, int64_t latency_ms);
/* A message of progress->topic sent back by progress->group; or given up. */
void stats_count_send_back(struct stats *stats, struct progress *progress);
/* Of pops: messages acknowledged, checkpoints made. */
void stats_count_acks(struct stats *stats, struct progress *progress, int64_t messages);
void stats_count_checkpoint(struct stats *stats, struct progress *progress);
void stats_count_dead_letter(struct stats *stats, struct progress *progress);

/* What request 315 shows; sums over the window, rates per second, average per event. */
struct stat_window {
    int64_t sum;
    double tps, avgpt;
};
struct stat_view {
    struct stat_window minute, hour, day;
};
/* ERR_NOT_FOUND when the name is unknown or the key was never used. */
enum err stats_view(struct stats *stats, struct bytes name, struct bytes key, struct stat_view *out) MUST_USE;
/* The last minute's rate; 0 when never used. */
double stats_tps(struct stats *stats, enum stat_kind kind, struct bytes key);

/* The topic or group was deleted: its counters are as if they had never been. */
void stats_forget_topic(struct stats *stats, struct bytes topic);
void stats_forget_group(struct stats *stats, struct bytes group);

/* Messages since start, and as they were at the last two midnights (runtime info). */
struct stats_totals {
    int64_t put_now, put_today_morning, put_yesterday_morning;
    int64_t get_now, get_today_morning, get_yesterday_morning;
};
void stats_totals(struct stats *stats, struct stats_totals *out);

#endif
