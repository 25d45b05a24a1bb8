/* retry.c - the record of a message that is tried again or given up. */
#include "broker/send/retry.h"

#include <inttypes.h>
#include "base/log.h"
#include "broker/send/message_place.h"
#include "broker/stats/stats.h"
#include "message/msgid.h"

enum err retry_topic(struct broker *broker, struct group *group, bool unit_mode, struct arena *arena,
                     struct topic **out) {
    struct bytes name = arena_printf(arena, "%.*s%.*s", BYTES_ARG(TOPIC_RETRY_PREFIX), BYTES_ARG(group_name(group)));
    return topics_create(broker->topics, name, group->retry_queue_nums, PERM_READ | PERM_WRITE,
                         unit_mode ? TOPIC_SYS_FLAG_UNIT_SUB : 0, false, out);
}

static enum err dead_letter_topic(struct broker *broker, struct group *group, struct arena *arena, struct topic **out) {
    struct bytes name = arena_printf(arena, "%.*s%.*s", BYTES_ARG(TOPIC_DLQ_PREFIX), BYTES_ARG(group_name(group)));
    return topics_create(broker->topics, name, 1, PERM_READ | PERM_WRITE, 0, false, out);
}

static enum err retry_encode(struct broker *broker, const struct retry *retry, struct record *record,
                             struct arena *arena, struct message_place *place, bool *given_up, struct put *out) {
    struct bytes origin_topic = properties_get(record->properties, PROPERTY_RETRY_TOPIC);
    struct bytes origin_id = properties_get(record->properties, PROPERTY_ORIGIN_MESSAGE_ID);
    char id[MSGID_TEXT_MAX];
    if (!origin_id.data) origin_id = bytes_make(id, msgid_offset_text(&record->store_host, record->offset_phys, id));
    int32_t level = retry->delay_level == 0 ? RETRY_FIRST_LEVEL + record->reconsume_times : retry->delay_level;
    *given_up = record->reconsume_times >= retry->reconsume_max || level < 0;
    *place = (struct message_place){.topic = retry->topic, .sys_flag = record->sys_flag};
    if (*given_up) {
        level = 0;
        TRY(dead_letter_topic(broker, retry->group, arena, &place->topic));
    } else {
        place->queue_id = random_below(retry->group->retry_queue_nums);
    }
    property_set(&place->edits, PROPERTY_RETRY_TOPIC, origin_topic.data ? origin_topic : record->topic);
    property_set(&place->edits, PROPERTY_ORIGIN_MESSAGE_ID, origin_id);
    property_set(&place->edits, PROPERTY_WAIT, BYTES("false"));
    property_set_i64(&place->edits, PROPERTY_DELAY, level, arena);
    struct property_facts facts = {.delay = arena_printf(arena, "%d", level)};
    TRY(message_place_delay(broker, &facts, place, arena));
    record->reconsume_times++;
    record->store_host = broker->store_host;
    return message_place_encode(broker, place, record, arena, out);
}

static void count_retry(struct broker *broker, const struct retry *retry, const struct message_place *place,
                        uint32_t size_bytes, struct bytes origin_topic, bool given_up) {
    struct progress *progress = offsets_progress(broker->offsets, origin_topic, group_name(retry->group), true);
    stats_count_put(broker->stats, place->topic, 1, size_bytes);
    if (!progress) return;
    stats_count_send_back(broker->stats, progress);
    if (given_up) stats_count_dead_letter(broker->stats, progress);
}

static enum err retry_append_record(struct broker *broker, const struct retry *retry, struct bytes stored,
                                    struct arena *arena) {
    struct record record;
    struct message_place place;
    struct put put;
    bool given_up;
    int64_t end_phys;
    TRY(record_decode(stored, RECORD_CHECK_SHAPE, &record));
    if (record.sys_flag & SYS_FLAG_INNER_BATCH) /* clients then send the one message themselves */
        return fail(ERR_FAILED, "MESSAGE_ILLEGAL: it is one of a batch that is stored as one; send it to %.*s anew",
                    BYTES_ARG(topic_name(retry->topic)));
    struct bytes origin_topic = properties_get(record.properties, PROPERTY_RETRY_TOPIC);
    if (!origin_topic.data) origin_topic = record.topic;
    TRY(retry_encode(broker, retry, &record, arena, &place, &given_up, &put));
    TRY(store_append(broker->store, &put, 1, &end_phys));
    if (given_up)
        log_info(CLIENT, "message given up: group=%.*s topic=%.*s tries=%d offset=%" PRId64,
                 BYTES_ARG(group_name(retry->group)), BYTES_ARG(origin_topic), record.reconsume_times, put.offset_phys);
    count_retry(broker, retry, &place, put.size_bytes, origin_topic, given_up);
    return ERR_OK;
}

enum err retry_append(struct broker *broker, const struct retry *retry, struct arena *arena) {
    struct store_slice slice;
    if (store_record_at(broker->store, retry->offset_phys, &slice) != ERR_OK)
        return fail(ERR_FAILED, "look message by offset failed, %" PRId64, retry->offset_phys);
    enum err err = retry_append_record(broker, retry, slice.bytes, arena);
    store_release(slice.hold);
    return err;
}
