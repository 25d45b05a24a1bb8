/* handle_reply.c - answers of consumers to requests that came as messages (324, 325): pushed to the client that asked
 * (326), whose answer decides the code; stored too. @source shared facts: behaviour 5.4, protocol 6.9 */
#include "broker/send/send_check.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "broker/send/message_place.h"
#include "broker/clients/producers.h"
#include "broker/stats/stats.h"
#include "message/msgid.h"
#include "os/clock.h"
#include "wire/request.h"

enum { PUSH_TIMEOUT_MS = 10000 };

/* A reply on its way to the client that waits for it. */
struct push {
    struct reactor *sender; /* of the reply */
    struct reply_to to;
    struct arena arena; /* what `answer` points to */
    struct bytes client_id;
    struct hdr_send_result result;
    struct outgoing answer;
};

static void answer_sender(struct reactor *reactor, void *arg) {
    (void)reactor;
    struct push *push = arg;
    remoting_reply(&push->to, &push->answer);
    arena_close(&push->arena);
    free(push);
}

static void pushed(void *ctx, enum err err, const struct command *response) {
    struct push *push = ctx;
    if (err != ERR_OK || response->code != RESPONSE_SUCCESS) {
        log_every_ms(1000, WARN, CLIENT, "reply not taken: client=%.*s cause=%.*s", BYTES_ARG(push->client_id),
                     BYTES_ARG(err == ERR_OK ? response->remark : bytes_of(err_detail(err))));
        push->answer.code = RESPONSE_SYSTEM_ERROR;
        push->answer.remark = arena_printf(&push->arena, "push reply message to %.*sfail.", BYTES_ARG(push->client_id));
    }
    reactor_run(push->sender, answer_sender, push);
}

static void push_start(struct call *call, const struct hdr_send_result *result, struct bytes client_id,
                       struct client_channel client, const struct outgoing *request) {
    struct push *push = calloc(1, sizeof *push);
    must(push);
    push->sender = call->reactor;
    push->to = call->request->to;
    push->client_id = arena_copy(&push->arena, client_id);
    push->result = *result;
    push->result.msg_id = arena_copy(&push->arena, result->msg_id);
    push->answer = (struct outgoing){.layout = layout_send_result(), .fields = &push->result};
    call->later = true;
    client_call(client, request, PUSH_TIMEOUT_MS, pushed, push);
}

/* The reply as the broker hands it on: what it adds to each message, and when. */
static struct bytes edit_properties(const struct call *call, struct bytes properties, bool pushed_now) {
    const struct broker_config *config = &call->broker->config;
    struct arena *arena = call->request->arena;
    struct property_edits edits = {0};
    property_set(&edits, PROPERTY_MSG_REGION, config->region_id);
    property_set(&edits, PROPERTY_TRACE_ON, config->trace_on ? BYTES("true") : BYTES("false"));
    if (pushed_now) property_set_i64(&edits, PROPERTY_PUSH_REPLY_TIME, clock_wall_ms(), arena);
    return properties_edit(arena, properties, &edits);
}

/* Replies are stored for the record: the sender's answer does not depend on it. */
static void store_reply(struct call *call, const struct hdr_send_message *header, struct topic *topic,
                        struct hdr_send_result *result) {
    struct broker *broker = call->broker;
    struct arena *arena = call->request->arena;
    struct message_place place = {.topic = topic, .queue_id = result->queue_id};
    struct record record = send_record(call, header);
    struct put put = {0};
    int64_t end_phys;
    record.properties = edit_properties(call, header->properties, false);
    enum err err = message_place_encode(broker, &place, &record, arena, &put);
    if (err == ERR_OK) err = store_append(broker->store, &put, 1, &end_phys);
    if (err != ERR_OK) {
        log_every_ms(1000, WARN, STORE, "reply not stored: topic=%.*s cause=%s", BYTES_ARG(topic_name(topic)),
                     err_detail(err));
        return;
    }
    char *id = arena_alloc(arena, MSGID_TEXT_MAX);
    result->msg_id = bytes_make(id, msgid_offset_text(&broker->store_host, put.offset_phys, id));
    result->queue_offset = put.offset_queue;
    stats_count_put(broker->stats, topic, 1, put.size_bytes);
}

static enum err push_reply(struct call *call, const struct hdr_send_message *header, struct hdr_send_result *result) {
    struct broker *broker = call->broker;
    struct bytes client_id = properties_get(header->properties, PROPERTY_REPLY_TO_CLIENT);
    struct client_channel client;
    char born_host[ADDRESS_TEXT_MAX];
    if (!client_id.data)
        return call_refuse(call, RESPONSE_SYSTEM_ERROR, "reply message properties[%.*s] is null",
                           BYTES_ARG(PROPERTY_REPLY_TO_CLIENT));
    if (!producers_find_client(broker->producers, client_id, &client))
        return call_refuse(call, RESPONSE_SYSTEM_ERROR, "push reply message fail, channel of <%.*s> not found.",
                           BYTES_ARG(client_id));
    struct hdr_push_reply_message_to_client fields = {
        .present = HEADER_ALL,
        .producer_group = header->producer_group,
        .topic = header->topic,
        .default_topic = header->default_topic,
        .default_topic_queue_nums = header->default_topic_queue_nums,
        .queue_id = header->queue_id,
        .sys_flag = header->sys_flag,
        .born_timestamp = header->born_timestamp,
        .flag = header->flag,
        .properties = edit_properties(call, header->properties, true),
        .reconsume_times = header->reconsume_times,
        .unit_mode = header->unit_mode,
        .born_host = bytes_of(address_text(&call->request->peer, born_host)),
        .store_host = bytes_of(broker->address),
        .store_timestamp = clock_wall_ms(),
    };
    struct outgoing request = {.code = REQUEST_PUSH_REPLY_MESSAGE_TO_CLIENT,
                               .layout = layout_push_reply_message_to_client(),
                               .fields = &fields,
                               .body = call->request->command.body};
    push_start(call, result, client_id, client, &request);
    return ERR_OK;
}

enum err broker_handle_send_reply_message(struct call *call, const struct hdr_send_message *header) {
    struct hdr_send_result *result = send_result_begin(call);
    struct send_target target;
    if (!send_check(call, header, &target)) return ERR_OK;
    result->has.msg_id = result->has.queue_id = result->has.queue_offset = true;
    result->msg_id = BYTES("0"); /* when it is not stored: clients need one */
    result->queue_id = target.queue_id;
    if (call->broker->config.store_reply_message_enable) store_reply(call, header, target.topic, result);
    return push_reply(call, header, result);
}

/* The two headers are one struct under two spellings: wire/headers.def. */
enum err broker_handle_send_reply_message_v2(struct call *call, const struct hdr_send_message_v2 *header) {
    return broker_handle_send_reply_message(call, (const struct hdr_send_message *)(const void *)header);
}
