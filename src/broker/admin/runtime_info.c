/* runtime_info.c - gathers and words what request 28 tells */
#include "broker/admin/runtime_info.h"

#include "base/check.h"
#include "broker/clients/consumers.h"
#include "broker/delay/delay.h"
#include "broker/delay/timer.h"
#include "broker/stats/stats.h"
#include "broker/tables/topics.h"
#include "broker/work.h"
#include "os/clock.h"

enum { SECOND_MS = 1000, MINUTE_MS = 60 * SECOND_MS, HOUR_MS = 60 * MINUTE_MS, DAY_MS = 24 * HOUR_MS };

struct table {
    struct arena *arena;
    struct kv *items;
    size_t count;
};

static void put(struct table *table, const char *key, struct bytes value) {
    must(table->count < RUNTIME_INFO_MAX);
    table->items[table->count++] = (struct kv){bytes_of(key), value};
}

static void put_int(struct table *table, const char *key, int64_t value) {
    put(table, key, arena_printf(table->arena, "%lld", (long long)value));
}

static void put_real(struct table *table, const char *key, double value) {
    struct buf text = {0};
    json_real(&(struct json_writer){.out = &text}, value);
    put(table, key, arena_copy(table->arena, buf_bytes(&text)));
    buf_close(&text);
}

/* Over the last 10 seconds, minute, 10 minutes: in this order, tools take the first. */
static void put_rates(struct table *table, const char *key, const double rates[3]) {
    struct buf text = {0};
    for (int i = 0; i < 3; i++) {
        if (i > 0) buf_append_char(&text, ' ');
        json_real(&(struct json_writer){.out = &text}, rates[i]);
    }
    put(table, key, arena_copy(table->arena, buf_bytes(&text)));
    buf_close(&text);
}

struct bytes human_size(struct arena *arena, int64_t bytes) {
    static const char units[] = "KMGTPE";
    if (bytes < 1024) return arena_printf(arena, "%lld B", (long long)bytes);
    double value = (double)bytes / 1024;
    size_t unit = 0;
    for (; value >= 1024 && unit + 1 < sizeof units - 1; unit++) value /= 1024;
    return arena_printf(arena, "%.1f %ciB", value, units[unit]);
}

static void put_identity(struct table *table, const struct broker *broker) {
    int64_t up_ms = clock_wall_ms() - broker->boot_time_ms;
    put(table, "brokerActive", BYTES("true"));
    put(table, "brokerVersionDesc", BYTES("V5_3_3"));
    put_int(table, "brokerVersion", VERSION_OURS);
    put_int(table, "bootTimestamp", broker->boot_time_ms);
    put(table, "runtime",
        arena_printf(table->arena, "[ %lld days, %lld hours, %lld minutes, %lld seconds ]", (long long)(up_ms / DAY_MS),
                     (long long)(up_ms % DAY_MS / HOUR_MS), (long long)(up_ms % HOUR_MS / MINUTE_MS),
                     (long long)(up_ms % MINUTE_MS / SECOND_MS)));
    put_int(table, "startAcceptSendRequestTimeStamp", broker->config.start_accept_send_time_ms);
}

static void put_totals(struct table *table, const struct broker *broker) {
    struct stats_totals totals;
    stats_totals(broker->stats, &totals);
    put_int(table, "msgPutTotalYesterdayMorning", totals.put_yesterday_morning);
    put_int(table, "msgPutTotalTodayMorning", totals.put_today_morning);
    put_int(table, "msgPutTotalTodayNow", totals.put_now);
    put_int(table, "msgGetTotalYesterdayMorning", totals.get_yesterday_morning);
    put_int(table, "msgGetTotalTodayMorning", totals.get_today_morning);
    put_int(table, "msgGetTotalTodayNow", totals.get_now);
}

