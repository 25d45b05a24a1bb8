/* handle_offset.c - offsets of queues and of consumer groups. @source shared facts: behaviour 8 */
#include "broker/route.h"

#include "base/log.h"
#include "base/check.h"
#include "broker/clients/consumers.h"
#include "broker/clients/offset_answer.h"
#include "broker/static_topic/static_offset.h"
#include "broker/tables/groups.h"
#include "broker/tables/offsets.h"
#include "broker/tables/topics.h"
#include "message/lmq.h"
#include "os/clock.h"
#include "wire/body_queue.h"
#include "wire/request.h"

/* The queue of the topic of that name, which is NULL when there is none: its queues may be there. */
static struct queue *queue_in(const struct call *call, struct topic *topic, struct bytes name, int32_t queue_id) {
    if (topic) return topic_queue(topic, call->broker->store, queue_id, false);
    return queue_id < 0 ? NULL : store_queue(call->broker->store, name, queue_id, false);
}

static struct queue *queue_of(const struct call *call, struct bytes name, int32_t queue_id) {
    return queue_in(call, topics_find(call->broker->topics, name), name, queue_id);
}

/* The mapping of a static topic, by which the request has to be answered; NULL for others. */
static const struct queue_mapping_detail *mapping_of(const struct call *call, struct bytes name, struct topic **topic) {
    *topic = topics_find(call->broker->topics, name);
    return *topic ? mapping_of_request(call->request, *topic) : NULL;
}

/* --- of a queue -------------------------------------------------------------------------------------------- */

enum err broker_handle_get_max_offset(struct call *call, const struct hdr_get_max_offset *header) {
    struct topic *topic;
    const struct queue_mapping_detail *mapping = mapping_of(call, header->topic, &topic);
    if (mapping) return static_max_offset(call, topic, mapping, header->queue_id);
    struct queue *queue = queue_in(call, topic, header->topic, header->queue_id);
    return offset_answer(call, queue ? queue_max(queue) : 0);
}

enum err broker_handle_get_min_offset(struct call *call, const struct hdr_queue *header) {
    struct topic *topic;
    const struct queue_mapping_detail *mapping = mapping_of(call, header->topic, &topic);
    if (mapping) return static_min_offset(call, topic, mapping, header->queue_id);
    struct queue *queue = queue_in(call, topic, header->topic, header->queue_id);
    return offset_answer(call, queue ? queue_min(queue) : 0);
}

enum err broker_handle_search_offset_by_timestamp(struct call *call,
                                                  const struct hdr_search_offset_by_timestamp *header) {
    struct topic *topic;
    const struct queue_mapping_detail *mapping = mapping_of(call, header->topic, &topic);
    if (mapping) return static_search_offset(call, topic, mapping, header);
    struct bytes name = header->topic;
    if (header->lite_topic.len > 0) {
        name = lite_queue_name(call->request->arena, name, header->lite_topic);
        topic = topics_find(call->broker->topics, name);
    }
    struct queue *queue = queue_in(call, topic, name, header->queue_id);
    enum time_boundary boundary = offset_boundary(header);
    return offset_answer(call,
                         queue ? store_offset_by_time(call->broker->store, queue, header->timestamp, boundary) : 0);
}

enum err broker_handle_get_earliest_msg_storetime(struct call *call, const struct hdr_queue *header) {
    struct topic *topic;
    const struct queue_mapping_detail *mapping = mapping_of(call, header->topic, &topic);
    if (mapping) return static_earliest_time(call, topic, mapping, header->queue_id);
    struct queue *queue = queue_in(call, topic, header->topic, header->queue_id);
    return offset_answer_earliest_time(call, queue);
}

/* --- of a group -------------------------------------------------------------------------------------------- */

