/* handle_recall.c - request 370: a producer takes a timer message back. A message that deletes it is stored for the
 * same slot. @source shared facts: behaviour 11; broker/processor/RecallMessageProcessor */
#include "broker/route.h"

#include <inttypes.h>
#include "broker/send/message_place.h"
#include "broker/stats/stats.h"
#include "message/recall_handle.h"
#include "os/clock.h"

#define TAG_RECALL BYTES("_RECALL_TAG_")

/* The steps return false when they have refused the request. */
#define REFUSE(call, code, ...) (call_refuse((call), (code), __VA_ARGS__), false)

static bool check_broker(struct call *call) {
    const struct broker_config *config = &call->broker->config;
    if (!config->recall_message_enable)
        return REFUSE(call, RESPONSE_NO_PERMISSION,
                      "recall failed, operation is forbidden; set recallMessageEnable=true");
    if (clock_wall_ms() < config->start_accept_send_time_ms)
        return REFUSE(call, RESPONSE_SERVICE_NOT_AVAILABLE,
                      "recall failed, broker service not available before startAcceptSendRequestTimeStamp");
    if (!broker_writable(call->broker) && !config->allow_recall_when_broker_not_writeable)
        return REFUSE(call, RESPONSE_SERVICE_NOT_AVAILABLE,
                      "recall failed, broker service not available: it is not writable");
    return true;
}

static bool check_handle(struct call *call, const struct hdr_recall_message *header, struct recall_handle *handle) {
    const struct broker *broker = call->broker;
    if (recall_handle_decode(header->recall_handle, call->request->arena, handle) != ERR_OK)
        return REFUSE(call, RESPONSE_ILLEGAL_OPERATION, "recall handle is invalid");
    if (!bytes_equal(handle->topic, header->topic))
        return REFUSE(call, RESPONSE_ILLEGAL_OPERATION, "recall failed, topic not match");
    if (!bytes_equal(handle->broker_name, broker->config.broker_name))
        return REFUSE(call, RESPONSE_ILLEGAL_OPERATION,
                      "recall failed, broker service not available: the message is on broker %.*s",
                      BYTES_ARG(handle->broker_name));
    int64_t left_ms = handle->deliver_ms - clock_wall_ms();
    if (handle->deliver_ms < 0 || left_ms <= 0 || left_ms >= broker->store_config.timer_max_delay_s * INT64_C(1000))
        return REFUSE(call, RESPONSE_ILLEGAL_OPERATION, "recall failed, timestamp invalid");
    return true;
}

static struct record deletion_record(const struct call *call) {
    const struct address *peer = &call->request->peer;
    struct record record = {.born_time_ms = clock_wall_ms(),
                            .born_host = {.v6 = peer->v6, .port = peer->port},
                            .store_host = call->broker->store_host,
                            .body = BYTES("0"),
                            .properties = BYTES("")};
    memcpy(record.born_host.ip, peer->ip, sizeof peer->ip);
    return record;
}

static enum err append_deletion(struct call *call, const struct hdr_recall_message *header,
                                const struct recall_handle *handle, struct topic *topic) {
    struct broker *broker = call->broker;
    struct arena *arena = call->request->arena;
    struct message_place place = {.topic = topic};
    struct property_facts facts = {.timer_deliver_ms = arena_printf(arena, "%" PRId64, handle->deliver_ms),
                                   .timer_deletes = true};
    struct record record = deletion_record(call);
    struct put put;
    struct bytes key = handle->unique_key;
    int64_t end_phys;
    if (broker->store_config.append_topic_for_timer_delete_key)
        key = arena_printf(arena, "%.*s+%.*s", BYTES_ARG(handle->topic), BYTES_ARG(key));
    property_set(&place.edits, PROPERTY_TAGS, TAG_RECALL);
    property_set(&place.edits, PROPERTY_TIMER_DEL_UNIQKEY, key);
    property_set(&place.edits, PROPERTY_UNIQ_KEY, handle->unique_key);
    property_set(&place.edits, PROPERTY_TIMER_DELIVER_MS, facts.timer_deliver_ms);
    property_set_i64(&place.edits, PROPERTY_BORN_TIMESTAMP, record.born_time_ms, arena);
    property_set(&place.edits, PROPERTY_PGROUP, header->producer_group);
    TRY(message_place_delay(broker, &facts, &place, arena));
    TRY(message_place_encode(broker, &place, &record, arena, &put));
    TRY(store_append(broker->store, &put, 1, &end_phys));
    stats_count_put(broker->stats, place.topic, 1, put.size_bytes);
    if (!store_is_sync_flush(broker->store)) return ERR_OK;
    return store_wait_flushed(broker->store, end_phys, broker->store_config.sync_flush_timeout_ms);
}

enum err broker_handle_recall_message(struct call *call, const struct hdr_recall_message *header) {
    struct recall_handle handle;
    struct hdr_recall_result *result = call_reply_fields(call, layout_recall_result());
    result->present = 0;
    result->has.msg_region = true;
    result->msg_region = call->broker->config.region_id;
    if (!check_broker(call)) return ERR_OK;
    struct topic *topic = topics_find(call->broker->topics, header->topic);
    if (!topic)
        return call_refuse(call, RESPONSE_TOPIC_NOT_EXIST, "recall failed, the topic[%.*s] not exist",
                           BYTES_ARG(header->topic));
    if (!check_handle(call, header, &handle)) return ERR_OK;
    enum err err = append_deletion(call, header, &handle, topic);
    if (err != ERR_OK && err != ERR_TIMEOUT)
        return call_refuse(call, RESPONSE_SYSTEM_ERROR, "recall failed, execute error: %s", err_detail(err));
    result->has.msg_id = true;
    result->msg_id = handle.unique_key;
    return ERR_OK;
}
