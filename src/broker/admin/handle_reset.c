/* handle_reset.c - moving the offsets of a group to a time or to a value (request 222).
 * On the server's side: the offset is set here and the next pull of each queue is told. The old way, when
 * useServerSideResetOffset is off: consumers that are online are told the new offsets (220) and commit them.
 * @source shared facts: behaviour 8 */
#include "broker/route.h"

#include "base/check.h"
#include "base/log.h"
#include "broker/clients/consumers.h"
#include "broker/pull/held_pulls.h"
#include "broker/tables/groups.h"
#include "broker/tables/offsets.h"
#include "broker/tables/topics.h"
#include "wire/body_queue.h"
#include "wire/request.h"

enum { ALL_QUEUES = -1, NO_OFFSET = -1 };

struct reset {
    struct topic *topic;
    int64_t *offsets; /* of queues first .. first + count - 1 */
    int32_t first, count;
};

/* The queue's end for times before 1970: the wish for "now". */
static int64_t offset_at(struct store *store, struct queue *queue, int64_t time_ms) {
    if (!queue) return 0;
    int64_t offset_queue = time_ms < 0 ? queue_max(queue) : store_offset_by_time(store, queue, time_ms, BOUNDARY_LOWER);
    return MAX(offset_queue, 0);
}

/* {"offsetTable":{{queue}:offset,...}} */
static void write_offset_table(const struct call *call, const struct reset *reset, struct buf *out) {
    struct json_writer w = {.out = out};
    json_begin_object(&w);
    json_key_text(&w, "offsetTable");
    json_begin_object(&w);
    for (int32_t i = 0; i < reset->count; i++) {
        struct message_queue queue = {topic_name(reset->topic), call->broker->config.broker_name, reset->first + i};
        message_queue_encode_key(&w, &queue);
        json_int(&w, reset->offsets[i]);
    }
    json_end_object(&w);
    json_end_object(&w);
}

/* The same as a list, for clients in C++. */
static void write_offset_list(const struct call *call, const struct reset *reset, struct buf *out) {
    struct json_writer w = {.out = out};
    json_begin_object(&w);
    json_key_text(&w, "offsetTable");
    json_begin_array(&w);
    for (int32_t i = 0; i < reset->count; i++) {
        json_begin_object(&w);
        json_member(&w, "brokerName", call->broker->config.broker_name);
        json_member_int(&w, "offset", reset->offsets[i]);
        json_member_int(&w, "queueId", reset->first + i);
        json_member(&w, "topic", topic_name(reset->topic));
        json_end_object(&w);
    }
    json_end_array(&w);
    json_end_object(&w);
}

/* --- on the server's side ---------------------------------------------------------------------------------- */

static enum err one_queue(struct call *call, const struct hdr_reset_offset *header, struct reset *reset) {
    struct store *store = call->broker->store;
    struct queue *queue = topic_queue(reset->topic, store, header->queue_id, false);
    int64_t target = header->has.offset ? header->offset : NO_OFFSET;
    int64_t min = queue ? queue_min(queue) : 0, max = queue ? queue_max(queue) : 0;
    reset->first = header->queue_id;
    reset->count = 1;
    if (target == NO_OFFSET) {
        reset->offsets[0] = offset_at(store, queue, header->timestamp);
        return ERR_OK;
    }
    if (target < min || target > max + 1)
        return fail(ERR_FAILED, "Target offset %lld not in consume queue range [%lld-%lld]", (long long)target,
                    (long long)min, (long long)max);
    reset->offsets[0] = target;
    return ERR_OK;
}

/* Pulls that are held would tell of the reset only when messages come. */
static void wake_pulls(struct broker *broker, const struct reset *reset) {
    for (int32_t i = 0; i < reset->count; i++) {
        struct queue *queue = topic_queue(reset->topic, broker->store, reset->first + i, false);
        for (size_t r = 0; queue && r < broker->reactor_count; r++)
            held_pulls_arrived(broker->reactors[r].held_pulls, queue);
    }
}