/* Requests wait in no queue of ours but that of the work threads, which serve what the Java broker calls queries. */
static void put_queues(struct table *table, const struct broker *broker) {
    static const struct {
        const char *size, *capacity, *wait;
        int64_t limit;
    } queues[] = {
        {"sendThreadPoolQueueSize", "sendThreadPoolQueueCapacity", "sendThreadPoolQueueHeadWaitTimeMills", 10000},
        {"pullThreadPoolQueueSize", "pullThreadPoolQueueCapacity", "pullThreadPoolQueueHeadWaitTimeMills", 100000},
        {"litePullThreadPoolQueueSize", "litePullThreadPoolQueueCapacity", "litePullThreadPoolQueueHeadWaitTimeMills",
         100000},
        {"ackThreadPoolQueueSize", "ackThreadPoolQueueCapacity", "ackThreadPoolQueueHeadWaitTimeMills", 100000},
    };
    for (size_t i = 0; i < ARRAY_LEN(queues); i++) {
        put_int(table, queues[i].size, 0);
        put_int(table, queues[i].capacity, queues[i].limit);
        put_int(table, queues[i].wait, 0);
    }
    put_int(table, "queryThreadPoolQueueSize", (int64_t)work_waiting(broker->work));
    put_int(table, "queryThreadPoolQueueCapacity", broker->config.admin_broker_thread_pool_queue_capacity);
    put_int(table, "queryThreadPoolQueueHeadWaitTimeMills", 0);
    put_int(table, "EndTransactionQueueSize", 0);
    put_int(table, "EndTransactionThreadPoolQueueCapacity", 100000);
}

/* Ours alone. */
static void put_faults(struct table *table, const struct broker *broker) {
    struct consumer_faults faults = consumers_faults(broker->consumers);
    put_int(table, "clientIdClashes", faults.client_id_clashes);
    put_int(table, "differingSubscriptions", faults.differing_subscriptions);
}

static void put_timer(struct table *table, struct timer *timer) {
    struct timer_facts facts = {0};
    if (timer) timer_facts(timer, &facts);
    put_int(table, "timerReadBehind", facts.behind_ms / SECOND_MS);
    put_int(table, "timerOffsetBehind", facts.behind_messages);
    put_int(table, "timerCongestNum", facts.waiting);
    put_real(table, "timerEnqueueTps", facts.take_tps);
    put_real(table, "timerDequeueTps", facts.deliver_tps);
}

/* The upper edge, in ms, of the bucket that holds the part `share` of all puts. */
static double latency_at(const struct store_facts *facts, const int edges_ms[12], double share) {
    int64_t all = 0, seen = 0;
    for (size_t i = 0; i < ARRAY_LEN(facts->put_time_buckets); i++) all += facts->put_time_buckets[i];
    if (all == 0) return 0;
    for (size_t i = 0; i < 12; i++) {
        seen += facts->put_time_buckets[i];
        if ((double)seen >= share * (double)all) return edges_ms[i];
    }
    return (double)facts->put_time_max_ms;
}

static void put_puts(struct table *table, const struct store_facts *facts) {
    static const char *const names[13] = {"[<=0ms]",     "[0~10ms]",   "[10~50ms]", "[50~100ms]", "[100~200ms]",
                                          "[200~500ms]", "[500ms~1s]", "[1~2s]",    "[2~3s]",     "[3~4s]",
                                          "[4~5s]",      "[5~10s]",    "[10s~]"};
    static const int edges_ms[12] = {0, 10, 50, 100, 200, 500, 1000, 2000, 3000, 4000, 5000, 10000};
    struct buf text = {0};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        buf_printf(&text, "%s:%lld ", names[i], (long long)facts->put_time_buckets[i]);
    put(table, "putMessageDistributeTime", arena_copy(table->arena, buf_bytes(&text)));
    buf_close(&text);
    put_int(table, "putMessageEntireTimeMax", facts->put_time_max_ms);
    put_int(table, "putMessageTimesTotal", facts->put_count);
    put_int(table, "putMessageFailedTimes", facts->put_failed);
    put_int(table, "putMessageSizeTotal", facts->put_bytes);
    put_real(table, "putMessageAverageSize",
             facts->put_count > 0 ? (double)facts->put_bytes / (double)facts->put_count : 0);
    put(table, "putLatency99", arena_printf(table->arena, "%.2f", latency_at(facts, edges_ms, 0.99)));
    put(table, "putLatency999", arena_printf(table->arena, "%.2f", latency_at(facts, edges_ms, 0.999)));
    put_rates(table, "putTps", facts->put_tps);
}