enum err broker_handle_query_consumer_offset(struct call *call, const struct hdr_query_consumer_offset *header) {
    struct topic *topic;
    const struct queue_mapping_detail *mapping = mapping_of(call, header->topic, &topic);
    int32_t queue_id = header->queue_id;
    if (mapping && !logic_queue_is_physical(mapping, header->queue_id, &queue_id))
        return static_query_offset(call, topic, mapping, header);
    struct progress *progress = offsets_progress(call->broker->offsets, header->topic, header->consumer_group, false);
    int64_t committed = progress ? progress_committed(progress, queue_id) : OFFSET_NONE;
    if (committed >= 0) return offset_answer(call, committed);
    if (header->has.set_zero_if_not_found && !header->set_zero_if_not_found)
        return fail(ERR_QUERY_NOT_FOUND, "Not found, do not set to zero, maybe this group boot first");
    /* A new group reads a young queue from its start, whatever the client's consumeFromWhere says. */
    struct queue *queue = queue_in(call, topic, header->topic, queue_id);
    if (queue && queue_min(queue) <= 0 && queue_max(queue) > 0 && store_offset_hot(call->broker->store, queue, 0))
        return offset_answer(call, 0);
    return fail(ERR_QUERY_NOT_FOUND, "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first");
}

enum err broker_handle_update_consumer_offset(struct call *call, const struct hdr_update_consumer_offset *header) {
    struct broker *broker = call->broker;
    if (!groups_find(broker->groups, header->consumer_group))
        return fail(ERR_NO_GROUP, "Group %.*s not exist!", BYTES_ARG(header->consumer_group));
    struct topic *topic;
    const struct queue_mapping_detail *mapping = mapping_of(call, header->topic, &topic);
    if (!topic) return fail(ERR_NO_TOPIC, "Topic %.*s not exist!", BYTES_ARG(header->topic));
    if (!header->has.queue_id)
        return fail(ERR_BAD_PARAMETER, "QueueId is null, topic is %.*s", BYTES_ARG(header->topic));
    if (!header->has.commit_offset)
        return fail(ERR_BAD_PARAMETER, "Offset is null, topic is %.*s", BYTES_ARG(header->topic));
    if (header->queue_id < 0 || header->queue_id > OFFSETS_QUEUE_ID_MAX)
        return fail(ERR_BAD_PARAMETER, "queueId %d is none, topic is %.*s", header->queue_id, BYTES_ARG(header->topic));
    if (mapping) return static_update_offset(call, topic, mapping, header);
    struct progress *progress = offsets_progress(broker->offsets, header->topic, header->consumer_group, true);
    if (!progress) return fail(ERR_BAD_PARAMETER, "the names of topic and group are too long");
    if (broker->config.use_server_side_reset_offset &&
        progress_pending_reset(progress, header->queue_id) != OFFSET_NONE)
        return call_refuse(call, RESPONSE_SUCCESS, "Offset has been previously reset");
    progress_commit(broker->offsets, progress, header->queue_id, header->commit_offset);
    return ERR_OK;
}

enum err broker_handle_get_all_consumer_offset(struct call *call, const struct hdr_none *header) {
    (void)header;
    struct json_writer w = {.out = &call->body, .bare_int_keys = true};
    offsets_write(call->broker->offsets, &w);
    return ERR_OK;
}

/* Is the group online with subscriptions, none of them of the topic? Its old offsets there do not count then. */
static bool left_topic(struct call *call, struct bytes group, struct bytes topic) {
    struct consumer_group online;
    if (!consumers_group(call->broker->consumers, group, call->request->arena, &online)) return false;
    bool subscribed = online.filter_count == 0;
    for (size_t i = 0; i < online.filter_count && !subscribed; i++)
        subscribed = bytes_equal(online.filters[i]->subscription.topic, topic);
    consumer_group_release(&online);
    return !subscribed;
}

enum err broker_handle_clone_group_offset(struct call *call, const struct hdr_clone_group_offset *header) {
    struct broker *broker = call->broker;
    struct bytes one = header->topic, *topics = &one;
    size_t count = 1;
    if (bytes_trim(header->topic).len == 0)
        offsets_topics_of_group(broker->offsets, header->src_group, call->request->arena, &topics, &count);
    for (size_t i = 0; i < count; i++) {
        if (!topics_find(broker->topics, topics[i])) continue;
        if (!header->offline && left_topic(call, header->src_group, topics[i])) continue;
        offsets_clone(broker->offsets, topics[i], header->src_group, header->dest_group);
    }
    return ERR_OK;
}

/* --- times and corrections --------------------------------------------------------------------------------- */

