/* stats.c - counters, windows of samples, totals */
#include "broker/stats/stats.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "base/check.h"
#include "base/lock.h"
#include "os/clock.h"

enum { STAT_BUCKETS = 4096, SHARDS = 16, CACHED_QUEUES = 16 };

/* The line that one thread adds to. */
struct shard {
    alignas(64) _Atomic int64_t sum;
    _Atomic int64_t times;
};
struct sample {
    int64_t sum, times;
};

/* Windows keep what the counters were at past moments, oldest first once full; all counters are sampled together, so
 * the times are kept once. One that was made later had 0 before. */
enum { MINUTE, HOUR, DAY, WINDOWS };
enum { MINUTE_SAMPLES = 6, HOUR_SAMPLES = 6, DAY_SAMPLES = 24, SAMPLES = MINUTE_SAMPLES + HOUR_SAMPLES + DAY_SAMPLES };
static const struct {
    int first, count;
    int64_t period_ms;
} windows[WINDOWS] = {
    {0, MINUTE_SAMPLES, 10000},
    {MINUTE_SAMPLES, HOUR_SAMPLES, 600000},
    {MINUTE_SAMPLES + HOUR_SAMPLES, DAY_SAMPLES, 3600000},
};

struct counter {
    struct named named;
    atomic_bool used; /* false: forgotten, as if it had never been */
    struct sample samples[SAMPLES];
    size_t shard_mask; /* those of the broker as a whole are hit by all threads and have more than one */
    struct shard shards[];
};
struct topic_stats {
    struct counter *nums, *size;
    _Atomic(struct counter *) latency[CACHED_QUEUES];
};
struct progress_stats {
    struct counter *nums, *size;
    _Atomic(struct counter *) disk_nums, disk_size, send_back, dead_letter, acks, checkpoints, latency[CACHED_QUEUES];
};

struct stats {
    struct broker *broker;
    struct lock lock; /* guards additions, samples and what is below */
    struct name_table tables[STAT_COUNT];
    struct counter *broker_stats[STAT_COUNT]; /* those that have the cluster as key */
    int64_t sample_ms[SAMPLES];               /* monotonic */
    uint64_t sample_count[WINDOWS];
    struct arena caches; /* topic_stats and progress_stats */
    int today;           /* day of the year */
    int64_t put_today_morning, put_yesterday_morning, get_today_morning, get_yesterday_morning;
};

enum key_form { TOPIC, GROUP, QUEUE, GROUP_QUEUE, BROKER };
static const struct {
    const char *name;
    enum key_form key;
} kinds[STAT_COUNT] = {
#define STAT(name, key, what) {#name, key},
#include "broker/stats/stats.def"
#undef STAT
};

/* --- counting ---------------------------------------------------------------------------------------------- */

static size_t my_shard(void) {
    static atomic_size_t next;
    static _Thread_local size_t mine;
    if (mine == 0) mine = atomic_fetch_add(&next, 1) + 1;
    return mine;
}

static void add(struct counter *stat, int64_t sum, int64_t times) {
    if (!atomic_load_explicit(&stat->used, memory_order_relaxed)) atomic_store(&stat->used, true);
    struct shard *shard = &stat->shards[my_shard() & stat->shard_mask];
    atomic_fetch_add_explicit(&shard->sum, sum, memory_order_relaxed);
    atomic_fetch_add_explicit(&shard->times, times, memory_order_relaxed);
}

static struct sample total(const struct counter *stat) {
    struct sample all = {0};
    for (size_t i = 0; i <= stat->shard_mask; i++) {
        all.sum += atomic_load_explicit(&stat->shards[i].sum, memory_order_relaxed);
        all.times += atomic_load_explicit(&stat->shards[i].times, memory_order_relaxed);
    }
    return all;
}

static struct counter *counter_get(struct stats *stats, enum stat_kind kind, struct bytes key) {
    struct counter *stat = (struct counter *)name_table_find(&stats->tables[kind], key);
    if (stat) return stat;
    lock_take(&stats->lock);
    stat = (struct counter *)name_table_find(&stats->tables[kind], key);
    if (!stat) {
        size_t shards = kinds[kind].key == BROKER ? SHARDS : 1, size = sizeof *stat + shards * sizeof stat->shards[0];
        stat = aligned_alloc(64, size);
        must(stat);
        memset((void *)stat, 0, size);
        stat->shard_mask = shards - 1;
        name_table_add(&stats->tables[kind], key, &stat->named);
    }
    lock_give(&stats->lock);
    return stat;
}

/* The counter kept in `slot`, looked up by its key the first time. */
static struct counter *cached(struct stats *stats, _Atomic(struct counter *) *slot, enum stat_kind kind,
                              struct bytes key) {
    struct counter *stat = atomic_load_explicit(slot, memory_order_acquire);
    if (!stat) {
        stat = counter_get(stats, kind, key);
        atomic_store_explicit(slot, stat, memory_order_release);
    }
    return stat;
}