static enum err reset_here(struct call *call, const struct hdr_reset_offset *header) {
    struct broker *broker = call->broker;
    struct reset reset = {.topic = topics_find(broker->topics, header->topic)};
    if (!reset.topic) return fail(ERR_NO_TOPIC, "Topic %.*s does not exist", BYTES_ARG(header->topic));
    if (!groups_find(broker->groups, header->group))
        return fail(ERR_NO_GROUP, "Group %.*s does not exist", BYTES_ARG(header->group));
    int32_t queues = atomic_load(&reset.topic->read_queues);
    reset.offsets = arena_calloc(call->request->arena, (size_t)MAX(queues, 1), sizeof *reset.offsets);
    if (header->has.queue_id && header->queue_id > ALL_QUEUES) {
        TRY(one_queue(call, header, &reset));
    } else {
        for (; reset.count < queues; reset.count++)
            reset.offsets[reset.count] = offset_at(
                broker->store, topic_queue(reset.topic, broker->store, reset.count, false), header->timestamp);
    }
    struct progress *progress = offsets_progress(broker->offsets, header->topic, header->group, true);
    if (reset.count == 0 || !progress) return fail(ERR_FAILED, "No queues to reset.");
    for (int32_t i = 0; i < reset.count; i++)
        progress_reset(broker->offsets, progress, reset.first + i, reset.offsets[i]);
    log_info(CLIENT, "offsets reset: group=%.*s topic=%.*s queues=%d first_queue=%d first_offset=%lld",
             BYTES_ARG(header->group), BYTES_ARG(header->topic), reset.count, reset.first, (long long)reset.offsets[0]);
    wake_pulls(broker, &reset);
    write_offset_table(call, &reset, &call->body);
    return ERR_OK;
}

/* --- by the consumers -------------------------------------------------------------------------------------- */

static enum err offsets_to_tell(struct call *call, const struct hdr_reset_offset *header, struct reset *reset) {
    struct broker *broker = call->broker;
    struct progress *progress = offsets_progress(broker->offsets, header->topic, header->group, false);
    reset->count = atomic_load(&reset->topic->write_queues);
    reset->offsets = arena_calloc(call->request->arena, (size_t)reset->count + 1, sizeof *reset->offsets);
    for (int32_t i = 0; i < reset->count; i++) {
        int64_t committed = progress ? progress_committed(progress, i) : OFFSET_NONE;
        if (committed == OFFSET_NONE)
            return fail(ERR_FAILED, "THe consumer group <%.*s> not exist", BYTES_ARG(header->group));
        int64_t at = offset_at(broker->store, topic_queue(reset->topic, broker->store, i, false), header->timestamp);
        reset->offsets[i] = header->is_force ? at : MIN(at, committed);
    }
    return ERR_OK;
}

static enum err reset_by_consumers(struct call *call, const struct hdr_reset_offset *header) {
    struct broker *broker = call->broker;
    struct reset reset = {.topic = topics_find(broker->topics, header->topic)};
    if (!reset.topic)
        return fail(ERR_NO_TOPIC, "[reset-offset] reset offset failed, no topic in this broker. topic=%.*s",
                    BYTES_ARG(header->topic));
    TRY(offsets_to_tell(call, header, &reset));
    struct consumer_group online;
    if (!consumers_group(broker->consumers, header->group, call->request->arena, &online))
        return fail(ERR_NOT_ONLINE,
                    "Consumer not online, so can not reset offset, Group: %.*s Topic: %.*s Timestamp: %lld",
                    BYTES_ARG(header->group), BYTES_ARG(header->topic), (long long)header->timestamp);
    /* Whose form is told follows the language of who asks: what the Java broker does. */
    struct buf told = {0};
    if (call->request->command.language == LANGUAGE_CPP)
        write_offset_list(call, &reset, &told);
    else
        write_offset_table(call, &reset, &told);
    struct outgoing command = {.code = REQUEST_RESET_CONSUMER_CLIENT_OFFSET,
                               .layout = layout_reset_offset(),
                               .fields = header,
                               .body = buf_bytes(&told)};
    for (size_t i = 0; i < online.client_count; i++) client_oneway(online.clients[i].channel, &command);
    buf_close(&told);
    consumer_group_release(&online);
    write_offset_table(call, &reset, &call->body);
    return ERR_OK;
}

enum err broker_handle_invoke_broker_to_reset_offset(struct call *call, const struct hdr_reset_offset *header) {
    if (call->broker->config.use_server_side_reset_offset) return reset_here(call, header);
    return reset_by_consumers(call, header);
}
