/* revive_copy.c - making retry topics and the copies for them */
#include "broker/pop/revive_copy.h"

#include "base/check.h"
#include "broker/pop/held_pops.h"
#include "broker/pop/pop_names.h"
#include "broker/send/message_place.h"
#include "broker/tables/groups.h"

/* How many queues the retry topic of that topic needs: one, or as many as the topic itself. */
static int32_t queues_for(const struct broker *broker, const struct topic *normal) {
    return broker->config.use_separate_retry_queue ? MAX(atomic_load(&normal->write_queues), 1) : 1;
}

/* Makes the retry topic, or gives it the queues that its topic got since. */
static enum err make_topic(struct broker *broker, const struct checkpoint *checkpoint, const struct topic *normal,
                           struct bytes name, struct topic **out) {
    int32_t queues = queues_for(broker, normal);
    struct topic_change change = {
        .name = name, .read_queues = queues, .write_queues = queues, .perm = PERM_READ | PERM_WRITE};
    TRY(topics_create(broker->topics, name, queues, change.perm, 0, false, out));
    if (atomic_load(&(*out)->write_queues) < queues) TRY(topics_update(broker->topics, &change));
    struct progress *progress = offsets_progress(broker->offsets, name, checkpoint->progress->group, true);
    for (int32_t i = 0; progress && i < queues; i++)
        if (progress_committed(progress, i) < 0) progress_commit(broker->offsets, progress, i, 0);
    /* Pops that wait could not watch these queues before. */
    struct progress *waiting =
        offsets_progress(broker->offsets, topic_name(normal), checkpoint->progress->group, false);
    if (waiting) held_pops_wake(broker, waiting->named.name);
    return ERR_OK;
}

enum err revive_copy_topic(struct broker *broker, const struct checkpoint *checkpoint, struct topic **topic) {
    struct bytes from = checkpoint->progress->topic, group = checkpoint->progress->group;
    struct topic *normal = topics_find(broker->topics, pop_normal_topic(from, group));
    struct pop_name text;
    struct bytes name = from;
    *topic = NULL;
    if (!normal || !groups_find_or_create(broker->groups, group)) return ERR_OK;
    if (!bytes_starts_with(from, TOPIC_RETRY_PREFIX))
        name = pop_topic_name(from, group, broker->config.enable_retry_topic_v2 ? RETRY_KIND_V2 : RETRY_KIND_V1, &text);
    if (!name.data) return fail(ERR_BAD_PARAMETER, "the name of the retry topic is too long");
    *topic = topics_find(broker->topics, name);
    if (*topic && atomic_load(&(*topic)->write_queues) >= queues_for(broker, normal)) return ERR_OK;
    return make_topic(broker, checkpoint, normal, name, topic);
}

static enum err copy_record(struct broker *broker, const struct checkpoint *checkpoint, struct topic *topic,
                            struct record *record, struct arena *arena, struct put *out) {
    struct message_place place = {.topic = topic, .sys_flag = record->sys_flag};
    if (broker->config.use_separate_retry_queue && checkpoint->queue_id < atomic_load(&topic->write_queues))
        place.queue_id = checkpoint->queue_id;
    if (record->reconsume_times == 0 || !properties_get(record->properties, PROPERTY_FIRST_POP_TIME).data)
        property_set_i64(&place.edits, PROPERTY_FIRST_POP_TIME, checkpoint->pop_time_ms, arena);
    property_set(&place.edits, PROPERTY_ORIGIN_GROUP, checkpoint->progress->group);
    if (!checkpoint->suspend) record->reconsume_times++;
    record->born_host = record->store_host = broker->store_host;
    record->prepared_offset = 0;
    TRY(message_place_encode(broker, &place, record, arena, out));
    return out->queue ? ERR_OK : fail(ERR_FAILED, "the retry topic's name is none of a folder");
}

enum err revive_copy_make(struct broker *broker, const struct checkpoint *checkpoint, int32_t i, struct topic *topic,
                          struct arena *arena, struct put *out) {
    struct queue_entry entry;
    struct store_slice slice;
    struct record record;
    struct queue *queue = store_queue(broker->store, checkpoint->progress->topic, checkpoint->queue_id, false);
    if (!queue) return fail(ERR_NOT_FOUND, "the queue is gone");
    TRY(queue_entry_at(broker->store, queue, checkpoint_offset(checkpoint, i), &entry));
    TRY(store_record_at(broker->store, entry.offset_phys, &slice));
    enum err err = record_decode(slice.bytes, RECORD_CHECK_SHAPE, &record);
    if (err == ERR_OK)
        err = copy_record(broker, checkpoint, topic, &record, arena, out);
    else
        err = fail(ERR_NOT_FOUND, "no message any more");
    store_release(slice.hold);
    return err;
}