static void put_log(struct table *table, const struct broker *broker, const struct store_facts *facts) {
    struct arena *arena = table->arena;
    const struct store_config *config = &broker->store_config;
    struct bytes log = config->store_path_commit_log.len > 0
                           ? config->store_path_commit_log
                           : arena_printf(arena, "%.*s/commitlog", BYTES_ARG(config->store_path_root_dir));
    put_int(table, "dispatchBehindBytes", facts->max_phys - facts->dispatched_phys);
    put_int(table, "dispatchMaxBuffer", facts->dispatch_max_buffer);
    put_int(table, "pageCacheLockTimeMills", store_append_busy_ms(broker->store));
    put_int(table, "earliestMessageTimeStamp", store_earliest_time(broker->store));
    put_int(table, "remainTransientStoreBufferNumbs", INT32_MAX);
    put(table, "remainHowManyDataToFlush", human_size(arena, facts->max_phys - facts->flushed_phys));
    put(table, "commitLogDirCapacity",
        arena_printf(arena, "Total : %.*s, Free : %.*s.", BYTES_ARG(human_size(arena, facts->disk_total_bytes)),
                     BYTES_ARG(human_size(arena, facts->disk_free_bytes))));
    put_int(table, "commitLogMinOffset", facts->min_phys);
    put_int(table, "commitLogMaxOffset", facts->max_phys);
    struct bytes ratio = arena_printf(arena, "%.2f", facts->log_disk_ratio);
    put(table, "commitLogDiskRatio", ratio);
    put(table, arena_printf(arena, "commitLogDiskRatio_%.*s", BYTES_ARG(log)).data, ratio);
    put(table, "consumeQueueDiskRatio", arena_printf(arena, "%.2f", facts->queue_disk_ratio));
}

static void put_gets(struct table *table, const struct store_facts *facts) {
    put_int(table, "getMessageEntireTimeMax", facts->get_time_max_ms);
    put_rates(table, "getFoundTps", facts->get_found_tps);
    put_rates(table, "getMissTps", facts->get_miss_tps);
    put_rates(table, "getTotalTps", facts->get_total_tps);
    put_rates(table, "getTransferredTps", facts->get_transferred_tps);
    put_rates(table, "getTransferedTps", facts->get_transferred_tps); /* the spelling of 4.2.0 */
}

static void put_delay(struct table *table, const struct broker *broker) {
    struct topic *schedule = topics_find(broker->topics, TOPIC_SCHEDULE);
    for (int32_t level = 1; schedule && level <= delay_level_count(broker->delay); level++) {
        int64_t delivered = delay_offset(broker->delay, level);
        if (delivered < 0) continue;
        struct queue *queue = topic_queue(schedule, broker->store, level - 1, false);
        put(table, arena_printf(table->arena, "scheduleMessageOffset_%d", level).data,
            arena_printf(table->arena, "%lld,%lld", (long long)delivered, (long long)(queue ? queue_max(queue) : 0)));
    }
}

size_t runtime_info(struct broker *broker, struct arena *arena, struct kv out[RUNTIME_INFO_MAX]) {
    struct table table = {.arena = arena, .items = out};
    struct store_facts facts = {0};
    store_facts(broker->store, &facts);
    put_identity(&table, broker);
    put_totals(&table, broker);
    put_queues(&table, broker);
    put_faults(&table, broker);
    put_timer(&table, broker->timer);
    put_puts(&table, &facts);
    put_gets(&table, &facts);
    put_log(&table, broker, &facts);
    put_delay(&table, broker);
    return table.count;
}
