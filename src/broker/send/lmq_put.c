/* lmq_put.c - the light queues of a message, and room for its offsets there. */
#include "broker/send/lmq_put.h"

#include "broker/send/property_edit.h"
#include "message/lmq.h"

static bool wanted(const struct broker *broker, struct bytes topic) {
    return broker->store_config.enable_lmq && broker->store_config.enable_multi_dispatch && lmq_topic_allows(topic);
}

/* The light queues among the names, and their names as a list again. Others are left out: the Java broker would fill
 * queues of any topic, at offsets that the sender says. */
static struct bytes find_queues(struct broker *broker, struct bytes names, struct arena *arena, struct put *put) {
    char *text = arena_alloc(arena, names.len + 1), *at = text;
    struct bytes name;
    put->lmqs = arena_alloc(arena, (names.len / LMQ_PREFIX.len + 1) * sizeof *put->lmqs);
    while (bytes_split(&names, ',', &name)) {
        struct queue *queue = lmq_is(name) ? store_queue(broker->store, name, 0, true) : NULL;
        if (!queue) continue;
        if (put->lmq_count > 0) *at++ = ',';
        memcpy(at, name.data, name.len);
        at += name.len;
        put->lmqs[put->lmq_count++] = queue;
    }
    return bytes_make(text, (size_t)(at - text));
}

static void name_queues(struct broker *broker, struct record *record, struct arena *arena, struct put *put) {
    struct bytes names = properties_get(record->properties, PROPERTY_INNER_MULTI_DISPATCH);
    bool stale = properties_get(record->properties, PROPERTY_INNER_MULTI_QUEUE_OFFSET).data != NULL;
    if (!names.data && !stale) return;
    struct property_edits edits = {0};
    property_set(&edits, PROPERTY_INNER_MULTI_DISPATCH, find_queues(broker, names, arena, put));
    char *room = arena_alloc(arena, put->lmq_count * QUEUE_OFFSET_ROOM + 1);
    memset(room, '0', put->lmq_count * QUEUE_OFFSET_ROOM);
    property_set(&edits, PROPERTY_INNER_MULTI_QUEUE_OFFSET, bytes_make(room, put->lmq_count * QUEUE_OFFSET_ROOM));
    record->properties = properties_edit(arena, record->properties, &edits);
}

enum err lmq_put(struct broker *broker, struct record *record, struct queue *queue, struct arena *arena,
                 struct put *out) {
    int32_t transaction = record->sys_flag & SYS_FLAG_TRANSACTION_MASK;
    *out =
        (struct put){.queue = queue, .no_offset = transaction == SYS_FLAG_PREPARED || transaction == SYS_FLAG_ROLLBACK};
    bool is_batch = record->sys_flag & SYS_FLAG_INNER_BATCH;
    if (!is_batch && wanted(broker, record->topic)) name_queues(broker, record, arena, out);
    out->size_bytes = record_size(record);
    if (out->size_bytes == 0)
        return fail(ERR_MESSAGE_ILLEGAL, "topic, body or properties are longer than a record can hold");
    out->record = arena_alloc(arena, out->size_bytes);
    record_encode(record, out->record);
    return ERR_OK;
}

bool lmq_quota_exceeded(const struct broker *broker, struct bytes topic, struct bytes names) {
    const struct store_config *config = &broker->store_config;
    if (!config->enable_lmq_quota || !wanted(broker, topic) ||
        store_lmq_count(broker->store) < config->max_lmq_consume_queue_num)
        return false;
    struct bytes name;
    while (bytes_split(&names, ',', &name))
        if (lmq_is(name) && !store_queue(broker->store, name, 0, false)) return true;
    return false;
}
