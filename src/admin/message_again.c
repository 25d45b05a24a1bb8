/* message_again.c - CONSUME_MESSAGE_DIRECTLY, and a copy sent as a new message.
 * @source apache/rocketmq tools/.../command/message/QueryMsgByIdSubCommand.java, QueryMsgByUniqueKeySubCommand.java */
#include "admin/message_again.h"

#include <string.h>
#include "admin/print.h"
#include "base/check.h"
#include "base/json.h"
#include "message/properties.h"

/* ---- consume ------------------------------------------------------------------------------------------- */

static enum err check_pushed_to(struct admin *admin, struct bytes address, struct bytes group, struct bytes client_id) {
    struct hdr_get_consumer_running_info header = {
        .present = HEADER_ALL, .consumer_group = group, .client_id = client_id};
    struct command response;
    const struct json *info;
    TRY(admin_ask(admin, address, ADMIN_REQUEST(GET_CONSUMER_RUNNING_INFO, get_consumer_running_info, &header),
                  &response));
    TRY(json_parse(&admin->arena, response.body, &info));
    struct bytes type = json_text(json_get(json_get(info, "properties"), "PROP_CONSUME_TYPE"));
    if (bytes_is(type, "CONSUME_PASSIVELY")) return ERR_OK;
    return fail(ERR_FAILED, "client %.*s is no push consumer: a message cannot be given to it", BYTES_ARG(client_id));
}

enum err message_again_consume(struct admin *admin, const rmq_message_ext_t *message, struct bytes group,
                               struct bytes client_id) {
    char host[64];
    struct bytes address = bytes_of(host_text(&message->record.store_host, host));
    struct hdr_consume_message_directly header = {.present = HEADER_ALL,
                                                  .consumer_group = group,
                                                  .client_id = client_id,
                                                  .msg_id = bytes_of(message->offset_id),
                                                  .topic = bytes_of(message->topic)};
    struct command response;
    const struct json *result;
    header.has.topic_sys_flag = header.has.group_sys_flag = false;
    TRY(check_pushed_to(admin, address, group, client_id));
    TRY(admin_ask(admin, address, ADMIN_REQUEST(CONSUME_MESSAGE_DIRECTLY, consume_message_directly, &header),
                  &response));
    TRY(json_parse(&admin->arena, response.body, &result));
    struct bytes outcome = json_text(json_get(result, "consumeResult")), remark = json_text(json_get(result, "remark"));
    if (!remark.data) remark = BYTES("null");
    fprintf(admin->out, "ConsumeMessageDirectlyResult [order=%s, autoCommit=%s, consumeResult=%.*s",
            print_bool(json_bool(json_get(result, "order"), false)),
            print_bool(json_bool(json_get(result, "autoCommit"), false)), BYTES_ARG(outcome));
    fprintf(admin->out, ", remark=%.*s, spentTimeMills=%lld]\n", BYTES_ARG(remark),
            (long long)json_i64(json_get(result, "spentTimeMills"), 0));
    if (bytes_is(outcome, "CR_SUCCESS") || bytes_is(outcome, "CR_COMMIT")) return ERR_OK;
    return fail(ERR_FAILED, "the consumer did not succeed: %.*s", BYTES_ARG(outcome));
}

/* ---- send ---------------------------------------------------------------------------------------------- */

/* Properties that producers and brokers give a message on its way; tag and keys are the sender's. */
static bool is_of_the_way(const char *name) {
    static const char *const names[] = {
#define PROPERTY(name, text) text,
#include "message/properties.def"
#undef PROPERTY
    };
    if (bytes_equal(bytes_of(name), PROPERTY_TAGS) || bytes_equal(bytes_of(name), PROPERTY_KEYS)) return false;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

static rmq_error_t copy_properties(const rmq_message_ext_t *from, rmq_message_t *to) {
    const char *name, *value;
    for (size_t at = 0; (at = rmq_message_ext_next_property(from, at, &name, &value)) != 0;) {
        if (is_of_the_way(name)) continue;
        rmq_error_t error = rmq_message_set_property(to, name, value);
        if (error != RMQ_OK) return error;
    }
    return RMQ_OK;
}

static enum err send_copy(struct admin *admin, rmq_producer_t *producer, const rmq_message_ext_t *message) {
    size_t size;
    const void *body = rmq_message_ext_body(message, &size);
    rmq_message_t *copy = rmq_message_create(message->topic, NULL, NULL, body, size);
    rmq_send_result_t *result = NULL;
    rmq_error_t error = copy_properties(message, copy);
    rmq_message_set_flag(copy, rmq_message_ext_flag(message));
    if (error == RMQ_OK) error = rmq_producer_send(producer, copy, &result);
    if (error == RMQ_OK) {
        char text[1024];
        rmq_send_result_print(result, text, sizeof text);
        fprintf(admin->out, "%s\n", text);
    }
    enum err err = admin_err(admin, error);
    rmq_send_result_destroy(result);
    rmq_message_destroy(copy);
    return err;
}

enum err message_again_send(struct admin *admin, const rmq_message_ext_t *message) {
    rmq_producer_t *producer;
    TRY(admin_producer(admin, false, &producer));
    fprintf(admin->out, "prepare resend msg. originalMsgId=%s\n", message->msg_id);
    enum err err = send_copy(admin, producer, message);
    rmq_producer_destroy(producer);
    return err;
}
