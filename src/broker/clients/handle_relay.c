/* handle_relay.c - questions of an admin that a consumer answers: passed on to it, its answer passed back.
 * The consumer's connection may belong to another reactor than the admin's. @source shared facts: behaviour 7 */
#include "broker/route.h"

#include <stdlib.h>
#include "base/check.h"
#include "broker/clients/consumers.h"
#include "broker/tables/groups.h"
#include "broker/tables/topics.h"
#include "message/msgid.h"
#include "wire/request.h"

enum { CONSUMER_TIMEOUT_MS = 10000, VERSION_V3_1_8_SNAPSHOT = 62 };

/* A question on its way to the consumer and back. */
struct relay {
    struct reactor *asker;
    struct reply_to to;
    struct arena arena;
    struct bytes group, client_id;
    struct outgoing reply;
};

static void answer_asker(struct reactor *reactor, void *arg) {
    (void)reactor;
    struct relay *relay = arg;
    remoting_reply(&relay->to, &relay->reply);
    arena_close(&relay->arena);
    free(relay);
}

static void refuse(struct relay *relay, int32_t code, struct bytes remark) {
    relay->reply = (struct outgoing){.code = code, .remark = remark};
}

/* The answer as it came: code, remark, fields and body. */
static void pass_back(struct relay *relay, const struct command *answer) {
    struct ext_field *ext = arena_calloc(&relay->arena, answer->ext_count + 1, sizeof *ext);
    for (size_t i = 0; i < answer->ext_count; i++) {
        ext[i].key = arena_copy(&relay->arena, answer->ext[i].key);
        ext[i].value = arena_copy(&relay->arena, answer->ext[i].value);
    }
    relay->reply = (struct outgoing){
        .code = answer->code,
        .remark = arena_copy(&relay->arena, answer->remark),
        .ext = ext,
        .ext_count = answer->ext_count,
        .body = arena_copy(&relay->arena, answer->body),
    };
}

static void consumer_done(void *ctx, enum err err, const struct command *answer) {
    struct relay *relay = ctx;
    const struct bytes group = relay->group, id = relay->client_id;
    if (err == ERR_OK) pass_back(relay, answer);
    if (err == ERR_TIMEOUT)
        refuse(relay, RESPONSE_CONSUME_MSG_TIMEOUT,
               arena_printf(&relay->arena, "consumer <%.*s> <%.*s> Timeout: %s", BYTES_ARG(group), BYTES_ARG(id),
                            err_detail(err)));
    else if (err != ERR_OK)
        refuse(relay, RESPONSE_SYSTEM_ERROR,
               arena_printf(&relay->arena, "invoke consumer <%.*s> <%.*s> Exception: %s", BYTES_ARG(group),
                            BYTES_ARG(id), err_detail(err)));
    reactor_run(relay->asker, answer_asker, relay);
}

/* Takes over the duty to answer the call. */
static struct relay *relay_start(struct call *call, struct bytes group, struct bytes client_id) {
    struct relay *relay = calloc(1, sizeof *relay);
    must(relay);
    relay->asker = call->request->owner;
    relay->to = call->request->to;
    relay->group = arena_copy(&relay->arena, group);
    relay->client_id = arena_copy(&relay->arena, client_id);
    call->later = true;
    return relay;
}

static enum err find_consumer(struct call *call, struct bytes group, struct bytes client_id, struct client *out) {
    if (!consumers_find_client(call->broker->consumers, group, client_id, out, call->request->arena))
        return fail(ERR_FAILED, "The Consumer <%.*s> <%.*s> not online", BYTES_ARG(group), BYTES_ARG(client_id));
    if (out->version < VERSION_V3_1_8_SNAPSHOT)
        return fail(ERR_FAILED,
                    "The Consumer <%.*s> Version <%d> too low to finish, please upgrade it to V3_1_8_SNAPSHOT",
                    BYTES_ARG(client_id), out->version);
    return ERR_OK;
}

enum err broker_handle_get_consumer_running_info(struct call *call,
                                                 const struct hdr_get_consumer_running_info *header) {
    struct client consumer;
    TRY(find_consumer(call, header->consumer_group, header->client_id, &consumer));
    struct outgoing question = {
        .code = REQUEST_GET_CONSUMER_RUNNING_INFO, .layout = layout_get_consumer_running_info(), .fields = header};
    struct relay *relay = relay_start(call, header->consumer_group, header->client_id);
    client_call(consumer.channel, &question, CONSUMER_TIMEOUT_MS, consumer_done, relay);
    return ERR_OK;
}

/* The message itself goes along: the consumer need not have it. */
enum err broker_handle_consume_message_directly(struct call *call, const struct hdr_consume_message_directly *header) {
    struct broker *broker = call->broker;
    struct client consumer;
    struct host store_host;
    int64_t offset_phys;
    struct store_slice record;
    TRY(find_consumer(call, header->consumer_group, header->client_id, &consumer));
    TRY(msgid_offset_parse(header->msg_id, &store_host, &offset_phys));
    if (store_record_at(broker->store, offset_phys, &record) != ERR_OK)
        return fail(ERR_FAILED, "can not find message by the offset, %lld", (long long)offset_phys);
    struct hdr_consume_message_directly asked = *header;
    const struct topic *topic = topics_find(broker->topics, header->topic);
    const struct group *group = groups_find(broker->groups, header->consumer_group);
    asked.broker_name = broker->config.broker_name;
    asked.has.broker_name = true;
    asked.topic_sys_flag = topic ? atomic_load(&topic->sys_flag) : 0;
    asked.has.topic_sys_flag = topic != NULL;
    asked.group_sys_flag = group ? atomic_load(&group->group_sys_flag) : 0;
    asked.has.group_sys_flag = group != NULL;
    struct outgoing question = {.code = REQUEST_CONSUME_MESSAGE_DIRECTLY,
                                .layout = layout_consume_message_directly(),
                                .fields = &asked,
                                .body = record.bytes};
    struct relay *relay = relay_start(call, header->consumer_group, header->client_id);
    client_call(consumer.channel, &question, CONSUMER_TIMEOUT_MS, consumer_done, relay);
    store_release(record.hold);
    return ERR_OK;
}