static void add_for_queue(struct stats *stats, _Atomic(struct counter *) slots[CACHED_QUEUES], enum stat_kind kind,
                          int32_t queue_id, struct bytes rest, int64_t sum) {
    bool cache = queue_id >= 0 && queue_id < CACHED_QUEUES;
    struct counter *stat = cache ? atomic_load_explicit(&slots[queue_id], memory_order_acquire) : NULL;
    if (!stat) {
        char key[NAME_MAX_BYTES + 16];
        int len = snprintf(key, sizeof key, "%d@%.*s", queue_id, BYTES_ARG(rest));
        stat = counter_get(stats, kind, bytes_make(key, MIN((size_t)len, sizeof key - 1)));
        if (cache) atomic_store_explicit(&slots[queue_id], stat, memory_order_release);
    }
    add(stat, sum, 1);
}

static struct topic_stats *topic_stats(struct stats *stats, struct topic *topic) {
    struct topic_stats *cache = atomic_load_explicit(&topic->put_stats, memory_order_acquire);
    if (cache) return cache;
    struct counter *nums = counter_get(stats, STAT_TOPIC_PUT_NUMS, topic_name(topic));
    struct counter *size = counter_get(stats, STAT_TOPIC_PUT_SIZE, topic_name(topic));
    lock_take(&stats->lock);
    cache = atomic_load(&topic->put_stats);
    if (!cache) {
        cache = arena_calloc(&stats->caches, 1, sizeof *cache);
        cache->nums = nums;
        cache->size = size;
        atomic_store_explicit(&topic->put_stats, cache, memory_order_release);
    }
    lock_give(&stats->lock);
    return cache;
}

static struct progress_stats *progress_stats(struct stats *stats, struct progress *progress) {
    struct progress_stats *cache = atomic_load_explicit(&progress->get_stats, memory_order_acquire);
    if (cache) return cache;
    struct counter *nums = counter_get(stats, STAT_GROUP_GET_NUMS, progress->named.name);
    struct counter *size = counter_get(stats, STAT_GROUP_GET_SIZE, progress->named.name);
    lock_take(&stats->lock);
    cache = atomic_load(&progress->get_stats);
    if (!cache) {
        cache = arena_calloc(&stats->caches, 1, sizeof *cache);
        cache->nums = nums;
        cache->size = size;
        atomic_store_explicit(&progress->get_stats, cache, memory_order_release);
    }
    lock_give(&stats->lock);
    return cache;
}

void stats_count_put(struct stats *stats, struct topic *topic, int64_t messages, int64_t bytes) {
    struct topic_stats *cache = topic_stats(stats, topic);
    add(cache->nums, messages, 1);
    add(cache->size, bytes, 1);
    add(stats->broker_stats[STAT_BROKER_PUT_NUMS], messages, 1);
    if (!topic->is_system) add(stats->broker_stats[STAT_BROKER_PUT_NUMS_WITHOUT_SYSTEM_TOPIC], messages, 1);
}

void stats_count_put_latency(struct stats *stats, struct topic *topic, int32_t queue_id, int64_t latency_ms) {
    if (!stats->broker->config.enable_detail_stat) return;
    add_for_queue(stats, topic_stats(stats, topic)->latency, STAT_TOPIC_PUT_LATENCY, queue_id, topic_name(topic),
                  latency_ms);
}

void stats_count_get(struct stats *stats, struct topic *topic, struct progress *progress, int64_t messages,
                     int64_t bytes, bool from_disk) {
    struct progress_stats *cache = progress_stats(stats, progress);
    struct bytes key = progress->named.name;
    add(cache->nums, messages, 1);
    add(cache->size, bytes, 1);
    add(stats->broker_stats[STAT_BROKER_GET_NUMS], messages, 1);
    if (!topic->is_system) add(stats->broker_stats[STAT_BROKER_GET_NUMS_WITHOUT_SYSTEM_TOPIC], messages, 1);
    if (!from_disk) return;
    add(cached(stats, &cache->disk_nums, STAT_GROUP_GET_FROM_DISK_NUMS, key), messages, 1);
    add(cached(stats, &cache->disk_size, STAT_GROUP_GET_FROM_DISK_SIZE, key), bytes, 1);
    add(stats->broker_stats[STAT_BROKER_GET_FROM_DISK_NUMS], messages, 1);
    add(stats->broker_stats[STAT_BROKER_GET_FROM_DISK_SIZE], bytes, 1);
}

