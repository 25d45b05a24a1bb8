/* handle_query.c - messages by key and by offset id, and entries of consume queues. @source shared facts: behaviour 13
 */
#include "broker/route.h"

#include <stdlib.h>
#include "base/check.h"
#include "broker/clients/consumers.h"
#include "broker/tables/filter_data.h"
#include "broker/tables/topics.h"

enum { QUERY_MAX = 64, QUEUE_ENTRIES_MAX = 10000 };

/* --- by key ------------------------------------------------------------------------------------------------ */

/* The index knows hashes alone: is the record at least of that topic? */
static bool of_topic(struct bytes bytes, struct bytes topic) {
    struct record record;
    return record_decode(bytes, RECORD_CHECK_SHAPE, &record) == ERR_OK && bytes_equal(record.topic, topic);
}

static int compare_offsets(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The newest of them, from old to new as the Java broker has them. Kinds of keys: K words of KEYS, U the unique id,
 * which share a name space, and T tags. lastKey, by which answers of another kind of index go on, means nothing here,
 * as in the Java broker. */
enum err broker_handle_query_message(struct call *call, const struct hdr_query_message *header) {
    struct store *store = call->broker->store;
    struct arena *arena = call->request->arena;
    struct hdr_query_message_result *result = call_reply_fields(call, layout_query_message_result());
    struct bytes key = header->key;
    if (!header->unique_key_query && bytes_is(header->index_type, "T"))
        key = arena_printf(arena, "T#%.*s", BYTES_ARG(key));
    int32_t max_count = header->unique_key_query ? call->broker->store_config.default_query_max_num : header->max_num;
    int64_t *offsets, last_time_ms = 0, last_phys = 0;
    size_t count = 0;
    TRY(store_find_key(store, header->topic, key, MAX(0, MIN(max_count, QUERY_MAX)), header->begin_timestamp,
                       header->end_timestamp, arena, &offsets, &count, &last_time_ms, &last_phys));
    if (count > 0) qsort(offsets, count, sizeof *offsets, compare_offsets);
    struct slice *slices = arena_calloc(arena, count + 1, sizeof *slices);
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        struct store_slice record;
        if (store_record_at(store, offsets[i], &record) != ERR_OK) continue;
        if (of_topic(record.bytes, header->topic))
            slices[found++] = (struct slice){record.bytes, store_release, record.hold};
        else
            store_release(record.hold);
    }
    if (count > 0) { /* else both are 0 in the Java broker's answers */
        result->index_last_update_timestamp = last_time_ms;
        result->index_last_update_phyoffset = last_phys;
    }
    call->reply.slices = slices;
    call->reply.slice_count = found;
    if (found > 0) return ERR_OK;
    return call_refuse(call, RESPONSE_QUERY_NOT_FOUND, "can not find message, maybe time range not correct");
}

/* --- by offset id ------------------------------------------------------------------------------------------ */

enum err broker_handle_view_message_by_id(struct call *call, const struct hdr_view_message_by_id *header) {
    struct store_slice record;
    if (store_record_at(call->broker->store, header->offset, &record) != ERR_OK)
        return fail(ERR_FAILED, "can not find message by the offset, %lld", (long long)header->offset);
    struct slice *slice = arena_alloc(call->request->arena, sizeof *slice);
    *slice = (struct slice){record.bytes, store_release, record.hold};
    call->reply.slices = slice;
    call->reply.slice_count = 1;
    return ERR_OK;
}

/* --- by position ------------------------------------------------------------------------------------------- */

static void write_entries(struct call *call, struct json_writer *w, struct queue *queue, int64_t from, int32_t count) {
    int64_t end = MIN(queue_max(queue), from + MIN(count, QUEUE_ENTRIES_MAX));
    json_key_text(w, "queueData");
    json_begin_array(w);
    struct queue_entry entry;
    for (int64_t at = from; at < end; at = entry.offset_queue + entry.count) {
        if (queue_entry_at(call->broker->store, queue, at, &entry) != ERR_OK || entry.count <= 0) break;
        json_begin_object(w);
        json_member_bool(w, "eval", false);
        json_member_int(w, "physicOffset", entry.offset_phys);
        json_member_int(w, "physicSize", entry.size_bytes);
        json_member_int(w, "tagsCode", entry.tags_code);
        json_end_object(w);
    }
    json_end_array(w);
}

/* A text that tells which SQL92 condition the group has here, in the form of consumerFilter.json. */
static void write_filter_data(const struct call *call, struct json_writer *w, struct bytes group, struct bytes topic,
                              const struct filter *filter) {
    struct buf text = {0};
    struct json_writer pretty = {.out = &text, .pretty = true};
    if (!filter)
        buf_printf(&text, "%.*s@%.*s is not online!", BYTES_ARG(group), BYTES_ARG(topic));
    else if (!filter_data_write(call->broker->filter_data, group, topic, &pretty))
        buf_printf(&text, "null");
    json_member(w, "filterData", buf_bytes(&text));
    buf_close(&text);
}

enum err broker_handle_query_consume_queue(struct call *call, const struct hdr_query_consume_queue *header) {
    struct topic *topic = topics_find(call->broker->topics, header->topic);
    struct queue *queue = topic ? topic_queue(topic, call->broker->store, header->queue_id, false) : NULL;
    if (!queue) return fail(ERR_FAILED, "%d@%.*s is not exist!", header->queue_id, BYTES_ARG(header->topic));
    int64_t min = queue_min(queue), max = queue_max(queue);
    if (header->index < min || header->index >= max)
        return call_refuse(call, RESPONSE_SUCCESS, "Index %lld of %d@%.*s is not exist!", (long long)header->index,
                           header->queue_id, BYTES_ARG(header->topic));
    struct consumer_view view = {0};
    if (header->consumer_group.data)
        consumers_view(call->broker->consumers, header->consumer_group, header->topic, &view);
    struct json_writer w = {.out = &call->body};
    json_begin_object(&w);
    if (header->consumer_group.data) write_filter_data(call, &w, header->consumer_group, header->topic, view.filter);
    json_member_int(&w, "maxQueueIndex", max);
    json_member_int(&w, "minQueueIndex", min);
    write_entries(call, &w, queue, header->index, header->count);
    if (view.filter) {
        json_key_text(&w, "subscriptionData");
        subscription_encode(&w, &view.filter->subscription);
    }
    json_end_object(&w);
    filter_release(view.filter);
    return ERR_OK;
}
