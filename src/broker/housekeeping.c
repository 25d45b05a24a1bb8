/* housekeeping.c - the periodic jobs of the tables */
#include "broker/housekeeping.h"

#include "base/check.h"
#include "broker/clients/consumers.h"
#include "broker/pull/cold_control.h"
#include "broker/tables/filter_data.h"
#include "broker/tables/groups.h"
#include "broker/tables/offsets.h"
#include "broker/clients/order_locks.h"
#include "broker/clients/producers.h"
#include "broker/clients/slow_groups.h"
#include "broker/lite/lite.h"
#include "broker/pop/order_infos.h"
#include "broker/pop/revive.h"
#include "broker/static_topic/mapping_clean.h"
#include "broker/static_topic/mappings.h"
#include "broker/stats/stats.h"
#include "broker/tables/topics.h"
#include "broker/work.h"
#include "os/clock.h"

enum {
    SCAN_CLIENTS_MS = 10000,
    SAMPLE_MS = 10000,
    SAVE_LEFTOVERS_MS = 10000,
    FIRST_NOTICES_MS = 30000,
    NOTICES_MS = 15000,
    SLOW_GROUPS_MS = 180000
};

static void scan_clients(void *arg) {
    struct broker *broker = arg;
    int64_t now_ms = clock_monotonic_ms();
    producers_expire(broker->producers, now_ms);
    consumers_expire(broker->consumers, now_ms);
    order_locks_expire(broker->order_locks);
}

/* In this order: what comes back starts where the groups' offsets are not ahead of it. */
static void save_offsets(void *arg) {
    struct broker *broker = arg;
    revive_before_save(broker->revive);
    offsets_save(broker->offsets);
}

static void send_notices(void *arg) {
    consumers_send_notices(((struct broker *)arg)->consumers);
}

static void sample(void *arg) {
    stats_sample(((struct broker *)arg)->stats, clock_monotonic_ms());
}

static void stop_slow_groups(void *arg) {
    slow_groups_stop(arg);
}

/* Topics and groups are saved when they change; for them this is for changes that found all work threads busy or no
 * disk. What ordered pops wait for changes all the time. */
static void save_leftovers(void *arg) {
    struct broker *broker = arg;
    topics_save(broker->topics);
    mappings_save(broker->mappings);
    groups_save(broker->groups);
    filter_data_save(broker->filter_data);
    order_infos_save(broker->order_infos);
}

void housekeeping_start(struct broker *broker) {
    const struct broker_config *config = &broker->config;
    int32_t offsets_ms = config->flush_consumer_offset_interval_ms;
    work_every(broker->work, offsets_ms, offsets_ms, save_offsets, broker);
    work_every(broker->work, SCAN_CLIENTS_MS, SCAN_CLIENTS_MS, scan_clients, broker);
    work_every(broker->work, FIRST_NOTICES_MS, NOTICES_MS, send_notices, broker);
    work_every(broker->work, SAMPLE_MS, SAMPLE_MS, sample, broker);
    work_every(broker->work, SLOW_GROUPS_MS, SLOW_GROUPS_MS, stop_slow_groups, broker);
    work_every(broker->work, config->lite_event_check_interval_ms, config->lite_event_check_interval_ms, lite_scan,
               broker->lite);
    work_every(broker->work, config->lite_subscription_check_interval_ms, config->lite_subscription_check_interval_ms,
               lite_forget_silent, broker->lite);
    work_every(broker->work, MAX(config->min_lite_ttl_ms, 1), config->lite_ttl_check_interval_ms, lite_expire,
               broker->lite);
    work_every(broker->work, COLD_CONTROL_PERIOD_MS, COLD_CONTROL_PERIOD_MS, cold_control_next, broker->cold_control);
    work_every(broker->work, SAVE_LEFTOVERS_MS, SAVE_LEFTOVERS_MS, save_leftovers, broker);
    work_every(broker->work, MAPPING_CLEAN_PERIOD_MS, MAPPING_CLEAN_PERIOD_MS, mapping_clean, broker);
}