void stats_count_get_latency(struct stats *stats, struct progress *progress, int32_t queue_id, int64_t latency_ms) {
    if (!stats->broker->config.enable_detail_stat) return;
    add_for_queue(stats, progress_stats(stats, progress)->latency, STAT_GROUP_GET_LATENCY, queue_id,
                  progress->named.name, latency_ms);
}

void stats_count_send_back(struct stats *stats, struct progress *progress) {
    struct progress_stats *cache = progress_stats(stats, progress);
    add(cached(stats, &cache->send_back, STAT_SNDBCK_PUT_NUMS, progress->named.name), 1, 1);
}

void stats_count_dead_letter(struct stats *stats, struct progress *progress) {
    struct progress_stats *cache = progress_stats(stats, progress);
    add(cached(stats, &cache->dead_letter, STAT_DLQ_PUT_NUMS, progress->named.name), 1, 1);
}

void stats_count_acks(struct stats *stats, struct progress *progress, int64_t messages) {
    struct progress_stats *cache = progress_stats(stats, progress);
    add(cached(stats, &cache->acks, STAT_GROUP_ACK_NUMS, progress->named.name), messages, 1);
    add(stats->broker_stats[STAT_BROKER_ACK_NUMS], messages, 1);
}

void stats_count_checkpoint(struct stats *stats, struct progress *progress) {
    struct progress_stats *cache = progress_stats(stats, progress);
    add(cached(stats, &cache->checkpoints, STAT_GROUP_CK_NUMS, progress->named.name), 1, 1);
    add(stats->broker_stats[STAT_BROKER_CK_NUMS], 1, 1);
}

/* --- windows ----------------------------------------------------------------------------------------------- */

/* The sample at `index` of each counter becomes what the counter is now. */
struct sampling {
    int index;
};
static void take_sample(struct named *item, void *arg) {
    struct counter *stat = (struct counter *)item;
    stat->samples[((struct sampling *)arg)->index] = total(stat);
}

static void sample_window(struct stats *stats, int window, int64_t now_ms) {
    struct sampling sampling = {windows[window].first +
                                (int)(stats->sample_count[window] % (uint64_t)windows[window].count)};
    for (int kind = 0; kind < STAT_COUNT; kind++) name_table_each(&stats->tables[kind], take_sample, &sampling);
    stats->sample_ms[sampling.index] = now_ms;
    stats->sample_count[window]++;
}

/* Index of the oldest sample of the window. */
static int oldest(const struct stats *stats, int window) {
    uint64_t taken = stats->sample_count[window], count = (uint64_t)windows[window].count;
    return windows[window].first + (taken < count ? 0 : (int)(taken % count));
}

static int64_t newest_ms(const struct stats *stats, int window) {
    uint64_t last = stats->sample_count[window] - 1;
    return stats->sample_ms[windows[window].first + (int)(last % (uint64_t)windows[window].count)];
}

static int day_now(void) {
    time_t now = (time_t)(clock_wall_ms() / 1000);
    struct tm tm;
    localtime_r(&now, &tm);
    return tm.tm_yday;
}

static void note_midnight(struct stats *stats) {
    int day = day_now();
    if (day == stats->today) return;
    stats->today = day;
    stats->put_yesterday_morning = stats->put_today_morning;
    stats->get_yesterday_morning = stats->get_today_morning;
    stats->put_today_morning = total(stats->broker_stats[STAT_BROKER_PUT_NUMS_WITHOUT_SYSTEM_TOPIC]).sum;
    stats->get_today_morning = total(stats->broker_stats[STAT_BROKER_GET_NUMS_WITHOUT_SYSTEM_TOPIC]).sum;
}

void stats_sample(struct stats *stats, int64_t now_ms) {
    lock_take(&stats->lock);
    for (int window = 0; window < WINDOWS; window++)
        if (now_ms - newest_ms(stats, window) >= windows[window].period_ms) sample_window(stats, window, now_ms);
    note_midnight(stats);
    lock_give(&stats->lock);
}

static struct stat_window window_of(const struct stats *stats, const struct counter *stat, int window, int64_t now_ms) {
    int from = oldest(stats, window);
    struct sample now = total(stat), then = stat->samples[from];
    int64_t sum = now.sum - then.sum, times = now.times - then.times, ms = now_ms - stats->sample_ms[from];
    return (struct stat_window){
        .sum = sum,
        .tps = ms > 0 ? (double)sum * 1000.0 / (double)ms : 0,
        .avgpt = times > 0 ? (double)sum / (double)times : 0,
    };
}

