/* pull.c - header of the request, codes and messages of the answer. */
#include "client/consumer/pull.h"

#include "base/check.h"
#include "wire/request.h"

void pull_send(struct remoting *remoting, struct bytes address, bool is_slave, const struct pull_request *request,
               int64_t timeout_ms, call_done *done, void *ctx) {
    const struct subscription *subscription = request->subscription;
    bool with_expression = request->flags & PULL_SUBSCRIPTION;
    struct hdr_pull_message header = {
        .present = HEADER_ALL,
        .consumer_group = request->group,
        .topic = request->queue.topic,
        .queue_id = request->queue.queue_id,
        .queue_offset = request->offset,
        .max_msg_nums = request->max_count,
        .sys_flag = is_slave ? request->flags & ~PULL_COMMIT_OFFSET : request->flags,
        .commit_offset = request->commit_offset,
        .suspend_timeout_millis = request->suspend_ms,
        .subscription = with_expression ? subscription->expression : (struct bytes){0},
        .sub_version = subscription->version_ms,
        .expression_type = subscription->expression_type.data ? subscription->expression_type : BYTES("TAG"),
    };
    header.has.max_msg_bytes = false;
    header.has.request_source = false;
    struct outgoing outgoing = {.code = REQUEST_PULL_MESSAGE, .layout = layout_pull_message(), .fields = &header};
    remoting_call(remoting, address, &outgoing, timeout_ms, done, ctx);
}

static bool status_of(int32_t code, rmq_pull_status_t *status) {
    switch (code) {
    case RESPONSE_SUCCESS:
        *status = RMQ_PULL_FOUND;
        return true;
    case RESPONSE_PULL_NOT_FOUND:
        *status = RMQ_PULL_NO_NEW_MSG;
        return true;
    case RESPONSE_PULL_RETRY_IMMEDIATELY:
        *status = RMQ_PULL_NO_MATCHED_MSG;
        return true;
    case RESPONSE_PULL_OFFSET_MOVED:
        *status = RMQ_PULL_OFFSET_ILLEGAL;
        return true;
    default:
        return false;
    }
}

rmq_error_t pull_read(const struct command *response, struct bytes broker_name, const struct subscription *subscription,
                      struct bytes retry_topic, struct pull_answer *out, struct outcome *outcome) {
    *out = (struct pull_answer){0};
    if (!status_of(response->code, &out->status)) return outcome_response(outcome, response);
    struct hdr_pull_result header;
    enum err err = header_decode(layout_pull_result(), response, &header);
    if (err != ERR_OK) return outcome_fail(outcome, RMQ_BAD_ANSWER, "answer to a pull: %s", err_detail(err));
    out->next_begin_offset = header.next_begin_offset;
    out->min_offset = header.min_offset;
    out->max_offset = header.max_offset;
    out->suggest_broker_id = header.suggest_which_broker_id;
    if (out->status == RMQ_PULL_FOUND) {
        out->block = message_block_create(response->body, broker_name, subscription, retry_topic);
        for (size_t i = 0; i < out->block->count; i++) {
            out->block->messages[i].min_offset = header.min_offset;
            out->block->messages[i].max_offset = header.max_offset;
        }
    }
    return outcome_ok(outcome);
}

const char *rmq_pull_status_name(rmq_pull_status_t status) {
    static const char *const names[] = {[RMQ_PULL_FOUND] = "FOUND",
                                        [RMQ_PULL_NO_NEW_MSG] = "NO_NEW_MSG",
                                        [RMQ_PULL_NO_MATCHED_MSG] = "NO_MATCHED_MSG",
                                        [RMQ_PULL_OFFSET_ILLEGAL] = "OFFSET_ILLEGAL"};
    return (size_t)status < ARRAY_LEN(names) ? names[status] : "UNKNOWN";
}
