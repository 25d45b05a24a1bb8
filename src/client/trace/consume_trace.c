/* consume_trace.c - calls of a listener as trace records. */
#include "client/trace/consume_trace.h"

#include "message/properties.h"
#include "os/clock.h"

static bool is_traced(const struct trace *trace, const struct rmq_message_ext *message) {
    struct bytes switched = bytes_of(rmq_message_ext_property(message, PROPERTY_TRACE_ON.data));
    return !bytes_is(switched, "false") && trace_wants(trace, bytes_of(message->topic));
}

/* A record for each message that has a trace. */
static void add_all(const struct consume_trace *call, struct trace_record *record) {
    struct trace *trace = &call->consumer->client->trace;
    for (size_t i = 0; i < call->count; i++) {
        const struct rmq_message_ext *message = call->batch[i];
        if (!is_traced(trace, message)) continue;
        record->region = bytes_of(rmq_message_ext_property(message, PROPERTY_MSG_REGION.data));
        record->msg_id = bytes_of(message->msg_id);
        record->keys = bytes_of(rmq_message_ext_keys(message));
        record->retry_times = rmq_message_ext_reconsume_times(message);
        trace_add(trace, record);
    }
}

void consume_trace_begin(struct consume_trace *call) {
    call->begin_ms = 0;
    if (!call->consumer->options.message_trace_enable) return;
    call->begin_ms = clock_wall_ms();
    msgid_unique_text(call->request_id);
    struct trace_record record = {.type = TRACE_SUB_BEFORE,
                                  .time_ms = call->begin_ms,
                                  .group = call->consumer->group,
                                  .request_id = bytes_of(call->request_id)};
    add_all(call, &record);
}

void consume_trace_end(const struct consume_trace *call, rmq_consume_status_t status) {
    if (call->begin_ms == 0) return;
    bool success = status == RMQ_CONSUME_SUCCESS;
    int64_t now_ms = clock_wall_ms();
    struct trace_record record = {.type = TRACE_SUB_AFTER,
                                  .time_ms = now_ms,
                                  .group = call->consumer->group,
                                  .request_id = bytes_of(call->request_id),
                                  .cost_ms = (int32_t)((now_ms - call->begin_ms) / (int64_t)call->count),
                                  .success = success,
                                  .context_code = success ? TRACE_CONSUMED : TRACE_CONSUME_FAILED};
    add_all(call, &record);
}