/* One QueueTimeSpan. */
static void write_time_span(struct call *call, struct json_writer *w, struct topic *topic, int32_t queue_id,
                            const struct progress *progress) {
    struct store *store = call->broker->store;
    struct queue *queue = topic_queue(topic, store, queue_id, false);
    struct message_queue name = {topic_name(topic), call->broker->config.broker_name, queue_id};
    int64_t max = queue ? queue_max(queue) : 0;
    int64_t min_time_ms = queue ? store_time_at(store, queue, queue_min(queue)) : -1;
    int64_t consumed = progress ? progress_committed(progress, queue_id) : OFFSET_NONE;
    int64_t next = queue ? MAX(consumed, queue_min(queue)) : 0; /* a group that has no offset has it all before it */
    json_begin_object(w);
    json_member_int(w, "consumeTimeStamp",
                    queue && consumed > 0 ? store_time_at(store, queue, consumed - 1) : min_time_ms);
    json_member_int(w, "delayTime", next < max ? clock_wall_ms() - store_time_at(store, queue, next) : 0);
    json_member_int(w, "maxTimeStamp", queue ? store_time_at(store, queue, max - 1) : -1);
    json_key_text(w, "messageQueue");
    message_queue_encode(w, &name);
    json_member_int(w, "minTimeStamp", min_time_ms);
    json_end_object(w);
}

enum err broker_handle_query_consume_time_span(struct call *call, const struct hdr_query_consume_time_span *header) {
    struct topic *topic = topics_find(call->broker->topics, header->topic);
    if (!topic) return fail(ERR_NO_TOPIC, "topic[%.*s] not exist", BYTES_ARG(header->topic));
    struct progress *progress = offsets_progress(call->broker->offsets, header->topic, header->group, false);
    struct json_writer w = {.out = &call->body};
    json_begin_object(&w);
    json_key_text(&w, "consumeTimeSpanSet");
    json_begin_array(&w);
    int32_t queues = atomic_load(&topic->write_queues);
    for (int32_t i = 0; i < queues; i++) write_time_span(call, &w, topic, i, progress);
    json_end_array(&w);
    json_end_object(&w);
    return ERR_OK;
}

/* For each queue id the smallest offset that any group has there. */
struct smallest {
    const struct call *call;
    struct bytes topic;
    int32_t count;
    int64_t *offsets; /* OFFSET_NONE = none */
};

static void note_smallest(int32_t queue_id, int64_t offset_queue, void *arg) {
    struct smallest *smallest = arg;
    struct queue *queue = queue_of(smallest->call, smallest->topic, queue_id);
    if (queue_id >= smallest->count || (queue && offset_queue < queue_min(queue))) return;
    int64_t *at = &smallest->offsets[queue_id];
    if (*at == OFFSET_NONE || offset_queue < *at) *at = offset_queue;
}

static bool listed(struct bytes list, struct bytes name) {
    struct bytes item;
    while (bytes_split(&list, ',', &item))
        if (bytes_equal(item, name)) return true;
    return false;
}

enum err broker_handle_query_correction_offset(struct call *call, const struct hdr_query_correction_offset *header) {
    struct offsets *offsets = call->broker->offsets;
    struct arena *arena = call->request->arena;
    struct smallest smallest = {call, header->topic, OFFSETS_QUEUE_ID_MAX + 1, NULL};
    smallest.offsets = arena_alloc(arena, (size_t)smallest.count * sizeof *smallest.offsets);
    for (int32_t i = 0; i < smallest.count; i++) smallest.offsets[i] = OFFSET_NONE;
    struct bytes *groups;
    size_t count;
    offsets_groups_of_topic(offsets, header->topic, arena, &groups, &count);
    for (size_t i = 0; i < count; i++)
        if (!listed(header->filter_groups, groups[i]))
            progress_each(offsets_progress(offsets, header->topic, groups[i], false), note_smallest, &smallest);

    struct progress *compare = offsets_progress(offsets, header->topic, header->compare_group, false);
    struct json_writer w = {.out = &call->body, .bare_int_keys = true};
    json_begin_object(&w);
    json_key_text(&w, "correctionOffsets");
    json_begin_object(&w);
    for (int32_t i = 0; i < smallest.count; i++) {
        if (smallest.offsets[i] == OFFSET_NONE) continue;
        int64_t compared = compare ? progress_committed(compare, i) : OFFSET_NONE;
        bool ahead = compared >= 0 && smallest.offsets[i] > compared;
        json_key_i64(&w, i);
        json_int(&w, ahead ? INT64_MAX : smallest.offsets[i]);
    }
    json_end_object(&w);
    json_end_object(&w);
    return ERR_OK;
}
