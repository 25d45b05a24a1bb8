/* dispatch_record.c - entries and keys of a record; its properties are gone through once. */
#include "store/dispatch_record.h"

#include "base/hash.h"
#include "base/log.h"
#include "message/lmq.h"
#include "message/properties.h"
#include "store/store_internal.h"

static int64_t tags_code_of(struct bytes tags) {
    return tags.len > 0 ? java_string_hash(tags) : 0;
}

static bool is_delayed(const struct record *record) {
    return bytes_is(record->topic, "SCHEDULE_TOPIC_XXXX");
}

int64_t dispatch_tags_code(const struct store *store, const struct record *record) {
    if (is_delayed(record)) {
        int64_t level;
        struct bytes delay = properties_get(record->properties, PROPERTY_DELAY);
        if (delay.data && bytes_to_i64(delay, &level) && level > 0)
            return delay_levels_due_ms(&store->delay_levels, level, record->store_time_ms);
    }
    return tags_code_of(properties_get(record->properties, PROPERTY_TAGS));
}

static void touch(struct dispatch *dispatch, struct queue *queue) {
    if (!queue->fresh) {
        queue->fresh = true;
        queue->fresh_next = dispatch->fresh;
        dispatch->fresh = queue;
    }
    if (queue->pending) return;
    queue->pending = true;
    queue->pending_next = dispatch->pending;
    dispatch->pending = queue;
    queue_tails_touch(&dispatch->tails, queue);
}

/* Who gets an entry: messages and committed ones. PREPARED and ROLLBACK records of 4.2.0 do not.
 * @source shared facts: store 3 */
static bool has_entry(const struct record *record) {
    int32_t kind = record->sys_flag & SYS_FLAG_TRANSACTION_MASK;
    return kind == 0 || kind == SYS_FLAG_COMMIT;
}

int32_t dispatch_batch_count(const struct record *record) {
    int32_t count = 1;
    if (!(record->sys_flag & SYS_FLAG_INNER_BATCH)) return 0;
    bool says = bytes_to_i32(properties_get(record->properties, PROPERTY_INNER_NUM), &count);
    return says && count > 0 && count <= INT16_MAX ? count : 1;
}

static int32_t entry_count(enum queue_kind kind, int32_t batch_count) {
    return kind == QUEUE_BATCH && batch_count > 0 ? batch_count : 1;
}

int32_t dispatch_entry_count(enum queue_kind kind, const struct record *record) {
    return entry_count(kind, dispatch_batch_count(record));
}

static enum err put_entry(struct dispatch *dispatch, struct queue *queue, const struct queue_entry *entry,
                          bool may_wait) {
    if (dispatch->doubts) return queue_doubts_put(dispatch->doubts, queue, entry);
    if (dispatch->recovering) { /* what has its entry already, and what the queues lack */
        if (entry->offset_phys < dispatch->no_entries_below || entry->offset_phys <= queue->newest_phys) return ERR_OK;
        if (entry->offset_queue > queue->pending_offset && !consumequeue_is_empty(queue) && queue->kind == QUEUE_SIMPLE)
            dispatch->gaps = true; /* in a batch queue the Java broker leaves messages out that come alone */
    }
    return consumequeue_put(queue, entry, may_wait);
}

/* `batch_count`: of the messages in the record; 0: it holds no batch. */
static enum err put_entry_in(struct dispatch *dispatch, struct bytes topic, int32_t queue_id, int32_t batch_count,
                             struct queue_entry *entry, bool may_wait) {
    struct store *store = dispatch->store;
    enum queue_kind unless_known = batch_count > 0 ? QUEUE_BATCH : QUEUE_SIMPLE;
    struct queue *queue = queue_table_make(&store->queues, store, topic, queue_id, unless_known);
    if (queue) entry->count = entry_count(queue->kind, batch_count);
    enum err err =
        queue ? put_entry(dispatch, queue, entry, may_wait)
              : fail(ERR_CORRUPT, "the record at %lld has no usable topic or queue", (long long)entry->offset_phys);
    if (queue) touch(dispatch, queue);
    if (err != ERR_CORRUPT) return err;
    log_error(STORE, "record not put into a queue: offset_phys=%lld why=%s", (long long)entry->offset_phys,
              err_detail(err));
    return ERR_OK;
}

/* The light queues that the record names. Names of other queues, which the Java broker would fill too, have no entry:
 * their offsets are the sender's word. @source apache/rocketmq ConsumeQueue.multiDispatchLmqQueue */
static enum err put_lmq_entries(struct dispatch *dispatch, const struct record *record, struct queue_entry entry,
                                bool may_wait) {
    const struct store_config *config = dispatch->store->config;
    if (!config->enable_lmq || !config->enable_multi_dispatch || !lmq_topic_allows(record->topic)) return ERR_OK;
    struct bytes names = properties_get(record->properties, PROPERTY_INNER_MULTI_DISPATCH), name;
    struct bytes offsets = properties_get(record->properties, PROPERTY_INNER_MULTI_QUEUE_OFFSET), text;
    while (bytes_split(&names, ',', &name) && bytes_split(&offsets, ',', &text)) {
        if (!lmq_is(name) || !queue_table_is_topic(name) || !bytes_to_i64(text, &entry.offset_queue) ||
            entry.offset_queue < 0)
            continue;
        TRY(put_entry_in(dispatch, name, 0, 0, &entry, may_wait));
    }
    return ERR_OK;
}

static struct index_record keys_of(const struct record *record) {
    struct index_record keys = {
        .offset_phys = record->offset_phys, .store_time_ms = record->store_time_ms, .topic = record->topic};
    struct bytes name, value;
    for (struct bytes rest = record->properties; properties_next(&rest, &name, &value);) {
        if (bytes_equal(name, PROPERTY_UNIQ_KEY))
            keys.uniq_key = value;
        else if (bytes_equal(name, PROPERTY_KEYS))
            keys.keys = value;
        else if (bytes_equal(name, PROPERTY_TAGS))
            keys.tags = value;
    }
    return keys;
}

static bool is_indexed(const struct dispatch *dispatch, const struct record *record) {
    return dispatch->store->index && LIVE(dispatch->store, index_file_write_enable) &&
           (record->sys_flag & SYS_FLAG_TRANSACTION_MASK) != SYS_FLAG_ROLLBACK &&
           record->offset_phys < dispatch->behind_phys;
}

enum err dispatch_record(struct dispatch *dispatch, const struct record *record, bool may_wait) {
    struct index_record keys = keys_of(record);
    if (has_entry(record)) {
        struct queue_entry entry = {.offset_phys = record->offset_phys,
                                    .size_bytes = (int32_t)record->size_bytes,
                                    .tags_code = tags_code_of(keys.tags),
                                    .offset_queue = record->offset_queue,
                                    .store_time_ms = record->store_time_ms};
        if (is_delayed(record)) entry.tags_code = dispatch_tags_code(dispatch->store, record);
        int32_t batch_count = dispatch_batch_count(record);
        TRY(put_entry_in(dispatch, record->topic, record->queue_id, batch_count, &entry, may_wait));
        if (batch_count == 0) TRY(put_lmq_entries(dispatch, record, entry, may_wait));
    }
    if (is_indexed(dispatch, record)) index_note(dispatch->store->index, &keys);
    return ERR_OK;
}
