/* cold_control.c - a table of groups, and counts that start again each period. */
#include "broker/pull/cold_control.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/lock.h"
#include "broker/tables/name_table.h"
#include "os/clock.h"

enum { GROUP_BUCKETS = 1024, FORGET_AFTER_MS = 60000, THRESHOLD_NONE = -1 };

/* One group that has read from the disk, or has a threshold. */
struct cold_group {
    struct named named;
    _Atomic int64_t threshold_bytes;   /* THRESHOLD_NONE: the setting's */
    _Atomic int64_t read_bytes;        /* of this period */
    _Atomic int64_t first_ms, last_ms; /* wall clock, of what it read; last_ms 0: nothing lately */
};
struct cold_control {
    struct broker *broker;
    struct lock lock; /* guards additions */
    struct name_table groups;
    _Atomic int64_t all_bytes; /* of this period */
};

enum err cold_control_open(struct broker *broker, struct cold_control **out) {
    struct cold_control *control = calloc(1, sizeof *control);
    must(control);
    control->broker = broker;
    lock_init(&control->lock, LOCK_CLIENTS);
    name_table_init(&control->groups, GROUP_BUCKETS);
    *out = control;
    return ERR_OK;
}

static void free_group(struct named *item) {
    free(item);
}

void cold_control_close(struct cold_control *control) {
    if (!control) return;
    name_table_close(&control->groups, free_group);
    lock_close(&control->lock);
    free(control);
}

static struct cold_group *find(const struct cold_control *control, struct bytes name) {
    return (struct cold_group *)name_table_find(&control->groups, name);
}

/* NULL for a name that no group can have. */
static struct cold_group *make(struct cold_control *control, struct bytes name) {
    struct cold_group *group = find(control, name);
    if (group || name.len == 0 || name.len >= NAME_MAX_BYTES) return group;
    lock_take(&control->lock);
    group = find(control, name);
    if (!group) {
        group = calloc(1, sizeof *group);
        must(group);
        atomic_init(&group->threshold_bytes, THRESHOLD_NONE);
        name_table_add(&control->groups, name, &group->named);
    }
    lock_give(&control->lock);
    return group;
}

void cold_control_count(struct cold_control *control, struct bytes group, int64_t bytes) {
    struct cold_group *cold = make(control, group);
    if (!cold || bytes <= 0) return;
    int64_t now_ms = clock_wall_ms();
    if (atomic_exchange(&cold->last_ms, now_ms) == 0) atomic_store(&cold->first_ms, now_ms);
    atomic_fetch_add(&cold->read_bytes, bytes);
    atomic_fetch_add(&control->all_bytes, bytes);
}

static bool of_system(struct bytes group) {
    return bytes_starts_with(group, BYTES("CID_RMQ_SYS_")) || bytes_is(group, "TOOLS_CONSUMER") ||
           bytes_is(group, "SCHEDULE_CONSUMER") || bytes_is(group, "FILTERSRV_CONSUMER") ||
           bytes_is(group, "__MONITOR_CONSUMER") || bytes_is(group, "SELF_TEST_C_GROUP");
}

bool cold_control_exceeded(struct cold_control *control, struct bytes group) {
    const struct broker *broker = control->broker;
    if (!broker->store_config.cold_data_flow_control_enable || of_system(group)) return false;
    const struct cold_group *cold = find(control, group);
    if (!cold || atomic_load(&cold->last_ms) == 0) return false;
    int64_t threshold = atomic_load(&cold->threshold_bytes);
    if (threshold == THRESHOLD_NONE) threshold = broker->config.cg_cold_read_threshold_bytes;
    return atomic_load(&cold->read_bytes) >= threshold ||
           atomic_load(&control->all_bytes) >= broker->config.global_cold_read_threshold_bytes;
}

void cold_control_set_threshold(struct cold_control *control, struct bytes group, int64_t bytes) {
    struct cold_group *cold = make(control, group);
    if (cold) atomic_store(&cold->threshold_bytes, MAX(bytes, 0));
}

void cold_control_unset_threshold(struct cold_control *control, struct bytes group) {
    struct cold_group *cold = find(control, group);
    if (cold) atomic_store(&cold->threshold_bytes, THRESHOLD_NONE);
}

static void write_threshold(struct named *item, void *arg) {
    const struct cold_group *group = (const struct cold_group *)item;
    struct json_writer *w = arg;
    int64_t threshold = atomic_load(&group->threshold_bytes);
    if (threshold == THRESHOLD_NONE) return;
    json_key(w, item->name);
    json_int(w, threshold);
}

static void write_reads(struct named *item, void *arg) {
    const struct cold_group *group = (const struct cold_group *)item;
    struct json_writer *w = arg;
    int64_t last_ms = atomic_load(&group->last_ms);
    if (last_ms == 0) return;
    json_key(w, item->name);
    json_begin_object(w);
    json_member_int(w, "coldAcc", atomic_load(&group->read_bytes));
    json_member_int(w, "createTimeMills", atomic_load(&group->first_ms));
    json_member_int(w, "lastColdReadTimeMills", last_ms);
    json_end_object(w);
}

void cold_control_write(struct cold_control *control, struct json_writer *w) {
    const struct broker_config *config = &control->broker->config;
    json_begin_object(w);
    json_key_text(w, "runtimeTable");
    json_begin_object(w);
    name_table_each(&control->groups, write_reads, w);
    json_end_object(w);
    json_key_text(w, "configTable");
    json_begin_object(w);
    name_table_each(&control->groups, write_threshold, w);
    json_end_object(w);
    json_member_int(w, "cgColdReadThreshold", config->cg_cold_read_threshold_bytes);
    json_member_int(w, "globalColdReadThreshold", config->global_cold_read_threshold_bytes);
    json_member_int(w, "globalAcc", atomic_load(&control->all_bytes));
    json_end_object(w);
}

static void start_again(struct named *item, void *arg) {
    struct cold_group *group = (struct cold_group *)item;
    atomic_store(&group->read_bytes, 0);
    if (atomic_load(&group->last_ms) <= *(const int64_t *)arg - FORGET_AFTER_MS) atomic_store(&group->last_ms, 0);
}

void cold_control_next(void *arg) {
    struct cold_control *control = arg;
    int64_t now_ms = clock_wall_ms();
    name_table_each(&control->groups, start_again, &now_ms);
    atomic_store(&control->all_bytes, 0);
}