enum err stats_view(struct stats *stats, struct bytes name, struct bytes key, struct stat_view *out) {
    struct counter *stat = NULL;
    for (int kind = 0; kind < STAT_COUNT && !stat; kind++)
        if (bytes_is(name, kinds[kind].name)) stat = (struct counter *)name_table_find(&stats->tables[kind], key);
    if (!stat || !atomic_load(&stat->used))
        return fail(ERR_NOT_FOUND, "The stats <%.*s> <%.*s> not exist", BYTES_ARG(name), BYTES_ARG(key));
    int64_t now_ms = clock_monotonic_ms();
    lock_take(&stats->lock);
    out->minute = window_of(stats, stat, MINUTE, now_ms);
    out->hour = window_of(stats, stat, HOUR, now_ms);
    out->day = window_of(stats, stat, DAY, now_ms);
    lock_give(&stats->lock);
    return ERR_OK;
}

double stats_tps(struct stats *stats, enum stat_kind kind, struct bytes key) {
    struct stat_view view;
    return stats_view(stats, bytes_of(kinds[kind].name), key, &view) == ERR_OK ? view.minute.tps : 0;
}

void stats_totals(struct stats *stats, struct stats_totals *out) {
    lock_take(&stats->lock);
    *out = (struct stats_totals){
        .put_now = total(stats->broker_stats[STAT_BROKER_PUT_NUMS_WITHOUT_SYSTEM_TOPIC]).sum,
        .put_today_morning = stats->put_today_morning,
        .put_yesterday_morning = stats->put_yesterday_morning,
        .get_now = total(stats->broker_stats[STAT_BROKER_GET_NUMS_WITHOUT_SYSTEM_TOPIC]).sum,
        .get_today_morning = stats->get_today_morning,
        .get_yesterday_morning = stats->get_yesterday_morning,
    };
    lock_give(&stats->lock);
}

/* --- forgetting -------------------------------------------------------------------------------------------- */

struct forgetting {
    enum key_form form;
    struct bytes topic, group; /* one of them is absent */
};

/* Takes a key apart by its form: is it of that topic, or of that group? */
static bool concerns(const struct forgetting *what, struct bytes key) {
    struct bytes topic = key, group = {0};
    if (what->form == QUEUE || what->form == GROUP_QUEUE) {
        const char *at = memchr(topic.data, '@', topic.len);
        topic = bytes_skip(topic, at ? (size_t)(at - topic.data) + 1 : topic.len);
    }
    if (what->form == GROUP || what->form == GROUP_QUEUE) {
        const char *at = memchr(topic.data, '@', topic.len);
        group = bytes_skip(topic, at ? (size_t)(at - topic.data) + 1 : topic.len);
        topic.len -= at ? group.len + 1 : 0;
    }
    return what->topic.data ? bytes_equal(topic, what->topic) : group.data && bytes_equal(group, what->group);
}

static void forget(struct named *item, void *arg) {
    struct counter *stat = (struct counter *)item;
    if (!concerns(arg, item->name)) return;
    for (size_t i = 0; i <= stat->shard_mask; i++) {
        atomic_store(&stat->shards[i].sum, 0);
        atomic_store(&stat->shards[i].times, 0);
    }
    memset(stat->samples, 0, sizeof stat->samples);
    atomic_store(&stat->used, false);
}

static void forget_all(struct stats *stats, struct bytes topic, struct bytes group) {
    lock_take(&stats->lock);
    for (int kind = 0; kind < STAT_COUNT; kind++) {
        struct forgetting what = {kinds[kind].key, topic, group};
        if (what.form != BROKER) name_table_each(&stats->tables[kind], forget, &what);
    }
    lock_give(&stats->lock);
}

void stats_forget_topic(struct stats *stats, struct bytes topic) {
    forget_all(stats, topic, (struct bytes){0});
}

void stats_forget_group(struct stats *stats, struct bytes group) {
    forget_all(stats, (struct bytes){0}, group);
}

/* --- open and close ---------------------------------------------------------------------------------------- */

enum err stats_open(struct broker *broker, struct stats **out) {
    struct stats *stats = calloc(1, sizeof *stats);
    must(stats);
    stats->broker = broker;
    lock_init(&stats->lock, LOCK_STATS);
    for (int kind = 0; kind < STAT_COUNT; kind++) name_table_init(&stats->tables[kind], STAT_BUCKETS);
    for (int kind = 0; kind < STAT_COUNT; kind++)
        if (kinds[kind].key == BROKER)
            stats->broker_stats[kind] = counter_get(stats, (enum stat_kind)kind, broker->config.broker_cluster_name);
    for (int window = 0; window < WINDOWS; window++) sample_window(stats, window, clock_monotonic_ms());
    stats->today = day_now();
    *out = stats;
    return ERR_OK;
}

static void free_stat(struct named *item) {
    free(item);
}

void stats_close(struct stats *stats) {
    if (!stats) return;
    for (int kind = 0; kind < STAT_COUNT; kind++) name_table_close(&stats->tables[kind], free_stat);
    arena_close(&stats->caches);
    lock_close(&stats->lock);
    free(stats);
}
