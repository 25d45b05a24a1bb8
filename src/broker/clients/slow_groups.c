/* slow_groups.c - how far each group is behind, in bytes of the log */
#include "broker/clients/slow_groups.h"

#include "base/check.h"
#include "base/log.h"
#include "broker/tables/groups.h"
#include "broker/tables/offsets.h"
#include "broker/tables/topics.h"

struct looking {
    struct broker *broker;
    int64_t max_phys;
    struct progress *progress;
    int64_t behind_bytes; /* the most of its queues */
};

static void look_at_queue(int32_t queue_id, int64_t committed, void *arg) {
    struct looking *looking = arg;
    struct store *store = looking->broker->store;
    struct topic *topic = topics_find(looking->broker->topics, looking->progress->topic);
    struct queue *queue = topic ? topic_queue(topic, store, queue_id, false) : NULL;
    int64_t next = MAX(committed, progress_pulled(looking->progress, queue_id));
    struct queue_entry entry;
    if (!queue || queue_entry_at(store, queue, MAX(next, queue_min(queue)), &entry) != ERR_OK) return;
    looking->behind_bytes = MAX(looking->behind_bytes, looking->max_phys - entry.offset_phys);
}

static void look_at_progress(struct progress *progress, void *arg) {
    struct looking *looking = arg;
    struct group *group = groups_find(looking->broker->groups, progress->group);
    if (!group || !atomic_load(&group->consume_enable)) return;
    looking->progress = progress;
    looking->behind_bytes = 0;
    progress_each(progress, look_at_queue, looking);
    if (looking->behind_bytes <= looking->broker->config.consumer_fallbehind_threshold_bytes) return;
    log_warn(CLIENT, "group stopped, it reads too far behind: key=%.*s behind_bytes=%lld",
             BYTES_ARG(progress->named.name), (long long)looking->behind_bytes);
    groups_disable(looking->broker->groups, group);
}

void slow_groups_stop(struct broker *broker) {
    if (!broker->config.disable_consume_if_consumer_read_slowly) return;
    struct store_facts facts;
    store_facts(broker->store, &facts);
    struct looking looking = {.broker = broker, .max_phys = facts.max_phys};
    offsets_each(broker->offsets, look_at_progress, &looking);
}
