/* consume_trace.h - what a push consumer tells the message trace. @thread the consumer thread that calls the listener
 * @source apache/rocketmq client/.../trace/hook/ConsumeMessageTraceHookImpl.java */
#ifndef RMQ_CLIENT_CONSUME_TRACE_H
#define RMQ_CLIENT_CONSUME_TRACE_H

#include "client/consumer/push_consumer.h"
#include "message/msgid.h"

/* One call of the listener. */
struct consume_trace {
    struct rmq_push_consumer *consumer;
    struct rmq_message_ext *const *batch;
    size_t count;
    int64_t begin_ms; /* wall clock; 0 = not traced */
    char request_id[MSGID_TEXT_MAX];
};
/* Before the call, so that one which never ends is seen too; the messages are valid until the end. */
void consume_trace_begin(struct consume_trace *trace);
void consume_trace_end(const struct consume_trace *trace, rmq_consume_status_t status);

#endif
